#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An XDP program made of nothing but the library's parser and checksums: the kernel's verifier takes
# it, and what it sees on a wire it parses as it should.
# shellcheck source-path=SCRIPTDIR source=story.sh
. "$(dirname "$0")/story.sh"
need_root
need clang ip python3
source=$(realpath "$(dirname "$0")/../..")

clang -target bpf -O2 -ffreestanding -I "$source/include" -c "$source/tests/unit/packet_bpf.c" \
    -o "$here/packet.o" || skip "needs a clang with the BPF target"

namespace lt-bpf-a
namespace lt-bpf-b
ip link add lt-a netns lt-bpf-a type veth peer name lt-b netns lt-bpf-b
ip -n lt-bpf-a address add 192.0.2.1/24 dev lt-a
ip -n lt-bpf-b address add 192.0.2.2/24 dev lt-b
ip -n lt-bpf-a link set lt-a up
ip -n lt-bpf-b link set lt-b up

say "the verifier takes the parser"
ip -n lt-bpf-b link set dev lt-b xdp object "$here/packet.o" section xdp >"$here/load.log" 2>&1 || {
    grep -q 'No ELF library support' "$here/load.log" && skip "needs an iproute2 with libbpf"
    fail "the kernel refuses the program"
}
grep -q prog/xdp < <(ip -n lt-bpf-b link show lt-b) || fail "the program is not attached"

say "datagrams arrive with their TTL counted down and a right checksum, without options and with"
cat >"$here/receiver.py" <<'END'
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
    sock.bind(('192.0.2.2', 7777))
    print('bound')
    for _ in range(2):
        data, control, _, _ = sock.recvmsg(100, 100)
        print(data.decode(), int.from_bytes(control[0][2], 'little'))
END
start receiver ip netns exec lt-bpf-b python3 -u "$here/receiver.py"
until_true "the receiver is bound" grep -q bound "$here/receiver.log"
ip netns exec lt-bpf-a python3 - <<'END'
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 9)
    sock.sendto(b'plain', ('192.0.2.2', 7777))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([1, 1, 1, 0]))
    sock.sendto(b'options', ('192.0.2.2', 7777))
END
ended receiver || fail "the receiver ended with $?"
[ "$(tail -n +2 "$here/receiver.log")" = $'plain 8\noptions 8' ] || fail "not what was sent"
