#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leat probe and packets that mean harm: lengths that lie in every layer, frames captured up to each of
# their bytes, flows that collide in well-known weak hashes, more flows than there is room for. Records
# are those that an independent reader of the capture says, and every packet is accounted for.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3
captures=$(realpath "$(dirname "$0")/../captures")
hostile() { python3 "$captures/hostile.py" "$@"; }

# agree CAPTURE OPTION...: records, and what was skipped for which reason.
agree() {
    local capture=$1
    shift
    timeout 60 "$LEAT" probe "$@" --fields full,mplsLabelStackDepth --output json \
        --json "$here/report.json" "$capture" >"$here/records" 2>"$here/probe.log" ||
        fail "leat probe $* $capture: failed"
    timeout 60 python3 "$captures/flow_truth.py" "$@" "$capture" >"$here/truth"
    python3 "$captures/flow_compare.py" "$here/records" "$here/truth" ||
        fail "leat probe $*: records differ from the truth"
    timeout 60 python3 "$captures/flow_truth.py" "$@" --totals "$capture" >"$here/totals"
    python3 - "$here/report.json" "$here/totals" <<'END'
import json, sys
report, truth = (json.load(open(path)) for path in sys.argv[1:])
total = report["total"]
assert report["conserved"], report
skipped = {reason: count for reason, count in total["skipped"].items() if count}
assert (total["frames"], total["in_flows"], skipped, report["exporter"]["exported"]) == (
    truth["frames"], truth["selected"], truth["skipped"], truth["records"]), (total, truth)
assert not any(report["ports"][0]["drops"].values()), report["ports"]
print(total["frames"], "frames,", total["in_flows"], "in flows,", skipped)
END
}

for kind in lies cuts; do
    say "$kind"
    hostile $kind "$here/$kind.pcap"
    for options in "" "--uniflow" "--tunnels outer" "--tunnels both" "--key vlan,mpls,tos,tunnel"; do
        # shellcheck disable=SC2086
        agree "$here/$kind.pcap" $options
    done
done

# counted CAPTURE FRAMES FLOWS OPTION...: each flow a packet, and all of them in records.
counted() {
    local capture=$1 frames=$2 flows=$3
    shift 3
    timeout 100 "$LEAT" probe "$@" --output json --json "$here/report.json" "$capture" \
        >"$here/records" 2>"$here/probe.log" || fail "leat probe $* $capture: failed"
    python3 - "$here/report.json" "$here/records" "$frames" "$flows" <<'END'
import json, sys
report, (frames, flows) = json.load(open(sys.argv[1])), map(int, sys.argv[3:])
total, exporter = report["total"], report["exporter"]
assert report["conserved"] and total["frames"] == total["in_flows"] == total["packets"] == frames, total
assert total["lost_records"] == 0 and exporter["exported"] == flows, report
ends = set()
for line in open(sys.argv[2]):
    record = json.loads(line)
    assert record["packetDeltaCount"] == 1 and "reversePacketDeltaCount" not in record, record
    ends.add(tuple(record.get(f"{end}IPv{v}Address") for end in ("source", "destination") for v in "46")
             + (record["sourceTransportPort"],))
assert len(ends) == flows, (len(ends), flows)
print(frames, "frames,", flows, "flows, ended:", total["ended"])
END
}

say "20,000 flows of one CRC-32, and 20,000 whose addresses have one exclusive or"
hostile collisions "$here/collisions.pcap" 20000
counted "$here/collisions.pcap" 40000 40000
counted "$here/collisions.pcap" 40000 40000 --flows 1000
counted "$here/collisions.pcap" 40000 40000 --uniflow --key vlan

say "50,000 flows of one packet each, of IPv4 and IPv6, in a cache of 1,000"
hostile flood "$here/flood.pcap" 50000
counted "$here/flood.pcap" 50000 50000 --flows 1000
[ "$(json "$here/report.json" '["total"]["ended"]["resources"]')" -ge 49000 ] || fail "none made way"
