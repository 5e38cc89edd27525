#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SIGHUP keeps the sinks that nothing has changed for: a collector over TCP sees one session, with one row
# of sequence numbers, while others come and go and while the certificate for TLS is renewed. And DTLS as
# openssl s_server sees it: all records, and none for who shows a certificate of another authority.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip openssl python3 socat ss
program=$(realpath "$(dirname "$0")/../tools/ipfix_collector.py")
capture=$(realpath "$(dirname "$0")/../captures/protocols.pcap")
quiet_link lt-kept
inside() { ip netns exec lt-kept "$@"; }
listens() { inside ss -lntuH | grep ":$1 " >/dev/null; }
authority ours
authority theirs
for name in probe collector; do certificate $name ours; done
certificate stranger theirs

mkfifo "$here/control"
start steady ip netns exec lt-kept python3 "$program" serve 4739 "$here/steady" "$here/control"
start tls ip netns exec lt-kept socat -b 65536 -u \
    "OPENSSL-LISTEN:4740,reuseaddr,fork,cert=$here/collector.pem,key=$here/collector.key,cafile=$here/ours.pem,verify=1" \
    "OPEN:$here/tls.ipfix,creat,append"
for port in 4739 4740; do until_true "port $port is open" listens $port; done
cat >"$here/probe.yaml" <<END
ports: [xdp:lt-b]
to: ["ipfix+tcp://127.0.0.1:4739", "ipfix+tls://localhost:4740"]
tls-cert: $here/probe.pem
tls-key: $here/probe.key
tls-ca: $here/ours.pem
flows: 64
interval: 0.1
json: $here/report.json
END
start probe ip netns exec lt-kept "$LEAT" probe --config "$here/probe.yaml"
until_true "the probe meters" grep -q "metering" "$here/probe.log"
feed() { # a quarter of what comes
    inside "$LEAT" gen --count 2000 --rate 20k --src 10.0.0.1-10.0.0.200 --sport 1000-1009 xdp:lt-a \
        >"$here/gen.log" 2>&1 || fail "leat gen"
}
# holds FILE RECORDS: so many different ones.
holds() {
    python3 "$program" count "$here/$1" >"$here/got.json"
    [ "$(json "$here/got.json" '["different"]')" = "$2" ]
}
read_again() { [ "$(grep -c "read again, and in force" "$here/probe.log")" = $reloads ]; }
reloads=0
reload() {
    reloads=$((reloads + 1))
    kill -HUP "${pid[probe]}"
    until_true "it was read again" read_again
}
# connected NAME TIMES
connected() {
    [ "$(grep -c "$1: connected" "$here/probe.log")" = "$2" ] ||
        fail "$1 was connected $(grep -c "$1: connected" "$here/probe.log") times, not $2"
}

say "nothing has changed: both sessions stay"
feed
reload
connected 4739 1
connected 4740 1

say "a renewed certificate: a new session over TLS, the other one stays"
certificate probe ours
reload
connected 4739 1
connected 4740 2
feed

say "one more sink, and in another order"
sed -i "s|^to: .*|to: [\"ipfix+tls://localhost:4740\", \"json:$here/more.json\", \"ipfix+tcp://127.0.0.1:4739\"]|" \
    "$here/probe.yaml"
reload
connected 4739 1
connected 4740 2
feed

say "a file that cannot be opened: refused, and all go on, none of them closed"
files() { find "$here" -name 'more*' | sort; }
cp "$here/probe.yaml" "$here/good.yaml"
before=$(files)
sed -i "s|more.json|no/such/more.json|" "$here/probe.yaml"
kill -HUP "${pid[probe]}"
until_true "it is refused" grep -q "the old configuration stays" "$here/probe.log"
[ "$(files)" = "$before" ] || fail "a sink was closed: $(files)"
cp "$here/good.yaml" "$here/probe.yaml"
connected 4739 1
connected 4740 2
feed

say "a file whose directory vanishes, while a reload closes it: its records are lost, and counted"
mkdir "$here/out"
sed -i "s|more.json|out/more.json|" "$here/probe.yaml"
reload
feed
rm -r "$here/out"
echo "rotate: 3600s" >>"$here/probe.yaml"
kill -HUP "${pid[probe]}"
until_true "that is told" grep -q "more.json: it could not be opened again" "$here/probe.log"
feed
until_true "losses are counted under its name" \
    grep -q "to json:$here/out/more.json: 0 records, [1-9][0-9]* lost; not open" "$here/probe.log"
mkdir "$here/out"
reload
feed
connected 4739 1
connected 4740 2
kill -TERM "${pid[probe]}"
ended probe || fail "leat probe: exit code $?"
echo end >>"$here/control"
ended steady || fail "the collector: $?"
exported=$(json "$here/report.json" '["exporter"]["exported"]')
python3 - "$here/report.json" "$here" <<'END' || fail "the report does not tell which sink is which"
import json, sys
report, here = json.load(open(sys.argv[1])), sys.argv[2]
names = [sink["name"] for sink in report["sinks"]]
assert report["conserved"] and names == ["ipfix+tls://localhost:4740", f"json:{here}/out/more.json",
    "ipfix+tcp://127.0.0.1:4739", "replaced"], names
assert report["sinks"][1]["lost"] == 0 and report["sinks"][3]["lost"] > 1000, report["sinks"]
END
for name in steady.0 tls.ipfix; do
    until_true "$name is complete" holds "$name" "$exported"
    cat "$here/got.json"
done
[ "$exported" -gt 1000 ] || fail "only $exported records"
[ ! -e "$here/steady.1" ] || fail "the session over TCP was not kept"
python3 "$program" count "$here/steady.0" | grep '"missing": 0' >/dev/null || fail "sequence numbers are missing"

# dtls NAME CERTIFICATE PORT: a server whose clients have to show a certificate of ours.
dtls() {
    mkfifo "$here/$1.stdin"
    # shellcheck disable=SC2016 # for the inner shell
    start "$1" ip netns exec lt-kept bash -c 'exec openssl s_server -dtls -accept "127.0.0.1:$3" -quiet \
        -cert "$1/$2.pem" -key "$1/$2.key" -CAfile "$1/ours.pem" -Verify 1 -verify_return_error \
        <>"$1/$0.stdin" >"$1/$0.ipfix"' "$1" "$here" "$2" "$3"
    until_true "$1 listens" listens "$3"
}
over_dtls() { # PORT CERTIFICATE
    inside "$LEAT" probe "$capture" --to "ipfix+dtls://localhost:$1" --tls-cert "$here/$2.pem" \
        --tls-key "$here/$2.key" --tls-ca "$here/ours.pem" --json "$here/report.json" 2>"$here/dtls.log" ||
        fail "leat probe over DTLS"
}
say "DTLS: all records"
dtls all collector 4741
over_dtls 4741 probe
exported=$(json "$here/report.json" '["exporter"]["exported"]')
until_true "openssl has all" holds all.ipfix "$exported"
say "DTLS: a server of another authority gets nothing, and so does a server that refuses us"
dtls other stranger 4742
over_dtls 4742 probe
grep -qi certificate "$here/dtls.log" || fail "no word of the certificate"
[ ! -s "$here/other.ipfix" ] || fail "it got something"
[ "$(json "$here/report.json" '["sinks"][0]["lost"]')" = "$(json "$here/report.json" '["exporter"]["exported"]')" ] ||
    fail "losses were not counted"
dtls strict collector 4743
over_dtls 4743 stranger
[ ! -s "$here/strict.ipfix" ] || fail "it took something from a stranger"
