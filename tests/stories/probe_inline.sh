#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat probe` on an interface with an address: frames are counted and go on their way. Ping and
# iperf3 go through, each frame that either end sent is in a record or counted by its reason, and each
# connection is one record of both directions; what the first packets tell (names, tags, options) is
# in the records, and nothing is left on the interface, however the probe ends.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip iperf3 ping ethtool curl openssl dig python3 bpftool

near_and_far
for end in $near_ns/lt-n $far_ns/lt-f; do
    ip netns exec "${end%/*}" ethtool -K "${end#*/}" tx off >/dev/null
done

probe() { # with a log that has nothing of the one before
    rm -f "$here/probe.log"
    start probe ip netns exec $near_ns "$LEAT" probe "$@"
}
listens() { ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q .; }
metering() { # it has said so
    until_true "it meters" grep -q 'passed on to the network stack' "$here/probe.log"
    held=$(sed -n 's/^prog_id:[[:space:]]*//p' "/proc/${pid[probe]}/fdinfo/"* | sort -u)
    [ "$(wc -w <<<"$held")" -ge 3 ] || fail "it holds no programs: $held"
}
on() { ip -n $near_ns link show lt-n | grep -q 'prog/xdp'; }
off() { ! on; }
gone_all() { # those on lt-n, and whatever else the probe held
    local program
    off || return 1
    for program in $held; do ! bpftool prog show id "$program" >"$here/bpftool.log" 2>&1 || return 1; done
}
wire() { # packets and bytes that both ends have sent; lt-f's without Ethernet headers, since veth
    # counts them behind the XDP program
    { ip -n $far_ns -s -j link show lt-f; ip -n $near_ns -s -j link show lt-n; } | python3 -c '
import json, sys
far, near = (json.loads(line)[0]["stats64"]["tx"] for line in sys.stdin)
print(far["packets"] + near["packets"], far["bytes"] + 14 * far["packets"] + near["bytes"])'
}
refused() { # refused WORDS ARGUMENT...
    local words=$1
    shift
    ! ip netns exec $near_ns "$LEAT" probe "$@" >"$here/refused.log" 2>&1 || fail "taken: $*"
    grep -q -- "$words" "$here/refused.log" || fail "another sentence than '$words': $*"
}

say "an interface with an address is metered inline, and says so"
start iperf ip netns exec $near_ns iperf3 -s
until_true "iperf3 listens" listens "$near_ns" 5201
read -r frames_before octets_before <<<"$(wire)"
probe lt-n --output json --active 1 --json "$here/report.json"
metering
on || fail "the program is not there"
ip netns exec $far_ns ping -c 20 -i 0.01 -W 2 10.79.0.1 >"$here/ping.log" || fail "ping"
grep -q ' 0% packet loss' "$here/ping.log" || fail "pings were lost"
ip netns exec $far_ns iperf3 -c 10.79.0.1 -t 2 --json --logfile "$here/iperf.json"
ip netns exec $far_ns iperf3 -c 10.79.0.1 -t 1 --reverse >"$here/reverse.log"
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"
gone_all || fail "a program is still there"
json "$here/iperf.json" '["end"]["sum_received"]["bits_per_second"] / 1e9' |
    sed 's/^/iperf3 through the counting programs, Gbit\/s: /'

say "each frame that was sent is accounted for, and in the records"
read -r frames octets <<<"$(wire)" # lt-n's stack cuts what it sends behind the program (GSO)
frames=$((frames - frames_before)) octets=$((octets - octets_before))
total() { json "$here/report.json" "[\"total\"][\"$1\"]"; }
[ "$(json "$here/report.json" '["conserved"]')" = True ] || fail "the report does not add up"
[ "$(total frames)" -eq $frames ] || fail "$(total frames) frames counted, $frames sent"
[ "$(total octets)" -eq $octets ] || fail "$(total octets) octets counted, $octets sent"
[ "$(total lost_packets)" -eq 0 ] || fail "packets were lost"
python3 - "$here/probe.log" "$(total in_flows)" <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
packets = sum(r["packetDeltaCount"] + r.get("reversePacketDeltaCount", 0) for r in records)
pings = [r for r in records if r["protocolIdentifier"] == 1]
tcp = [r for r in records if r["protocolIdentifier"] == 6]
assert packets == int(sys.argv[2]), f"{packets} packets in records, {sys.argv[2]} counted"
assert [(r["packetDeltaCount"], r["reversePacketDeltaCount"]) for r in pings] == [(20, 20)], pings
assert all(r["destinationTransportPort"] == 5201 for r in tcp if r["flowEndReason"] == 3), tcp
assert any(r.get("reverseOctetDeltaCount", 0) > 10 * r["octetDeltaCount"] for r in tcp), "nothing came back"
assert any(r["flowEndReason"] == 2 for r in tcp), "no long flow was cut"
END

say "names, options and times of the first packets, by programs that have never heard of us"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=www.leat.test -days 2 \
    -keyout "$here/key.pem" -out "$here/cert.pem" 2>"$here/openssl.log"
start tls ip netns exec $near_ns openssl s_server -quiet -www -accept 4433 -cert "$here/cert.pem" \
    -key "$here/key.pem"
start web ip netns exec $near_ns python3 -m http.server --directory "$here" 8080
until_true "the TLS server listens" listens "$near_ns" 4433
until_true "the web server listens" listens "$near_ns" 8080
probe lt-n --fields full --output json --json "$here/names.json" --top 3 --interval 0.2
until_true "it says what is limited" grep -q 'first 16 packets.*tlsServerName' "$here/probe.log"
far() { ip netns exec $far_ns "$@" >>"$here/far.log" 2>&1; }
far curl --silent --cacert "$here/cert.pem" --resolve www.leat.test:4433:10.79.0.1 \
    https://www.leat.test:4433/ || fail "curl over TLS"
far curl --silent --resolve web.leat.test:8080:10.79.0.1 http://web.leat.test:8080/ || fail "curl"
far dig +tries=1 +time=1 @10.79.0.1 name.leat.test AAAA || true # nobody answers
far ping -c 40 -i 0.01 10.79.0.1
until_true "it tells of the copies" grep -Eq '^[0-9]+ s: .*; [0-9]+ looked into; ' "$here/probe.log"
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"
[ "$(json "$here/names.json" '["conserved"]')" = True ] || fail "the report does not add up"
[ "$(json "$here/names.json" '["total"]["uncopied"]')" -eq 0 ] || fail "packets were not looked into"
python3 - "$here/probe.log" <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
def one(**wanted):
    found = [r for r in records if all(r.get(k) == v for k, v in wanted.items())]
    assert len(found) == 1, (wanted, found)
    return found[0]
tls = one(destinationTransportPort=4433)
assert tls["tlsServerName"] == "www.leat.test" and tls["tlsJa4"].startswith("t13d"), tls
assert tls["applicationName"] == "tls" and tls["payloadEntropy"] > 4, tls
assert tls["tcpOptions"] and tls["tcpWindowSize"] and tls["initialTcpFlags"] == 2, tls
web = one(destinationTransportPort=8080)
assert web["httpRequestHost"] == "web.leat.test:8080", web
assert tls["reversePacketDeltaCount"] and tls["reverseInitialTcpFlags"] == 0x12, tls
dns = one(destinationTransportPort=53)
assert (dns["dnsQueryName"], dns["dnsQueryType"]) == ("name.leat.test", 28), dns
assert dns["limitedFeatures"] == 0 and len(dns["firstPacketLengths"]) == dns["packetDeltaCount"], dns
pings = one(protocolIdentifier=1, icmpTypeCodeIPv4=2048)
assert pings["packetDeltaCount"] == pings["reversePacketDeltaCount"] == 40, pings
assert pings["firstPacketSides"] == [0, 1] * 8 and pings["limitedFeatures"] != 0, pings
assert sum(pings["packetSizeHistogram"]) == sum(pings["reversePacketSizeHistogram"]) == 8, pings
END

say "tags are in the records"
probe lt-n --fields default,vlanStack --output json
metering
ip netns exec $far_ns python3 - <<'END'
import socket, struct
def ipv4(length): # a UDP datagram to 10.79.0.1
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + length, 1, 0, 64, 17, 0,
                       bytes([10, 79, 0, 2]), bytes([10, 79, 0, 1]))
    return head + struct.pack("!HHHH", 4000, 4001, 8 + length, 0) + bytes(length)
ether = b"\xff" * 6 + b"\x02" + bytes(5)
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("lt-f", 0))
out.send(ether + struct.pack("!HHHHH", 0x88a8, 7, 0x8100, 0x6000 | 42, 0x800) + ipv4(30))
END
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"
grep -q '"vlanStack":\[7,24618\]' "$here/probe.log" || fail "the tags are not there"

say "its own records leave over the interface that it meters, and the sums are right all the same"
start collector ip netns exec $far_ns python3 -c '
import socket
here = socket.create_server(("10.79.0.2", 4739))
there, _ = here.accept()
while there.recv(65536):
    pass'
until_true "the collector listens" listens "$far_ns" 4739
probe lt-n --output none --to ipfix+tcp://10.79.0.2 --json "$here/own.json"
until_true "it is connected" grep -q ': connected' "$here/probe.log"
far ping -c 3 -i 0.01 10.79.0.1
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?: $(tail -n 3 "$here/probe.log")"
ended collector || fail "the collector ended with $?"
[ "$(json "$here/own.json" '["conserved"]')" = True ] || fail "the report does not add up"

say "without privileges it goes on ending flows"
probe lt-n --user nobody --output none --to "json:/dev/null" --idle 1 --seconds 4 --top 3 \
    --interval 0.2
metering
privileged=$(awk '$1 ~ /^(CapEff|CapPrm):$/ && $2 !~ /^0+$/ || $1 == "NoNewPrivs:" && $2 != 1' \
    "/proc/${pid[probe]}"/task/*/status)
[ -z "$privileged" ] || fail "a thread keeps privileges: $privileged"
far ping -c 2 -i 0.01 10.79.0.1
ended probe || fail "the probe ended with $?"
grep -q 'ended: 1 idle' "$here/probe.log" || fail "no flow ended"
grep -Eq ' 336 +4 +(1|ICMP) +10\.79\.0\.2' "$here/probe.log" || fail "the flow is not in the table of the biggest"

say "kill -9 leaves nothing, and the next start works"
probe lt-n --seconds 30
metering
kill -KILL "${pid[probe]}"
! ended probe || fail "it survived"
until_true "the programs are gone" gone_all
probe lt-n --seconds 1
ended probe || fail "the next start ended with $?"

say "what cannot be had inline is refused by name"
refused 'payloadEntropy' lt-n --fields default,payloadEntropy --copy-packets 0
refused 'the filter jumps back' lt-n --filter 'ip6 protochain 6'
refused 'syntax error' lt-n --filter 'udp prot 53'
refused 'by VLAN, ToS and interface' lt-n --key mpls
refused 'by count or uniformly' lt-n --sample hash:1/2:7
refused 'is for interfaces' --inline null:
refused 'no such interface' --inline lt-nowhere
refused 'lt-n has addresses of its own' lt-n@0
refused 'lt-n has addresses of its own' xdp:lt-n,mode=generic
off || fail "a refused start left its program"

say "what lo sends it receives again, and is counted once"
ip -n $near_ns link set lo up
probe lo --inline --output none --to json:/dev/null
metering
ip netns exec $near_ns ping -c 5 -i 0.01 127.0.0.1 >"$here/lo.log"
kill -TERM "${pid[probe]}"
ended probe || fail "the probe ended with $?"
grep -q ' 10 frames, 10 in flows' "$here/probe.log" || fail "not 5 questions and 5 answers"

say "--consume takes the frames instead"
probe lt-n --consume --seconds 1
ended probe || fail "it ended with $?"
grep -q 'frames are consumed' "$here/probe.log" || fail "it does not say that it takes frames"
