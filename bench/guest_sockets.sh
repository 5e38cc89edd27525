#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What one AF_XDP socket receives and drops on a virtio-net NIC, in every mode and with and without
# sleeping, zero-copy included, as CSV. In a guest without virtualisation by the processor, so that
# only the order says something, not the height:
#
#   tests/guest/run --build build --kernel newest bench/guest_sockets.sh
#
# cpus: 2
# nic: left wire=0 zerocopy
# nic: right wire=0
# programs: leat ip
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../tests/guest source=guest.sh
. "$(dirname "$0")/guest.sh"

SECONDS_EACH=3 RUNS=3
ip link set dev left up
ip link set dev right up
echo 64 >/proc/sys/vm/nr_hugepages

# received MODE WAIT: frames a second that arrive at a socket in this mode while right sends.
received() {
    local way=(--wait spin "xdp:left,$1,wait=spin,rx-ring=2048")
    [ "$2" = sleep ] && way=(--wait sleep "xdp:left,$1,wait=poll,rx-ring=2048")
    start recv leat recv --core 0 --seconds $SECONDS_EACH --json - "${way[@]}"
    leat gen --core 1 --seconds $SECONDS_EACH xdp:right >/dev/null 2>&1
    ended recv
    sed -n 's/.*"rx_packets": *\([0-9]*\).*/\1/p' "$here/recv.log" | head -n 1
}

echo "run,mode,wait,pps"
for ((run = 1; run <= RUNS; run++)); do
    for mode in mode=native,zerocopy=require mode=native,zerocopy=never mode=generic; do
        for wait in spin sleep; do
            echo "$run,${mode//,/ },$wait,$(($(received "$mode" "$wait") / SECONDS_EACH))"
        done
    done
done
