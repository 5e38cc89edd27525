#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Makes protocols.pcap anew: two namespaces, three links between them (plain, one tag, two tags),
# real programs at both ends, tcpdump at one. Needs root and the Debian packages
#   iproute2 ethtool clang tcpdump tshark dnsmasq-base bind9-dnsutils openssl curl iputils-ping
#   python3-scapy
set -euo pipefail
cd "$(dirname "$0")"
a=lt-cap-a b=lt-cap-b
work=$(mktemp -d)
started=()

clean_up() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    ip netns del $a 2>/dev/null || true
    ip netns del $b 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

in_a() { ip netns exec $a "$@"; }
in_b() { ip netns exec $b "$@"; }

# wait_for WHAT COMMAND...: until the command succeeds, ten seconds at most.
wait_for() {
    local what=$1 tries=200
    shift
    until "$@" >/dev/null 2>&1; do
        ((tries--)) || { echo "make.sh: waited in vain for $what" >&2; exit 1; }
        sleep 0.05
    done
}

start() {
    local log=$1
    shift
    "$@" >"$work/$log" 2>&1 &
    started+=($!)
}

# link NAME MTU IPV4-PREFIX IPV6-PREFIX: capture on its end in $a before anything is sent.
link() {
    ip link add "lt-$1-a" mtu "$2" netns $a type veth peer name "lt-$1-b" mtu "$2" netns $b
    for end in a b; do
        ip netns exec lt-cap-$end ethtool -K "lt-$1-$end" tx off gso off tso off gro off >/dev/null
        ip netns exec lt-cap-$end tc qdisc add dev "lt-$1-$end" clsact
    done
    in_a ip address add "$3.1/24" dev "lt-$1-a"
    in_b ip address add "$3.2/24" dev "lt-$1-b"
    in_a ip address add "$4::a/64" dev "lt-$1-a"
    in_b ip address add "$4::b/64" dev "lt-$1-b"
    in_a ip link set "lt-$1-a" up
    start "$1.log" ip netns exec $a tcpdump -n -U --immediate-mode -i "lt-$1-a" -s 0 \
        --time-stamp-precision=nano -w "$work/$1.pcap"
    wait_for tcpdump grep -q 'listening on' "$work/$1.log"
}

# tag LINK KIND: a program at each end pushes tags on what leaves and pops them off what arrives.
tag() {
    for end in a b; do
        ip netns exec lt-cap-$end tc filter add dev "lt-$1-$end" egress \
            bpf direct-action object-file "$work/tags.o" section "push-$2"
        ip netns exec lt-cap-$end tc filter add dev "lt-$1-$end" ingress \
            bpf direct-action object-file "$work/tags.o" section "pop-$2"
    done
}

no_tentative_address() {
    ! ip -n $a address show tentative | grep -q inet6 && ! ip -n $b address show tentative | grep -q inet6
}

clang -target bpf -O2 -ffreestanding -c tags.c -o "$work/tags.o"
ip netns add $a
ip netns add $b
for ns in $a $b; do ip -n "$ns" link set lo up; done
link plain 1500 192.0.2 2001:db8:0
link vlan 1492 198.51.100 2001:db8:1
link qinq 1492 203.0.113 2001:db8:2
tag vlan vlan
tag qinq qinq
for name in plain vlan qinq; do in_b ip link set lt-$name-b up; done

# A segment routing header: to 2001:db8:9::1 by way of 2001:db8:0::b, both in $b.
in_b ip address add 2001:db8:9::1/128 dev lo
in_b sysctl -qw net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.lt-plain-b.seg6_enabled=1 \
    net.ipv6.conf.all.forwarding=1
wait_for 'duplicate address detection' no_tentative_address
in_a ip -6 route add 2001:db8:9::1/128 encap seg6 mode inline segs 2001:db8:0::b dev lt-plain-a

start dns.log ip netns exec $b dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv \
    --no-hosts --user=root --pid-file= --host-record=leat.test,192.0.2.2,2001:db8:0::b \
    --txt-record=leat.test,"carries packets past the kernel"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=leat.test \
    -days 2 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
start tls.log ip netns exec $b openssl s_server -accept 443 -key "$work/key.pem" \
    -cert "$work/cert.pem" -www
wait_for 'the servers' in_b sh -c 'ss -Htln sport = 53 | grep -q . && ss -Htln sport = 443 | grep -q .'

for host in 192.0.2.2 2001:db8:0::b 198.51.100.2 2001:db8:1::b 203.0.113.2 2001:db8:2::b; do
    in_a ping -q -c 2 -i 0.2 "$host" >/dev/null
    in_a ping -q -c 1 -s 3001 "$host" >/dev/null # fragments
    in_a dig +tries=1 @"$host" leat.test A leat.test AAAA leat.test TXT nothing.test A >/dev/null
done
in_a dig +tcp @192.0.2.2 leat.test TXT >/dev/null
in_a dig +tcp @2001:db8:2::b leat.test TXT >/dev/null
in_a dig +tries=1 +time=1 -p 54 @192.0.2.2 leat.test >/dev/null || true # port unreachable
in_a ping -q -c 1 -R 192.0.2.2 >/dev/null # record route
in_a ping -q -c 1 -T tsonly 192.0.2.2 >/dev/null
in_a dig +tries=1 @2001:db8:9::1 leat.test AAAA >/dev/null
in_a ping -q -c 1 2001:db8:9::1 >/dev/null
in_a ./headers.py 192.0.2.2 2001:db8:0::b
for url in https://192.0.2.2 'https://[2001:db8:1::b]' https://203.0.113.2; do
    in_a curl -sS --insecure -o /dev/null "$url/"
done

for pid in "${started[@]:0:3}"; do kill -INT "$pid"; done # tcpdump writes what it has
wait "${started[@]:0:3}" || true
mergecap -F nsecpcap -w protocols.pcap "$work"/{plain,vlan,qinq}.pcap
./truth.py protocols.pcap >protocols.txt
ls -l protocols.pcap protocols.txt
