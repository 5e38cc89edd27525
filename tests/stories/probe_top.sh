#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leat probe --top: which flows are the biggest is the user's to say, and the table shows by what.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3

# Flow 1 has one long packet, 2 six short ones, 3 two that are twenty seconds apart.
python3 - "$here/top.pcap" <<'END'
import struct, sys
def udp(port, octets):
    ip = struct.pack("!BBHHHBBH8B", 0x45, 0, octets, 0, 0, 64, 17, 0, 10, 0, 0, 1, 10, 0, 0, 2)
    return bytes(12) + b"\x08\x00" + ip + struct.pack("!HHHH", port, 9, octets - 20, 0) + bytes(octets - 28)
frames = [(0, 3, 100), (5, 1, 1400)] + [(6, 2, 30)] * 5 + [(7, 2, 30), (20, 3, 100)]
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for second, port, octets in frames:
        frame = udp(port, octets)
        file.write(struct.pack("<IIII", 1700000000 + second, 0, len(frame), len(frame)) + frame)
END

# expect SORT PORTS...: a probe whose capture goes on in a pipe shows the flows in that order.
expect() {
    local sort=$1
    shift
    rm -f "$here/pipe"
    mkfifo "$here/pipe"
    start probe "$LEAT" probe --output none --to json:/dev/null --top 3 --sort "$sort" \
        --interval 0.1 "pcap:$here/pipe"
    exec 5>"$here/pipe"
    cat "$here/top.pcap" >&5
    until_true "by $sort: $*" shows "$*"
    exec 5>&-
    ended probe || fail "by $sort: the probe failed"
}
last_table() { grep -F ' UDP ' "$here/probe.log" | tail -n 3; }
shows() { [ "$(last_ports)" = "$1" ]; }
last_ports() { last_table | sed -E 's/.*10\.0\.0\.1:([0-9]+) .*/\1/' | paste -sd ' '; }

say "the biggest flows by octets, packets and duration"
expect octets 1 3 2
expect packets 2 3 1
grep -q 'octets packets  proto' "$here/probe.log" || fail "packets have no column"
expect duration 3 2 1
grep -q 'octets seconds  proto' "$here/probe.log" || fail "seconds have no column"
last_table | head -n 1 | grep -qE ' 200 +20\.0 +UDP' || fail "it lasts twenty seconds: $(last_table)"
