#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat xdp serve` as root in a namespace with the ends of two cables; `leat fwd` between them as user
# nobody, who has no capability and does not even see the interfaces. Ping and iperf3 pass. Whoever is
# not allowed, and whoever wants a queue that is taken, is told so. Either side is killed: the other
# one is told, and nothing is left behind.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need ip iperf3 ping ethtool setpriv ss

chmod 755 "$here"
cp "$LEAT" "$here/leat" # where anybody can reach it
socket=$here/serve.sock
left=xdp-fd:$socket/lt-l1
right=xdp-fd:$socket/lt-r1

as() { # as USER COMMAND...: without any capability
    local user=$1
    shift
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --inh-caps=-all \
        --bounding-set=-all "$@"
}
serve() {
    start serve ip netns exec lt-mid "$LEAT" xdp serve -u nobody -i lt-l1 -i lt-r1 "$socket"
    until_true "the server listens" eval "ip netns exec lt-mid ss -lx | grep -q '$socket'"
}
forward() { start fwd setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all \
    --bounding-set=-all "$here/leat" fwd "$left" "$right"; }
pings() { ip netns exec lt-left ping -c 1 -W 1 10.78.0.2 >/dev/null; }
programs() { ip -n lt-mid link show | grep -c 'prog/xdp' || true; }
no_programs() { [ "$(programs)" -eq 0 ]; }

for ns in lt-left lt-mid lt-right; do namespace $ns; done
ip -n lt-mid link add lt-l1 type veth peer name lt-l0 netns lt-left
ip -n lt-mid link add lt-r1 type veth peer name lt-r0 netns lt-right
ip -n lt-left addr add 10.78.0.1/24 dev lt-l0
ip -n lt-right addr add 10.78.0.2/24 dev lt-r0
for end in lt-left/lt-l0 lt-right/lt-r0 lt-mid/lt-l1 lt-mid/lt-r1; do
    ip -n "${end%/*}" link set "${end#*/}" up
    ip netns exec "${end%/*}" ethtool -K "${end#*/}" tx off >/dev/null
done

say "nobody forwards between interfaces of root's"
serve
forward
until_true "a ping passes" pings
ip netns exec lt-left ping -c 50 -i 0.01 -W 2 10.78.0.2 >"$here/ping.log" || fail "ping"
grep -q ' 0% packet loss' "$here/ping.log" || fail "pings were lost"
[ "$(programs)" -eq 2 ] || fail "$(programs) programs, not 2"
start iperf ip netns exec lt-right iperf3 -s
until_true "iperf3 listens" eval 'ip netns exec lt-right ss -ltn | grep -q :5201'
for way in "" --reverse; do
    # shellcheck disable=SC2086 # no option at all when it is empty
    until_true "iperf3 runs ${way:-forward}" \
        ip netns exec lt-left iperf3 -c 10.78.0.2 -t 1 --json $way \
        --logfile "$here/iperf$way.json"
    json "$here/iperf$way.json" '["end"]["sum_received"]["bits_per_second"] / 1e9' |
        sed "s/^/iperf3 ${way:-forward}, Gbit\/s: /"
done

say "without the server, nobody may not; whoever lacks one capability is told which"
as nobody "$here/leat" recv xdp:lo,force >"$here/recv.log" 2>&1 && fail "nobody opened lo"
grep -q 'it takes CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF$' "$here/recv.log" || fail "$(cat "$here/recv.log")"
for lack in net_raw net_admin bpf; do
    for what in "recv xdp:lo,force" "xdp serve -f -i lo $here/none.sock"; do
        # shellcheck disable=SC2086 # several words
        setpriv --bounding-set="-$lack,-sys_admin" "$LEAT" $what >"$here/recv.log" 2>&1 &&
            fail "$what without $lack"
        grep -q "it takes CAP_${lack^^}$" "$here/recv.log" || fail "$(cat "$here/recv.log")"
    done
done

say "who is not allowed, and what is taken"
as daemon "$here/leat" recv "$left" >"$here/recv.log" 2>&1 && fail "daemon got in"
grep -q 'may not use this server; .*--allow-user' "$here/recv.log" || fail "it does not say why"
as nobody "$here/leat" recv "$left" >"$here/recv.log" 2>&1 && fail "a queue twice"
grep -q "queue 0 of lt-l1 is in use by user .*, process ${pid[fwd]}" "$here/recv.log" ||
    fail "it does not say who has it"
pings || fail "the refused ones disturbed the forwarder"

say "the program is killed, and the next one takes over"
kill -KILL "${pid[fwd]}"
ended fwd || true
until_true "its programs are gone" no_programs
forward
until_true "a ping passes again" pings

say "the server is killed: its programs go, and the forwarder is told"
kill -KILL "${pid[serve]}"
ended serve || true
until_true "its programs are gone" no_programs
ended fwd && fail "the forwarder did not mind"
grep -q 'the server has ended' "$here/fwd.log" || fail "it does not say why it ended"

say "the next server replaces the socket of the dead one, and takes its own along"
serve
forward
until_true "a ping passes again" pings
kill -INT "${pid[fwd]}"
ended fwd || fail "fwd ended with $?"
until_true "its programs are gone" no_programs
kill -INT "${pid[serve]}"
ended serve || fail "the server ended with $?"
[ ! -e "$socket" ] || fail "the socket is still there"
grep -q 'nothing to remove' < <(ip netns exec lt-mid "$LEAT" xdp clean lt-l1) || fail "clean"
