#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leat probe where something runs short: address space, descriptors, locked memory, and disks, for records, files
# that rotate, standard output, the report and the spool. It says what is missing and ends with 1, or its account
# closes; it never ends by a signal.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3
undo() { if mountpoint -q "$here/disk"; then umount -l "$here/disk"; fi; }
FLOWS=20000
"$LEAT" gen --count $FLOWS --src 10.0.0.1-10.0.0.200 --sport 1000-1099 "pcap:>$here/flows.pcapng" >"$here/gen.log" 2>&1 ||
    fail "leat gen"

# closes EXPRESSION: every packet is in records that sinks have, hold or lost; `sink` is the first one.
closes() {
    python3 - "$here/report.json" $FLOWS "$1" <<'END' || fail "it does not add up"
import json, sys
report, flows = json.load(open(sys.argv[1])), int(sys.argv[2])
total, exporter, sink = report["total"], report["exporter"], report["sinks"][0]
assert report["conserved"] and total["frames"] == total["packets"] == flows, report
assert exporter["exported_packets"] + total["lost_packets"] == flows, report
for each in report["sinks"]:
    assert exporter["exported"] == each["records"] + each["held"] + each["lost"], report
assert eval(sys.argv[3]), report
END
}

# starve ULIMIT-OPTION VALUE: how it ends: 0 and all is there, or 1 and a sentence.
starve() {
    local status=0
    rm -f "$here"/report.json "$here"/starved*
    (
        ulimit "$1" "$2"
        exec "$LEAT" probe "$here/flows.pcapng" --flows 100000 --fields full --to "json:$here/starved.json" \
            --to "file:$here/starved.ipfix" --to ipfix+tcp://127.0.0.1:9 --json "$here/report.json"
    ) >"$here/starved.log" 2>&1 || status=$?
    case $status in
    0) closes 'sink["records"] == flows' ;;
    1) grep -qE "^leat( probe)?: .*(memory|thread|open|many|space|map|allocate)" "$here/starved.log" || fail "$*: it does not say why" ;;
    127) ;; # not even its libraries fit
    *) fail "$*: exit code $status" ;;
    esac
    echo "$status" >>"$here/ends"
}
# both_ends: some of the limits were too narrow, and some were not.
both_ends() {
    for end in 0 1; do grep -qx $end "$here/ends" || fail "none ended with $end: $(sort "$here/ends" | uniq -c)"; done
    rm "$here/ends"
}

say "address space"
# shellcheck disable=SC2016 # LEAT is the other shell's
if LEAT=$LEAT bash -c 'ulimit -v 4096000; exec "$LEAT" --version' >/dev/null 2>&1; then
    for mib in 50 100 150 200 250 300 350 400 450 500 600 700 800 1000 1500 4000; do starve -v $((mib * 1024)); done
    both_ends
else
    echo "   as released only: a sanitizer wants more of it than any limit leaves"
fi
say "descriptors"
for n in 4 5 6 7 8 9 10 11 12 14 16 20 30; do starve -n $n; done
both_ends
say "locked memory"
starve -l 0

[ "$(id -u)" -eq 0 ] || { echo "the rest needs root, for a small disk"; exit 0; }
need mount
mkdir "$here/disk"
mount -t tmpfs -o size=256k tmpfs "$here/disk"

# fill OPTION...: meters with a disk that is too small, to which standard output goes, too.
fill() {
    rm -rf "${here:?}"/disk/* "$here/report.json"
    "$LEAT" probe "$here/flows.pcapng" --json "$here/report.json" "$@" >"$here/disk/output" 2>"$here/probe.log" ||
        fail "leat probe $*: exit code $?"
    [ "$(grep -c "No space left" "$here/probe.log")" -ge 1 ] || fail "$*: it does not say that the disk is full"
}
# whole FILE...: their lines are records, and as many as the report says.
whole() {
    python3 - "$here/report.json" "$@" <<'END' || fail "not whole records"
import json, sys
lines = [json.loads(line) for path in sys.argv[2:] for line in open(path)]
assert len(lines) == json.load(open(sys.argv[1]))["sinks"][0]["records"], len(lines)
END
}

say "a full disk: JSON, and standard output"
fill --to "json:$here/disk/flows.json"
closes 'sink["lost"] > 0 and sink["records"] > 0'
whole "$here/disk/flows.json"
fill --output json
closes 'sink["lost"] > 0 and sink["records"] > 0'
whole "$here/disk/output"

say "a full disk: files of IPFIX that rotate"
fill --to "file:$here/disk/flows.ipfix" --rotate 20000
closes 'sink["lost"] > 0 and sink["records"] > 0'
find "$here/disk" -name '*.ipfix*' -exec python3 "$(dirname "$0")/../tools/ipfix_collector.py" count {} + >"$here/got.json" ||
    fail "what is there is not IPFIX"
[ "$(json "$here/got.json" '["flows"]')" -eq "$(json "$here/report.json" '["sinks"][0]["records"]')" ] ||
    fail "the files do not hold what the report says"

say "a full disk: the spool"
fill --to ipfix+tcp://127.0.0.1:9 --spool "$here/disk/spool"
closes 'sink["lost"] > 0 and sink["held"] > 0'

say "a full disk: the report"
rm -rf "${here:?}"/disk/*
head -c 300000 /dev/zero >"$here/disk/full" 2>/dev/null || true
if "$LEAT" probe "$here/flows.pcapng" --to "json:$here/all.json" --json "$here/disk/report.json" >"$here/probe.log" 2>&1; then
    fail "a report that could not be written is no error"
fi
grep -q "cannot write the report to .*No space left" "$here/probe.log" || fail "it does not say why"
[ "$(wc -l <"$here/all.json")" -eq $FLOWS ] || fail "records got lost, too"
