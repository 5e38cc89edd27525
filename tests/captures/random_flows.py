#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a capture of random traffic: few hosts and ports, so that packets meet in flows; TCP that begins,
ends, is reset and begins again with any flags; tags, labels, tunnels in tunnels, fragments in any order,
options; silences around the timeouts; and frames of which bytes were changed or the end is missing. The same
for the same seed.

    random_flows.py SEED FILE"""

import random
import struct
import sys

import flows
from flows import A4, A6, B4, B6, C4, C6, D4, D6, MILLI, OPTIONS, SECOND, START

HOSTS = ((A4, B4, C4, D4), (A6, B6, C6, D6))
PORTS = (53, 80, 443, 4789, 6081, 2152, 40000, 40001)
SILENCES = (1, 2, MILLI, 20 * MILLI, SECOND, 5 * SECOND, 10 * SECOND, 29 * SECOND, 30 * SECOND, 31 * SECOND)
FLAGS = (2, 2, 0x12, 0x10, 0x10, 0x10, 0x18, 0x18, 0x11, 0x11, 0x14, 4, 0x19, 0x03, 0x29, 0xc2, 0)


class Traffic:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.late = []  # fragments that come later

    def maybe(self, share):
        return self.random.random() < share

    def ends(self):
        hosts = self.random.choice(HOSTS)
        return self.random.sample(hosts, 2) if self.maybe(0.95) else [hosts[0]] * 2

    def payload(self):
        return self.random.randbytes(self.random.choice((0, 0, 1, 10, 72, 500, 1400)))

    def more(self, version):
        """Fields of the IP header."""
        fields = {}
        if self.maybe(0.3):
            fields['ttl' if version == 4 else 'hops'] = self.random.choice((1, 63, 64, 255))
        if self.maybe(0.1):
            fields['tos' if version == 4 else 'traffic_class'] = self.random.randrange(256)
        if version == 4 and self.maybe(0.1):
            fields['options'] = bytes.fromhex(self.random.choice(('94040000', '01010100', '0704' '0400')))
        if version == 6 and self.maybe(0.1):
            fields['label'] = self.random.randrange(1 << 20)
        return fields

    def packet(self):
        source, destination = self.ends()
        version = 6 if ':' in source else 4
        ports = self.random.sample(PORTS, 2)
        more = self.more(version)
        kind = self.random.randrange(10)
        if kind < 5:
            segment = flows.tcp(source, destination, ports, self.random.choice(FLAGS), self.payload(),
                                OPTIONS if self.maybe(0.2) else b'', self.random.randrange(65536))
            return flows.ip(source, destination, 6, segment[20 if version == 4 else 40:], **more)
        if kind < 8:
            segment = flows.udp_segment(source, destination, ports, self.payload())
            return flows.ip(source, destination, 17, segment, **more)
        if kind == 8:
            return flows.echo(source, destination, self.maybe(0.5), self.random.randrange(100), **more)
        return flows.ip(source, destination, self.random.choice((1, 2, 47, 50, 58, 89, 132, 253)), self.payload(),
                        **more)

    def fragments(self):
        """The pieces of a datagram, some of which come later or never."""
        source, destination = self.ends()
        identity = self.random.randrange(6)
        ports = self.random.sample(PORTS[-2:], 2)
        data = bytes(self.random.choice((64, 2000, 3000)))
        if ':' in source:
            pieces = list(flows.pieces6(flows.udp(source, destination, ports, data), 1448, identity))
        else:
            pieces = list(flows.pieces4(flows.udp(source, destination, ports, data, identity=identity, fragment=0), 1480))
        if self.maybe(0.3):
            self.random.shuffle(pieces)
        kept = [piece for piece in pieces if not self.maybe(0.1)]
        if len(kept) > 1 and self.maybe(0.3):
            self.late.append(kept.pop())
        return kept

    def around(self, packet, depth=0):
        """A frame with the packet in it, in tunnels perhaps."""
        kind = self.random.randrange(24) if depth < 5 else 0
        outer = self.ends()
        number = self.random.randrange(3)
        is4 = packet[0] >> 4 == 4
        ports = (50000 + number, 0)
        if kind == 1:
            return self.around(flows.ip(*outer, 4 if is4 else 41, packet), depth + 1)
        if kind == 2:
            key = self.random.choice((None, number))
            return self.around(flows.ip(*outer, 47, flows.gre(0x0800 if is4 else 0x86dd, packet, key)), depth + 1)
        if kind == 3:
            return self.around(flows.udp(*outer, (ports[0], 4789), flows.vxlan(number, self.link(packet))), depth + 1)
        if kind == 4:
            return self.around(flows.udp(*outer, (ports[0], 6081), flows.geneve(number, 0x6558, self.link(packet))), depth + 1)
        if kind == 5:
            return self.around(flows.udp(*outer, (2152, 2152), flows.gtpu(number, packet)), depth + 1)
        return self.link(packet)

    def link(self, packet):
        kind = self.random.randrange(16)
        is4 = packet[0] >> 4 == 4
        if kind == 0:
            tags = [(self.random.choice((0x8100, 0x88a8, 0x9100)), self.random.choice((1, 2, 0xa001)))
                    for _ in range(self.random.randrange(1, 5))]
            return flows.tagged(packet, *tags)
        if kind == 1:
            stack = [flows.label(number, False) for number in range(16, 16 + self.random.randrange(3))]
            return flows.ethernet(b''.join(stack) + flows.label(99, True) + packet, 0x8847)
        if kind == 2:
            return flows.ethernet(flows.pppoe(self.random.randrange(3), b'\x00\x21' if is4 else b'\x00\x57', packet), 0x8864)
        return flows.ethernet(packet, source=self.random.randrange(4), destination=self.random.randrange(4))

    def spoilt(self, frame):
        """Bytes changed, or too few."""
        frame = bytearray(frame)
        if self.maybe(0.5):
            return bytes(frame[:self.random.randrange(14, len(frame) + 1)])
        for _ in range(self.random.randrange(1, 4)):
            frame[self.random.randrange(12, min(len(frame), 100))] = self.random.choice((0, 1, 4, 0x45, 255, self.random.randrange(256)))
        return bytes(frame)

    def frames(self):
        time, count = START, self.random.choice((20, 200, 2000))
        pace = self.random.choice((SILENCES[:4], SILENCES[:6], SILENCES))
        spoilt = self.random.choice((0, 0, 0.05, 0.3))
        while count > 0:
            packets = self.fragments() if self.maybe(0.05) else [self.packet()]
            if self.late and self.maybe(0.3):
                packets.append(self.late.pop())
            for packet in packets:
                frame = self.around(packet)
                if self.maybe(spoilt):
                    frame = self.spoilt(frame)
                captured = frame if not self.maybe(spoilt / 2) else frame[:self.random.randrange(14, len(frame) + 1)]
                yield time, captured, len(frame)
                time += self.random.choice(pace)
                count -= 1


def main():
    with open(sys.argv[2], 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for time, frame, length in Traffic(int(sys.argv[1])).frames():
            file.write(struct.pack('<IIII', time // SECOND, time % SECOND, len(frame), length) + frame)


if __name__ == '__main__':
    main()
