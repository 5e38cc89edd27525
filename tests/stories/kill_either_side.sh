#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `kill -9` of the driver's program, or of the NIC's, at random moments from the first message to full
# flow: the other side goes on or says what happened, and the next start works. ROUNDS says how often
# each is killed (default 20); the moments come from LEAT_SEED.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
rounds=${ROUNDS:-20}
seed=${LEAT_SEED:-$RANDOM}
RANDOM=$seed
say "seed $seed"

softnic() {
    start softnic "$LEAT" softnic --strict "$here/a.sock=gen,rate=100000,flows=4" "$here/b.sock=sink"
    until_true "softnic listens" grep -q "port 1.*waits" "$here/softnic.log"
}
forward() { # OPTION...
    start fwd "$LEAT" fwd --one-way "$@" "vfio-user:$here/a.sock" "vfio-user:$here/b.sock"
}
works() {
    forward --lossless --count 5000 --json "$here/fwd.json"
    ended fwd || fail "$1 could not work: fwd ended with $?"
    [ "$(json "$here/fwd.json" '["ports"][1]["tx_packets"]')" -ge 5000 ] || fail "$1 lost frames"
}
# Some moment of the first half second: bash has no finer clock than that of read.
some_moment() { read -rt "0.$(printf %03d $((RANDOM % 500)))" <> <(:) || true; }

say "the driver's program is killed: the NIC serves the next one"
softnic
for ((round = 0; round < rounds; round++)); do
    forward
    some_moment
    kill -KILL "${pid[fwd]}"
    ended fwd || [ $? -eq 137 ] || fail "fwd was not killed but ended by itself, round $round"
    gone "${pid[softnic]}" 2>/dev/null && fail "softnic died with its driver, round $round"
done
works "the next driver"
kill -INT "${pid[softnic]}"
ended softnic || fail "softnic ended with $?"

say "the NIC is killed: the driver's program says so and ends"
for ((round = 0; round < rounds; round++)); do
    softnic
    forward
    some_moment
    kill -KILL "${pid[softnic]}"
    ended softnic || true
    ended fwd && fail "fwd did not notice, round $round"
    grep -qE 'gone|cannot connect|refused|hung up' "$here/fwd.log" ||
        fail "fwd did not say that its NIC had gone, round $round"
done
softnic # over the dead one's socket files
works "the next NIC"

say "nothing is left behind"
kill -INT "${pid[softnic]}"
ended softnic || fail "softnic ended with $?"
[ -z "$(find "$here" -name '*.sock')" ] || fail "sockets were left behind"
