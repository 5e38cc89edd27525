#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes captures that mean harm to a flow probe.

    hostile.py lies FILE          # each length field of each layer is 0, 1, its most, one too few, one too many
    hostile.py cuts FILE          # each of these frames captured up to each of its bytes
    hostile.py collisions FILE N  # N flows whose five-tuples have one CRC-32, then N with one exclusive or
    hostile.py flood FILE N       # N flows of one packet each, to and fro between IPv4 and IPv6"""

import struct
import sys
import zlib

import flows
from flows import A4, A6, B4, B6, D6, OPTIONS, SYN, ethernet, ip4, ip6, packed, tcp, udp

ETHERNET, IP4, IP6, UDP, TUNNEL = 14, 20, 40, 8, 8
L3 = ETHERNET
L4, L4_OF_6 = L3 + IP4, L3 + IP6
INNER = L4 + UDP + TUNNEL  # what VXLAN and the like carry over IPv4


def layers():
    """Frames, and their length fields: where, of how many bytes, and which bits of these."""
    whole = (16, 0)
    yield ethernet(udp(A4, B4, (1000, 2000), b'payload')), [
        (L3, 1, 4, 0), (L3 + 2, 2, *whole), (L4 + 4, 2, *whole), (L3 + 6, 2, 13, 0)]
    yield ethernet(ip4(A4, B4, 17, flows.udp_segment(A4, B4, (1000, 2001), b'options'),
                       options=bytes.fromhex('94040000 0704 0400 440c050000000000 00000000'))), [
        (L3, 1, 4, 0), (L3 + 21, 1, 8, 0), (L3 + 25, 1, 8, 0), (L3 + 29, 1, 8, 0)]
    yield ethernet(tcp(A4, B4, (1000, 80), SYN, b'more', options=OPTIONS)), [
        (L3 + 2, 2, *whole), (L4 + 12, 1, 4, 4), (L4 + 21, 1, 8, 0), (L4 + 25, 1, 8, 0)]
    yield ethernet(udp(A6, B6, (1000, 2000), b'payload')), [
        (L3 + 4, 2, *whole), (L4_OF_6 + 4, 2, *whole)]
    chain = (bytes([60]) + bytes.fromhex('00050200000100') +      # hop-by-hop
             bytes([43]) + bytes.fromhex('00010400000000') +      # destination
             bytes([51, 2, 4, 0, 0, 0, 0, 0]) + packed(D6) +      # routing
             bytes([135, 4]) + bytes(22) +                        # authentication
             bytes([44]) + bytes.fromhex('00050000000000') +      # mobility
             bytes([17, 0, 0, 1, 0, 0, 0, 9]))                    # fragment, the first
    yield ethernet(ip6(A6, B6, 0, chain + flows.udp_segment(A6, B6, (1000, 2002), b'chained!'))), [
        (L3 + 4, 2, *whole), *((L4_OF_6 + at + 1, 1, 8, 0) for at in (0, 8, 16, 40, 64)),
        (L4_OF_6 + 74, 2, 13, 3)]
    yield ethernet(flows.pppoe(5, b'\0\x21', udp(A4, B4, (1000, 2003), b'pppoe')), 0x8864), [
        (L3 + 4, 2, *whole), (L3 + 8 + 2, 2, *whole)]
    inner = udp(A4, B4, (1000, 2004), b'inside')
    yield ethernet(ip4(A4, B4, 4, inner)), [(L3 + 2, 2, *whole), (L4 + 2, 2, *whole)]
    yield ethernet(ip4(A4, B4, 47, flows.gre(0x0800, inner, key=7, sequence=1))), [
        (L3 + 2, 2, *whole), (L4, 1, 8, 0), (L4 + 12 + 2, 2, *whole)]
    yield ethernet(udp(A4, B4, (1, 4789), flows.vxlan(9, ethernet(inner)))), [
        (L3 + 2, 2, *whole), (L4 + 4, 2, *whole), (INNER + ETHERNET, 1, 4, 0),
        (INNER + ETHERNET + 2, 2, *whole), (INNER + ETHERNET + IP4 + 4, 2, *whole)]
    yield ethernet(udp(A4, B4, (1, 6081), flows.geneve(9, 0x0800, inner, options=bytes(8)))), [
        (L4 + UDP, 1, 6, 0), (INNER + 8 + 2, 2, *whole)]
    yield ethernet(udp(A4, B4, (1, 2152), flows.gtpu(9, inner, sequence=1,
                                                     extensions=((0x85, b'\1\2'),)))), [
        (L4 + UDP + 2, 2, *whole), (L4 + UDP + 12, 1, 8, 0), (INNER + 8 + 2, 2, *whole)]


def lies():
    for frame, fields in layers():
        yield frame, len(frame)
        for at, size, bits, shift in fields:
            old = int.from_bytes(frame[at:at + size], 'big')
            most = (1 << bits) - 1
            right = old >> shift & most
            for lie in sorted({0, 1, most, max(0, right - 1), min(most, right + 1)} - {right}):
                new = (old & ~(most << shift) | lie << shift).to_bytes(size, 'big')
                yield frame[:at] + new + frame[at + size:], len(frame)


def cuts():
    for frame, _ in layers():
        for captured in range(1, len(frame) + 1):
            yield frame[:captured], len(frame)


def same_crc(prefix, target):
    """Four bytes that, behind the prefix, make its CRC-32 the target: the CRC is linear in them."""
    zero = zlib.crc32(prefix + bytes(4))
    columns = [zlib.crc32(prefix + (1 << bit).to_bytes(4, 'little')) ^ zero for bit in range(32)]
    want, answer = zero ^ target, 0
    basis = {}
    for bit, column in enumerate(columns):
        mark = 1 << bit
        while column:
            top = column.bit_length() - 1
            if top not in basis:
                basis[top] = (column, mark)
                break
            column, mark = column ^ basis[top][0], mark ^ basis[top][1]
    while want:
        column, mark = basis[want.bit_length() - 1]
        want, answer = want ^ column, answer ^ mark
    return answer.to_bytes(4, 'little')


def datagram(source, destination, ports):
    """Addresses as bytes; without checksums, since there are many."""
    header = struct.pack('>BBHHHBBH', 0x45, 0, 28, 0, 0, 64, 17, 0) + source + destination
    return ethernet(header + struct.pack('>HHHH', *ports, 8, 0))


def collisions(count):
    for i in range(count):
        source, ports = struct.pack('>I', 0x0a000000 + i), (1000, 53)
        destination = same_crc(source + struct.pack('>HHB', *ports, 17), 0x12345678)
        yield datagram(source, destination, ports), 42
    for i in range(count):
        source, destination = 0x0a000000 + i, 0x0b000000 + i  # as symmetric RSS folds them
        yield datagram(struct.pack('>I', source), struct.pack('>I', destination), (2000, 2000)), 42


def flood(count):
    for i in range(count):
        if i % 2:
            yield ethernet(udp(f'2001:db8::{i >> 16:x}:{i & 0xffff:x}', B6, (1, 2))), 62
        else:
            yield datagram(struct.pack('>I', 0x0a000000 + i), packed(B4), (1, 2)), 42


def write(path, frames):
    """Nanosecond pcap, a microsecond between frames."""
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for number, (frame, length) in enumerate(frames):
            seconds, rest = divmod(flows.START + number * 1000, flows.SECOND)
            file.write(struct.pack('<IIII', seconds, rest, len(frame), length) + frame)


def main():
    kinds = {'lies': lies, 'cuts': cuts, 'collisions': collisions, 'flood': flood}
    if len(sys.argv) < 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    write(sys.argv[2], kinds[sys.argv[1]](*map(int, sys.argv[3:])))


if __name__ == '__main__':
    main()
