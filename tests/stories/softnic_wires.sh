#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two emulated NICs, `leat fwd` between them, and each kind of wire that needs no root: what the wires
# bring in comes out of the other side, or is lost under a name; commands reach the running softnic.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need python3 tcpdump

# softnic OPTION... -- WIRE WIRE: two NICs, ready to be connected to.
softnic() {
    local options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    start softnic "$LEAT" softnic --strict --json "$here/softnic.json" "${options[@]}" \
        "$here/a.sock=$2" "$here/b.sock=$3"
    until_true "softnic listens" test -S "$here/b.sock"
}
forward() {
    start fwd "$LEAT" fwd --lossless --json "$here/fwd.json" "$@" \
        "vfio-user:$here/a.sock" "vfio-user:$here/b.sock"
}
# Without its NICs it may have ended already.
stop_forwarding() {
    kill -INT "${pid[fwd]}" 2>/dev/null || true
    ended fwd || true
}
# reported EXPRESSION: of softnic's report, with its ports as a and b, and lost(port).
reported() {
    python3 - "$here/softnic.json" "$1" <<'END'
import json, sys
a, b = json.load(open(sys.argv[1]))["ports"]
def lost(port): return sum(port["drops"].values())
value = eval(sys.argv[2])
if value is not True:
    print(f"{sys.argv[2]}: {value}\n{a}\n{b}")
    sys.exit(1)
END
}
expect() { reported "$1" || fail "$2"; }

say "a paced generator: every frame arrives, in order, intact"
softnic --exit-when-done -- gen,count=20000,rate=20000,flows=8 sink
forward --one-way
ended softnic || fail "softnic ended with $?"
stop_forwarding
expect 'a["generated"] == 20000 == b["sequence"]["received"]' "not all frames arrived"
expect 'lost(a) == lost(b) == 0' "frames were lost"
expect 'b["latency_ns"]["count"] == 20000' "latency was not measured"
expect '[b["sequence"][k] for k in ("missing", "duplicate", "reordered", "corrupt")] == [0] * 4' \
    "frames were missing, duplicate, reordered or altered"

say "a wire that loses frames: as many as it says, and none besides"
softnic --exit-when-done -- gen,count=20000,loss=5,seed=7 sink,loss=1
forward --one-way
ended softnic || fail "softnic ended with $?"
stop_forwarding
expect '800 < a["drops"]["wire_injected"] < 1200 and 120 < b["drops"]["wire_injected"] < 280' \
    "the wires did not lose what they were asked to"
expect 'a["generated"] == b["sequence"]["received"] + lost(a) + lost(b)' "frames vanished"

say "a capture, byte for byte"
python3 - "$here/in.pcap" <<'END'
import random, struct, sys
with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
    for i in range(500):
        body = random.Random(i).randbytes(random.Random(i).randrange(48, 1501))
        frame = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x88\xb5" + body
        out.write(struct.pack("<IIII", i, 0, len(frame), len(frame)) + frame)
END
softnic --exit-when-done -- "pcap,in=$here/in.pcap" "pcap,out=$here/out.pcap"
forward --one-way
ended softnic || fail "softnic ended with $?"
stop_forwarding
for side in in out; do
    tcpdump -r "$here/$side.pcap" -t -xx >"$here/$side.txt" 2>/dev/null
done
[ "$(grep -c '0x0000:' "$here/in.txt")" -eq 500 ] || fail "the capture is not what it should be"
cmp "$here/in.txt" "$here/out.txt" || fail "the capture came out altered"

say "commands while it runs"
softnic --control "$here/control.sock" -- gen,rate=1000 sink
until_true "softnic takes commands" test -S "$here/control.sock"
forward --one-way
until_true "frames flow" eval 'tell "stats 1" | grep -q "probes: received [1-9][0-9]"'
tell "link 0 down" | grep -q "link down" || fail "link 0 down was not obeyed"
tell "stats 0" | grep -q "link down" || fail "the link is not down"
tell "dance" | grep -q "no command 'dance'" || fail "a wrong command was not answered"
tell "link 0 up" | grep -q "link up" || fail "link 0 up was not obeyed"
tell "unplug 0" | grep -q "unplugged" || fail "unplug 0 was not obeyed"
ended fwd && fail "fwd did not notice that its NIC had gone"
grep -q "$here/a.sock: .*gone" "$here/fwd.log" || fail "fwd did not say which NIC had gone"
tell quit
ended softnic || fail "softnic ended with $?"

say "a driver that writes a register nobody declared"
intrude() {
    python3 - "$here/a.sock" <<'END'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def call(number, command, payload):
    s.sendall(struct.pack("<HHIII", number, command, 16 + len(payload), 0, 0) + payload)
    s.recv(4096)
call(1, 1, struct.pack("<HH", 0, 0) + b'{"capabilities":{}}\0')
call(2, 10, struct.pack("<QIII", 0xfff0, 0, 4, 42))
END
}
softnic -- loop sink
intrude
status=0; ended softnic || status=$?
[ "$status" -eq 3 ] || fail "softnic ended with $status, not 3"
grep -q "register 0x0fff0" "$here/softnic.log" || fail "softnic did not name the register"

say "wrong use is refused"
refused() { # STATUS WORDS ARGUMENT...
    local wanted=$1 words=$2 status=0
    shift 2
    "$LEAT" softnic "$@" >"$here/refused.txt" 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || fail "leat softnic $*: ended with $status, not $wanted"
    grep -q -- "$words" "$here/refused.txt" || fail "leat softnic $*: did not say '$words'"
}
refused 2 "expected SOCKET=WIRE"
refused 2 "is not SOCKET=WIRE" "$here/c.sock"
refused 2 "not both" --strict --no-strict "$here/c.sock=loop"
refused 1 "unknown option 'speed'" "$here/c.sock=gen,speed=1"
refused 1 "no kind 'string'" "$here/c.sock=string"
refused 1 "cannot listen for commands" --control /none/c.sock "$here/c.sock=loop"
[ ! -e "$here/c.sock" ] || fail "a socket was left behind"
