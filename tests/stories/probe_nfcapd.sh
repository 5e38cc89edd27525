#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the README says: the flows of a capture, and the same ones at a collector. nfcapd and nfdump agree
# with the probe on flows, packets and octets, and miss no message.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip ss nfcapd nfdump python3
capture=$(realpath "$(dirname "$0")/../captures/protocols.pcap")
namespace lt-collector
inside() { ip netns exec lt-collector "$@"; }

# collected KIND OPTION...: sends the capture's records, and compares.
collected() {
    local kind=$1
    shift
    mkdir "$here/$kind"
    start nfcapd ip netns exec lt-collector nfcapd -p 2055 -b 127.0.0.1 -w "$here/$kind" -t 300
    until_true "nfcapd listens" eval 'inside ss -lun | grep -q :2055'
    inside "$LEAT" probe "$capture" "$@" --to "$kind://127.0.0.1:2055" --output json \
        --json "$here/$kind.json" >"$here/$kind.records" 2>"$here/probe.log" || fail "leat probe $kind"
    until_true "nfcapd has read all" read_all lt-collector 2055
    kill -TERM "${pid[nfcapd]}"
    ended nfcapd || true
    nfdump -R "$here/$kind" -I >"$here/$kind.info" 2>&1 || fail "nfdump -I"
    python3 - "$here/$kind.records" "$here/$kind.info" <<'END' || fail "$kind: nfdump counts otherwise"
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
info = dict(line.strip().split(": ", 1) for line in open(sys.argv[2]) if ": " in line)
def total(name):
    return sum(record.get(name, 0) for record in records)
packets = total("packetDeltaCount") + total("reversePacketDeltaCount")
octets = total("octetDeltaCount") + total("reverseOctetDeltaCount")
print(f"{len(records)} records, {packets} packets, {octets} octets; nfdump:", info["Packets"], info["Bytes"])
assert int(info["Packets"]) == packets and int(info["Bytes"]) == octets, info
# Of IPFIX nfcapd 1.7.1 does not count options records, which are in the sequence (RFC 7011, 3.1).
assert "netflow" not in sys.argv[1] or int(info.get("Sequence failures", 0)) == 0, info
END
}

say "IPFIX"
collected ipfix --uniflow

say "NetFlow version 9"
collected netflow9 --uniflow
