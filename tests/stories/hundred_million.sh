#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# 64 B frames with sequence numbers through `leat fwd`, from one emulated NIC to another: when the
# sender is paced, or waits, none is lost; when it is greedy, every lost one has a named reason.
# FRAMES says how many in each run (default 10 million; `make bench` runs 100 million).
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3
frames=${FRAMES:-10000000}
cores=$(nproc)

# through WIRE OPTION...: all frames from WIRE to a sink, and both reports.
through() {
    local wire=$1
    shift
    rm -f "$here"/*.sock "$here"/*.json
    start softnic "$LEAT" softnic --strict --core $((cores > 1)) --json "$here/softnic.json" \
        --control "$here/control.sock" "$here/a.sock=$wire,count=$frames" "$here/b.sock=sink"
    until_true "softnic listens" test -S "$here/b.sock"
    start fwd "$LEAT" fwd --core 0 --one-way --wait spin --json "$here/fwd.json" "$@" \
        "vfio-user:$here/a.sock,rx-ring=2048" "vfio-user:$here/b.sock,tx-ring=4096"
    all_through "$frames"
    kill -INT "${pid[fwd]}"
    ended fwd || fail "fwd ended with $?"
    kill -INT "${pid[softnic]}"
    ended softnic || fail "softnic ended with $?"
}
# What lay in rings when the generator ended has arrived when the sink has seen nothing new since the
# last question.

# Every frame is accounted for, by both programs alike. With `lossless`, none may be lost at all.
account() {
    python3 - "$here/softnic.json" "$here/fwd.json" "$frames" "${1:-}" <<'END' || fail "frames vanished"
import json, sys
nics, fwd = (json.load(open(f)) for f in sys.argv[1:3])
frames, lossless = int(sys.argv[3]), sys.argv[4] == "lossless"
source, sink = nics["ports"]
into, out = fwd["ports"]
def losses(port): return {k: v for k, v in port["drops"].items() if v}
print(f'generated {source["generated"]}, arrived {sink["sequence"]["received"]}, '
      f'{sink["sequence"]["received"] / fwd["seconds"] / 1e6:.2f} Mpps; '
      f'lost at the NIC {losses(source)}, in fwd {losses(into)} {losses(out)}')
assert source["generated"] == frames
assert all(sink["sequence"][k] == 0 for k in ("duplicate", "reordered", "corrupt"))
assert into["rx_packets"] == source["rx_packets"] and out["tx_packets"] == sink["tx_packets"]
assert into["drops"]["rx_missed"] == source["drops"]["rx_missed"]
lost = sum(into["drops"].values()) + sum(out["drops"].values())
assert sink["sequence"]["received"] + lost == frames
assert lost == 0 or not lossless
END
}

say "a sender paced at 2.5 million frames a second: nothing may be lost"
through gen,flows=16,rate=2500000
account lossless

say "a sender that waits for the NIC, and fwd that waits for room: nothing may be lost"
through gen,flows=16 --lossless
account lossless

say "a greedy sender, and fwd that drops: every loss has a name"
through gen,flows=16,wait=off
account
