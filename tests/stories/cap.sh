#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat cap` and `leat fwd` on captures: filters pass what tcpdump passes, rotated files hold every
# frame once and in order, and what is forwarded is the same file, byte for byte and to the nanosecond.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need tcpdump python3
capture=$(realpath "$(dirname "$0")/../captures/protocols.pcap")

frames() { tcpdump -nr "$1" "${@:2}" 2>/dev/null | wc -l; }
bytes_of() { tcpdump -nxxttr "$1" --time-stamp-precision=nano 2>/dev/null; }
cap() { "$LEAT" cap "$@" >"$here/cap.log" 2>&1 || fail "leat cap $*"; }

say "filters"
for filter in "" "arp" "udp port 53" "tcp and greater 200" "vlan" "ip6 and not icmp6" "host 192.0.2.1" \
    "ip[6:2] & 0x3fff != 0" "sctp or icmp"; do
    # shellcheck disable=SC2086 # words of an expression
    cap "pcap:$capture" -w "$here/out.pcapng" --json "$here/cap.json" -- $filter
    # shellcheck disable=SC2086
    want=$(frames "$capture" $filter) got=$(frames "$here/out.pcapng")
    [ "$got" -eq "$want" ] || fail "'$filter': $got frames, tcpdump says $want"
    total=$(frames "$capture")
    refused=$(json "$here/cap.json" '["ports"][0]["drops"]["by_program"]')
    [ $((got + refused)) -eq "$total" ] || fail "'$filter': $got and $refused are not $total"
done

say "count and length"
cap "pcap:$capture" -w "$here/out.pcapng" -c 10 -s 30
[ "$(frames "$here/out.pcapng")" -eq 10 ] || fail "-c 10"
[ "$(bytes_of "$here/out.pcapng" | grep -c 0x0010:)" -eq 10 ] || fail "-s 30 cuts too much"
[ "$(bytes_of "$here/out.pcapng" | grep -c 0x0020:)" -eq 0 ] || fail "-s 30 cuts too little"

say "standard output"
"$LEAT" cap "pcap:$capture" -w - udp 2>"$here/cap.log" >"$here/piped.pcapng"
[ "$(frames "$here/piped.pcapng")" -eq "$(frames "$capture" udp)" ] || fail "-w -"

say "rotation by size"
"$LEAT" gen --count 40000 --size imix "pcap:>$here/big.pcapng" >"$here/gen.log" 2>&1
cap "pcap:$here/big.pcapng" -w "$here/r.pcapng" -C 4
bytes_of "$here/big.pcapng" >"$here/whole"
for file in r.pcapng r.pcapng1 r.pcapng2 r.pcapng3; do bytes_of "$here/$file"; done >"$here/parts"
[ ! -e "$here/r.pcapng4" ] || fail "more files than 16 MB need"
cmp -s "$here/whole" "$here/parts" || fail "the parts are not the whole"
[ "$(stat -c %s "$here/r.pcapng")" -gt 4000000 ] || fail "the first file is too small"

say "a ring of files"
cap "pcap:$here/big.pcapng" -w "$here/ring" -C 1 -W 10
[ "$(find "$here" -name 'ring*' | wc -l)" -eq 10 ] || fail "ten files"
[ -e "$here/ring0" ] || fail "the first is no ring0"
[ -e "$here/ring9" ] || fail "the last is no ring9"

say "rotation by time"
cap "pcap:$here/big.pcapng" -w "$here/at-%s" -G 3600 -c 5
[ "$(find "$here" -name 'at-[0-9]*' | wc -l)" -eq 1 ] || fail "one file an hour"

say "forwarded from file to file"
"$LEAT" fwd --lossless "pcap:$capture" "pcap:>$here/fwd.pcapng" >"$here/fwd.log" 2>&1 || fail "fwd"
cmp -s <(bytes_of "$capture") <(bytes_of "$here/fwd.pcapng") || fail "fwd altered the capture"
"$LEAT" fwd --count 100 --json "$here/fwd.json" "pcap:$capture" "pcap:>$here/fwd.pcapng" \
    >"$here/fwd.log" 2>&1 || fail "fwd"
[ "$(frames "$here/fwd.pcapng")" -eq 100 ] || fail "--count 100"
[ "$(json "$here/fwd.json" '["ports"][0]["rx_packets"]')" -eq 100 ] || fail "took more than 100"
"$LEAT" gen --count 50 --size 9000 "pcap:>$here/large.pcapng" >"$here/gen.log" 2>&1 || fail "gen"
timeout 60 "$LEAT" fwd --batch 1 "pcap:$here/large.pcapng" "pcap:>$here/fwd.pcapng" \
    >"$here/fwd.log" 2>&1 || fail "frames larger than a batch"
cmp -s <(bytes_of "$here/large.pcapng") <(bytes_of "$here/fwd.pcapng") || fail "large frames"

say "frames on standard output, the report on standard error"
"$LEAT" fwd --lossless "pcap:$capture" 'pcap:>-' >"$here/piped.pcapng" 2>"$here/fwd.log" ||
    fail "fwd to stdout"
cmp -s <(bytes_of "$capture") <(bytes_of "$here/piped.pcapng") || fail "fwd to stdout altered it"
grep -q "^lost none" "$here/fwd.log" || fail "no report on standard error"
"$LEAT" gen --count 9 'pcap:>-' >"$here/piped.pcapng" 2>"$here/gen.log" || fail "gen to stdout"
tcpdump -nr "$here/piped.pcapng" >"$here/tcpdump.log" 2>&1 || fail "more than frames on stdout"
[ "$(grep -c UDP "$here/tcpdump.log")" -eq 9 ] || fail "gen to stdout"

say "a file that cannot follow: told, and no frame is lost without a name"
mkdir "$here/full1"
status=0
"$LEAT" cap "pcap:$here/big.pcapng" -w "$here/full" -C 1 --json "$here/cap.json" \
    >"$here/cap.log" 2>&1 || status=$?
[ $status -eq 1 ] || fail "cap into a directory: exit code $status, not 1"
[ "$(grep -c "Is a directory" "$here/cap.log")" -eq 1 ] || fail "cap does not say why, once"
if grep "not given back" "$here/cap.log"; then fail "cap leaks buffers"; fi
python3 - "$here/cap.json" <<'END' || fail "frames without a name"
import json, sys
port, file = json.load(open(sys.argv[1]))["ports"]
assert file["tx_packets"] > 0
assert port["rx_packets"] == file["tx_packets"] + sum(port["drops"].values()), (port, file)
END

say "a reader that stopped does not keep it from stopping"
mkfifo "$here/pipe"
# shellcheck disable=SC2217 # it only holds the reading end open
sleep 100 <"$here/pipe" &
pid[reader]=$!
start gen "$LEAT" gen "pcap:>$here/pipe"
# Not in the shell that becomes it: SIGINT is among the signals caught.
runs() { [ "/proc/$1/exe" -ef "$LEAT" ] && grep -q '^SigCgt:.*[2367abef]$' "/proc/$1/status"; }
until_true "gen runs" runs "${pid[gen]}"
kill -INT "${pid[gen]}"
PATIENCE=20 ended gen || fail "gen into a full pipe: exit code $?"
