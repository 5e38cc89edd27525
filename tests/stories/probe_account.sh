#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leat probe's account closes to the packet, however much is too much: a full cache, an exporter that cannot
# follow, configurations that are reloaded under load, collectors that stop reading or go away, and SIGTERM at
# twenty random moments (LEAT_SEED). Packets that an emulated NIC sent = frames metered + frames lost at the NIC;
# metered = in records exported + in records lost, of which the exporter's queue and each sink count their own; and
# what was exported is what an independent collector has.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
PATIENCE=120
need_root
need ip python3 ss
tools=$(realpath "$(dirname "$0")/../tools")
seed=${LEAT_SEED:-$RANDOM}
echo "LEAT_SEED=$seed"
RANDOM=$seed
namespace lt-account
inside() { ip netns exec lt-account "$@"; }
listens() { inside ss -lntH | grep ":$1 " >/dev/null; }
port=4739

# collector NAME: over TCP at $port; its sessions go to NAME.ipfix.0, .1, ...; `order NAME WORD` tells it what to do.
collector() {
    port=$((port + 1))
    mkfifo "$here/$1.control"
    start "$1" ip netns exec lt-account python3 "$tools/ipfix_collector.py" serve $port "$here/$1.ipfix" "$here/$1.control"
    until_true "$1 listens" listens $port
}
order() { echo "$2" >>"$here/$1.control"; }
has_session() { [ -e "$here/$1.ipfix.$2" ]; }
# caught_up NAME: it has all records that the probe says it has sent, which are no more than when it was asked last.
caught_up() {
    local sink before=$sent
    sink=$(grep " to ipfix" "$here/probe.log" | tail -n 1)
    [[ $sink =~ ([0-9]+)\ records ]] && sent=${BASH_REMATCH[1]}
    [[ $sink != *held* ]] && [ "$sent" = "$before" ] &&
        [ "$(python3 "$tools/ipfix_collector.py" count "$here/$1".ipfix.* | json /dev/stdin '["flows"]')" = "$sent" ]
}
settled() {
    local sent=
    until_true "$1 has what was sent" caught_up "$1"
}

# nic RATE COUNT FLOWS[,wait=off]: sends UDP to its driver; with wait=off, what does not fit the queue is lost.
nic() {
    rm -f "$here/nic.sock" "$here/nic.other" "$here/control.sock" "$here/nic.json"
    start nic "$LEAT" softnic --control "$here/control.sock" --json "$here/nic.json" \
        "$here/nic.sock=gen,rate=$1,count=$2,flows=$3" "$here/nic.other=sink"
    until_true "the NIC waits" grep -q "port 1.*waits" "$here/nic.log"
}
# probe OPTION...: meters what the NIC sends.
probe() {
    rm -f "$here/report.json"
    start probe ip netns exec lt-account "$LEAT" probe "vfio-user:$here/nic.sock,rx-ring=${ring:-4096}" --queues 1 --interval 0.1 \
        --json "$here/report.json" "$@"
}
told() { grep -E '^[0-9]+ s: ' "$here/probe.log" | tail -n 1; }
# metered N: frames were, or were lost at the NIC, so far.
metered() { [ "$(($(told | sed -E 's/^[0-9]+ s: ([0-9]+) frames[^;]*;[^;]*/\1/; s/; lost ([0-9]+)[^;]*/ + \1/g')))" -ge "$1" ]; }
loses_records() { told | grep -q ' flows, [0-9]* lost'; }
probe_ends() {
    kill -TERM "${pid[probe]}"
    ended probe || fail "leat probe: exit code $?"
    kill -TERM "${pid[nic]}"
    ended nic || fail "leat softnic: exit code $?"
}

# closes NAME EXPRESSION: the account. The expression is what a case is about: `total`, `exporter`, `sink` are
# parts of the report, `sent` what the NIC has sent, `got` what the collector NAME has.
closes() {
    order "$1" end
    ended "$1" || fail "the collector: $?"
    python3 "$tools/ipfix_collector.py" count "$here/$1".ipfix.* >"$here/got.json" || fail "$1 received what is not IPFIX"
    python3 - "$here/nic.json" "$here/report.json" "$here/got.json" "$port" "$2" <<'END' || fail "$1: it does not add up"
import json, sys
nic, report, got = (json.load(open(path)) for path in sys.argv[1:4])
total, exporter = report["total"], report["exporter"]
sent, port = nic["ports"][0]["generated"], report["ports"][0]
sink, = [s for s in report["sinks"] if s["name"].endswith(":" + sys.argv[4])]
replaced = [s for s in report["sinks"] if s["name"] == "replaced"]  # by reloads; files among them lose nothing
lost, lost_packets = (sum(s[what] for s in [sink] + replaced) for what in ("lost", "lost_packets"))
lost_at_nic = sum(port["drops"].values())
account = {
    "frames": (total["frames"], port["rx_packets"]),
    "reasons": (total["frames"], total["in_flows"] + total["filtered"] + total["unsampled"] + sum(total["skipped"].values())),
    "packets": (total["in_flows"], total["packets"]),
    "records": (sum(total["ended"].values()), exporter["records"]),
    "meters": (total["packets"], exporter["exported_packets"] + exporter["unselected_packets"] + total["lost_packets"]),
    "collector": (exporter["exported"], got["flows"] + lost),
    "its packets": (exporter["exported_packets"], got["packets"] + lost_packets),
    "its sink": (sink["records"], sink["records"] if replaced else got["flows"]),
    "missing": (0, got["missing"]),
    "rest": (0, got["rest"]),
    "held": (0, sink["held"]),
    "conserved": (True, report["conserved"]),
}
wrong = {what: sides for what, sides in account.items() if sides[0] != sides[1]}
print(f'{sent} sent, {lost_at_nic} lost at the NIC; {total["packets"]} metered: {got["packets"]} at the collector, '
      f'{total["lost_packets"]} lost by meters, {lost_packets} by the sink')
assert not wrong, (wrong, report, got)
for part in sys.argv[5].split(";"):
    assert eval(part), (part, report, got)
END
}
ALL='sent == total["frames"] + lost_at_nic'

say "all goes well"
nic 100k 20000 500
collector well
probe --to "ipfix+tcp://127.0.0.1:$port"
until_true "all is metered" metered 20000
probe_ends
closes well "$ALL;sink['lost'] == total['lost_records'] == 0;total['flows'] == got['flows'] == 500"
echo '{"totals": {"records": 500, "packets": 20000}}' >"$here/truth.json"
python3 "$tools/ipfix_judge.py" --file "$here/well.ipfix.0" --judges ipfixDump,python --expect "$here/truth.json" ||
    [ $? -eq 77 ] || fail "others read something else"

say "the cache is full: a record a packet"
nic 50k 50000 5000
collector full
probe --flows 64 --to "ipfix+tcp://127.0.0.1:$port"
until_true "all is metered" metered 50000
probe_ends
closes full "$ALL;total['ended']['resources'] > 30000;sink['lost'] == total['lost_records'] == 0"

say "the exporter has too many sinks to follow: its queue is full, and meters lose records"
nic 500k 1M 5000
collector behind
busy=()
for _ in {1..10}; do busy+=(--to json:/dev/null); done
probe --flows 64 --fields full "${busy[@]}" --to "ipfix+tcp://127.0.0.1:$port"
until_true "meters lose records" loses_records
until_true "all is metered" metered 1000000
probe_ends
closes behind "$ALL;total['lost_records'] > 1000;exporter['exported'] > 65536;sink['lost'] == 0"

say "the worker cannot follow, with a queue of 64 frames: the NIC loses what does not fit"
nic max 1M 50000,wait=off
collector slow
ring=64 probe --fields full --to "ipfix+tcp://127.0.0.1:$port"
until_true "all is metered" metered 1000000
probe_ends
closes slow "$ALL;lost_at_nic > 0"

say "the collector does not read, and there is no spool: the sink loses records"
nic 200k 200k 5000
collector deaf
probe --flows 64 --to "ipfix+tcp://127.0.0.1:$port"
until_true "there is a session" has_session deaf 0
order deaf stop
until_true "all is metered" metered 200000
order deaf read
settled deaf
probe_ends
closes deaf "$ALL;sink['lost'] > 1000;got['told']['unsent_packets'] == sink['lost_packets']"

say "the collector goes away under load, and comes back"
nic 50k 100k 5000
collector gone
probe --flows 64 --to "ipfix+tcp://127.0.0.1:$port"
until_true "there is a session" has_session gone 0
until_true "frames come" metered 1000
tell "link 0 down" >/dev/null # what is on its way to a collector that vanishes is nobody's
settled gone
order gone away
until_true "it is missed" grep -q "the collector is away" "$here/probe.log"
tell "link 0 up" >/dev/null
until_true "half is metered" metered 50000
order gone back
until_true "all is metered" metered 100000
until_true "there is a second session" has_session gone 1
settled gone
probe_ends
closes gone "$ALL;sink['lost'] > 1000;sink['failures'] > 0;got['sessions'] == 2"

# reread N: SIGHUP, until the configuration was read again for the Nth time.
reread_so_often() { [ "$(grep -c "read again, and in force" "$here/probe.log")" -ge "$1" ]; }
reread() {
    kill -HUP "${pid[probe]}"
    until_true "reload $1" reread_so_often "$1"
}
say "configurations are reloaded under load, while the exporter cannot follow"
nic 500k 2M 5000
collector reread
{
    echo "flows: 64"
    echo "to:"
    echo "  - ipfix+tcp://127.0.0.1:$port"
    for _ in {1..10}; do echo "  - json:/dev/null"; done
} >"$here/probe.yaml"
probe --config "$here/probe.yaml" --fields full
until_true "meters lose records" loses_records
reloads=0
for line in "filter: ip" "idle: 0.5" "active: 1" "sample: 1/2" "select: min-packets=2"; do
    echo "$line" >>"$here/probe.yaml"
    reread $((++reloads))
    sed -i 's/json:/csv:/; t; s/csv:/json:/' "$here/probe.yaml"
    reread $((++reloads))
done
until_true "all is metered" metered 2000000
probe_ends
closes reread "$ALL;total['lost_records'] > 0;total['unsampled'] > 0;exporter['unselected'] > 0"

say "SIGTERM at twenty random moments, some of them before it meters"
for round in {1..20}; do
    wait_ms=$((RANDOM % 1000))
    nic 300k 1M 5000
    collector "round$round"
    probe --flows $((64 << RANDOM % 8)) --to "ipfix+tcp://127.0.0.1:$port"
    read -rt "0.$(printf %03d $wait_ms)" <> <(:) || true
    kill -TERM "${pid[probe]}"
    status=0
    ended probe || status=$?
    kill -TERM "${pid[nic]}"
    ended nic || fail "leat softnic: exit code $?"
    if [ $status -eq 143 ] && [ ! -s "$here/report.json" ] && ! grep -q metering "$here/probe.log"; then
        echo "after $wait_ms ms: it had not begun"
        continue
    fi
    [ $status -eq 0 ] || fail "after $wait_ms ms: exit code $status"
    closes "round$round" "sent >= total['frames']"
done
