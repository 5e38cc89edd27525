#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Exit codes and help: every command shows its examples, answers wrong usage with 2 and a sentence,
# and what cannot be done with 1 and a sentence.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"

# expect CODE WORDS COMMAND...: how it ends, and what it says on standard error.
expect() {
    local code=$1 words=$2 status=0
    shift 2
    timeout 60 "$LEAT" "$@" >"$here/out.log" 2>"$here/err.log" </dev/null || status=$?
    [ $status -eq "$code" ] || fail "leat $*: exit code $status, not $code"
    grep -qF -- "$words" "$here/err.log" || fail "leat $*: did not say '$words'"
}

say "help"
"$LEAT" --version | grep -qx 'leat [0-9.]*' || fail "version"
mapfile -t commands < <("$LEAT" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ ${#commands[@]} -ge 8 ] || fail "help lists ${#commands[@]} commands"
for command in "${commands[@]}"; do
    [ "$command" = help ] && continue
    "$LEAT" "$command" --help >"$here/help" || fail "leat $command --help"
    cmp -s "$here/help" <("$LEAT" help "$command") || fail "leat help $command differs"
    grep -q "^usage: leat $command" "$here/help" || fail "$command shows no usage"
    grep -q "^    leat $command" "$here/help" || fail "$command shows no example"
    awk 'length > 100' "$here/help" | grep . && fail "help of $command is wider than 100 columns"
done

say "wrong usage: 2"
expect 2 "usage: leat"
expect 2 "no command 'bogus'" bogus
expect 2 "no command 'bogus'" help bogus
expect 2 "expected A B" fwd null:
expect 2 "cannot take option '--bogus'" fwd --bogus null: null:
expect 2 "--batch takes a number from 1 to 256, not '257'" fwd --batch 257 null: null:
expect 2 "--buffer-bytes takes a number from 512 to 65536" fwd --buffer-bytes 500 null: null:
expect 2 "--rate is packets a second" gen --rate 101% null:
expect 2 "--rate is packets a second" gen --rate fast null:
expect 2 "recorded goes with --replay" gen --rate recorded null:
expect 2 "both IPv4 or both IPv6" gen --src ::1 null:
expect 2 "need --size 68 at least" gen --vlan 1 null:
expect 2 "a number of bytes from 64 to 9216" gen --size 63 null:
expect 2 "cannot compile the filter" cap null: -w "$here/x" no such filter
expect 2 "-W goes with -C or -G" cap null: -w "$here/x" -W 2
expect 2 "cannot be rotated" cap null: -w - -C 2
expect 2 "needs the time in it" cap null: -w "$here/x" -G 1
expect 2 "cannot both go to standard output" cap null: -w - --json -
expect 2 "cannot both go to standard output" gen --json - 'pcap:>-'
expect 2 "cannot both go to standard output" fwd --json - null: 'pcap:>-,snaplen=9'
expect 2 "a number above 0" gen --seconds 0 null:
expect 2 "a number above 0" gen --seconds 0x10 null:
expect 2 "--rate is packets a second" gen --rate 0x10 null:
expect 2 "--rate is packets a second" gen --rate +5 null:
expect 2 "is no MAC address" gen --src-mac ' 2: 0: 0: 0: 0: 1' null:

capture=$(realpath "$(dirname "$0")/../captures/protocols.pcap")

say "what cannot be done: 1"
if [ -w /dev/full ]; then
    status=0
    "$LEAT" gen --count 1 null: >/dev/full 2>"$here/err.log" || status=$?
    [ $status -eq 1 ] || fail "a report that nobody gets: exit code $status, not 1"
    grep -q "cannot write to standard output" "$here/err.log" || fail "a lost report is not told"
fi
expect 1 "no such kind of port: 'bogus'" fwd bogus: null:
expect 1 "cannot receive" recv null:
expect 1 "cannot receive" fwd null: null:
expect 1 "cannot open" recv "pcap:$here/nowhere.pcap"
expect 1 "cannot open" demo --capture "$here/nowhere.pcap"
expect 1 "cannot open 'nowhere.pcap' for reading: No such file" recv nowhere.pcap
expect 1 "cannot open '$here/nowhere' for reading: No such file" fwd "$here/nowhere" null:
expect 1 "leat probe: nowhere.pcap: No such file" probe nowhere.pcap
expect 1 "leat probe: $here/no:where: No such file" probe "$here/no:where"
expect 1 "leat probe: nowhere.pcapng: No such file" probe "$capture" pcap:nowhere.pcapng
[ ! -s "$here/out.log" ] || fail "a capture is metered before one that is not there is told"
expect 1 "nowhere: there is no such interface" probe nowhere
expect 1 "--cores: there is no core 1023" probe --cores 0,1023 "$capture"

say "a report that cannot be written is told before any packet moves"
declare -A moves=(
    [cap]="pcap:$capture -w $here/moved"
    [demo]=""
    [fwd]="pcap:$capture pcap:>$here/moved"
    [gen]="--count 1 pcap:>$here/moved"
    [probe]="$capture --to json:$here/moved"
    [recv]="pcap:$capture>$here/moved"
    [softnic]="$here/moved=sink"
)
for command in "${commands[@]}"; do
    [ "$command" = help ] && continue
    grep -q -- '--json' < <("$LEAT" "$command" --help) || continue
    [ -n "${moves[$command]+known}" ] || fail "leat $command has --json, which is not tried here"
    for report in nowhere/r.json .; do
        # shellcheck disable=SC2086 # words
        expect 1 "cannot write the report to $here/$report: " "$command" --json "$here/$report" ${moves[$command]}
        [ ! -s "$here/out.log" ] || fail "leat $command did something before"
        if compgen -G "$here/moved*"; then fail "leat $command moved frames before"; fi
    done
done
