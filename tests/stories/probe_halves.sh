#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Both directions of a connection are one record of leat probe, whichever queues they arrive on: traffic of real
# programs, replayed into an emulated NIC, gives the same records with one queue, with two whose hash is not
# symmetric (halves are joined), and with two that the probe makes symmetric; also with sampling, and with active
# timeouts that cut the halves at different times. What stays a half is counted.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip tcpdump python3 ethtool
captures=$(realpath "$(dirname "$0")/../captures")
fields=sourceIPv4Address,sourceIPv6Address,destinationIPv4Address,destinationIPv6Address
fields+=,sourceTransportPort,destinationTransportPort,protocolIdentifier,ipVersion
fields+=,packetDeltaCount,octetDeltaCount,tcpControlBits,reverseTcpControlBits
fields+=,reversePacketDeltaCount,reverseOctetDeltaCount,minimumTTL,maximumTTL,flowEndReason

cat >"$here/talk.py" <<'END'
"""Connections of all kinds to a server: answered and not, closed by either side or reset, some with much to say."""
import socket, struct, sys, threading

def tcp(connection):
    with connection:
        length, closes = struct.unpack("!IB", connection.recv(5, socket.MSG_WAITALL))
        connection.sendall(bytes(length))
        if not closes:
            while connection.recv(4096):
                pass

def udp(server):
    while True:
        question, client = server.recvfrom(2048)
        if question[0]:
            server.sendto(question * 2, client)

def serve():
    questions = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    questions.bind(("::", 53))
    threading.Thread(target=udp, args=(questions,), daemon=True).start()
    listener = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    print("ready", flush=True)
    while True:
        threading.Thread(target=tcp, args=(listener.accept()[0],), daemon=True).start()

def ask(host, number):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.connect((host, 53))
        answered = number % 5 > 0
        client.send(bytes([answered]) * (20 + number))
        if answered:
            client.recv(2048)

def fetch(host, number, length, port=0):
    with socket.create_connection((host, 80), source_address=("", port) if port else None) as client:
        client.sendall(struct.pack("!IB", length, number % 3 == 0))
        left = length
        while left:
            left -= len(client.recv(min(left, 65536)))
        if number % 3 == 1: # a reset
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif number % 3 == 0:
            client.recv(1)

if len(sys.argv) == 1:
    serve()
for number in range(60):
    for host in sys.argv[1:]:
        ask(host, number)
        fetch(host, number, 100 * number)
# From ports that are always the same: the hash gives both sides of some of them to different queues.
for port in range(61001, 61005):
    fetch(sys.argv[1], 2, 1000000, port)
END

say "traffic of real programs"
for ns in lt-near lt-far; do
    namespace "$ns"
    ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
done
ip -n lt-near link add lt-n type veth peer name lt-f netns lt-far
number=0
for end in lt-near:lt-n lt-far:lt-f; do
    number=$((number + 1))
    ip -n "${end%:*}" address add "192.0.2.$number/24" dev "${end#*:}"
    ip -n "${end%:*}" address add "2001:db8::$number/64" dev "${end#*:}"
    ip netns exec "${end%:*}" ethtool -K "${end#*:}" tso off gso off gro off tx off >/dev/null
    ip -n "${end%:*}" link set "${end#*:}" up
done
start server ip netns exec lt-far python3 "$here/talk.py"
until_true "the server listens" grep -q ready "$here/server.log"
start tcpdump ip netns exec lt-near tcpdump -i lt-n -B 16384 -U -w "$here/talk.pcap" tcp or udp
until_true "tcpdump listens" grep -q "listening on" "$here/tcpdump.log"
ip netns exec lt-near python3 "$here/talk.py" 192.0.2.2 2001:db8::2 || fail "the client failed"
kill -INT "${pid[tcpdump]}"
ended tcpdump || fail "tcpdump failed"
frames=$(grep -oE '^[0-9]+ packets captured' "$here/tcpdump.log" | cut -d' ' -f1)
[ "$frames" -gt 2000 ] || fail "only $frames frames were captured"

# met NAME: its probe has told all frames.
met() { [ "$(grep -oE '^[0-9]+ s: [0-9]+' "$here/$1.log" | tail -n 1 | cut -d' ' -f3)" = "$frames" ]; }

# meter NAME PORT-OPTIONS OPTION...: the capture through an emulated NIC; the records are NAME.records.
meter() {
    local name=$1 port=$2
    shift 2
    start softnic "$LEAT" softnic --strict --control "$here/control.sock" "$here/$name.sock=pcap,in=$here/talk.pcap,rate=2000" \
        "$here/$name.other=sink"
    until_true "softnic listens" grep -q "port 1.*waits" "$here/softnic.log"
    tell "link 0 down" >/dev/null # until all queues are there to receive
    start "$name" "$LEAT" probe "vfio-user:$here/$name.sock,rx-ring=4096,$port" --fields "$fields" --idle 300 \
        --interval 0.1 --to "json:$here/$name.records" --json "$here/$name.json" "$@"
    until_true "the probe has opened its port" grep -q "waiting for the link" "$here/$name.log"
    tell "link 0 up" >/dev/null
    until_true "all $frames frames are metered" met "$name"
    kill -TERM "${pid[$name]}"
    ended "$name" || fail "$name: leat probe: exit code $?"
    kill -TERM "${pid[softnic]}"
    ended softnic || true
    counted "$name"
    turn "$name"
}

# turn NAME: of UDP the server is the destination. Workers take the time of a frame as they read it: when one was kept
# waiting for more than a second, the other's answer looks older than the question, and the ports no longer decide.
turn() {
    python3 - "$here/$1.records" <<'END'
import json, sys
def other(name):
    if name.startswith("reverse"):
        return name[7].lower() + name[8:]
    turned = name.replace("source", "destination") if "source" in name else name.replace("destination", "source")
    backward = "reverse" + name[0].upper() + name[1:]
    return turned if turned != name else backward if backward in record else name
records = [json.loads(line) for line in open(sys.argv[1])]
with open(sys.argv[1], "w") as file:
    for record in records:
        answered = record.get("reversePacketDeltaCount")
        if answered and record["protocolIdentifier"] == 17 and record["sourceTransportPort"] == 53:
            record = {name: record[other(name)] for name in record}
        print(json.dumps(record), file=file)
END
}

# counted NAME: what waited for another half in vain is what has one direction, and nothing is lost.
counted() {
    python3 - "$here/$1.json" "$here/$1.records" <<'END'
import json, sys
exporter = json.load(open(sys.argv[1]))["exporter"]
records = [json.loads(line) for line in open(sys.argv[2])]
halves = sum(not record.get("reversePacketDeltaCount") for record in records)
assert len(records) == exporter["exported"] == exporter["records"] - exporter["joined"], exporter
if exporter["joined"]:
    assert halves == exporter["alone"], (halves, exporter)
print(f'{len(records)} records, {exporter["joined"]} joined, {halves} of one direction')
END
}

# same_sums ONE OTHER: packets and octets of each connection, there and back, however it was cut into records.
same_sums() {
    python3 - "$here/$1.records" "$here/$2.records" <<'END'
import collections, json, sys
def sums(path):
    sums = collections.Counter()
    for line in open(path):
        record = json.loads(line)
        ends = [(record.get(f"{end}IPv4Address") or record[f"{end}IPv6Address"], record[f"{end}TransportPort"])
                for end in ("source", "destination")]
        for there, names in enumerate((("packetDeltaCount", "octetDeltaCount"),
                                       ("reversePacketDeltaCount", "reverseOctetDeltaCount"))):
            for what, name in enumerate(names):
                sums[record["protocolIdentifier"], ends[there], ends[not there], what] += record.get(name) or 0
    return +sums
one, other = map(sums, sys.argv[1:])
for key in one.keys() | other.keys():
    assert one[key] == other[key], (key, one[key], other[key])
END
}
number_of() { json "$here/$1.json" "[\"exporter\"][\"$2\"]"; }

say "one queue, and two whose hash is not symmetric"
meter one queues=1
meter two queues=2,rss=default
grep -q "that come to two queues are joined before export" "$here/two.log" || fail "it does not say that halves are joined"
[ "$(number_of one joined)" -eq 0 ] || fail "one queue has nothing to join"
[ "$(number_of two joined)" -gt 30 ] || fail "there was nothing to join: is the hash symmetric?"
python3 "$captures/flow_compare.py" "$here/two.records" "$here/one.records" || fail "the records differ"

say "each record waits for what other queues may have of its flow"
meter always queues=2,rss=default --join always
grep -q "records of one flow from several queues are joined" "$here/always.log" || fail "it does not say that records are joined"
python3 "$captures/flow_compare.py" "$here/always.records" "$here/one.records" || fail "the records differ"

say "not joined: more records, of the same packets"
meter apart queues=2,rss=default --join never
grep -q "stay two records" "$here/apart.log" || fail "it does not say that halves stay apart"
[ "$(number_of apart exported)" -gt "$(number_of one exported)" ] || fail "there were no halves"
same_sums apart one || fail "packets got lost"

say "two queues, and symmetric RSS, which the probe asks for itself"
meter symmetric queues=2
grep -q "come to one queue (symmetric RSS)" "$here/symmetric.log" || fail "it does not say how frames are steered"
[ "$(number_of symmetric joined)" -eq 0 ] || fail "halves came in spite of a symmetric hash"
python3 "$captures/flow_compare.py" "$here/symmetric.records" "$here/one.records" || fail "the records differ"
[ "$(json "$here/symmetric.json" '["queues"][0]["frames"]')" -lt "$frames" ] || fail "one queue had all"

say "two queues, the same packets sampled in both"
meter sampled_one queues=1 --sample hash:1/2:7
meter sampled_two queues=2,rss=default --sample hash:1/2:7
same_sums sampled_two sampled_one || fail "sampled packets differ"
[ "$(number_of sampled_two exported)" -eq "$(number_of sampled_one exported)" ] || fail "not as many records"

say "two queues, and active timeouts in between"
meter cut queues=2,rss=default --active 0.3
same_sums cut one || fail "packets got lost between records"
[ "$(json "$here/cut.json" '["total"]["ended"]["active"]')" -ge 4 ] || fail "no active timeout"
[ "$(number_of cut joined)" -gt "$(number_of two joined)" ] || fail "cut halves were not joined"
