#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Collectors in trouble, and leat probe beside them: they stop reading, reset, close, answer with garbage,
# go away and come back; one takes over from another; the spool's disk is full, or the spool vanishes, or
# the probe is killed while it spools. Every record that the probe's report counts is at a collector, in
# order, or counted as lost.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip python3 mount openssl ss
program=$(realpath "$(dirname "$0")/../tools/ipfix_collector.py")
namespace lt-trouble
inside() { ip netns exec lt-trouble "$@"; }
listens() { inside ss -lntuH | grep ":$1 " >/dev/null; }
undo() { if mountpoint -q "$here/disk"; then umount -l "$here/disk"; fi; }

# collector NAME PORT: sessions go to NAME.0, NAME.1, ...; `order NAME WORD...` tells it what to do.
collector() {
    mkfifo "$here/$1.control"
    start "$1" ip netns exec lt-trouble python3 "$program" serve "$2" "$here/$1.ipfix" \
        "$here/$1.control" 7>&- # else the FIFO with the capture would not end
    until_true "$1 listens" listens "$2"
}
order() {
    local name=$1 word
    shift
    for word in "$@"; do echo "$word" >>"$here/$name.control"; done
}
received() { find "$here" -maxdepth 1 -name "$1.ipfix.*" | sort -V; }
size_of() { received "$1" | xargs cat | wc -c; }
session() { until_true "session $2 of $1" test -e "$here/$1.ipfix.$2"; }

# A capture in five parts, which go into a FIFO when it is their turn.
PARTS=5 FRAMES=40000
say "a capture of $((PARTS * FRAMES)) packets, most of which make a record each"
"$LEAT" gen --count $((PARTS * FRAMES)) --src 10.0.0.1-10.0.0.200 --sport 1000-1099 \
    "pcap:>$here/all.pcapng" >"$here/gen.log" 2>&1 || fail "leat gen"
python3 - "$here/all.pcapng" "$here/part" $PARTS $FRAMES <<'END'
import struct, sys
data, name, parts, frames = open(sys.argv[1], "rb").read(), *sys.argv[2:3], *map(int, sys.argv[3:])
at = packets = 0
out = [b""] * parts
pieces = [[] for _ in range(parts)]
while at < len(data):
    kind, length = struct.unpack_from("<II", data, at)
    pieces[min(packets // frames, parts - 1)].append(data[at:at + length])
    packets += kind == 6
    at += length
assert packets == parts * frames, packets
for i, blocks in enumerate(pieces):
    open(f"{name}.{i}", "wb").write(b"".join(blocks))
END

# probe OPTION...: reads from the FIFO, with a cache so small that most packets end a flow.
probe() {
    rm -f "$here/capture"
    mkfifo "$here/capture"
    start probe ip netns exec lt-trouble "$LEAT" probe "pcap:$here/capture" --flows 64 --interval 0.1 \
        --json "$here/report.json" "$@"
    exec 7>"$here/capture"
    fed=0
}
# feed N: the next N parts, until all their frames are metered.
feed() {
    local last=$((fed + $1))
    for (( ; fed < last; fed++)); do cat "$here/part.$fed" >&7; done
    until_true "part $fed is metered" grep -q " s: $((fed * FRAMES)) frames" "$here/probe.log"
}
probe_ends() {
    exec 7>&-
    ended probe || fail "leat probe: exit code $?"
}
# settled NAME: what it has received has not grown for a second.
settled() {
    local before=-1 now
    while now=$(size_of "$1"); [ "$before" != "$now" ]; do
        before=$now
        read -rt 1 <> <(:) || true
    done
}
# adds_up EXPRESSION COLLECTOR...: what they received, as `got`, and the report's sink, as `sink`.
adds_up() {
    local expression=$1 name files=()
    shift
    for name in "$@"; do mapfile -t -O ${#files[@]} files < <(received "$name"); done
    python3 "$program" count "${files[@]}" >"$here/got.json" || fail "what $* received is not IPFIX"
    python3 - "$here/report.json" "$here/got.json" "$expression" <<'END' || fail "it does not add up"
import json, sys
report, got = (json.load(open(path)) for path in sys.argv[1:3])
sink, exported = report["sinks"][0], report["exporter"]["exported"]
packets = report["exporter"]["exported_packets"]
total = report["total"]
assert report["conserved"] and total["frames"] == total["in_flows"] == packets, report
print({key: sink[key] for key in ("records", "held", "lost", "lost_packets", "failures")}, got)
assert got["in_order"], got
for part in sys.argv[3].split(";"):
    assert eval(part), part
END
}

say "TCP: it stops reading, and there is no spool: what does not fit is lost, and told"
collector slow 4739
probe --to ipfix+tcp://127.0.0.1:4739
session slow 0
order slow stop
feed 4
order slow read
settled slow
feed 1
probe_ends
order slow end
ended slow || fail "the collector: $?"
adds_up 'sink["lost"] > 10000; got["flows"] == got["different"] == sink["records"];
got["flows"] + sink["lost"] == exported; got["packets"] + sink["lost_packets"] == packets;
got["sessions"] == 1; got["missing"] == 0; sink["held"] == 0;
got["told"]["unsent_packets"] == sink["lost_packets"]; got["told"]["unsent_flows"] == sink["lost"]' slow

say "with a spool it gets all, in order; with one that is too small what did not fit is lost"
for size in 64M 1M; do
    collector "spooled$size" 4740
    probe --to ipfix+tcp://127.0.0.1:4740 --spool "$here/spool$size" --spool-size $size
    session "spooled$size" 0
    order "spooled$size" stop
    feed 4
    order "spooled$size" read
    settled "spooled$size"
    feed 1
    probe_ends
    order "spooled$size" end
    ended "spooled$size" || fail "the collector: $?"
    adds_up "(sink['lost'] > 1000) == ('$size' == '1M'); got['flows'] == got['different'] == sink['records'];
got['flows'] + sink['lost'] == exported; got['packets'] + sink['lost_packets'] == packets;
got['sessions'] == 1; got['missing'] == 0; sink['held'] == 0;
got['told']['unsent_packets'] == sink['lost_packets']" "spooled$size"
done

say "it resets, closes, says something senseless, and goes away: with a spool nothing is lost"
collector wild 4741
probe --to ipfix+tcp://127.0.0.1:4741 --spool "$here/spool.wild" --spool-size 64M
session wild 0
feed 1
order wild reset
feed 1
session wild 1
order wild garbage close
feed 1
session wild 2
order wild away
feed 1
order wild back
session wild 3
feed 1
settled wild
probe_ends
order wild end
ended wild || fail "the collector: $?"
adds_up 'got["different"] == exported; sink["lost"] == 0; sink["held"] == 0; sink["failures"] >= 3;
got["sessions"] >= 4; got["missing"] == 0' wild

say "fail-over: the second has what comes while the first is away, and none is missing from both"
collector first 4742
collector second 4743
probe --failover --to ipfix+tcp://127.0.0.1:4742 --to ipfix+tcp://127.0.0.1:4743
session first 0
feed 1
settled first
order first away
until_true "the first is away" grep -q "4742: the collector is away" "$here/probe.log"
feed 2
order first back
session first 1
feed 2
settled first
probe_ends
for name in first second; do order $name end; ended $name || fail "the collector $name: $?"; done
adds_up 'got["flows"] == got["different"]; got["flows"] + sink["lost"] == exported;
got["packets"] + sink["lost_packets"] == packets; got["missing"] == 0' first second
for name in first second; do
    [ "$(size_of $name)" -gt 100000 ] || fail "$name got next to nothing"
done

say "mirrored: each has all that the other has"
collector left 4744
collector right 4745
probe --to ipfix+tcp://127.0.0.1:4744 --to ipfix+tcp://127.0.0.1:4745 --spool "$here/spool.both"
feed 5
probe_ends
for name in left right; do
    order $name end
    ended $name || fail "the collector $name: $?"
    adds_up 'got["flows"] == got["different"] == exported == sink["records"]; got["packets"] == packets;
got["missing"] == 0; report["sinks"][1]["records"] == exported' $name
done

say "the spool's disk is full: that is told once, what fits arrives, the rest is counted"
mkdir "$here/disk"
mount -t tmpfs -o size=2M tmpfs "$here/disk"
probe --to ipfix+tcp://127.0.0.1:4746 --spool "$here/disk" --spool-size 64M
feed 4
collector disk 4746
session disk 0
settled disk
feed 1
probe_ends
order disk end
ended disk || fail "the collector: $?"
adds_up 'sink["lost"] > 10000; got["flows"] == got["different"] == sink["records"] > 10000;
got["flows"] + sink["lost"] == exported; got["packets"] + sink["lost_packets"] == packets;
got["missing"] == 0; got["told"]["unsent_packets"] == sink["lost_packets"]' disk
[ "$(grep -c "No space left" "$here/probe.log")" = 1 ] || fail "a full disk is not told once"

say "the spool vanishes while records are in it"
probe --to ipfix+tcp://127.0.0.1:4747 --spool "$here/gone" --spool-size 64M
feed 2
rm -r "$here/gone"
feed 1
collector gone 4747
session gone 0
settled gone
feed 2
probe_ends
order gone end
ended gone || fail "the collector: $?"
adds_up 'got["flows"] == got["different"] == sink["records"] > 0; got["missing"] == 0;
got["flows"] + sink["lost"] == exported; got["packets"] + sink["lost_packets"] == packets' gone

say "kill -9 while it spools: the next start sends all whole messages that it had kept"
probe --to ipfix+tcp://127.0.0.1:4748 --spool "$here/killed" --spool-size 64M
feed 1
for part in 1 2 3; do cat "$here/part.$part"; done >&7 & # it is killed at some point of these
until_true "more is in the spool" grep -q " s: [4-9][1-9][0-9]* frames\|[1-9][0-9]\{5\} frames" "$here/probe.log"
kill -KILL "${pid[probe]}"
ended probe || true
exec 7>&-
kept=$(find "$here/killed" -name '*.ipfix' | sort)
# shellcheck disable=SC2086 # a path a word
python3 "$program" count $kept >"$here/kept.json" || fail "what is in the spool is not IPFIX"
collector killed 4748
probe --to ipfix+tcp://127.0.0.1:4748 --spool "$here/killed" --spool-size 64M
session killed 0
settled killed
feed 1
probe_ends
order killed end
ended killed || fail "the collector: $?"
kept=$(json "$here/kept.json" '["flows"]')
[ "$kept" -gt 10000 ] || fail "only $kept records were in the spool"
adds_up "got['flows'] == exported + $kept; got['missing'] == 0; sink['lost'] == 0" killed
