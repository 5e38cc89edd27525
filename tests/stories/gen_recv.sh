#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Probe frames into a capture and back: whole they are good; with frames lost, doubled, swapped or
# altered, `leat recv` says exactly so, and exits with 3.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need tcpdump python3

# judged FILE CODE RECEIVED MISSING DUPLICATE REORDERED ALTERED [OPTION...]
judged() {
    local file=$1 code=$2 wanted="$3 $4 $5 $6 $7" status=0
    shift 7
    "$LEAT" recv "$@" --json "$here/r.json" "pcap:$file" >"$here/recv.log" 2>&1 || status=$?
    [ $status -eq "$code" ] || fail "recv of $file: exit code $status, not $code"
    local got
    got=$(python3 -c 'import json, sys
s = json.load(open(sys.argv[1]))["sequence"]
print(*(s[k] for k in ("received", "missing", "duplicate", "reordered", "corrupt")))' "$here/r.json")
    [ "$got" = "$wanted" ] || fail "recv of $file: $got, not $wanted"
}

say "every size and shape"
for shape in "" "--size imix" "--size 9216" "--vlan 1-9 --size 68" \
    "--src 2001:db8::1-2001:db8::ff --dst 2001:db8:1:: --size 84" \
    "--src 10.0.0.1-10.0.0.7 --sport 1-5 --rate 50%"; do
    # shellcheck disable=SC2086 # several options
    "$LEAT" gen --count 5000 $shape "pcap:>$here/p.pcapng" >"$here/gen.log" 2>&1 || fail "gen $shape"
    judged "$here/p.pcapng" 0 5000 0 0 0 0 --expect 5000
    [ "$(tcpdump -nr "$here/p.pcapng" 2>/dev/null | wc -l)" -eq 5000 ] || fail "tcpdump, $shape"
done

say "flows are what was asked for"
flows=$(tcpdump -nr "$here/p.pcapng" 2>/dev/null | awk '{print $3}' | sort -u | wc -l)
[ "$flows" -eq 35 ] || fail "$flows flows, not 35"

say "the same frames in every run, without stamps"
for run in 1 2; do
    "$LEAT" gen --count 100 --no-stamp "pcap:>$here/$run.pcapng" >"$here/gen.log" 2>&1
done
cmp -s <(tcpdump -nxxtr "$here/1.pcapng" 2>/dev/null) <(tcpdump -nxxtr "$here/2.pcapng" 2>/dev/null) ||
    fail "two runs differ"

say "what was lost, doubled, swapped, altered"
"$LEAT" gen --count 100 "pcap:>$here/p.pcapng" >"$here/gen.log" 2>&1
cat >"$here/spoil.py" <<'END'
"""Reads 100 equally long records of a classic pcap file and writes them spoilt in several ways."""
import sys
data = open(sys.argv[1], "rb").read()
head, records = data[:24], [data[24 + i * 76:24 + (i + 1) * 76] for i in range(100)]
assert len(data) == 24 + 100 * 76
def write(name, frames):
    open(f"{sys.argv[2]}/{name}.pcap", "wb").write(head + b"".join(frames))
write("lost", records[:50] + records[53:])
write("doubled", records[:51] + records[50:])
write("swapped", records[:50] + [records[51], records[50]] + records[52:])
write("late", records[10:])
altered = bytearray(records[7]); altered[16 + 25] ^= 1  # in the IPv4 header's checksum
write("altered", records[:7] + [bytes(altered)] + records[8:])
write("cut", records[:90])
END
tcpdump -r "$here/p.pcapng" -w "$here/p.pcap" 2>/dev/null
python3 "$here/spoil.py" "$here/p.pcap" "$here"
judged "$here/lost.pcap" 3 97 3 0 0 0
judged "$here/doubled.pcap" 3 101 0 1 0 0
judged "$here/swapped.pcap" 0 100 0 0 1 0
judged "$here/late.pcap" 3 90 10 0 0 0
judged "$here/late.pcap" 0 90 0 0 0 0 --join
judged "$here/altered.pcap" 3 100 1 0 0 1
judged "$here/cut.pcap" 0 90 0 0 0 0
judged "$here/cut.pcap" 3 90 0 0 0 0 --expect 100

say "a replay is the same capture again"
"$LEAT" gen --replay "$here/p.pcapng" --rate max "pcap:>$here/again.pcapng" >"$here/gen.log" 2>&1
judged "$here/again.pcapng" 0 100 0 0 0 0 --expect 100
"$LEAT" gen --replay "$here/p.pcapng" "pcap:>$here/again.pcapng" >"$here/gen.log" 2>&1
cmp -s <(tcpdump -nxxtr "$here/p.pcapng" 2>/dev/null) <(tcpdump -nxxtr "$here/again.pcapng" 2>/dev/null) ||
    fail "the replay differs"

say "as many as asked for, and what was read beyond is named"
"$LEAT" gen --replay "$here/p.pcapng" --count 10 --rate max --json "$here/r.json" null: \
    >"$here/gen.log" 2>&1 || fail "gen --count"
[ "$(json "$here/r.json" '["ports"][0]["tx_packets"]')" -eq 10 ] || fail "gen --count 10"
took=$(json "$here/r.json" '["ports"][1]["rx_packets"]')
beyond=$(json "$here/r.json" '["ports"][1]["drops"]["by_program"]')
[ "$took" -eq $((10 + beyond)) ] || fail "of $took frames read, 10 were sent and $beyond not"
judged "$here/p.pcapng" 0 10 0 0 0 0 --count 10
took=$(json "$here/r.json" '["ports"][0]["rx_packets"]')
beyond=$(json "$here/r.json" '["ports"][0]["drops"]["by_program"]')
[ "$took" -eq $((10 + beyond)) ] || fail "of $took frames received, 10 were judged and $beyond not"
