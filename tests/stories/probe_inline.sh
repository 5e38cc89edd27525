#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat probe` on an interface with an address: frames are counted and go on to the stack. Ping and
# iperf3 go through, each frame that the other end sent is in a record or counted by its reason, and
# nothing is left on the interface, however the probe ends.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip iperf3 ping ethtool

for ns in lt-near lt-far; do
    namespace $ns
    ip netns exec $ns sysctl -q net.ipv6.conf.default.disable_ipv6=1
done
ip -n lt-near link add lt-n type veth peer name lt-f netns lt-far
ip -n lt-near addr add 10.79.0.1/24 dev lt-n
ip -n lt-far addr add 10.79.0.2/24 dev lt-f
for end in lt-near/lt-n lt-far/lt-f; do
    ip -n "${end%/*}" link set "${end#*/}" up
    ip netns exec "${end%/*}" ethtool -K "${end#*/}" tx off >/dev/null
done

probe() { start probe ip netns exec lt-near "$LEAT" probe "$@"; }
on() { ip -n lt-near link show lt-n | grep -q 'prog/xdp'; }
off() { ! on; }
sent() { ip -n lt-far -s -j link show lt-f | python3 -c 'import json,sys
print(json.load(sys.stdin)[0]["stats64"]["tx"]["packets"])'; }
refused() { # refused WORDS ARGUMENT...
    local words=$1
    shift
    ! ip netns exec lt-near "$LEAT" probe "$@" >"$here/refused.log" 2>&1 || fail "taken: $*"
    grep -q -- "$words" "$here/refused.log" || fail "another sentence than '$words': $*"
}

say "an interface with an address is metered inline, and says so"
start iperf ip netns exec lt-near iperf3 -s
until_true "iperf3 listens" eval 'ip netns exec lt-near ss -ltn | grep -q :5201'
before=$(sent)
probe lt-n --output json --active 1 --json "$here/report.json"
until_true "it says what it does" grep -q 'passed on to the network stack' "$here/probe.log"
on || fail "the program is not there"
ip netns exec lt-far ping -c 20 -i 0.01 -W 2 10.79.0.1 >"$here/ping.log" || fail "ping"
grep -q ' 0% packet loss' "$here/ping.log" || fail "pings were lost"
ip netns exec lt-far iperf3 -c 10.79.0.1 -t 2 --json --logfile "$here/iperf.json"
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"
off || fail "the program is still there"
json "$here/iperf.json" '["end"]["sum_received"]["bits_per_second"] / 1e9' |
    sed 's/^/iperf3 through the counting program, Gbit\/s: /'

say "each frame that was sent is accounted for, and in the records"
frames=$(($(sent) - before))
total() { json "$here/report.json" "[\"total\"][\"$1\"]"; }
[ "$(json "$here/report.json" '["conserved"]')" = True ] || fail "the report does not add up"
[ "$(total frames)" -eq $frames ] || fail "$(total frames) frames counted, $frames sent"
[ "$(total lost_packets)" -eq 0 ] || fail "packets were lost"
python3 - "$here/probe.log" "$(total in_flows)" <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
packets = sum(r["packetDeltaCount"] + r.get("reversePacketDeltaCount", 0) for r in records)
pings = [r for r in records if r["protocolIdentifier"] == 1]
tcp = [r for r in records if r["protocolIdentifier"] == 6]
assert packets == int(sys.argv[2]), f"{packets} packets in records, {sys.argv[2]} counted"
assert sum(r["packetDeltaCount"] for r in pings) == 20, pings
assert all(r["destinationTransportPort"] == 5201 for r in tcp), tcp
assert any(r["flowEndReason"] == 2 for r in tcp), "no long flow was cut"
END

say "kill -9 leaves nothing, and the next start works"
probe lt-n --seconds 30
until_true "the program is there" on
kill -KILL "${pid[probe]}"
! ended probe || fail "it survived"
until_true "the program is gone" off
probe lt-n --seconds 1
ended probe || fail "the next start ended with $?"

say "what cannot be had inline is refused by name"
refused 'payloadEntropy' lt-n --fields default,payloadEntropy
refused '--filter' lt-n --filter 'udp'
refused 'is for interfaces' --inline pcap:nowhere.pcap
refused 'no such interface' --inline lt-nowhere
off || fail "a refused start left its program"

say "--consume takes the frames instead"
probe lt-n --consume --seconds 1
ended probe || fail "it ended with $?"
grep -q 'frames are consumed' "$here/probe.log" || fail "it does not say that it takes frames"
