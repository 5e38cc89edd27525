#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two namespaces, joined by `leat fwd` between two interfaces of a third one, in the driver and before
# the stack: ping, iperf3 both ways and a download over HTTPS pass unaltered. Then the same interfaces
# with match='udp port 4789': only that goes to Leat, while ssh and ping reach the kernel.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
PATH=$PATH:/usr/sbin # sshd
need ip ss ethtool iperf3 ping python3 curl openssl socat ssh sshd ssh-keygen

export LEAT_RUN_DIR=$here/run
namespace lt-left
namespace lt-mid
namespace lt-right
left() { ip netns exec lt-left "$@"; }
mid() { ip netns exec lt-mid "$@"; }
right() { ip netns exec lt-right "$@"; }
ip link add lt-a netns lt-mid type veth peer name lt-l netns lt-left
ip link add lt-b netns lt-mid type veth peer name lt-r netns lt-right
ip -n lt-left addr add 10.78.0.1/24 dev lt-l
ip -n lt-right addr add 10.78.0.2/24 dev lt-r
ip -n lt-left link set lt-l up
ip -n lt-right link set lt-r up
ip -n lt-mid link set lt-a up
ip -n lt-mid link set lt-b up
# AF_XDP cannot see that a checksum is still to be completed.
left ethtool -K lt-l tx off >/dev/null
right ethtool -K lt-r tx off >/dev/null

# forward OPTIONS: Leat between lt-a and lt-b, both with these options; its report in fwd.json.
forward() {
    start fwd ip netns exec lt-mid "$LEAT" fwd --lossless --json "$here/fwd.json" \
        "xdp:lt-a$1" "xdp:lt-b$1"
    until_true "it waits for frames" waits_for_frames fwd
}
stop() {
    kill -INT "${pid[fwd]}"
    ended fwd || fail "fwd ended with $?"
    [ -z "$(ls "$LEAT_RUN_DIR" 2>/dev/null)" ] || fail "a journal was left"
    ! grep -q prog/xdp < <(ip -n lt-mid link) || fail "a program was left"
}
received() { json "$here/fwd.json" "[\"ports\"][$1][\"rx_packets\"]"; }

ping_through() {
    until_true "a ping passes" left ping -c 1 -W 1 10.78.0.2 >/dev/null
    left ping -c 50 -i 0.01 -W 2 10.78.0.2 >"$here/ping.log" || fail "ping"
    grep -q ' 0% packet loss' "$here/ping.log" || fail "pings were lost"
}

iperf_both_ways() {
    local way
    start iperf ip netns exec lt-right iperf3 -s
    until_true "iperf3 listens" eval 'ip netns exec lt-right ss -ltn | grep -q :5201'
    for way in "" --reverse; do
        # shellcheck disable=SC2086 # no option at all when it is empty
        left iperf3 -c 10.78.0.2 -t 3 --json $way >"$here/iperf$way.json" ||
            fail "iperf3 ${way:-forward}"
        json "$here/iperf$way.json" '["end"]["sum_received"]["bits_per_second"] / 1e9' |
            sed "s/^/iperf3 ${way:-forward}, Gbit\/s: /"
    done
    kill "${pid[iperf]}"
    ended iperf || true
}

make_https() {
    mkdir "$here/www"
    head -c 20000000 /dev/urandom >"$here/www/file"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=lt-right \
        -addext subjectAltName=DNS:lt-right -keyout "$here/key.pem" -out "$here/cert.pem" \
        2>"$here/openssl.log" || fail "no certificate"
    cat >"$here/https.py" <<'END'
import functools, http.server, ssl, sys
here = sys.argv[1]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=here + "/www")
server = http.server.ThreadingHTTPServer(("10.78.0.2", 8443), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(here + "/cert.pem", here + "/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
END
    start https ip netns exec lt-right python3 "$here/https.py" "$here"
    until_true "the server listens" eval 'ip netns exec lt-right ss -ltn | grep -q :8443'
}

download() {
    left curl -sf --cacert "$here/cert.pem" --connect-to lt-right:8443:10.78.0.2:8443 \
        -o "$here/copy" https://lt-right:8443/file || fail "the download"
    [ "$(sha256sum <"$here/www/file")" = "$(sha256sum <"$here/copy")" ] ||
        fail "the file was altered"
    rm "$here/copy"
}

make_https
for mode in native generic; do
    say "everything through Leat, mode=$mode"
    forward ",mode=$mode"
    ping_through
    iperf_both_ways
    download
    stop
    json "$here/fwd.json" '["ports"][0]["mode"]'
    json "$here/fwd.json" '["ports"][0]["mode"]' | grep -q "^$mode" || fail "another mode"
    echo "left to right $(received 0), right to left $(received 1)"
    [ "$(received 0)" -gt 10000 ] || fail "it went another way"
    [ "$(received 1)" -gt 10000 ] || fail "it came back another way"
done

say "only udp port 4789 to Leat"
ip -n lt-mid addr add 10.78.0.3/24 dev lt-a
mac_of() { ip -n "$1" -o link show "$2" | grep -o 'link/ether [^ ]*' | cut -d' ' -f2; }
ip -n lt-left neighbour replace 10.78.0.2 lladdr "$(mac_of lt-right lt-r)" dev lt-l
ip -n lt-right neighbour replace 10.78.0.1 lladdr "$(mac_of lt-left lt-l)" dev lt-r
forward ",match='udp port 4789'"

say "ping and ssh reach the kernel"
left ping -c 10 -i 0.01 -W 2 10.78.0.3 >"$here/ping.log" || fail "ping"
grep -q ' 0% packet loss' "$here/ping.log" || fail "pings were lost"
mkdir -p /run/sshd # where sshd puts those who are not logged in yet
ssh-keygen -q -t ed25519 -N '' -f "$here/host"
ssh-keygen -q -t ed25519 -N '' -f "$here/id"
cp "$here/id.pub" "$here/authorized_keys"
start sshd ip netns exec lt-mid "$(command -v sshd)" -D -e -f /dev/null -p 2222 -h "$here/host" \
    -o AuthorizedKeysFile="$here/authorized_keys" -o StrictModes=no -o PidFile=none \
    -o PermitRootLogin=prohibit-password -o UsePAM=no
until_true "sshd listens" eval 'ip netns exec lt-mid ss -ltn | grep -q :2222'
# shellcheck disable=SC2016 # expanded over there
answer=$(left ssh -p 2222 -i "$here/id" -o StrictHostKeyChecking=no -o BatchMode=yes \
    -o UserKnownHostsFile="$here/known_hosts" root@10.78.0.3 'echo in $(readlink /proc/self/ns/net)' \
    2>"$here/ssh.log") || fail "ssh: $(cat "$here/ssh.log")"
[ "$answer" = "in $(mid readlink /proc/self/ns/net)" ] || fail "ssh answered '$answer'"

say "udp port 4789 passes through Leat, port 4790 does not"
for port in 4789 4790; do
    start "udp$port" ip netns exec lt-right socat -u "UDP4-RECV:$port" "CREATE:$here/udp$port"
    until_true "a receiver waits" eval "ip netns exec lt-right ss -lun | grep -q :$port"
done
head -c 200000 /dev/urandom >"$here/sent"
left python3 - "$here/sent" <<'END'
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
data = open(sys.argv[1], "rb").read()
for i in range(0, len(data), 1000):
    s.sendto(data[i:i + 1000], ("10.78.0.2", 4790))
    s.sendto(data[i:i + 1000], ("10.78.0.2", 4789))
    time.sleep(0.0005)
END
until_true "all datagrams arrive" cmp -s "$here/sent" "$here/udp4789"
[ ! -s "$here/udp4790" ] || fail "port 4790 passed too"
stop
[ "$(received 0)" -eq 200 ] || fail "Leat took $(received 0) frames, not the 200 datagrams"
[ "$(received 1)" -eq 0 ] || fail "Leat took $(received 1) frames of the other side"
