#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Captures of random traffic (LEAT_SEED): the records of leat probe are those that an independent reader says, field
# by field, and its account closes, however it is told to meter.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3
captures=$(realpath "$(dirname "$0")/../captures")
seed=${LEAT_SEED:-$RANDOM$RANDOM}

# agree OPTION...
agree() {
    "$LEAT" probe "$@" --fields full,mplsLabelStackDepth --output json --json "$here/report.json" "$here/random.pcap" \
        >"$here/records" 2>"$here/probe.log" || fail "seed $seed: leat probe $*: exit code $?"
    python3 "$captures/flow_truth.py" "$@" "$here/random.pcap" >"$here/truth"
    python3 "$captures/flow_compare.py" "$here/records" "$here/truth" || fail "seed $seed: leat probe $*: records differ"
}

for ((round = 0; round < ${ROUNDS:-4}; round++, seed++)); do
    say "seed $seed"
    python3 "$captures/random_flows.py" "$seed" "$here/random.pcap"
    agree
    agree --uniflow
    agree --tunnels both
    agree --tunnels outer
    agree --key vlan,mpls,tos,tunnel
    agree --active 40 --idle 5
done
