#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The records of leat probe are those that an independent reader of the same capture says, field by field:
# tags, labels, tunnels, fragments, options, ends of connections, timeouts; both ways of metering, and
# each packet of a tunnel.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3
captures=$(realpath "$(dirname "$0")/../captures")

# agree CAPTURE OPTION...
agree() {
    local capture=$1
    shift
    "$LEAT" probe "$@" --fields full,mplsLabelStackDepth --output json "$capture" \
        >"$here/records" 2>"$here/probe.log" || fail "leat probe $* $capture: failed"
    python3 "$captures/flow_truth.py" "$@" "$capture" >"$here/truth"
    python3 "$captures/flow_compare.py" "$here/records" "$here/truth" ||
        fail "leat probe $* $capture: records differ from the truth"
}

for capture in "$captures"/flows/*.pcap "$captures/protocols.pcap"; do
    say "$(basename "$capture")"
    agree "$capture"
    agree "$capture" --uniflow
    agree "$capture" --tunnels outer
    agree "$capture" --tunnels both
    agree "$capture" --key vlan,mpls,tos,tunnel
done
say "other timeouts"
agree "$captures/flows/timeouts.pcap" --active 100 --idle 60
agree "$captures/flows/timeouts.pcap" --active 30 --idle 10
