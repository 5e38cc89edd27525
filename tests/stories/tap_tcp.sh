#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two namespaces, each with a tap, each tap the wire of an emulated 82599; `leat fwd` between the two
# NICs. Ping, iperf3 both ways, and a file over HTTP: nothing may be lost or altered.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip ss iperf3 ping python3 curl

namespace lt-left
namespace lt-right
start softnic "$LEAT" softnic --strict \
    "$here/left.sock=tap,tap=lt-tap0" "$here/right.sock=tap,tap=lt-tap1"
until_true "the taps are there" eval 'ip link show lt-tap0 && ip link show lt-tap1' >/dev/null
ip link set lt-tap0 netns lt-left
ip link set lt-tap1 netns lt-right
ip -n lt-left addr add 10.77.0.1/24 dev lt-tap0
ip -n lt-right addr add 10.77.0.2/24 dev lt-tap1
ip -n lt-left link set lt-tap0 up
ip -n lt-right link set lt-tap1 up

start fwd "$LEAT" fwd --lossless --json "$here/fwd.json" \
    "vfio-user:$here/left.sock,promisc" "vfio-user:$here/right.sock,promisc"
until_true "a ping passes" ip netns exec lt-left ping -c 1 -W 1 10.77.0.2 >/dev/null

say "ping"
ip netns exec lt-left ping -c 50 -i 0.01 -W 2 10.77.0.2 >"$here/ping.log" || fail "ping"
grep -q ' 0% packet loss' "$here/ping.log" || fail "pings were lost"

say "iperf3, both ways"
start iperf ip netns exec lt-right iperf3 -s
until_true "iperf3 listens" eval 'ip netns exec lt-right ss -ltn | grep -q :5201'
for way in "" --reverse; do
    # shellcheck disable=SC2086 # no option at all when it is empty
    until_true "iperf3 runs ${way:-forward}" \
        ip netns exec lt-left iperf3 -c 10.77.0.2 -t 3 --json $way \
        --logfile "$here/iperf$way.json"
    json "$here/iperf$way.json" '["end"]["sum_received"]["bits_per_second"] / 1e9' |
        sed "s/^/iperf3 ${way:-forward}, Gbit\/s: /"
done

say "a file over HTTP"
mkdir "$here/www"
head -c 20000000 /dev/urandom >"$here/www/file"
start http ip netns exec lt-right python3 -m http.server --directory "$here/www" 8000
until_true "the file arrives" \
    ip netns exec lt-left curl -sf -o "$here/copy" http://10.77.0.2:8000/file
cmp "$here/www/file" "$here/copy" || fail "the file was altered"

say "nothing was lost between the NICs"
kill -INT "${pid[fwd]}"
ended fwd || fail "fwd ended with $?"
[ -z "$(dropped "$here/fwd.json")" ] || fail "lost: $(dropped "$here/fwd.json")"
python3 - "$here/fwd.json" <<'END' || fail "packets in and out differ"
import json, sys
a, b = json.load(open(sys.argv[1]))["ports"]
print("left to right", a["rx_packets"], "right to left", b["rx_packets"])
assert a["rx_packets"] == b["tx_packets"] > 10000 and b["rx_packets"] == a["tx_packets"] > 10000
END
