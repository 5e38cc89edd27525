# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What every story begins with: a directory of its own, processes and namespaces that vanish with it,
# and waiting for what should happen. Usage, as the first lines of a story:
#
#   . "$(dirname "$0")/story.sh"
#   need_root; need iperf3 ip
#
# LEAT names the command under test.

set -euo pipefail
LEAT=${LEAT:-build/leat}
LEAT=$(realpath "$LEAT")
here=$(mktemp -d /tmp/lt-story.XXXXXX)
declare -A pid # of what was started, by name
namespaces=()

undo() { :; } # a story that changes the machine replaces it
finish() {
    local status=$?
    trap - EXIT INT TERM
    undo
    kill -KILL "${pid[@]}" 2>/dev/null || true
    wait "${pid[@]}" 2>/dev/null || true
    for ns in "${namespaces[@]}"; do ip netns del "$ns" 2>/dev/null || true; done
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        for log in "$here"/*.log; do
            [ -s "$log" ] && { echo "--- $(basename "$log")"; tail -n 20 "$log"; }
        done
    fi
    rm -rf "$here"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

skip() { echo "$*"; exit 77; }
fail() { echo "FAILED: $*"; exit 1; }
say() { echo "# $*"; }

need_root() { [ "$(id -u)" -eq 0 ] || skip "needs root, for network namespaces"; }
need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "needs $program"
    done
}

# start NAME COMMAND...: runs it in the background, its output in NAME.log, its process id in
# ${pid[NAME]}.
start() {
    local name=$1
    shift
    : >"$here/$name.log" # now: what an earlier one of that name said is not to be waited for
    "$@" >"$here/$name.log" 2>&1 &
    pid[$name]=$!
}

# until_true WHAT COMMAND...: asks again and again, for PATIENCE seconds at most (60).
until_true() {
    local what=$1 deadline=$((SECONDS + ${PATIENCE:-60}))
    shift
    until "$@" 2>/dev/null; do
        [ $SECONDS -lt $deadline ] || fail "waited ${PATIENCE:-60} s in vain: $what"
        read -rt 0.05 <> <(:) || true
    done
}

# read_all NAMESPACE PORT: who listens there has taken everything off his UDP sockets.
read_all() { ip netns exec "$1" ss -Hlun "sport = :$2" | awk '$2 > 0 { left = 1 } END { exit left }'; }

# ended NAME: its exit status, when it ends in time.
ended() {
    until_true "$1 ends" gone "${pid[$1]}"
    local status=0
    wait "${pid[$1]}" 2>/dev/null || status=$? # bash would tell of kills
    unset "pid[$1]"
    return $status
}
# waits_for_frames NAME: it has opened its ports, and sleeps until something comes.
waits_for_frames() { grep -q poll "/proc/${pid[$1]}/wchan"; }
gone() { ! kill -0 "$1" || grep -q '^State:.Z' "/proc/$1/status"; }

namespace() {
    ip netns add "$1"
    namespaces+=("$1")
    ip -n "$1" link set lo up
}
# quiet_link NAMESPACE: lt-a and lt-b in it, joined, with no traffic but what a story sends.
quiet_link() {
    namespace "$1"
    ip netns exec "$1" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
    ip -n "$1" link add lt-a type veth peer name lt-b
    ip -n "$1" link set lt-a up
    ip -n "$1" link set lt-b up
}
# near_and_far: two namespaces of this run, since another one may be going on, $near_ns with lt-n (10.79.0.1) and
# $far_ns with lt-f (10.79.0.2) at the other end, and no IPv6.
near_and_far() {
    near_ns=lt-near-$$ far_ns=lt-far-$$
    local ns
    for ns in "$near_ns" "$far_ns"; do
        namespace "$ns"
        ip netns exec "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
    done
    ip -n "$near_ns" link add lt-n type veth peer name lt-f netns "$far_ns"
    ip -n "$near_ns" addr add 10.79.0.1/24 dev lt-n
    ip -n "$far_ns" addr add 10.79.0.2/24 dev lt-f
    ip -n "$near_ns" link set lt-n up
    ip -n "$far_ns" link set lt-f up
}

# json FILE EXPRESSION: a value of a JSON file, as Python sees it: json r.json '["seconds"]'.
json() { python3 -c "import json,sys; print(json.load(open(sys.argv[1]))$2)" "$1"; }

# dropped FILE: all losses of a report, "reason=count ...", empty when there are none.
dropped() {
    python3 - "$1" <<'END'
import json, sys
for port in json.load(open(sys.argv[1]))["ports"]:
    for reason, count in port["drops"].items():
        if count:
            print(f'{port["name"]}:{reason}={count}')
END
}

# authority NAME: NAME.pem and NAME.key. certificate NAME AUTHORITY: signed by it, for localhost.
authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$here/$1.key" -out "$here/$1.pem" -days 2 \
        -subj "/CN=$1" 2>/dev/null
}
certificate() {
    openssl req -newkey rsa:2048 -nodes -keyout "$here/$1.key" -out "$here/$1.csr" \
        -subj "/CN=$1" 2>/dev/null
    openssl x509 -req -in "$here/$1.csr" -CA "$here/$2.pem" -CAkey "$here/$2.key" -CAcreateserial \
        -days 2 -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1') \
        -out "$here/$1.pem" 2>/dev/null
}

# tell COMMAND: to the softnic that listens at $here/control.sock; prints its answer.
tell() {
    python3 - "$here/control.sock" "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
print(s.recv(65536).decode(), end="")
END
}

# all_through FRAMES: that port 0 has generated so many, and that what lay in rings has arrived since:
# port 1 has seen nothing new since the last question.
all_through() {
    local arrived=
    until_true "all $1 frames are generated" generated "$1"
    until_true "the last frames arrive" drained
}
generated() { tell "stats 0" | grep -q "in_frames $1 "; }
drained() {
    local before=$arrived
    arrived=$(tell "stats 1" | grep -o "out_frames [0-9]*")
    [ "$arrived" = "$before" ]
}
