#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Zero-copy on virtio-net: the conformance suite passes with it, the port says that it is in force,
# and where it cannot be had `require` is refused and `prefer` copies and says why.
#
# nic: left wire=0 zerocopy
# nic: right wire=0
# programs: leat port-suite ip
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

mode() { leat ports "$@" | sed -n 's/^  mode *//p'; }
in_force() { mode "$@" | grep -q '^native, zero-copy,'; }
copies_because() { mode "${@:2}" | grep -qF "native, copy ($1"; }

ip link set dev left up
ip link set dev right up
LEAT_XDP_PAIR=left,right ok "the suite passes with zero-copy" port-suite xdp-zerocopy

say "ordinary pages"
ok "aligned buffers" in_force --buffer-bytes 4096 xdp:left,zerocopy=require
refused "buffers across two pages" 'buffers of 2368 bytes on ordinary pages' \
    leat ports xdp:left,zerocopy=require
ok "copies instead" copies_because 'buffers of 2368 bytes on ordinary pages' xdp:left

say "huge pages"
echo 32 >/proc/sys/vm/nr_hugepages
ok "buffers of any size" in_force xdp:left,zerocopy=require

say "a NIC without VIRTIO_F_ACCESS_PLATFORM"
refused "none there" 'the driver refused zero-copy' leat ports xdp:right,zerocopy=require
ok "copies instead" copies_because 'the driver refused zero-copy' xdp:right

say "2,000 frames to zero-copy, and from it"
for way in "right left" "left right"; do
    read -r from to <<<"$way"
    start recv leat recv --count 2000 --expect 2000 --seconds 60 "xdp:$to,rings=4096"
    until_true "it waits for frames" waits_for_frames recv
    leat gen --count 2000 --src 10.0.0.1-10.0.0.64 --size imix "xdp:$from" >"$here/gen.log" 2>&1
    ok "from $from to $to" ended recv
done
