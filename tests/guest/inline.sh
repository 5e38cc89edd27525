#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat probe --inline`: this kernel's verifier takes the programs, they count what comes and pass it
# on, and what a filter matches is in a record. What a kernel before 6.6 does not show is told.
#
# programs: leat ip ping ethtool
# modules: veth 8021q
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
# metered FILTER ADDRESS MORE: 20 pings to it are one record, which has MORE, too, from Linux 6.6 on.
metered() {
    start probe leat probe near --output json --fields full --filter "$1"
    until_true "it meters" grep -q 'passed on to the network stack' "$here/probe.log"
    ok "20 pings to $2" ip netns exec lt-far ping -c 20 -i 0.01 -W 5 "$2"
    grep -q ' 0% packet loss' "$here/output" || fail "pings were lost"
    kill -TERM "${pid[probe]}"
    ended probe || fail "the probe ended with $?"
    local both='"reversePacketDeltaCount":20'
    case $(uname -r) in
    6.1.*)
        grep -q 'what is sent is not counted: near: the kernel has no TCX' "$here/probe.log" || fail "not told"
        ! grep -q "$both" "$here/probe.log" || fail "answers were seen"
        both='"icmpTypeCodeIPv4":2048' # of the question
        ;;
    esac
    grep '"protocolIdentifier":1,' "$here/probe.log" | grep '"packetDeltaCount":20' |
        grep -- "$both" | grep -qF -- "$3" || fail "not one record: $(grep '^{' "$here/probe.log")"
}

metered 'icmp or arp' 10.80.0.1 '"vlanStack":[]'

say "behind a tag, which stands beside what is sent, and in what is received"
ip netns exec lt-far ethtool -K far txvlan off
ip link add link near name near.7 type vlan id 7
ip -n lt-far link add link far name far.7 type vlan id 7
ip addr add 10.81.0.1/24 dev near.7
ip -n lt-far addr add 10.81.0.2/24 dev far.7
ip -n lt-far link set far.7 up
ip link set near.7 up
metered 'vlan 7 and icmp' 10.81.0.1 '"vlanStack":[7]'
! grep -q ', 0 filtered' "$here/probe.log" || fail "nothing was filtered"
