#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leat probe accounts for every packet: with a cache that is far too small, on live queues, with a
# configuration that is reloaded meanwhile, and when it is told to stop.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3

# adds_up REPORT FRAMES RECORDS: all frames are in the report, and the packets of its flows in the
# records, which are JSON lines.
adds_up() {
    python3 - "$@" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
total, exporter, frames = report["total"], report["exporter"], int(sys.argv[2])
assert report["conserved"], report
assert total["frames"] == frames, (total["frames"], frames)
skipped = sum(total["skipped"].values())
assert frames == total["in_flows"] + total["filtered"] + total["unsampled"] + skipped, total
assert total["packets"] == (exporter["exported_packets"] + exporter["unselected_packets"]
                            + total["lost_packets"]), report
for queue in ["frames", "packets", "in_flows", "flows"]:
    assert total[queue] == sum(q[queue] for q in report["queues"]), queue
for run in report["runs"]:
    assert 0 <= run["busy_seconds"] <= run["seconds"] * len(report["queues"]), report["runs"]
assert abs(sum(run["seconds"] for run in report["runs"]) - report["seconds"]) < 1e-6, report
records = packets = 0
for path in sys.argv[3:]:
    for line in open(path):
        record = json.loads(line)
        records += 1
        packets += record["packetDeltaCount"] + record.get("reversePacketDeltaCount", 0)
assert records == exporter["exported"], (records, exporter)
assert packets == exporter["exported_packets"], (packets, exporter)
print(f"{frames} frames, {total['flows']} flows, {records} records, ended {total['ended']}")
END
}

say "a file, a cache of 64 flows, 20,000 flows in it"
"$LEAT" gen --count 300000 --src 10.0.0.1-10.0.0.200 --sport 1000-1099 "pcap:>$here/many.pcapng" \
    >"$here/gen.log" 2>&1 || fail "leat gen"
"$LEAT" probe "$here/many.pcapng" --flows 64 --output json --json "$here/small.json" \
    >"$here/small.records" 2>"$here/small.log" || fail "leat probe --flows 64: exit code $?"
adds_up "$here/small.json" 300000 "$here/small.records"
[ "$(json "$here/small.json" '["total"]["lost_records"]')" -eq 0 ] ||
    fail "a file can wait: nothing has to be lost"
[ "$(json "$here/small.json" '["total"]["ended"]["resources"]')" -gt 100000 ] ||
    fail "so small a cache ends flows early"

say "the same, with room: 20,000 records of 15 packets"
"$LEAT" probe "$here/many.pcapng" --output json --json "$here/large.json" \
    >"$here/large.records" 2>"$here/large.log" || fail "leat probe: exit code $?"
adds_up "$here/large.json" 300000 "$here/large.records"
[ "$(json "$here/large.json" '["exporter"]["exported"]')" -eq 20000 ] || fail "not 20,000 records"
[ "$(grep -c '"packetDeltaCount":15[,}]' "$here/large.records")" -eq 20000 ] || fail "not 15 each"

say "several files, a filter, sampling, selection"
"$LEAT" probe "$here/many.pcapng" "$here/many.pcapng" --filter 'src host 10.0.0.7' --sample 1/3 \
    --select min-packets=11 --output json --json "$here/part.json" >"$here/part.records" \
    2>"$here/part.log" || fail "leat probe --filter: exit code $?"
adds_up "$here/part.json" 600000 "$here/part.records"
[ "$(json "$here/part.json" '["total"]["filtered"]')" -eq 597000 ] || fail "filtered"
[ "$(json "$here/part.json" '["total"]["unsampled"]')" -eq 2000 ] || fail "sampled"

say "SIGHUP while a capture that comes over a FIFO pauses: the filter is in force for what comes next"
mkfifo "$here/slow"
printf 'ports: ["pcap:%s"]\njson: %s\noutput: json\ninterval: 0.1\n' "$here/slow" "$here/fifo.json" \
    >"$here/fifo.yaml"
"$LEAT" probe --config "$here/fifo.yaml" >"$here/fifo.records" 2>"$here/fifo.log" &
pid[fifo]=$!
exec 7>"$here/slow"
head -c 1000000 "$here/many.pcapng" >&7
# Frames of the last two lines.
metered() { grep -E '^[0-9]+ s: ' "$here/fifo.log" | tail -n 2 | cut -d ' ' -f 3 | uniq; }
stands() { [ "$(metered)" -gt 1000 ]; }
until_true "the probe waits for more" stands
first=$(metered)
echo "filter: src host 10.0.0.7" >>"$here/fifo.yaml"
kill -HUP "${pid[fifo]}"
until_true "it was read again" grep -q "read again, and in force" "$here/fifo.log"
tail -c +1000001 "$here/many.pcapng" >&7
exec 7>&-
ended fifo || fail "leat probe: exit code $?"
adds_up "$here/fifo.json" 300000 "$here/fifo.records"
filtered=$(json "$here/fifo.json" '["total"]["filtered"]')
[ "$filtered" -gt $(((300000 - first) * 99 / 100 - 1000)) ] ||
    fail "of 300000 frames $filtered were filtered, after $first came before"
[ "$filtered" -lt $((300000 - first)) ] || fail "what the filter lets through was filtered"

[ "$(id -u)" -eq 0 ] || { echo "the rest needs root, for network namespaces"; exit 0; }
need ip
quiet_link lt-probe

inside() { ip netns exec lt-probe "$@"; }
# told NAME: the frames of its last line, metered or lost by the port.
told() {
    tail -n 20 "$here/$1.log" | grep -E '^[0-9]+ s: ' | tail -n 1 |
        sed -E 's/^[0-9]+ s: ([0-9]+) frames[^;]*;[^;]*/\1/; s/; lost ([0-9]+)[^;]*/ + \1/g'
}
all_there() { [ $(($(told "$1"))) -eq "$2" ]; }
dropped_at() { dropped "$1" | sed 's/.*=//' | paste -sd+ | sed 's/^$/0/'; }

say "live, while SIGHUP changes sinks and timeouts, then SIGTERM"
cat >"$here/probe.yaml" <<END
ports: [xdp:lt-b]
to: [json:$here/first.records]
idle: 300
interval: 0.1
json: $here/live.json
END
start live ip netns exec lt-probe "$LEAT" probe --config "$here/probe.yaml"
until_true "the probe meters" grep -q "metering" "$here/live.log"
grep -q "frames are consumed" "$here/live.log" || fail "it does not say what becomes of frames"
inside "$LEAT" gen --count 20000 --rate 40k --src 10.0.0.1-10.0.0.200 --sport 1000-1009 \
    --json "$here/gen.json" xdp:lt-a >"$here/gen.log" 2>&1 &
pid[gen]=$!
until_true "frames come" grep -qE '^[0-9]+ s: [1-9][0-9]* frames' "$here/live.log"
sed -i 's/first.records/second.records/; s/idle: 300/idle: 0.2/' "$here/probe.yaml"
kill -HUP "${pid[live]}"
until_true "it was read again" grep -q "read again, and in force" "$here/live.log"
ended gen || fail "gen: exit code $?"
sent=$(json "$here/gen.json" '["ports"][0]["tx_packets"]')
until_true "all $sent frames are metered, or lost by the port" all_there live "$sent"
echo "idle: soon" >>"$here/probe.yaml"
kill -HUP "${pid[live]}"
until_true "a wrong file is refused" grep -q "the old configuration stays" "$here/live.log"
grep -q "probe.yaml:6: idle: it stands there twice" "$here/live.log" || fail "not told where"
sed -i '/idle: soon/d; s/^ports:.*/ports: [xdp:lt-a]/' "$here/probe.yaml"
kill -HUP "${pid[live]}"
until_true "other ports are refused" grep -q "ports cannot change" "$here/live.log"
kill -TERM "${pid[live]}"
ended live || fail "leat probe: exit code $?"
adds_up "$here/live.json" $((sent - $(dropped_at "$here/live.json"))) "$here/first.records" "$here/second.records"
[ "$(json "$here/live.json" '["total"]["ended"]["idle"]')" -gt 0 ] || fail "the new idle timeout"

say "live, with a cache of 64 flows, and SIGTERM while frames come"
start small ip netns exec lt-probe "$LEAT" probe xdp:lt-b --flows 64 --interval 0.1 \
    --to "json:$here/live.records" --json "$here/live.json"
until_true "the probe meters" grep -q "metering" "$here/small.log"
start gen ip netns exec lt-probe "$LEAT" gen --rate 40k --src 10.0.0.1-10.0.0.200 \
    --sport 1000-1099 xdp:lt-a
until_true "frames come" grep -qE '^[0-9]+ s: [1-9][0-9]* frames' "$here/small.log"
kill -TERM "${pid[small]}"
ended small || fail "leat probe: exit code $?"
kill -INT "${pid[gen]}"
ended gen || fail "leat gen: exit code $?"
adds_up "$here/live.json" "$(json "$here/live.json" '["ports"][0]["rx_packets"]')" \
    "$here/live.records"

say "a probe that stands still: what its port loses is in the report, and told to the collector as ignored"
start still ip netns exec lt-probe "$LEAT" probe xdp:lt-b --interval 0.1 --to "file:$here/still.ipfix" \
    --json "$here/still.json"
until_true "the probe meters" grep -q "metering" "$here/still.log"
kill -STOP "${pid[still]}"
inside "$LEAT" gen --count 20000 --src 10.0.0.1-10.0.0.200 xdp:lt-a >"$here/gen.log" 2>&1 || fail "leat gen"
kill -CONT "${pid[still]}"
until_true "all frames are metered, or lost by the port" all_there still 20000
kill -TERM "${pid[still]}"
ended still || fail "leat probe: exit code $?"
python3 "$(dirname "$0")/../tools/ipfix_collector.py" count "$here/still.ipfix" >"$here/still.told"
python3 - "$here/still.json" "$here/still.told" <<'END' || fail "what was lost is not told"
import json, sys
report, told = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))["told"]
port = report["ports"][0]
missed = sum(port["drops"].values())
assert 0 < missed < 20000 and missed + report["total"]["frames"] == 20000, report
assert told["ignored_packets"] == missed and told["ignored_octets"] == 0, (told, port)
print(f"{missed} frames lost by the port, and told")
END
