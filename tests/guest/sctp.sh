#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# IPFIX over SCTP, on a kernel that has it. Transport and sinks with collectors in their own process that
# stop reading, close and abort; then the probe with socat as collector, ipfixDump and tcpdump as
# judges; then a collector's host that vanishes without a word. What the real stack's packets are in
# the probe's own records.
#
# programs: leat ip socat tcpdump ipfixDump test_flow_transport test_flow_sink_ipfix
# modules: sctp veth
# files: tests/captures/protocols.pcap
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"
capture=/tests/captures/protocols.pcap

mkdir -p /etc
echo tcpdump:x:0:0::/root:/bin/sh >/etc/passwd # who runs tcpdump
ip link set dev lo mtu 1500 up
# Acknowledgements, and what a vanished host is asked, a tenth of a second apart and not seconds.
echo 1 >/proc/sys/net/sctp/sack_timeout
echo 100 >/proc/sys/net/sctp/rto_initial
echo 100 >/proc/sys/net/sctp/rto_min

ok "sessions of SCTP" test_flow_transport sctp
ok "sinks of SCTP" test_flow_sink_ipfix sctp

# collect NAME LISTEN: what it receives, one message behind the other, is an IPFIX file.
collect() { start "$1" socat -b 65536 -u "$2" "OPEN:$here/$1.ipfix,creat,append"; }
listens() { awk -v port="$1" '$3 == 2 && $4 == 10 && $6 == port { found = 1 } END { exit !found }' \
    /proc/net/sctp/eps; }
# shellcheck disable=SC2016 # awk's
# Records, and the sums of packets and octets both ways: of an IPFIX file, and of JSON lines.
sums='/^(reverse)?(Octet|octet|Packet|packet)DeltaCount / { sum[$1] += $2; n[$1]++ }
    END { print n["octetDeltaCount"], sum["packetDeltaCount"], sum["octetDeltaCount"],
          sum["reversePacketDeltaCount"] + 0, sum["reverseOctetDeltaCount"] + 0 }'
sums_of_ipfix() { ipfixDump --in "$1" --data 2>"$here/strange" | awk '$3 == ":" { print $2, $4 }' | awk "$sums"; }
sums_of_json() { grep -o '[A-Za-z]*DeltaCount":[0-9]*' "$1" | sed 's/":/ /' | awk "$sums"; }

say "two collectors, IPv4 and IPv6"
start tcpdump tcpdump -n -i lo -U --immediate-mode -w "$here/sctp.pcap" sctp
until_true "tcpdump listens" grep -q 'listening on' "$here/tcpdump.log"
collect four SCTP4-LISTEN:4739
collect six SCTP6-LISTEN:4740
for port in 4739 4740; do until_true "port $port is open" listens $port; done
leat probe "$capture" --to ipfix+sctp://127.0.0.1 --to 'ipfix+sctp://[::1]:4740' --output json \
    >"$here/flows" 2>"$here/probe.log" || fail "leat probe"
for name in four six; do
    ended $name || fail "the collector $name ended with $?"
    [ "$(sums_of_ipfix "$here/$name.ipfix")" = "$(sums_of_json "$here/flows")" ] ||
        fail "$name: $(sums_of_ipfix "$here/$name.ipfix"), not $(sums_of_json "$here/flows")"
    [ ! -s "$here/strange" ] || fail "$name: $(cat "$here/strange")"
done
echo "records, packets, octets, and back: $(sums_of_json "$here/flows")"
taken_down() { [ "$(tcpdump -n -v -r "$here/sctp.pcap" 2>/dev/null | grep -c 'SHUTDOWN COMPLETE')" = 2 ]; }
until_true "both associations are captured to their ends" taken_down
kill -INT "${pid[tcpdump]}"
ended tcpdump || fail "tcpdump ended with $?"

# The letters of DATA chunks: (U)nordered, (B)egin, (E)nd. A packet, which is a line, may bundle several.
chunks() { grep -o "$1" "$here/chunks" | wc -l; }
say "all on stream 0, in order, and taken down in order"
tcpdump -n -v -r "$here/sctp.pcap" 2>/dev/null >"$here/chunks"
data=$(chunks '\[DATA\]')
[ "$data" -ge 6 ] || fail "only $data chunks of data"
[ "$(chunks '\[SID: 0\]')" = "$data" ] || fail "another stream"
! grep '\[DATA\]' "$here/chunks" | grep -q '(U)' || fail "unordered data"
[ "$(grep -c 'SHUTDOWN COMPLETE' "$here/chunks")" = 2 ] || fail "no shutdown"
! grep -q ABORT "$here/chunks" || fail "an abort"

# Three flows: that of IPv6 tries its second path, over IPv4, with heartbeats.
say "the associations' own packets, metered"
leat probe "$here/sctp.pcap" --output json >"$here/own" 2>"$here/probe.log"
[ "$(grep -c '"protocolIdentifier":132' "$here/own")" = 3 ] || fail "$(cat "$here/own")"
packets=$(awk '/packets captured/ { print $1 }' "$here/tcpdump.log")
read -r flows there _ back _ <<<"$(sums_of_json "$here/own")"
[ "$flows $((there + back))" = "3 $packets" ] || fail "$there + $back of $packets packets"

say "nobody there: the spool keeps the records, and the next run delivers them"
leat probe "$capture" --to ipfix+sctp://127.0.0.1 --spool "$here/spool" --output none \
    2>"$here/probe.log" || fail "leat probe"
grep -q 'the collector cannot be reached: Connection refused' "$here/probe.log" || fail "not told"
collect late SCTP4-LISTEN:4739
until_true "it listens" listens 4739
leat probe "$capture" --to ipfix+sctp://127.0.0.1 --spool "$here/spool" --output none \
    2>"$here/probe.log" || fail "leat probe"
ended late || fail "the collector ended with $?"
cat "$here/flows" "$here/flows" >"$here/twice"
[ "$(sums_of_ipfix "$here/late.ipfix")" = "$(sums_of_json "$here/twice")" ] ||
    fail "$(sums_of_ipfix "$here/late.ipfix"), not $(sums_of_json "$here/twice")"

say "a host that vanishes without a word, and comes back"
namespace lt-far
ip link add near type veth peer name far netns lt-far
ip addr add 10.77.0.1/24 dev near
ip link set near up
ip -n lt-far addr add 10.77.0.2/24 dev far
ip -n lt-far link set far up
ip link add in type veth peer name out
for end in in out; do
    echo 1 >/proc/sys/net/ipv6/conf/$end/disable_ipv6
    ip link set $end up
done
start far ip netns exec lt-far socat -b 65536 -u SCTP4-LISTEN:4739,fork \
    "OPEN:$here/far.ipfix,creat,append"
start probe leat probe in --idle 1 --to ipfix+sctp://10.77.0.2 --spool "$here/spool" --output json \
    --interval 1
connected() { [ "$(grep -c ': connected' "$here/probe.log")" = "$1" ]; }
exported() { [ "$(grep -c '^{' "$here/probe.log")" = "$1" ]; }
# 64 flows more, and so many in all.
flows() {
    leat gen --count 256 --src 10.0.0.1-10.0.0.64 xdp:out >"$here/gen.log" 2>&1 || fail "leat gen"
    until_true "$1 flows are exported" exported "$1"
}
until_true "it is connected" connected 1
until_true "it meters" grep -q metering "$here/probe.log"
flows 64
# What it has, and we do not know, would come twice.
until_true "they are acknowledged" grep -q '10.77.0.2: 64 records; connected' "$here/probe.log"
ip -n lt-far addr del 10.77.0.2/24 dev far
flows 128
until_true "it is noticed" grep -q 'the collector is away: Connection timed out' "$here/probe.log"
flows 192
ip -n lt-far addr add 10.77.0.2/24 dev far
until_true "it is connected again" connected 2
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"
grep '^{' "$here/probe.log" >"$here/flows"
[ "$(sums_of_ipfix "$here/far.ipfix")" = "$(sums_of_json "$here/flows")" ] ||
    fail "$(sums_of_ipfix "$here/far.ipfix"), not $(sums_of_json "$here/flows")"
sums_of_json "$here/flows"
