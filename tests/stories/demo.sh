#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat demo`, what `make run` shows: the capture arrives byte for byte, every lost frame has a name,
# Ctrl-C still reports, a dead softnic is an error, and nothing is left behind.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3
export TMPDIR=$here

nothing_left() { [ -z "$(find "$here" -name 'leat-??????')" ] || fail "$1 left its directory"; }

say "as it is shown"
"$LEAT" demo --seconds 1 --json "$here/demo.json" >"$here/demo.log" 2>&1 || fail "exit code $?"
grep -q "all 288 frames, .* arrived byte for byte" "$here/demo.log" || fail "the capture"
python3 - "$here/demo.json" <<'END' || fail "the figures"
import json, sys
r = json.load(open(sys.argv[1]))
a, b = r["ports"]
lost = sum(b["drops"].values())
s = r["sequence"]
assert a["rx_packets"] == b["tx_packets"] + lost, "received is not sent and lost"
assert s["received"] == b["tx_packets"], "the sink did not get what was sent"
assert s["missing"] <= lost + sum(a["drops"].values()), "a loss without a name"
assert not s["duplicate"] and not s["reordered"] and not s["corrupt"]
assert all(r["cycles_per_packet"][k] > 0 for k in ("receive", "transmit", "buffers", "total"))
for latency in (r["latency_ns"], r["paced_latency_ns"]):
    assert 0 < latency["p50"] <= latency["p99"] <= latency["p999"] <= latency["max"]
END
nothing_left "a demonstration"

say "a capture that is none"
echo nonsense >"$here/bad.pcap"
"$LEAT" demo --capture "$here/bad.pcap" >"$here/bad.log" 2>&1 && fail "it was taken"
nothing_left "a failed demonstration"

flooding() { grep -q '^3\.' "$here/$1.log" && pgrep -P "${pid[$1]}" >/dev/null; }

say "Ctrl-C"
start stopped "$LEAT" demo --seconds 1000
until_true "the flood begins" flooding stopped
kill -INT "${pid[stopped]}"
ended stopped || fail "exit code $?"
grep -q "Mpps received" "$here/stopped.log" || fail "no report after Ctrl-C"
nothing_left "Ctrl-C"

say "softnic killed"
start orphan "$LEAT" demo --seconds 1000
until_true "the flood begins" flooding orphan
kill -KILL "$(pgrep -P "${pid[orphan]}")"
ended orphan && fail "it went well"
grep -q "softnic ended with signal 9" "$here/orphan.log" || fail "no word of softnic's end"
nothing_left "a killed softnic"
