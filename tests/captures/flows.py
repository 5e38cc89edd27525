#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the captures of tests/captures/flows: traffic with tags, labels, tunnels, fragments and
options that a test machine's kernel cannot make, each capture for one thing that the flow meter has
to get right. Always the same bytes; flow_truth.py says which records they give.

    flows.py [DIRECTORY]"""

import ipaddress
import os
import struct
import sys

START = 1_700_000_000_000_000_000  # nanoseconds since 1970
MILLI = 1_000_000
SECOND = 1_000_000_000

A4, B4, C4, D4 = '192.0.2.1', '192.0.2.2', '198.51.100.3', '203.0.113.4'
A6, B6, C6, D6 = '2001:db8::1', '2001:db8::2', '2001:db8:1::3', '2001:db8:2::4'
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
OPTIONS = bytes.fromhex('020405b4 0402 080a 00000001 00000000 01 030307'.replace(' ', ''))


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(address):
    return ipaddress.ip_address(address).packed


def ethernet(payload, kind=None, source=1, destination=2):
    if kind is None:
        kind = {4: 0x0800, 6: 0x86dd}[payload[0] >> 4]
    return struct.pack('>IHIHH', 0x02000000, destination, 0x02000000, source, kind) + payload


def tagged(payload, *tags):
    """Behind tags, outermost first: (ether type of the tag, TCI)."""
    kind = {4: 0x0800, 6: 0x86dd}[payload[0] >> 4]
    inner = b''
    for i, (_, tci) in enumerate(tags):
        inner += struct.pack('>HH', tci, tags[i + 1][0] if i + 1 < len(tags) else kind)
    return ethernet(inner + payload, tags[0][0])


def ip4(source, destination, protocol, payload, ttl=64, tos=0, identity=1, fragment=0x4000,
        options=b''):
    header = struct.pack('>BBHHHBBH', 0x45 + len(options) // 4, tos,
                         20 + len(options) + len(payload), identity, fragment, ttl, protocol, 0)
    header += packed(source) + packed(destination) + options
    return header[:10] + struct.pack('>H', checksum(header)) + header[12:] + payload


def ip6(source, destination, protocol, payload, hops=64, traffic_class=0, label=0):
    return struct.pack('>IHBB', 6 << 28 | traffic_class << 20 | label, len(payload), protocol,
                       hops) + packed(source) + packed(destination) + payload


def ip(source, destination, protocol, payload, **more):
    return (ip6 if ':' in source else ip4)(source, destination, protocol, payload, **more)


def summed(source, destination, protocol, segment, at):
    pseudo = packed(source) + packed(destination) + struct.pack('>IHBB', len(segment), 0, 0,
                                                                protocol)
    return segment[:at] + struct.pack('>H', checksum(pseudo + segment)) + segment[at + 2:]


def udp_segment(source, destination, ports, payload):
    segment = struct.pack('>HHHH', *ports, 8 + len(payload), 0) + payload
    return summed(source, destination, 17, segment, 6)


def udp(source, destination, ports, payload=b'', **more):
    return ip(source, destination, 17, udp_segment(source, destination, ports, payload), **more)


def tcp(source, destination, ports, flags, payload=b'', options=b'', window=512, number=1,
        **more):
    segment = struct.pack('>HHIIHHHH', *ports, number, 1, (5 + len(options) // 4) << 12 | flags,
                          window, 0, 0) + options + payload
    return ip(source, destination, 6, summed(source, destination, 6, segment, 16), **more)


def echo(source, destination, request, size=56, **more):
    if ':' in source:
        message = struct.pack('>BBHHH', 128 if request else 129, 0, 0, 7, 1) + bytes(size)
        return ip6(source, destination, 58, summed(source, destination, 58, message, 2), **more)
    message = struct.pack('>BBHHH', 8 if request else 0, 0, 0, 7, 1) + bytes(size)
    message = message[:2] + struct.pack('>H', checksum(message)) + message[4:]
    return ip4(source, destination, 1, message, **more)


def label(number, bottom=False, traffic_class=0, ttl=64):
    return struct.pack('>I', number << 12 | traffic_class << 9 | bottom << 8 | ttl)


def pppoe(session, protocol, payload):
    payload = protocol + payload
    return struct.pack('>BBHH', 0x11, 0, session, len(payload)) + payload


def gre(kind, payload, key=None, sequence=None, with_checksum=False):
    flags = (with_checksum and 0x8000) | (key is not None and 0x2000) | (
        sequence is not None and 0x1000)
    header = struct.pack('>HH', flags, kind) + (b'\0\0\0\0' if with_checksum else b'')
    header += b''.join(struct.pack('>I', field) for field in (key, sequence) if field is not None)
    if with_checksum:
        header = header[:4] + struct.pack('>H', checksum(header + payload)) + header[6:]
    return header + payload


def vxlan(vni, frame):
    return struct.pack('>II', 0x08000000, vni << 8) + frame


def geneve(vni, kind, payload, options=b''):
    return struct.pack('>BBHI', len(options) // 4, 0, kind, vni << 8) + options + payload


def gtpu(teid, payload, sequence=None, extensions=(), kind=255):
    flags = 0x30 | (2 if sequence is not None else 0) | (4 if extensions else 0)
    more = b''
    if flags & 7:
        kinds = [number for number, _ in extensions] + [0]
        more = struct.pack('>HBB', sequence or 0, 0, kinds[0])
        for (_, content), following in zip(extensions, kinds[1:]):
            more += bytes([(len(content) + 2) // 4]) + content + bytes([following])
    return struct.pack('>BBHI', flags, kind, len(more) + len(payload), teid) + more + payload


def both_ways(one, other, ports=(40000, 80), sizes=(10, 700, 300)):
    """A few UDP packets there and back."""
    yield udp(one, other, ports, bytes(sizes[0]))
    for size in sizes[1:]:
        yield udp(other, one, ports[::-1], bytes(size), **({'hops': 57} if ':' in one
                                                           else {'ttl': 57}))


def tags():
    stacks = [((0x8100, 100),), ((0x8100, 0xa065),), ((0x88a8, 7), (0x8100, 4094)),
              ((0x9100, 1), (0x8100, 2), (0x8100, 3)),
              ((0x88a8, 1), (0x88a8, 2), (0x8100, 3), (0x8100, 0xe004))]
    for number, stack in enumerate(stacks):
        for packet in both_ways(A4, B4, (40000 + number, 80)):
            yield tagged(packet, *stack)
        for packet in both_ways(A6, B6, (40000 + number, 80)):
            yield tagged(packet, *stack)
    yield ethernet(struct.pack('>HHHHHHHHHH', 1, 0x8100, 2, 0x8100, 3, 0x8100, 4, 0x8100, 5,
                               0x0800) + udp(A4, B4, (1, 2)), 0x8100)


def mpls():
    stacks = [label(16, True), label(16) + label(17, True, 5), label(0) + label(99, True),
              b''.join(label(number) for number in range(20, 27)) + label(27, True)]
    for number, stack in enumerate(stacks):
        for packet in both_ways(A4, C4, (41000 + number, 80)):
            yield ethernet(stack + packet, 0x8847)
        for packet in both_ways(A6, C6, (41000 + number, 80)):
            yield ethernet(stack + packet, 0x8847)
    for packet in both_ways(A4, D4, (42000, 80)):
        yield ethernet(label(500, True) + struct.pack('>I', 9) + tagged(packet, (0x8100, 33)),
                       0x8847)
    yield ethernet(label(500, True) + struct.pack('>I', 0x10000021) + bytes(40), 0x8847)
    yield ethernet(label(16) * 17 + label(16, True) + udp(A4, B4, (1, 2)), 0x8847)


def sessions():
    for packet in both_ways(A4, B4):
        yield ethernet(pppoe(0x42, b'\x00\x21', packet), 0x8864)
    for packet in both_ways(A6, B6):
        yield ethernet(pppoe(0x43, b'\x57', packet), 0x8864)
    for packet in both_ways(A4, C4):
        yield tagged(packet, (0x8100, 7))[:16] + struct.pack('>H', 0x8864) + pppoe(
            0x44, b'\x00\x21', packet)
    yield ethernet(pppoe(0x42, b'\xc0\x21', b'\x09\x01\x00\x08\0\0\0\0'), 0x8864)


def gre_tunnels():
    for packet in both_ways(A4, B4, (43000, 80)):
        yield ethernet(ip4(C4, D4, 47, gre(0x0800, packet)))
    for packet in both_ways(A6, B6, (43001, 80)):
        yield ethernet(ip6(C6, D6, 47, gre(0x86dd, packet, key=42, sequence=1)))
    for packet in both_ways(A4, B4, (43002, 80)):
        yield ethernet(ip4(C4, D4, 47, gre(0x6558, ethernet(packet, source=5, destination=6),
                                           key=0x123456, with_checksum=True)))
    for packet in both_ways(A4, B4, (43003, 80)):
        yield ethernet(ip4(C4, D4, 47, gre(0x8847, label(77, True) + packet)))
    yield ethernet(ip4(C4, D4, 47, gre(0x0000, b'')))  # keep-alive
    yield ethernet(ip4(C4, D4, 47, gre(0x880b, bytes(20), key=1)))
    yield ethernet(ip4(C4, D4, 47, gre(0x0800, ip4(C4, D4, 4, udp(A4, B4, (43004, 80))))))


def ip_in_ip():
    for packet in both_ways(A4, B4):
        yield ethernet(ip4(C4, D4, 4, packet))
        yield ethernet(ip6(C6, D6, 4, packet))
    for packet in both_ways(A6, B6):
        yield ethernet(ip4(C4, D4, 41, packet))
        yield ethernet(ip6(C6, D6, 41, packet))
    for depth in range(3, 7):
        packet = udp(A4, B4, (44000, depth))
        for _ in range(depth):
            packet = ip4(C4, D4, 4, packet)
        yield ethernet(packet)


def vxlan_tunnels():
    for number, (one, other) in enumerate(((A4, B4), (A6, B6))):
        for packet in both_ways(one, other, (45000 + number, 80)):
            inner = ethernet(packet, source=8, destination=9)
            yield ethernet(udp(C4, D4, (50000, 4789), vxlan(4096, inner)))
            yield ethernet(udp(C6, D6, (50001, 4789), vxlan(4097, tagged(packet, (0x8100, 5)))))
    yield ethernet(udp(C4, D4, (50002, 4789), vxlan(1, ethernet(bytes(28), 0x0806))))
    yield ethernet(udp(C4, D4, (50003, 4789), bytes(8) + ethernet(udp(A4, B4, (1, 2)))))


def geneve_tunnels():
    option = bytes.fromhex('0102800100000007')
    for packet in both_ways(A4, B4, (46000, 80)):
        yield ethernet(udp(C4, D4, (50000, 6081), geneve(3, 0x6558, ethernet(packet), option * 2)))
    for packet in both_ways(A6, B6, (46001, 80)):
        yield ethernet(udp(C6, D6, (50000, 6081), geneve(4, 0x86dd, packet)))
    yield ethernet(udp(C4, D4, (50001, 6081), b'\0\x80' + geneve(3, 0x6558, bytes(20))[2:]))


def gtpu_tunnels():
    for packet in both_ways(A4, B4, (47000, 80)):
        yield ethernet(udp(C4, D4, (2152, 2152), gtpu(0xdeadbeef, packet)))
    for packet in both_ways(A6, B6, (47001, 80)):
        yield ethernet(udp(C4, D4, (2152, 2152),
                           gtpu(7, packet, 1, ((0x85, b'\0\x09'), (0xc0, b'\0\1' + bytes(4))))))
    for packet in both_ways(A4, B4, (47002, 80)):
        yield ethernet(udp(C6, D6, (2152, 2152), gtpu(8, packet, sequence=5)))
    yield ethernet(udp(C4, D4, (2152, 2152), gtpu(0, b'', sequence=1, kind=1)))


def pieces4(packet, size):
    header, data = packet[:20], packet[20:]
    for at in range(0, len(data), size):
        more = 0x2000 if at + size < len(data) else 0
        piece = data[at:at + size]
        fields = header[:2] + struct.pack('>HHH', 20 + len(piece), struct.unpack_from(
            '>H', header, 4)[0], more | at // 8) + header[8:10] + b'\0\0' + header[12:]
        yield fields[:10] + struct.pack('>H', checksum(fields)) + fields[12:] + piece


def pieces6(packet, size, identity):
    kind, data = packet[6], packet[40:]
    for at in range(0, len(data), size):
        more = 1 if at + size < len(data) else 0
        piece = struct.pack('>BBHI', kind, 0, at | more, identity) + data[at:at + size]
        yield packet[:4] + struct.pack('>HB', len(piece), 44) + packet[7:40] + piece


def fragments():
    def datagrams(number):
        yield list(pieces4(udp(A4, B4, (48000 + number, 53), bytes(3000), identity=number,
                               fragment=0), 1480))
        yield list(pieces6(udp(A6, B6, (48000 + number, 53), bytes(3000)), 1448, number))
        yield list(pieces4(echo(A4, C4, True, 2000, identity=number, fragment=0), 800))
    for pieces in datagrams(1):
        yield from map(ethernet, pieces)
    for pieces in datagrams(2):  # later ones out of order
        yield from map(ethernet, [pieces[0], pieces[2], pieces[1]])
    for pieces in datagrams(3):  # the first one last
        yield from map(ethernet, reversed(pieces))
    options = bytes.fromhex('1100010400000000')  # destination options that only the first one has
    segment = udp_segment(A6, B6, (48010, 53), bytes(1000))
    yield from map(ethernet, pieces6(ip6(A6, B6, 60, options + segment), 504, 99))
    yield ethernet(next(pieces6(udp(A6, B6, (48011, 53), bytes(64)), 2000, 100)))  # RFC 6946


def extensions():
    hop = lambda following: bytes([following]) + bytes.fromhex('00050200000100')
    destination = lambda following: bytes([following]) + bytes.fromhex('00010400000000')
    routing = lambda following: bytes([following, 2, 4, 0, 0, 0, 0, 0]) + packed(D6)
    authentication = lambda following: bytes([following, 4]) + bytes(22)
    segment = tcp(A6, B6, (49000, 443), SYN, options=OPTIONS)[40:]
    yield ethernet(ip6(A6, B6, 0, hop(6) + segment))
    yield ethernet(ip6(A6, B6, 60, destination(6) + segment, label=0xabcde))
    yield ethernet(ip6(A6, B6, 0, hop(60) + destination(43) + routing(51) + authentication(6) +
                       segment, traffic_class=0xb8))
    yield ethernet(ip6(A6, B6, 0, hop(58) + bytes.fromhex('8f00000000000000')))
    yield ethernet(ip6(A6, B6, 59, b''))
    yield ethernet(ip6(A6, B6, 50, bytes(32)))
    yield ethernet(ip6(A6, B6, 135, bytes.fromhex('3b00050000000000')))
    for kind in (139, 140):  # HIP and Shim6, before another header
        yield ethernet(ip6(B6, C6, kind, bytes([6]) + bytes(7) + segment))
    for kind in (108, 253, 254):
        yield ethernet(ip6(B6, C6, kind, bytes(16)))


def options():
    lists = ['94040000', '0727040000000000' + '00' * 32, '440c0500' + '00' * 8, '830704c0000201' + '00',
             '01010101', '1e040000', '00000000']
    for number, text in enumerate(lists):
        yield ethernet(udp(A4, B4, (1000, 2000 + number), b'options',
                           options=bytes.fromhex(text)))
    for number, text in enumerate(('45020101', 'ac05010203000000', 'fd04abcdfe06000000010000',
                                   'c8040000', '3f020101', '22022203')):
        for port in (4000, 5000 + number):  # of TCP, which of 64 and above has few
            yield ethernet(tcp(A4, B4, (1000, port), ACK, options=bytes.fromhex(text)))
    for number, text in enumerate(lists):
        yield ethernet(udp(A4, B4, (1000, 3000), b'all', ttl=32 + number, tos=number,
                           options=bytes.fromhex(text)))


def connection(one, other, ports, end, request=b'', reply=b''):
    there = lambda flags, payload=b'', **more: ethernet(tcp(one, other, ports, flags, payload,
                                                            **more))
    back = lambda flags, payload=b'', **more: ethernet(tcp(other, one, ports[::-1], flags, payload,
                                                           **more), source=2, destination=1)
    yield there(SYN, options=OPTIONS, window=64240)
    yield back(SYN | ACK, options=OPTIONS, window=65160)
    yield there(ACK)
    yield there(PSH | ACK, request or bytes(100))
    yield back(ACK)
    yield back(PSH | ACK, reply or bytes(1200))
    yield there(ACK)
    if end == FIN:
        yield there(FIN | ACK)
        yield back(FIN | ACK)
        yield there(ACK)
    elif end == RST:
        yield back(RST | ACK)


def connections():
    yield from connection(A4, B4, (51000, 443), FIN)
    yield from connection(A6, B6, (51000, 443), FIN)
    yield from connection(B4, A4, (51001, 443), RST)
    yield from connection(A4, C4, (51002, 443), 0)
    yield from connection(A4, B4, (51000, 443), FIN)  # again, at once
    yield ethernet(tcp(A4, D4, (51003, 25), SYN, options=OPTIONS))
    yield ethernet(tcp(D4, A4, (25, 51003), RST | ACK), source=2, destination=1)
    yield ethernet(tcp(A4, D4, (51004, 25), 0x1c2))  # AE, CWR, ECE beside SYN
    yield ethernet(tcp(A4, A4, (9, 7), ACK))
    yield ethernet(tcp(A4, A4, (7, 9), ACK))


def pings():
    for one, other in ((A4, B4), (A6, B6), (B4, C4)):
        for size in (56, 1000):
            yield ethernet(echo(one, other, True, size))
            yield ethernet(echo(other, one, False, size), source=2, destination=1)
    unreachable = struct.pack('>BBHI', 3, 3, 0, 0) + udp(A4, B4, (1, 2))
    yield ethernet(ip4(B4, A4, 1, unreachable))
    yield ethernet(echo(B4, A4, True, 56))  # he asks, too
    yield ethernet(echo(A4, B4, False, 56))
    yield ethernet(echo(A4, A4, True, 56))  # and talks to himself
    yield ethernet(echo(A4, A4, False, 56))
    yield ethernet(echo(C4, A4, False, 56))  # an answer whose question nobody saw, then another
    yield ethernet(echo(A4, C4, True, 56))
    for ip, one, other, protocol, types in (
            (ip4, A4, B4, 1, ((13, 14), (15, 16), (17, 18), (42, 43), (10, 9), (37, 38))),
            (ip6, A6, B6, 58, ((139, 140), (160, 161), (133, 134), (135, 136), (144, 145)))):
        for asks, answers in types:
            yield ethernet(ip(one, other, protocol, bytes([asks]) + bytes(11)))
            yield ethernet(ip(other, one, protocol, bytes([answers]) + bytes(11)))
    for code in (0, 5):  # of which Linux sends the code back
        yield ethernet(ip4(D4, B4, 1, bytes([8, code]) + bytes(6)))
        yield ethernet(ip4(B4, D4, 1, bytes([0, code]) + bytes(6)))
    yield ethernet(ip4(A4, B4, 58, bytes([129, 0]) + bytes(6)))  # ICMPv6 in IPv4


def protocols():
    yield ethernet(ip4(A4, '224.0.0.22', 2, bytes.fromhex('2200f9fd00000000'), ttl=1,
                       options=bytes.fromhex('94040000')))
    chunk = bytes.fromhex('0b590b5a00000001000000000100001400000001000100000001000100000001')
    yield ethernet(ip4(A4, B4, 132, chunk))
    yield ethernet(ip6(A6, B6, 132, chunk))
    for number in (50, 89, 103, 112, 137, 253, 255):
        yield ethernet(ip4(A4, B4, number, bytes(40)))
        yield ethernet(ip6(A6, B6, number, bytes(40)))
    yield ethernet(udp(A4, B4, (7, 7), b'padded')) + bytes(12)
    yield ethernet(bytes.fromhex('0001080006040001') + bytes(20), 0x0806)
    yield ethernet(bytes.fromhex('424203') + bytes(35), 38)  # 802.3 length: spanning tree
    yield ethernet(bytes(46), 0x88cc)
    yield ethernet(udp(A4, B4, (7, 7), bytes(100)))[:60]      # shorter than its IP header says
    yield ethernet(b'\x55' + bytes(59), 0x0800)


def client_hello(name):
    def vector(size, content):
        return len(content).to_bytes(size, 'big') + content

    def extension(number, content):
        return struct.pack('>H', number) + vector(2, content)
    listed = extension(0, vector(2, b'\0' + vector(2, name))) + extension(
        10, vector(2, b'\0\x1d\0\x17')) + extension(
        13, vector(2, bytes.fromhex('04030804'))) + extension(
        16, vector(2, vector(1, b'h2') + vector(1, b'http/1.1'))) + extension(
        43, vector(1, b'\x03\x04\x03\x03'))
    body = b'\x03\x03' + bytes(range(32)) + vector(1, b'') + vector(
        2, bytes.fromhex('130113021303c02b')) + vector(1, b'\0') + vector(2, listed)
    return b'\x16\x03\x01' + vector(2, b'\x01' + vector(3, body))


def applications():
    question = b'\x03www\x07example\x03com\0\0\x01\0\x01'
    query = struct.pack('>HHHHHH', 1, 0x0100, 1, 0, 0, 0) + question
    answer = struct.pack('>HHHHHH', 1, 0x8180, 1, 1, 0, 0) + question + bytes.fromhex(
        'c00c000100010000003c0004c0000202')
    for one, other in ((A4, B4), (A6, B6)):
        yield ethernet(udp(one, other, (52000, 53), query))
        yield ethernet(udp(other, one, (53, 52000), answer), source=2, destination=1)
    yield from connection(A4, B4, (52001, 80), FIN,
                          b'GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n',
                          b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    yield from connection(A6, B6, (52002, 443), FIN, client_hello(b'www.example.net'))


def timeouts():
    """Times are in seconds since the start."""
    beat = lambda port, size: ethernet(udp(A4, B4, (53000, port), bytes(size)))
    for second in range(0, 700, 20):  # cut by the active timeout, twice
        yield second, beat(1, second)
    for second in (1, 15, 44, 80, 81):  # idle for 36 seconds between
        yield second, beat(2, second)
    yield 3, beat(3, 3)


CAPTURES = {
    'tags': tags, 'mpls': mpls, 'pppoe': sessions, 'gre': gre_tunnels, 'ipip': ip_in_ip,
    'vxlan': vxlan_tunnels, 'geneve': geneve_tunnels, 'gtpu': gtpu_tunnels,
    'fragments': fragments, 'extensions': extensions, 'options': options, 'tcp': connections,
    'icmp': pings, 'protocols': protocols, 'applications': applications, 'timeouts': timeouts,
}


def write(path, frames):
    """Nanosecond pcap. Frames without a time come a millisecond and a bit apart."""
    timed = []
    for number, frame in enumerate(frames):
        if isinstance(frame, bytes):
            timed.append((START + number * (MILLI + 1), frame))
        else:
            timed.append((START + frame[0] * SECOND, frame[1]))
    timed.sort(key=lambda entry: entry[0])
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for time, frame in timed:
            file.write(struct.pack('<IIII', time // SECOND, time % SECOND, len(frame), len(frame)))
            file.write(frame)


def main():
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'flows')
    directory = sys.argv[1] if len(sys.argv) > 1 else default
    os.makedirs(directory, exist_ok=True)
    for name, frames in CAPTURES.items():
        write(os.path.join(directory, name + '.pcap'), frames())


if __name__ == '__main__':
    main()
