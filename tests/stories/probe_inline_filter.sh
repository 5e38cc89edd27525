#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat probe --inline --filter`: of what an interface receives and sends, exactly those packets are in
# records that tcpdump with the same expression finds in a capture of all; the others are `filtered`,
# and all go on their way.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip iperf3 ping ethtool tcpdump python3

near_and_far
for end in $near_ns/lt-n $far_ns/lt-f; do
    # What tcpdump sees is cut already, and not put together yet.
    ip netns exec "${end%/*}" ethtool -K "${end#*/}" tx off tso off gso off gro off >/dev/null
done
# Nobody asks for anybody's address between two rounds.
mac() { ip -n "$1" -j link show "$2" | grep -o '"address":"[^"]*"' | cut -d '"' -f 4; }
ip -n $near_ns neigh add 10.79.0.2 dev lt-n nud permanent lladdr "$(mac $far_ns lt-f)"
ip -n $far_ns neigh add 10.79.0.1 dev lt-f nud permanent lladdr "$(mac $near_ns lt-n)"
near() { ip netns exec $near_ns "$@"; }
far() { ip netns exec $far_ns "$@"; }
count() { ip -n "lt-$1-$$" -s -j link show "lt-${1:0:1}" | python3 -c '
import json, sys
print(json.load(sys.stdin)[0]["stats64"]["tx"]["packets"])'; }
total() { json "$here/report.json" "[\"total\"][\"$1\"]"; }

start iperf ip netns exec $near_ns iperf3 -s
listens() { near ss -Hltn "sport = :$1" | grep -q .; }
until_true "iperf3 listens" listens 5201

# What both ends send in each round: TCP both ways, pings, datagrams that nobody wants, tagged frames.
traffic() {
    far iperf3 -c 10.79.0.1 -n 2M >"$here/iperf3.log"
    far iperf3 -c 10.79.0.1 -n 2M --reverse >>"$here/iperf3.log"
    far ping -c 20 -i 0.01 -W 2 10.79.0.1 >"$here/ping.log" || fail "ping"
    far python3 - <<'END'
import socket, struct
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(50):
    datagrams.sendto(bytes(i), ("10.79.0.1", 5000 + i % 5))
frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
frames.bind(("lt-f", 0))
for i in range(30): # UDP from port 4000 to 4001, in VLAN 42 or 43
    frames.send(b"\xff" * 6 + b"\x02" + bytes(5) + struct.pack("!HHH", 0x8100, 42 + i % 2, 0x800) +
                struct.pack("!BBHHHBBH4s4s", 0x45, 0, 58, 1, 0, 64, 17, 0, bytes([10, 79, 0, 2]),
                            bytes([10, 79, 0, 1])) + struct.pack("!HHHH", 4000, 4001, 38, 0) + bytes(30))
END
}

matching() { tcpdump -n -r "$here/all.pcap" --count "$1" 2>/dev/null | awk '{ print $1 }'; }
captured() { [ "$(matching '')" = "$1" ]; }

round() { # round EXPRESSION
    say "$1"
    local far_before near_before frames
    start tcpdump ip netns exec $near_ns tcpdump -n -i lt-n -s 64 -B 65536 -U --immediate-mode -w "$here/all.pcap"
    until_true "tcpdump listens" grep -q 'listening on' "$here/tcpdump.log"
    far_before=$(count far) near_before=$(count near)
    start probe ip netns exec $near_ns "$LEAT" probe lt-n --output json --json "$here/report.json" --filter "$1"
    until_true "it meters" grep -q 'passed on to the network stack' "$here/probe.log"
    traffic
    kill -TERM "${pid[probe]}"
    ended probe || fail "the probe ended with $?"
    frames=$(($(count far) - far_before + $(count near) - near_before))
    until_true "tcpdump has written all $frames" captured "$frames"
    kill -INT "${pid[tcpdump]}"
    ended tcpdump || fail "tcpdump ended with $?"
    grep -q '^0 packets dropped by kernel' "$here/tcpdump.log" || fail "tcpdump lost packets"
    # From the file, where tags are in their place: a live tcpdump sees frames without them.
    judged=$(matching "$1")
    echo "of $frames frames tcpdump counts $judged, leat $(total in_flows) and $(total filtered) others"
    [ "$(json "$here/report.json" '["conserved"]')" = True ] || fail "the report does not add up"
    [ "$(total frames)" -eq $frames ] || fail "$(total frames) frames counted, $frames sent"
    [ "$(total in_flows)" -eq "$judged" ] || fail "$(total in_flows) in flows, not $judged"
    [ "$(total filtered)" -eq $((frames - judged)) ] || fail "$(total filtered) filtered"
    [[ $judged -gt 0 && $judged -lt $frames ]] || fail "a filter that chooses nothing"
    in_records=$(python3 -c '
import json, sys
records = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
print(sum(r["packetDeltaCount"] + r.get("reversePacketDeltaCount", 0) for r in records))' "$here/probe.log")
    [ "$in_records" -eq "$judged" ] || fail "$in_records packets in records"
}

round 'udp or icmp'
round 'src host 10.79.0.1 and not arp'
# Of what the stack cuts behind the program, all frames match or none: now nothing is left to be cut.
ip -n $near_ns link set lt-n gso_max_segs 1
round 'tcp[tcpflags] & tcp-push != 0 or icmp[icmptype] = icmp-echoreply'
round 'ip and greater 1000'
round 'dst port 5003 or (vlan 42 and udp port 4001)'
[ "$judged" -eq 25 ] || fail "not 10 datagrams and 15 tagged ones"

say "SIGHUP: a filter in the kernel cannot change, timeouts can"
configure() { # configure FILTER IDLE
    printf '%s\n' 'ports: [lt-n]' "filter: $1" "idle: $2" 'output: none' 'to: ["json:/dev/null"]' \
        >"$here/probe.yaml"
}
configure udp 5
start probe ip netns exec $near_ns "$LEAT" probe --config "$here/probe.yaml"
until_true "it meters" grep -q 'passed on to the network stack' "$here/probe.log"
configure tcp 5
kill -HUP "${pid[probe]}"
until_true "it is refused" grep -q 'filter and sample of .* cannot change' "$here/probe.log"
configure udp 6
kill -HUP "${pid[probe]}"
until_true "it is taken" grep -q 'read again, and in force' "$here/probe.log"
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"
