#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Four queues a port, a worker each, sleeping when idle: RSS spreads 64 flows over them, each flow
# stays in order, and every frame arrives or has been counted as missed by the NIC.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3

start softnic "$LEAT" softnic --strict --control "$here/control.sock" --json "$here/softnic.json" \
    "$here/a.sock=gen,count=100000,rate=50000,flows=64" "$here/b.sock=sink"
until_true "softnic listens" grep -q "port 1.*waits" "$here/softnic.log"
start fwd "$LEAT" fwd --one-way --lossless --queues 4 --json "$here/fwd.json" \
    "vfio-user:$here/a.sock,rx-ring=1024" "vfio-user:$here/b.sock"
all_through 100000
kill -INT "${pid[fwd]}"
ended fwd || fail "fwd ended with $?"
kill -INT "${pid[softnic]}"
ended softnic || fail "softnic ended with $?"

python3 - "$here/softnic.json" "$here/fwd.json" <<'END' || fail "frames vanished or changed places"
import json, sys
(source, sink), (into, out) = (json.load(open(f))["ports"] for f in sys.argv[1:])
seen = sink["sequence"]
print("arrived", seen["received"], "missed", into["drops"]["rx_missed"])
assert seen["received"] + into["drops"]["rx_missed"] == source["generated"] == 100000
assert seen["reordered"] == seen["duplicate"] == seen["corrupt"] == 0
assert seen["received"] == into["rx_packets"] == out["tx_packets"]
END
