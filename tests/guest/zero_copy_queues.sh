#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Zero-copy on a NIC of two queues, a worker's each: the conformance suite passes.
#
# nic: left wire=0 zerocopy queues=2
# nic: right wire=0 queues=2
# cpus: 2
# programs: leat port-suite ip ethtool
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

for nic in left right; do
    ethtool -K $nic tx off >/dev/null
    echo 1 >"/proc/sys/net/ipv6/conf/$nic/disable_ipv6"
    ip link set dev $nic up
done
LEAT_XDP_PAIR=left,right ok "the suite passes on two queues" port-suite xdp-zerocopy-2q
