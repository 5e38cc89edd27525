#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `leat fwd` between a NIC with zero-copy and one without, both in one pool: what goes in comes out,
# both ways. Probes first, of which each is checked and counted; then a file over TCP between two
# namespaces.
#
# nic: first wire=0
# nic: left wire=0 zerocopy
# nic: right wire=1
# nic: last wire=1
# programs: leat ip
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

# probes FROM TO: 2,000 of them, which the rings can hold.
probes() {
    start recv leat recv --count 2000 --expect 2000 --seconds 60 "xdp:$2,rings=4096"
    until_true "recv waits for frames" waits_for_frames recv
    leat gen --count 2000 --src 10.0.0.1-10.0.0.64 --size imix "xdp:$1" >"$here/gen.log" 2>&1
    ok "2,000 probes from $1 to $2" ended recv
}

listens() { ip netns exec "$1" netstat -ltn | grep -q :7000; }

# file FROM TO ADDRESS: a file over TCP.
file() {
    # It reads and ends with its peer, not with an input of its own.
    ip netns exec "lt-$2" nc -l -p 7000 0<> <(:) >"$here/copy" &
    pid[nc]=$!
    until_true "nc listens" listens "lt-$2"
    ip netns exec "lt-$1" nc "$3" 7000 <"$here/file"
    ended nc
    ok "a file from $1 to $2" cmp "$here/file" "$here/copy"
}

echo 48 >/proc/sys/vm/nr_hugepages
for nic in first left right last; do
    echo 1 >"/proc/sys/net/ipv6/conf/$nic/disable_ipv6"
    ip link set dev $nic up
done
start fwd leat fwd --lossless xdp:left,zerocopy=require,rings=4096 xdp:right,rings=4096
until_true "fwd waits for frames" waits_for_frames fwd

probes first last
probes last first

namespace lt-first
namespace lt-last
ip link set dev first netns lt-first
ip link set dev last netns lt-last
ip -n lt-first addr add 10.77.0.1/24 dev first
ip -n lt-last addr add 10.77.0.2/24 dev last
ip -n lt-first link set dev first up
ip -n lt-last link set dev last up
head -c 1000000 /dev/urandom >"$here/file"
file first last 10.77.0.2
file last first 10.77.0.1

kill -INT "${pid[fwd]}"
ended fwd || fail "fwd ended with $?"
grep -E '^(xdp:|lost)' "$here/fwd.log"
ok "left is zero-copy" grep -q '^xdp:left.*: native, zero-copy' "$here/fwd.log"
ok "right copies" grep -q '^xdp:right.*: native, copy' "$here/fwd.log"
ok "nothing was lost" grep -q '^lost none' "$here/fwd.log"
