#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Records that are known beforehand, sent as NetFlow version 9 and version 5: nfcapd counts every
# packet and octet and misses no message, and tshark reads the times and the sampling.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip ss nfcapd nfdump tcpdump tshark
FLOW_SEND=$(realpath "${FLOW_SEND:?names the program tests/unit/flow_send}")
collector=10.78.0.1

namespace lt-netflow
ip -n lt-netflow addr add $collector/32 dev lo
inside() { ip netns exec lt-netflow "$@"; }

collect() {
    mkdir -p "$here/$1"
    start nfcapd ip netns exec lt-netflow nfcapd -p 2055 -b $collector -w "$here/$1" -t 300
    until_true "nfcapd listens" eval 'inside ss -lun | grep -q 2055'
    start tcpdump ip netns exec lt-netflow tcpdump -U -i lo -w "$here/$1.pcap" udp port 2055
    until_true "tcpdump listens" grep -q 'listening on' "$here/tcpdump.log"
}
collected() {
    until_true "tcpdump has the last message" captured "$here/$1.pcap" "$2" >&2
    until_true "nfcapd has read all" read_all lt-netflow 2055 >&2
    kill -INT "${pid[tcpdump]}"
    ended tcpdump || true
    kill -TERM "${pid[nfcapd]}"
    ended nfcapd || true
    grep 'Flows: ' "$here/nfcapd.log"
}
captured() { [ "$(tcpdump -r "$1" 2>/dev/null | wc -l)" = "$2" ]; }
sent() { python3 -c "import json,sys; print(json.loads(open(sys.argv[1]).readlines()[-1])['$2'])" "$1"; }

say "version 9: 1,000 records, of which 750 go both ways"
collect nine
inside "$FLOW_SEND" -n 1000 -s random:1/100 netflow9://$collector 2>"$here/nine.json"
collected nine "$(sent "$here/nine.json" messages)" >"$here/nine.txt"
# Packets: 1 to 10 each way; octets: 100 + i, and 1,100 + i back.
python3 - >"$here/expected" <<'END'
there = range(1000)
back = [i + 1000 for i in there if i % 4 != 1]
sides = [*there, *back]
print(f"Flows: {len(sides)}, Packets: {sum(1 + i % 10 for i in sides)}, "
      f"Bytes: {sum(100 + i for i in sides)}, Sequence Errors: 0, Bad Packets: 0")
END
grep -qF "$(cat "$here/expected")" "$here/nine.txt" ||
    fail "nfcapd counted $(cat "$here/nine.txt"), not $(cat "$here/expected")"

say "a record field by field, as nfdump has it"
nfdump -R "$here/nine" -o json 'src ip 192.0.2.0 and dst ip 198.51.100.0 and src port 40000' >"$here/one.json"
python3 - "$here/one.json" <<'END' || fail "nfdump has another record"
import datetime, json, sys
record = json.load(open(sys.argv[1]))[0]
expected = {"in_packets": 1, "in_bytes": 100, "proto": 6, "src_port": 40000, "dst_port": 443,
            "src_tos": 16, "tcp_flags": "...AP.SF", "input_snmp": 7}
assert expected.items() <= record.items(), record
first, last = (datetime.datetime.fromisoformat(record[k]) for k in ("first", "last"))
assert last - first == datetime.timedelta(milliseconds=1500), record
END

say "sampling and sequence, as tshark has them"
grep -q '^100.2$' < <(tshark -r "$here/nine.pcap" -d udp.port==2055,cflow -T fields \
    -e cflow.sampling_interval -e cflow.sampling_algorithm 2>/dev/null) ||
    fail "tshark sees no sampling of one in 100"
tshark -r "$here/nine.pcap" -d udp.port==2055,cflow -Y _ws.malformed 2>/dev/null |
    grep . && fail "tshark calls messages malformed"
tshark -r "$here/nine.pcap" -d udp.port==2055,cflow -T fields -e cflow.sequence 2>/dev/null |
    awk '$1 != NR - 1 { exit 1 }' || fail "messages are not numbered from 0"
tshark -r "$here/nine.pcap" -T fields -e ip.len -e ip.flags.mf 2>/dev/null |
    awk '$1 > 1500 || $2 != 0 { exit 1 }' || fail "a message does not fit 1,500 bytes"

say "version 5: IPv4 only, what is IPv6 is told and counted"
collect five
inside "$FLOW_SEND" -n 1000 netflow5://$collector 2>"$here/five.json"
collected five "$(sent "$here/five.json" messages)" >"$here/five.txt"
python3 - >"$here/expected" <<'END'
there = [i for i in range(1000) if i % 4 != 3]
back = [i + 1000 for i in there if i % 4 != 1]
sides = [*there, *back]
print(f"Flows: {len(sides)}, Packets: {sum(1 + i % 10 for i in sides)}, "
      f"Bytes: {sum(100 + i for i in sides)}, Sequence Errors: 0, Bad Packets: 0")
END
grep -qF "$(cat "$here/expected")" "$here/five.txt" ||
    fail "nfcapd counted $(cat "$here/five.txt"), not $(cat "$here/expected")"
[ "$(sent "$here/five.json" lost)" = 250 ] || fail "IPv6 flows are not counted as lost"
[ "$(grep -c 'has no IPv6' "$here/five.json")" = 1 ] || fail "that is not told once"

say "a capture of 2013 keeps its times"
collect old
inside "$FLOW_SEND" -n 4 -b 1370000000 netflow9://$collector 2>"$here/old.json"
collected old "$(sent "$here/old.json" messages)" >/dev/null
grep -q '"first" : "2013-05-31T11:33:20.000"' < <(TZ=UTC nfdump -R "$here/old" -o json) ||
    fail "nfdump has another time"

say "nobody listens: counted, and no end"
inside "$FLOW_SEND" -n 1000 netflow9://$collector 2>"$here/nobody.json"
[ "$(sent "$here/nobody.json" records)" = 0 ] || fail "records were sent where nobody listens"
[ "$(sent "$here/nobody.json" refused)" = "$(sent "$here/nine.json" records)" ] ||
    fail "not every record is told to be refused"
