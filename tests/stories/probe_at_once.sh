#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leat probe accounts for every packet when all goes wrong at once: a cache that is far too small, an
# exporter that has to wait, a collector that stops, dies and comes back, and reloads, in an order and
# at moments that a seed chooses; then SIGTERM while frames come. The report, the JSON records and the
# IPFIX files, read back by Leat and by a stranger, agree to the packet. LEAT_SEED repeats a run.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip python3 socat
seed=${LEAT_SEED:-$((SRANDOM % 32768))}
RANDOM=$seed
say "LEAT_SEED=$seed"
below() { echo $((RANDOM % $1)); }

quiet_link lt-once
inside() { ip netns exec lt-once "$@"; }
frames() { grep -E '^[0-9]+ s: ' "$here/probe.log" | tail -n 1 | sed -E 's/^[0-9]+ s: ([0-9]+) .*/\1/'; }
more_than() { [ "$(frames)" -gt "$1" ]; }

# Each collector writes a file of its own.
collectors=0
collect() {
    collectors=$((collectors + 1))
    start collector ip netns exec lt-once socat -b 65536 -u TCP-LISTEN:4739,reuseaddr \
        "CREATE:$here/collector$collectors"
}
signal_collector() { kill "-$1" "${pid[collector]}" 2>/dev/null || true; }
configure() {
    cat >"$here/probe.yaml" <<END
ports: [xdp:lt-b]
flows: 64
idle: $1
interval: 0.1
json: $here/report.json
to: [json:$here/slow, json:$here/$2.records, file:$here/$2.ipfix, ipfix+tcp://127.0.0.1:4739]
END
}

say "the probe, a collector, and a pipe whose reader stops"
collect
mkfifo "$here/slow"
start reader python3 -c 'import shutil, sys
with open(sys.argv[1], "rb") as pipe, open(sys.argv[2], "wb") as file: shutil.copyfileobj(pipe, file)' \
    "$here/slow" "$here/slow.records"
until_true "the reader waits for a writer" grep -q wait_for_partner "/proc/${pid[reader]}/wchan"
configure 1 0
start probe ip netns exec lt-once "$LEAT" probe --config "$here/probe.yaml"
until_true "the probe meters" grep -q metering "$here/probe.log"
inside python3 -c 'import socket
to = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
to.bind(("lt-a", 0))
for _ in range(100): to.send(b"\2" * 12 + b"\x88\xb5" + bytes(46))
for _ in range(100): to.send(b"\2" * 12 + b"\x08\0\x45" + bytes(45))'
until_true "what is not IP, or malformed, is skipped" more_than 199
start gen ip netns exec lt-once "$LEAT" gen --rate 30k --src 10.0.0.1-10.0.0.200 --sport 1000-1199 \
    xdp:lt-a
until_true "frames come" more_than 200
kill -STOP "${pid[reader]}"
until_true "the pipe takes no more, and that is counted" grep -q '/slow: .* lost' "$here/probe.log"
kill -CONT "${pid[reader]}"

say "what a seed chooses, while frames come"
for step in $(seq 12); do
    case $(below 5) in
    0) signal_collector STOP ;;
    1) signal_collector CONT ;;
    2) signal_collector KILL; ended collector || true; collect ;;
    *)
        reloads=$(grep -c "read again, and in force" "$here/probe.log" || true)
        configure "0.$((1 + $(below 9)))" "$step"
        kill -HUP "${pid[probe]}"
        again() { [ "$(grep -c "read again, and in force" "$here/probe.log")" -gt "$reloads" ]; }
        until_true "it was read again" again
        ;;
    esac
    until_true "frames come" more_than $(($(frames) + $(below 9000)))
done
kill -TERM "${pid[probe]}"
ended probe || fail "leat probe: exit code $?"
kill -INT "${pid[gen]}"
ended gen || fail "leat gen: exit code $?"
ended reader || fail "the pipe's reader: $?"
signal_collector KILL

for file in "$here"/*.ipfix; do
    "$LEAT" probe --read "$file" --output json >>"$here/read.json" || fail "leat probe --read"
done
cat >"$here/stranger.py" <<'END'
import glob, ipfix.ie, ipfix.reader, json, os, sys
ipfix.ie.use_iana_default()
ipfix.ie.use_5103_default()
for path in sorted(glob.glob(sys.argv[1] + "/*.ipfix"), key=os.path.getmtime):
    with open(path, "rb") as file:
        for record in ipfix.reader.from_stream(file).namedict_iterator():
            print(json.dumps({name: str(value) for name, value in record.items()}))
END
if /usr/bin/python3 -c 'import ipfix' 2>/dev/null; then
    /usr/bin/python3 -W ignore "$here/stranger.py" "$here" >"$here/stranger.json" ||
        fail "python3-ipfix cannot read the files"
fi
python3 - "$here" <<'END'
import glob, json, os, sys
here = sys.argv[1]
report = json.load(open(here + "/report.json"))
total, exporter, port = report["total"], report["exporter"], report["ports"][0]
skipped = sum(total["skipped"].values())
assert report["conserved"], report
assert total["frames"] == port["rx_packets"] == total["in_flows"] + skipped, report
assert skipped == 200 and total["skipped"]["not_ip"] == total["skipped"]["malformed"] == 100, total
assert total["ended"]["resources"] > 0, total
assert total["packets"] == total["in_flows"] == exporter["exported_packets"] + total["lost_packets"], report

def sums(paths):
    lines = [json.loads(line) for path in paths for line in open(path)]
    flows = [line for line in lines if "packetDeltaCount" in line]
    return len(flows), sum(int(flow["packetDeltaCount"]) + int(flow.get("reversePacketDeltaCount", 0))
                           for flow in flows), lines

told = exporter["exported"], exporter["exported_packets"]
assert sums(glob.glob(here + "/[0-9]*.records"))[:2] == told, told
assert sums([here + "/read.json"])[:2] == told, told
# Each of the four sinks has each record: handed over, still held, or counted as lost.
there = sum(sink["records"] + sink["held"] + sink["lost"] for sink in report["sinks"])
assert there == 4 * exporter["exported"], (there, exporter, report["sinks"])
slow = sums([here + "/slow.records"])[0]
sent = sum(sink["records"] for sink in report["sinks"]) - 2 * exporter["exported"] - slow
assert 0 < slow < exporter["exported"] and 0 < sent <= exporter["exported"], (slow, sent, report["sinks"])
if os.path.exists(here + "/stranger.json"):
    flows, packets, lines = sums([here + "/stranger.json"])
    assert (flows, packets) == told, (flows, packets, told)
    last = {name: line for line in lines for name in line if name.endswith("TotalCount")}
    unsent, ignored = last["notSentFlowTotalCount"], last["ignoredPacketTotalCount"]
    assert int(unsent["notSentFlowTotalCount"]) == total["lost_records"], (unsent, total)
    assert int(unsent["notSentPacketTotalCount"]) == total["lost_packets"], (unsent, total)
    # Of the skipped what is IP, and what the port has lost, of which it knows no octets.
    missed = sum(count for reason, count in port["drops"].items() if reason.startswith("rx_"))
    assert int(ignored["ignoredPacketTotalCount"]) == 100 + missed, (ignored, port)
    assert int(ignored["ignoredOctetTotalCount"]) == 6000, ignored
    for loss in [ignored] + [unsent] * (total["lost_records"] > 0):
        assert "2020" < loss["flowStartMilliseconds"] <= loss["flowEndMilliseconds"], loss
print(f"{total['frames']} frames, {exporter['exported']} records exported, {total['lost_records']} lost, "
      f"sinks: {[(s['name'].split('/')[-1], s['records'], s['held'], s['lost']) for s in report['sinks']]}")
END
