#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What bench/probe rests on: the captures that it makes hold what their options say, libpcap and the
# pcap: port read the same, and its collector counts what leat probe says that it sent.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3 tshark
[ -x "$BENCH/capture_loop" ] || skip "needs libpcap, for bench/capture_loop"

# between WHAT NUMBER LEAST MOST
between() {
    if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then fail "$2 $1, not $3 to $4"; fi
}

# traffic FLOWS NEW PACKETS: two captures, and what leat probe makes of them.
traffic() {
    local flows=$1 new=$2 packets=$3 said
    said=$("$BENCH/flow_capture" --flows "$flows" --new "$new" --packets "$packets" \
        --fill "$here/fill.pcap" --to "$here/packets.pcap")
    read -r _ active _ idle _ room <<<"$said"
    mkfifo "$here/until"
    # shellcheck disable=SC2016 # that shell expands it, once somebody writes to the pipe
    start count sh -c 'exec "$0" <"$1"' "$BENCH/ipfix_count" "$here/until"
    exec 3>"$here/until"
    until_true "the collector listens" grep -q ready "$here/count.log"
    "$LEAT" probe "$here/fill.pcap" "$here/packets.pcap" --flows "$room" --active "$active" \
        --idle "$idle" --to "ipfix://127.0.0.1:$(grep -o '[0-9]*$' "$here/count.log")" \
        --json "$here/probe.json" >"$here/probe.log" 2>&1 || fail "leat probe"
    exec 3>&-
    ended count || fail "ipfix_count"
    rm "$here/until"
}

say "known flows: all of them in the preamble, none but them behind it, 4 records in 100 packets"
traffic 300 0 30000
tshark -r "$here/fill.pcap" -T fields -e ip.src 2>"$here/tshark.log" >"$here/fill"
tshark -r "$here/packets.pcap" -T fields -e ip.src 2>"$here/tshark.log" >"$here/packets"
[ "$(wc -l <"$here/fill") $(sort -u "$here/fill" | wc -l)" = "300 300" ] || fail "preamble"
[ "$(wc -l <"$here/packets")" -eq 30000 ] || fail "packets"
[ "$(cat "$here/fill" "$here/packets" | sort -u | wc -l)" -eq 300 ] || fail "flows"
ended=$(json "$here/probe.json" '["total"]["ended"]["active"]')
between "records of the active timeout" "$ended" 1000 1300

say "readers agree"
for reader in libpcap port; do
    "$BENCH/capture_loop" $reader "$here/packets.pcap" >"$here/$reader.log" || fail "$reader"
done
[ "$(grep -o '^packets 30000 \|sum.*' "$here/libpcap.log")" = \
    "$(grep -o '^packets 30000 \|sum.*' "$here/port.log")" ] || fail "readers differ"

say "the collector counts what the probe sent"
sent() { json "$here/probe.json" '["sinks"][0]["records"]'; }
grep -q " records $(sent) .* unknown 0 broken 0" "$here/count.log" || fail "not $(sent) records"

say "one packet in ten of a new flow, and as many flows that end"
traffic 300 10 30000
tshark -r "$here/packets.pcap" -T fields -e ip.src 2>"$here/tshark.log" | sort -u >"$here/packets"
count=$(wc -l <"$here/packets")
between "flows" "$count" 3000 3500
idle=$(json "$here/probe.json" '["total"]["ended"]["idle"]')
between "idle flows" "$idle" 2800 3600
grep -q " records $(sent) .* unknown 0 broken 0" "$here/count.log" || fail "not $(sent) records"
