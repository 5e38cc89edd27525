#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat probe --inline`: this kernel's verifier takes the programs, they count what comes and pass it
# on, and all of it is in a record. What a kernel before 6.6 does not show is told.
#
# programs: leat ip ping
# modules: veth
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

say "pings go through, and are a record"
namespace lt-far
ip link add near type veth peer name far netns lt-far
echo 1 >/proc/sys/net/ipv6/conf/near/disable_ipv6
ip netns exec lt-far sh -c 'echo 1 >/proc/sys/net/ipv6/conf/far/disable_ipv6'
ip addr add 10.80.0.1/24 dev near
ip -n lt-far addr add 10.80.0.2/24 dev far
ip -n lt-far link set far up
ip link set near up
start probe leat probe near --output json --fields full
until_true "it meters" grep -q 'passed on to the network stack' "$here/probe.log"
ok "20 pings" ip netns exec lt-far ping -c 20 -i 0.01 -W 5 10.80.0.1
grep -q ' 0% packet loss' "$here/output" || fail "pings were lost"
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"

both='"reversePacketDeltaCount":20'
case $(uname -r) in
6.1.*)
    grep -q 'what is sent is not seen: near: the kernel has no TCX' "$here/probe.log" || fail "not told"
    both='"icmpTypeCodeIPv4":2048' # and nothing of the answers
    ! grep -q reversePacketDeltaCount.:20 "$here/probe.log" || fail "answers were seen"
    ;;
esac
grep '"protocolIdentifier":1,' "$here/probe.log" | grep '"packetDeltaCount":20' | grep -q -- "$both" ||
    fail "not one record of 20 pings: $(grep '^{' "$here/probe.log")"
