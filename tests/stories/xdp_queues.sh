#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An interface with two queues and one with a single queue, forwarded both ways: every frame arrives,
# whichever queue it came from, and the report tells the mode in force. Two generators share an
# interface, each with a queue of its own.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip python3

# Nothing but our frames: no stack has an address here.
namespace lt-queues
in_ns() { ip netns exec lt-queues "$@"; }
in_ns sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
ip -n lt-queues link add lt-a numrxqueues 2 numtxqueues 2 type veth \
    peer name lt-a2 numrxqueues 2 numtxqueues 2
ip -n lt-queues link add lt-b numrxqueues 1 numtxqueues 1 type veth \
    peer name lt-b2 numrxqueues 1 numtxqueues 1
for interface in lt-a lt-a2 lt-b lt-b2; do
    ip -n lt-queues link set $interface up
done

start fwd ip netns exec lt-queues "$LEAT" fwd --json "$here/fwd.json" \
    lt-a,rings=2048 xdp:lt-b,rings=2048,mode=generic

say "from two queues to one"
start recv ip netns exec lt-queues "$LEAT" recv --count 10000 --seconds 60 --json "$here/recv.json" \
    lt-b2,rings=4096
until_true "fwd sleeps" waits_for_frames fwd
until_true "recv sleeps" waits_for_frames recv
for queue in 0 1; do
    start "gen$queue" ip netns exec lt-queues "$LEAT" gen --stream $queue --count 5000 --rate 5k \
        "lt-a2@$queue"
done
ended recv || fail "recv ended with $?"
ended gen0 || fail "gen on queue 0 ended with $?"
ended gen1 || fail "gen on queue 1 ended with $?"

say "from one queue to two"
start recv ip netns exec lt-queues "$LEAT" recv --count 5000 --seconds 60 --json "$here/back.json" \
    lt-a2,rings=4096
until_true "recv sleeps" waits_for_frames recv
in_ns "$LEAT" gen --count 5000 --rate 5k lt-b2 >"$here/gen.log" 2>&1 || fail "gen on one queue"
ended recv || fail "recv ended with $?"

kill -INT "${pid[fwd]}"
ended fwd || fail "fwd ended with $?"
[ -z "$(dropped "$here/fwd.json")" ] || fail "lost: $(dropped "$here/fwd.json")"
python3 - "$here"/{fwd,recv,back}.json <<'END' || fail "frames vanished, or changed places"
import json, sys
fwd, recv, back = (json.load(open(f)) for f in sys.argv[1:])
a, b = fwd["ports"]
print("mode", a["mode"], "|", b["mode"])
assert a["mode"] == "native, copy (veth has no zero-copy), need-wakeup, poll"
assert b["mode"] == "generic, copy (veth has no zero-copy), need-wakeup, poll"
assert a["rx_packets"] == b["tx_packets"] == 10000 and b["rx_packets"] == a["tx_packets"] == 5000
for report, frames in (recv, 10000), (back, 5000):
    assert report["sequence"] == dict(received=frames, missing=0, duplicate=0, reordered=0, corrupt=0)
END
