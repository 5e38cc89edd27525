#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leat probe and what is wrong: truncated captures, options, sinks, configurations, IPFIX files. Each is
# answered with a sentence and the right exit code, and what was metered before is not lost.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3
capture=$(realpath "$(dirname "$0")/../captures/protocols.pcap")

# refused CODE SENTENCE ARGUMENT...
refused() {
    local code=$1 sentence=$2 status=0
    shift 2
    timeout 20 "$LEAT" probe "$@" >"$here/out" 2>"$here/probe.log" || status=$?
    [ $status -eq "$code" ] || fail "leat probe $*: exit code $status, not $code"
    grep -qF -- "$sentence" "$here/probe.log" || fail "leat probe $*: does not say '$sentence'"
}

say "options"
refused 2 "expected a port or a file"
refused 2 "--active takes a number above 0" --active 0 "$capture"
refused 2 "--key is a list of" --key colour "$capture"
refused 2 "--sample:" --sample often "$capture"
refused 2 "--select is a list of" --select packets=1 "$capture"
refused 1 "noSuchElement" --fields noSuchElement "$capture"
"$LEAT" probe --fields help >"$here/fields" || fail "the fields are not shown"
grep -q '^tlsServerName  *32473/17  *full  *SNI of TLS$' "$here/fields" || fail "a field is not explained"
mapfile -t fields < <(sed '1d; s/ .*//' "$here/fields")
[ ${#fields[@]} -gt 70 ] || fail "only ${#fields[@]} fields are shown"
timeout 20 "$LEAT" probe --fields "$(IFS=,; echo "${fields[*]}")" --output csv "$capture" \
    >"$here/out" 2>"$here/probe.log" || fail "not all fields that are shown can be had"
[ "$(head -n 1 "$here/out" | tr -d '\r')" = "$(IFS=,; echo "${fields[*]}")" ] || fail "other fields than asked for"
refused 1 "udp prot 53" --filter 'udp prot 53' "$capture"
refused 1 "files and other ports" "$capture" null:

say "sinks"
refused 1 "carrier-pigeon:" --to carrier-pigeon:x "$capture"
refused 1 "/nonexistent/" --to json:/nonexistent/records "$capture"

say "configurations"
printf 'ports: [%s]\nidle: never\n' "$capture" >"$here/probe.yaml"
refused 2 "probe.yaml:2: idle: --idle takes a number above 0" --config "$here/probe.yaml"
printf 'ports: [%s\n' "$capture" >"$here/probe.yaml"
refused 2 "is not YAML" --config "$here/probe.yaml"
refused 2 "No such file" --config "$here/nonexistent.yaml"
head -c 4096 /dev/urandom >"$here/noise.yaml"
refused 2 "noise.yaml:" --config "$here/noise.yaml"

say "users"
if [ "$(id -u)" -eq 0 ]; then
    refused 1 "cannot find the user" --user lt-nobody "$capture"
    "$LEAT" probe --user nobody --json "$here/out.json" --to json:/dev/null "$capture" \
        >"$here/probe.log" 2>&1 && fail "nobody can write into this directory"
    grep -q "cannot write the report" "$here/probe.log" || fail "privileges were not given up"
fi

say "captures that are cut anywhere: all whole frames before are metered, and all is accounted for"
size=$(stat -c %s "$capture")
for bytes in 0 10 24 30 100 1000 $((size / 2)) $((size - 1)); do
    head -c "$bytes" "$capture" >"$here/cut.pcap"
    status=0
    timeout 20 "$LEAT" probe "$here/cut.pcap" --output json --json "$here/cut.json" >"$here/out" \
        2>"$here/probe.log" || status=$?
    [ $status -le 1 ] || fail "$bytes bytes: exit code $status"
    if [ $status -eq 1 ]; then
        grep -q "cut.pcap" "$here/probe.log" || fail "$bytes bytes: the file is not named"
    fi
    [ "$bytes" -lt 1000 ] && continue
    [ "$(json "$here/cut.json" '["conserved"]')" = True ] || fail "$bytes bytes: not conserved"
    [ -s "$here/out" ] || fail "$bytes bytes: no record"
done

say "captures in which bytes are wrong"
python3 - "$capture" "$here" <<'END'
import random, sys
whole = bytearray(open(sys.argv[1], "rb").read())
random.seed(4)
for n in range(20):
    wrong, at = bytearray(whole), 24
    while at + 16 < len(wrong):
        length = int.from_bytes(wrong[at + 8:at + 12], "little")
        for _ in range(3):
            wrong[at + 16 + random.randrange(length)] = random.randrange(256)
        at += 16 + length
    open(f"{sys.argv[2]}/wrong{n}.pcap", "wb").write(wrong)
END
timeout 60 "$LEAT" probe "$here"/wrong*.pcap --fields full --tunnels both --key vlan,mpls,tos,tunnel \
    --output json --json "$here/wrong.json" >"$here/out" 2>"$here/probe.log" || fail "wrong bytes"
[ "$(json "$here/wrong.json" '["conserved"]')" = True ] || fail "wrong bytes: not conserved"
[ "$(json "$here/wrong.json" '["total"]["frames"]')" -eq $((20 * 288)) ] || fail "wrong bytes: frames"
python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$here/out" ||
    fail "wrong bytes: records that are no JSON"

say "IPFIX files"
head -c 3000 /dev/urandom >"$here/noise.ipfix"
refused 1 "noise.ipfix" --read "$here/noise.ipfix"
refused 1 "nonexistent.ipfix" --read "$here/nonexistent.ipfix"
