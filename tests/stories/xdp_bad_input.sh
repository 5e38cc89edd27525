#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What is wrong with an interface, or goes wrong while it is in use: each a sentence that names it, or
# a counted loss; what is others' stays as it was, and nothing is left behind.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip ethtool clang bpftool python3

export LEAT_RUN_DIR=$here/run
namespace lt-near
namespace lt-far
near() { ip netns exec lt-near "$@"; }
pair() {
    ip link add lt-a netns lt-near numrxqueues 2 numtxqueues 2 type veth \
        peer name lt-b netns lt-far numrxqueues 2 numtxqueues 2
    ip -n lt-far addr add 10.79.0.1/24 dev lt-b
    ip -n lt-near link set lt-a up
    ip -n lt-far link set lt-b up
    # To a neighbour that is not there: nobody answers.
    ip -n lt-far neighbour add 10.79.0.9 lladdr 02:00:00:00:00:09 dev lt-b
}

# flood COUNT: so many datagrams to port 4789.
flood() {
    ip netns exec lt-far python3 - "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    s.sendto(b"%100d" % i, ("10.79.0.9", 4789))
END
}
state() { ip -n lt-near -o link show lt-a | sed 's/ prog\/xdp.*//' && near ethtool -l lt-a; }
program() { ip -n "${2:-lt-near}" -o link show "$1" | grep -o 'prog/xdp id [0-9]*'; }
port_of() { json "$1" "[\"ports\"][0]$2"; }

# refused SENTENCE PORT: no program can open it, for the reason given, and nothing has changed.
refused() {
    local before
    before=$(state)
    if near "$LEAT" recv --seconds 1 "$2" >"$here/refused.log" 2>&1; then
        fail "$2 was opened"
    fi
    grep "^leat: $2: " "$here/refused.log" >"$here/sentence" || fail "no sentence names $2"
    cat "$here/sentence"
    grep -q "$1" "$here/sentence" || fail "expected: $1"
    [ "$(state)" = "$before" ] || fail "the interface was changed: $(state)"
}

# receive PORT: starts a receiver, whose report will be recv.json, and waits until it receives.
receive() {
    start recv ip netns exec lt-near "$LEAT" recv --json "$here/recv.json" "$1"
    until_true "it waits for frames" waits_for_frames recv
}
stop() {
    kill -INT "${pid[recv]}"
    ended recv || fail "recv ended with $?"
}

pair
clang -O2 -target bpf -x c -c -o "$here/pass.o" - <<'END'
__attribute__((section("xdp"), used)) int pass(void *frame) { return 2; }
END

say "names and options that are wrong"
refused "no such interface" xdp:lt-none
refused "no queue 2: its last one is 1" xdp:lt-a@2
refused "1 to 2 queues, not 3" xdp:lt-a,queues=3
refused "syntax error" "xdp:lt-a,match='udp port'"
refused "veth, has no zero-copy" xdp:lt-a,zerocopy=require
refused "driver veth cannot send both directions" xdp:lt-a,rss=symmetric
ip -n lt-near link set lt-a down
refused "interface is down" xdp:lt-a
ip -n lt-near link set lt-a up

say "an MTU too large: for a frame's buffers, and for the peer's single-buffer program"
refused "MTU of 40000 is too large" xdp:lt-a,mtu=40000
ip -n lt-far link set lt-b xdpdrv obj "$here/pass.o" sec xdp
refused "cannot set its MTU to 9000" xdp:lt-a,mtu=9000
ip -n lt-far link set lt-b xdpdrv off

say "another's XDP program"
for mode in xdpdrv xdpgeneric; do
    ip -n lt-near link set lt-a "$mode" obj "$here/pass.o" sec xdp
    theirs=$(ip -n lt-near -o link show lt-a)
    refused "not Leat's" xdp:lt-a
    refused "not Leat's" xdp:lt-a,mode=generic
    [ "$(ip -n lt-near -o link show lt-a)" = "$theirs" ] || fail "their program was touched"
    ip -n lt-near link set lt-a "$mode" off
done

say "another process on the same queue, which goes on undisturbed"
receive "xdp:lt-a,match='udp port 4789'"
ours=$(program lt-a)
refused "another process has queue 0" xdp:lt-a
refused "another process has queue 1" xdp:lt-a@1
[ "$(program lt-a)" = "$ours" ] || fail "the first one's program was touched"
flood 100
stop
[ "$(port_of "$here/recv.json" '["rx_packets"]')" -eq 100 ] || fail "the first one lost frames"

say "a fill ring that nobody refills: what is lost is counted, once"
receive "xdp:lt-a,match='udp port 4789'"
kill -STOP "${pid[recv]}"
flood 20000
kill -CONT "${pid[recv]}"
stop
taken=$(port_of "$here/recv.json" '["rx_packets"]')
missed=$(port_of "$here/recv.json" '["drops"]["rx_missed"]')
echo "20000 sent, $taken received, $missed missed"
[ "$missed" -ge 15000 ] || fail "the rings held more than they can"
[ $((taken + missed)) -eq 20000 ] || fail "some are unaccounted for"

say "an interface that goes down while in use, and comes back"
receive "xdp:lt-a,match='udp port 4789'"
flood 100
ip -n lt-near link set lt-a down
ip -n lt-near link set lt-a up
until_true "the stack sends again" eval "ip -n lt-far link show lt-b | grep -q 'state UP'"
flood 100
stop
[ "$(port_of "$here/recv.json" '["rx_packets"]')" -eq 200 ] || fail "it did not receive again"

say "a peer that goes down: what cannot be sent is counted"
seen() {
    ip -n lt-far -s -j link show lt-b |
        python3 -c 'import json,sys; exit(json.load(sys.stdin)[0]["stats64"]["rx"]["packets"] < 1500)'
}
start gen ip netns exec lt-near "$LEAT" gen --count 4000 --rate 1k --json "$here/gen.json" xdp:lt-a
until_true "frames arrive" seen
ip -n lt-far link set lt-b down
ended gen || fail "gen ended with $?"
sent=$(port_of "$here/gen.json" '["tx_packets"]')
refused=$(port_of "$here/gen.json" '["drops"]["tx_refused"]')
echo "$sent sent, $refused refused"
[ "$sent" -gt 0 ] || fail "none was sent"
[ "$refused" -gt 0 ] || fail "none was refused"
[ $((sent + refused)) -eq 4000 ] || fail "some are unaccounted for"
ip -n lt-far link set lt-b up

say "an interface that disappears"
for command in recv gen; do
    start "$command" ip netns exec lt-near "$LEAT" "$command" --json "$here/gone.json" xdp:lt-a,mtu=3000
    until_true "the interface has a program" program lt-a >/dev/null
    ip -n lt-near link delete lt-a
    ! ended "$command" || fail "$command did not mind"
    grep "^leat: xdp:lt-a,mtu=3000: the interface is gone" "$here/$command.log" || fail "no sentence"
    pair
done

say "killed: the next one puts the interface back, or 'leat xdp clean' does, and tells"
before=$(state)
for mend in "recv --seconds 0.1 xdp:lt-a" "xdp clean lt-a"; do
    start killed ip netns exec lt-near "$LEAT" recv "xdp:lt-a,mtu=4000,queues=1,wait=busy-poll"
    until_true "the interface has a program" program lt-a >/dev/null
    [ "$(state)" != "$before" ] || fail "nothing was changed"
    kill -KILL "${pid[killed]}"
    ended killed || true
    until_true "its program is gone" eval '! program lt-a' >/dev/null
    # shellcheck disable=SC2086 # words
    near "$LEAT" $mend >"$here/mend.log" 2>&1 || fail "leat $mend ended with $?"
    [ "$(state)" = "$before" ] || fail "it was not put back: $(state)"
done
grep "3 changed settings of interfaces, by processes that died" "$here/mend.log" ||
    fail "clean did not tell: $(cat "$here/mend.log")"

say "nothing is left"
# Attachments and programs of ours that no process holds.
left_behind() {
    python3 - <<'END'
import json, subprocess
def ask(what):
    return json.loads(subprocess.run(["bpftool", "-j", what, "list"], capture_output=True).stdout)
for thing in ask("link") + ask("prog"):
    if thing.get("type") == "xdp" and "pids" not in thing and \
            thing.get("name", "leat_").startswith("leat_"):
        print(thing)
END
}
nothing_left() { [ -z "$(left_behind)" ]; }
until_true "links and programs are gone" nothing_left
near bpftool net | grep lt-a && fail "something is attached"
[ -z "$(ls -A "$LEAT_RUN_DIR")" ] || fail "a journal is left"
