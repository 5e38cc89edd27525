#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Has the kernel send what no ordinary program asks for: DNS queries behind hop-by-hop and
destination options, a datagram in fragments, a group joined, and SCTP (from scapy)."""

import socket
import struct
import sys

from scapy.all import SCTP, SCTPChunkInit, raw

IPV6_HOPOPTS, IPV6_DSTOPTS = 54, 59  # linux/in6.h
QUERY = struct.pack('!6H', 0x1ea7, 0x0100, 1, 0, 0, 0) + b'\x04leat\x04test\0' + b'\0\x1c\0\x01'


def options(words):
    """An options header of that many words of eight bytes: one option for experiments (RFC 4727)
    that is skipped where it is unknown. The kernel refuses more than seven bytes of padding."""
    size = words * 8 - 4
    return struct.pack('!BBBB', 0, words - 1, 0x1e, size) + bytes(range(size))


def ask(address, headers):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        for option, value in headers:
            sock.setsockopt(socket.IPPROTO_IPV6, option, value)
        sock.settimeout(5)
        sock.sendto(QUERY, (address, 53))
        if sock.recv(512)[:2] != QUERY[:2]:
            sys.exit('headers.py: not the answer to this query')


def main():
    server4, server6 = sys.argv[1:]
    ask(server6, [(IPV6_DSTOPTS, options(1))])
    ask(server6, [(IPV6_HOPOPTS, options(2)), (IPV6_DSTOPTS, options(3))])

    for family, address in ((socket.AF_INET, server4), (socket.AF_INET6, server6)):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.sendto(bytes(range(256)) * 12, (address, 9))  # nobody listens

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server4, 9))
        local = socket.inet_aton(sock.getsockname()[0])
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton('239.1.2.3') + local)  # reports by IGMP

    init = raw(SCTP(sport=7, dport=9) / SCTPChunkInit(init_tag=1))
    for family, address in ((socket.AF_INET, server4), (socket.AF_INET6, server6)):
        with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_SCTP) as sock:
            sock.sendto(init, (address, 0))


if __name__ == '__main__':
    main()
