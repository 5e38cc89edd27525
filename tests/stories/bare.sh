#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The driver by itself (examples/bare.c): it forwards, counts what it forwarded, and says so when
# there is no device, or none any more. BARE names it.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3

say "no device"
"$BARE" "$here/a.sock" "$here/b.sock" >"$here/bare.log" 2>&1 && fail "it opened what is not there"
grep -q "vfio-user:$here/a.sock: cannot connect" "$here/bare.log" || fail "it does not say so"

nics() {
    start softnic "$LEAT" softnic --strict --control "$here/control.sock" \
        --json "$here/softnic.json" "$here/a.sock=gen,count=20000,rate=20000" "$here/b.sock=sink"
    until_true "softnic listens" grep -q "port 1.*waits" "$here/softnic.log"
    start bare "$BARE" "$here/a.sock" "$here/b.sock"
}

say "from a generator to a sink"
nics
all_through 20000
kill -INT "${pid[bare]}"
ended bare || fail "bare ended with $?"
kill -INT "${pid[softnic]}"
ended softnic || fail "softnic ended with $?"
received=$(sed -n "s|$here/a.sock: received \([0-9]*\),.*|\1|p" "$here/bare.log")
sent=$(sed -n "s|$here/b.sock: .*sent \([0-9]*\)|\1|p" "$here/bare.log")
echo "received $received, sent $sent"
python3 - "$here/softnic.json" "$received" "$sent" <<'END' || fail "frames vanished"
import json, sys
source, sink = json.load(open(sys.argv[1]))["ports"]
received, sent = map(int, sys.argv[2:])
assert source["generated"] == 20000
assert 0 < sent <= received <= 20000
assert sink["sequence"]["received"] == sent
assert sink["sequence"]["duplicate"] == sink["sequence"]["reordered"] == 0
END

say "the NICs are killed"
nics
until_true "frames flow" grep -q . <(tell "stats 1")
kill -KILL "${pid[softnic]}"
ended softnic || true
ended bare && fail "bare does not tell"
grep -q "the device or its server is gone" "$here/bare.log" || fail "bare does not say why"
exit 0
