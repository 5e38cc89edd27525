#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat probe --inline` where the stack hands over TCP in packets of more than 64 KiB ("BIG TCP"), which
# have no length of their own: they count as the frames that they are cut into, so that packets and
# octets are those that both interfaces count.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip iperf3 ethtool python3

near=lt-near-$$ far=lt-far-$$ # of this run: another one may be going on
for ns in $near $far; do
    namespace "$ns"
    # IPv6 says at once what it has to say by itself.
    ip netns exec "$ns" sysctl -qw net.ipv6.conf.default.accept_dad=0 \
        net.ipv6.conf.default.router_solicitations=0 \
        net.ipv6.conf.default.mldv2_unsolicited_report_interval=1
done
ip -n $near link add lt-n type veth peer name lt-f netns $far
mac() { ip -n "$1" -j link show "$2" | grep -o '"address":"[^"]*"' | cut -d '"' -f 4; }
for network in 10.79.0. fd79::; do
    ip -n $near addr add ${network}1/24 dev lt-n
    ip -n $far addr add ${network}2/24 dev lt-f
    ip -n $near neigh add ${network}2 dev lt-n nud permanent lladdr "$(mac $far lt-f)"
    ip -n $far neigh add ${network}1 dev lt-f nud permanent lladdr "$(mac $near lt-n)"
done
for end in $near/lt-n $far/lt-f; do
    ip -n "${end%/*}" link set "${end#*/}" up
done
# lt-n's is cut before the interface counts, lt-f's since there is a program of XDP at the other end.
ip netns exec $near ethtool -K lt-n tx off >/dev/null
# What iproute2 calls gso_max_size, of IPv6, and gso_ipv4_max_size, which older ones do not know.
for end in $near/lt-n $far/lt-f; do
    ip netns exec "${end%/*}" python3 - "${end#*/}" <<'END'
import socket, struct, sys
def attribute(kind, value):
    return struct.pack("=HHI", 8, kind, value)
body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(sys.argv[1]), 0, 0)
body += attribute(41, 180000) + attribute(63, 180000) # IFLA_GSO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE
link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
link.send(struct.pack("=IHHII", 16 + len(body), 16, 5, 1, 0) + body) # RTM_NEWLINK, with NLM_F_ACK
error, = struct.unpack_from("=i", link.recv(4096), 16)
if error:
    raise SystemExit(f"gso_max_size: errno {-error}")
END
done

counted() { # packets and bytes that both ends have sent; lt-f's without Ethernet headers, since veth
    # counts them behind the XDP program
    { ip -n $far -s -j link show lt-f; ip -n $near -s -j link show lt-n; } | python3 -c '
import json, sys
far, near = (json.loads(line)[0]["stats64"]["tx"] for line in sys.stdin)
print(far["packets"] + near["packets"], far["bytes"] + 14 * far["packets"] + near["bytes"])'
}
total() { json "$here/report.json" "[\"total\"][\"$1\"]"; }
listens() { ip netns exec $near ss -Hltn "sport = :5201" | grep -q .; }
last='' unchanged=0
quiet() { # IPv6 has told its groups
    local now
    now=$(counted)
    [ "$now" = "$last" ] && unchanged=$((unchanged + 1)) || unchanged=0
    last=$now
    [ $unchanged -ge 4 ]
}
start iperf ip netns exec $near iperf3 -s
until_true "iperf3 listens" listens
until_true "nobody says anything" quiet

for address in 10.79.0.1 fd79::1; do
    say "from $address"
    read -r frames_before octets_before <<<"$(counted)"
    start probe ip netns exec $near "$LEAT" probe lt-n --output json --fields full \
        --json "$here/report.json"
    until_true "it meters" grep -q 'passed on to the network stack' "$here/probe.log"
    ip netns exec $far iperf3 -c $address -t 1 >"$here/there.log"
    ip netns exec $far iperf3 -c $address -t 1 --reverse --json --logfile "$here/iperf.json"
    kill -TERM "${pid[probe]}"
    ended probe || fail "the probe ended with $?"
    read -r frames octets <<<"$(counted)"
    frames=$((frames - frames_before)) octets=$((octets - octets_before))
    [ "$(json "$here/report.json" '["conserved"]')" = True ] || fail "the report does not add up"
    echo "$frames frames of $octets octets; leat: $(total frames) of $(total octets)"
    [ "$(json "$here/report.json" '["total"]["skipped"]["malformed"]')" -eq 0 ] || fail "some are malformed"
    [ "$(total frames)" -eq $frames ] || fail "not all frames, or too many"
    [ "$(total octets)" -eq $octets ] || fail "other octets"
    [ "$(total uncopied)" -eq 0 ] || fail "packets were not looked into"
    # Of the data that come back: all bytes, and headers of the 52 or 72 bytes that each packet has.
    python3 - "$here/probe.log" "$here/iperf.json" $address <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
received = json.load(open(sys.argv[2]))["end"]["sum_received"]["bytes"]
data = max(records, key=lambda r: r.get("reverseOctetDeltaCount", 0))
packets, payload = data["reversePacketDeltaCount"], data["reverseTransportOctetDeltaCount"]
headers = 72 if ":" in sys.argv[3] else 52
others = data["reverseOctetDeltaCount"] - payload - packets * headers # SYN and RST have other options
assert received <= payload, (received, data)
assert -100 < others < 100, (others, data)
assert payload / packets > 1300 and payload // packets <= 1448, data
assert max(data["firstPacketLengths"]) > 1448, data # not cut yet
END
    rm "$here/iperf.json"
done
