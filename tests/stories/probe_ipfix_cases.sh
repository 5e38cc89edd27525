#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Cases 20 and 22 of docs/flow-export.md: why flows end, and fragments, tags, labels, tunnels, extension
# headers and ICMP, as they stand in IPFIX messages. Each field is what an independent reader of the same
# capture says; four strangers count the same records, packets and octets.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip python3 ipfixDump nfcapd nfdump tshark
captures=$(realpath "$(dirname "$0")/../captures")
judge=$(realpath "$(dirname "$0")/../tools/ipfix_judge.py")

# metered CAPTURE OPTION...: its flows are in $here/flows.ipfix, and as lines of JSON in $here/records.
metered() {
    rm -f "$here/flows.ipfix"
    "$LEAT" probe "$@" --to "file:$here/flows.ipfix" --json "$here/report.json" 2>"$here/probe.log" ||
        fail "leat probe $*"
    "$LEAT" probe --read "$here/flows.ipfix" --output json >"$here/read" 2>"$here/probe.log" ||
        fail "leat probe --read"
    # Bit maps of RFC 9740 are as long as the template says, or as short as can be.
    sed -E 's/("[a-zA-Z0-9]*(OptionsFull|HeadersFull)":")(00)+([0-9a-f]{2})/\1\4/g' "$here/read" >"$here/records"
}
agree() {
    metered "$@" --fields full,mplsLabelStackDepth
    shift
    python3 "$captures/flow_truth.py" "$@" "$capture" >"$here/truth"
    python3 "$captures/flow_compare.py" "$here/records" "$here/truth" ||
        fail "the IPFIX of $capture $* differs from the truth"
}
# counted: by strangers, who know one direction a record.
counted() {
    metered "$@" --uniflow
    python3 - "$here/records" "$here/truth.json" <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
json.dump({"totals": {"records": len(records), "packets": sum(r["packetDeltaCount"] for r in records),
                      "octets": sum(r["octetDeltaCount"] for r in records)}}, open(sys.argv[2], "w"))
END
    python3 "$judge" --file "$here/flows.ipfix" --expect "$here/truth.json" >"$here/judge.log" ||
        fail "strangers count otherwise: $*"
}
# ends REASON...: these are the reasons of all records, and of each there are some.
ends() {
    python3 - "$here/records" "$here/report.json" "$@" <<'END' || fail "the flows end otherwise"
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
report = json.load(open(sys.argv[2]))
reasons = {record["flowEndReason"] for record in records}
assert reasons == set(map(int, sys.argv[3:])), reasons
packets = sum(r["packetDeltaCount"] + r.get("reversePacketDeltaCount", 0) for r in records)
assert packets == report["total"]["packets"], (packets, report["total"])
print(f"reasons {sorted(reasons)}, {len(records)} records, {packets} packets")
END
}

say "22: fragments, tags, labels, extension headers, ICMP, tunnels"
for capture in fragments tags mpls extensions icmp pppoe gre ipip vxlan geneve gtpu options; do
    capture=$captures/flows/$capture.pcap
    agree "$capture"
    counted "$capture"
done

say "20: idle (1), cut while active (2), FIN and RST (3), the end of the file (4)"
for capture in timeouts tcp; do
    capture=$captures/flows/$capture.pcap
    agree "$capture" --active 30 --idle 25
done
metered "$captures/flows/timeouts.pcap" --active 30 --idle 25
ends 1 2 4
metered "$captures/flows/tcp.pcap" --idle 1000
ends 3 4

say "20: a cache that is full (5)"
"$LEAT" gen --count 20000 --src 10.0.0.1-10.0.0.200 --sport 1000-1009 "pcap:>$here/many.pcapng" \
    >"$here/gen.log" 2>&1 || fail "leat gen"
counted "$here/many.pcapng" --flows 64
ends 4 5
