#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# One probe, four collectors (RFC 5471's case of several): UDP over IPv4 and IPv6, TCP, and TLS with
# certificates checked both ways. Each has all records, as four strangers read what it received. Then what
# must not work: a collector whose certificate another authority signed, and one that is away, for which
# a spool keeps the records until it is back.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip openssl python3 socat ss ipfixDump nfcapd nfdump tshark
judge=$(realpath "$(dirname "$0")/../tools/ipfix_judge.py")
capture=$(realpath "$(dirname "$0")/../captures/protocols.pcap")
namespace lt-collect
inside() { ip netns exec lt-collect "$@"; }
listens() { inside ss -lntuH | grep -q ":$1 "; }

authority ours
authority theirs
for name in probe collector; do certificate $name ours; done
certificate stranger theirs

# What a stream receives is an IPFIX file; datagrams one after another are one, too.
collect() { start "$1" ip netns exec lt-collect socat -b 65536 -u "$2" "CREATE:$here/$1.ipfix"; }
tls_of() { echo "OPENSSL-LISTEN:$1,reuseaddr,cert=$here/$2.pem,key=$here/$2.key,cafile=$here/ours.pem,verify=1"; }
collect udp4 UDP4-RECV:4739,bind=127.0.0.1
collect udp6 'UDP6-RECV:4740,bind=[::1]'
collect tcp TCP-LISTEN:4741,reuseaddr
collect tls "$(tls_of 4742 collector)"
for port in 4739 4740 4741 4742; do until_true "port $port is open" listens $port; done

probe() {
    inside "$LEAT" probe "$capture" --uniflow --tls-cert "$here/probe.pem" --tls-key "$here/probe.key" \
        --tls-ca "$here/ours.pem" --json "$here/report.json" "$@" 2>"$here/probe.log"
}

say "four collectors at once"
probe --to ipfix://127.0.0.1:4739 --to 'ipfix://[::1]:4740' --to ipfix+tcp://127.0.0.1:4741 \
    --to ipfix+tls://localhost:4742 --output json >"$here/records" || fail "leat probe"
for name in tcp tls; do ended $name || fail "the collector $name ended with $?"; done
python3 - "$here/records" "$here/truth.json" <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
totals = {"records": len(records), "packets": sum(r["packetDeltaCount"] for r in records),
          "octets": sum(r["octetDeltaCount"] for r in records)}
json.dump({"totals": totals}, open(sys.argv[2], "w"))
print(totals)
END
for port in 4739 4740; do
    until_true "port $port has all" read_all lt-collect $port
done
for name in udp4 udp6; do
    kill -TERM "${pid[$name]}"
    ended $name || true
done
for name in udp4 udp6 tcp tls; do
    python3 "$judge" --file "$here/$name.ipfix" --expect "$here/truth.json" >"$here/judge.log" ||
        fail "the strangers disagree about $name"
    echo "$name: $(tail -n 1 "$here/judge.log")"
done

say "a collector with another authority's certificate gets nothing, and it is told why"
collect stranger "$(tls_of 4743 stranger)"
until_true "it listens" listens 4743
probe --to ipfix+tls://localhost:4743 >/dev/null || fail "leat probe"
grep -qi 'certificate' "$here/probe.log" || fail "no word of the certificate"
[ "$(json "$here/report.json" '["sinks"][0]["lost"]')" -gt 0 ] || fail "losses were not counted"
[ ! -s "$here/stranger.ipfix" ] || fail "it got something"

say "a collector that is away: the spool keeps all, and the next run delivers it"
mkdir "$here/spool"
probe --spool "$here/spool" --to ipfix+tcp://127.0.0.1:4744 >/dev/null || fail "leat probe"
[ "$(json "$here/report.json" '["sinks"][0]["lost"]')" -eq 0 ] || fail "records were lost"
collect late TCP-LISTEN:4744,reuseaddr
until_true "it listens" listens 4744
probe --spool "$here/spool" --to ipfix+tcp://127.0.0.1:4744 >/dev/null || fail "leat probe"
ended late || fail "the collector ended with $?"
python3 - "$here/truth.json" <<'END'
import json, sys
truth = json.load(open(sys.argv[1]))
truth["totals"] = {name: 2 * count for name, count in truth["totals"].items()}
json.dump(truth, open(sys.argv[1], "w"))
END
python3 "$judge" --file "$here/late.ipfix" --expect "$here/truth.json" >"$here/judge.log" ||
    fail "what came of both runs is not all"
tail -n 1 "$here/judge.log"
