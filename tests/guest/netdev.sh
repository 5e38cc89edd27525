#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Settings of interfaces change and are put back, on a veth pair and on a NIC that has RSS.
#
# nic: lt-n wire=0 queues=2 rss
# cpus: 2
# programs: ip ethtool leat test_netdev_settings
# modules: veth
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

ok "test_netdev_settings" test_netdev_settings

key() { ethtool -x lt-n | grep -A 1 'hash key' | tail -n 1; }
ip link set lt-n up
before=$(key)
for end in INT KILL; do
    start recv leat recv xdp:lt-n,mode=generic,rss=symmetric
    until_true "it waits for frames" waits_for_frames recv
    [[ $(key) == 6d:5a:6d:5a:* ]] || fail "the key is $(key)"
    kill -"$end" "${pid[recv]}"
    ended recv || [ "$end" = KILL ] || fail "recv ended with $?"
    [ "$end" = INT ] || leat recv --seconds 0.1 xdp:lt-n,mode=generic >/dev/null 2>&1 || true
    [ "$(key)" = "$before" ] || fail "the key was not put back after $end: $(key)"
    echo "ok: symmetric RSS, put back after $end"
done
