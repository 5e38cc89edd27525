# SPDX-License-Identifier: BSD-2-Clause
"""What frames add to flows: the packets of a capture (pcap, microseconds or nanoseconds), one or more
a frame where there are tunnels, each with all that a flow record tells of it. For flow_truth.py."""

import struct
import sys

SECOND = 1_000_000_000
REASSEMBLY = 30 * SECOND  # later fragments belong to a first one
DEPTH = 4        # tunnels inside each other
LABELS = 16      # of one stack

TAGS = (0x8100, 0x88a8, 0x9100)
TCP, UDP, SCTP, ICMP, ICMP6 = 6, 17, 132, 1, 58

# Figures of IANA's registry, read from left to right: bit 0 is the most significant one.
IP4_OPTIONS = [7, 134, 133, 68, 131, 130, 1, 0, 15, 142, 205, 12, 11, 10, 137, 136,
               151, 150, 149, 148, 147, 82, 145, 144, None, 30, None, None, None, None, 25, 152]
IP6_EXTENSIONS = {60: 0, 0: 1, 43: 5, 135: 12, 50: 13, 51: 14, 108: 15}
FULL_EXTENSIONS = {60: 0, 0: 1, 59: 2, 43: 5, 135: 12, 50: 13, 51: 14, 139: 16, 140: 17, 253: 18,
                   254: 19}  # RFC 9740
TCP_KINDS = [*range(64), 69, 70, 76, 77, 78, 172, 174, 253, 254]  # the others nobody has assigned
FIRST_FRAGMENT, LATER_FRAGMENT = 4, 6


class Skip(Exception):
    """A frame that is in no flow, for the reason given."""


def be(data, at, size):
    """A number of `size` bytes; what was not captured is a reason to skip."""
    if at + size > len(data):
        raise Skip('truncated')
    return int.from_bytes(data[at:at + size], 'big')


class Packet:
    """What one IP packet adds to its flow."""

    def __init__(self):
        self.version = self.protocol = self.octets = self.payload = 0
        self.source = self.destination = b''
        self.ports = (0, 0)
        self.ttl = self.tos = self.fragment = self.options = self.label = 0
        self.flags = self.window = self.tcp_options = 0
        self.full = self.tcp_full = 0  # extension headers, TCP options: RFC 9740
        self.icmp = None     # type * 256 + code, in this packet
        self.message = None  # the same of its datagram
        self.scope = {}
        self.time = self.frame = 0


def option_kinds(data):
    """Kinds of the whole options of IPv4 or TCP."""
    at = 0
    while at < len(data):
        kind = data[at]
        if kind < 2:
            yield kind
            at += 1
            if kind == 0:
                return
            continue
        if at + 1 >= len(data) or data[at + 1] < 2 or at + data[at + 1] > len(data):
            return
        yield kind
        at += data[at + 1]


def figure(bits, width):
    return sum(1 << (width - 1 - bit) for bit in set(bits))


class Reader:
    """Takes frames apart. Remembers first fragments."""

    def __init__(self, tunnels):
        self.tunnels = tunnels
        self.fragments = {}
        self.now = 0

    def packets(self, data, length):
        """The packets of a frame that are metered."""
        scope = {'vlans': [], 'labels': [], 'pppoe': 0, 'mac': (data[6:12], data[0:6])}
        found = [self.ethernet(data, 0, length, scope)]
        while self.tunnels != 'outer':
            outer, at, end, whole = found[-1]
            try:
                inside = self.inside(data, at, end, outer, whole)
                if inside is None:
                    break
                kind, identity, start, at, end = inside
            except Skip:
                break
            if len(found) > DEPTH:
                raise Skip('too_deep')
            scope = dict(outer.scope, vlans=list(outer.scope['vlans']),
                         labels=list(outer.scope['labels']), kind=kind, id=identity,
                         outer=(outer.source, outer.destination))
            try:
                found.append(start(data, at, end, scope))
            except Skip:
                break
        chosen = [packet for packet, _, _, _ in found]
        if self.tunnels == 'both' and len(chosen) > 1:
            return [chosen[0], chosen[-1]]
        return [chosen[-1]]

    def ethernet(self, data, at, end, scope):
        if at + 14 > end:
            raise Skip('malformed')
        scope['mac'] = (data[at + 6:at + 12], data[at:at + 6])
        kind, at, tags = be(data, at + 12, 2), at + 14, 0
        while kind in TAGS:
            tags += 1
            if tags > 4:
                raise Skip('too_deep')
            if at + 4 > end:
                raise Skip('malformed')
            scope['vlans'].append(be(data, at, 2))
            kind, at = be(data, at + 2, 2), at + 4
        return self.by_type(kind, data, at, end, scope)

    def by_type(self, kind, data, at, end, scope):
        starts = {0x0800: self.ip4, 0x86dd: self.ip6, 0x8847: self.mpls, 0x8848: self.mpls,
                  0x8864: self.pppoe}
        if kind not in starts:
            raise Skip('not_ip')
        return starts[kind](data, at, end, scope)

    def mpls(self, data, at, end, scope):
        for _ in range(LABELS):
            if at + 4 > end:
                raise Skip('malformed')
            label, at = be(data, at, 4) >> 8, at + 4
            scope['labels'].append(label)
            if label & 1:
                break
        else:
            raise Skip('too_deep')
        nibble = be(data, at, 1) >> 4
        if nibble == 4:
            return self.ip4(data, at, end, scope)
        if nibble == 6:
            return self.ip6(data, at, end, scope)
        if nibble == 0:  # control word of a pseudo-wire
            return self.ethernet(data, at + 4, end, scope)
        raise Skip('not_ip')

    def pppoe(self, data, at, end, scope):
        if be(data, at, 2) != 0x1100:
            raise Skip('malformed')
        scope['pppoe'] = be(data, at + 2, 2)
        inner = at + 6 + be(data, at + 4, 2)
        if inner > end:
            raise Skip('malformed')
        at += 6
        short = be(data, at, 1) & 1
        protocol, at = be(data, at, 1 if short else 2), at + (1 if short else 2)
        starts = {0x21: self.ip4, 0x57: self.ip6}
        if protocol not in starts:
            raise Skip('not_ip')
        return starts[protocol](data, at, inner, scope)

    def ip4(self, data, at, end, scope):
        packet = Packet()
        packet.version, packet.scope = 4, scope
        be(data, at, 20)
        header, packet.octets = (be(data, at, 1) & 15) * 4, be(data, at + 2, 2)
        if data[at] >> 4 != 4 or header < 20 or packet.octets < header or at + packet.octets > end:
            raise Skip('malformed')
        identity, field = be(data, at + 4, 2), be(data, at + 6, 2)
        packet.tos, packet.ttl, protocol = data[at + 1], be(data, at + 8, 1), be(data, at + 9, 1)
        packet.source, packet.destination = data[at + 12:at + 16], data[at + 16:at + 20]
        packet.fragment = (field >> 8) & 0xe0
        kinds = option_kinds(data[at + 20:at + header])
        packet.options = figure([IP4_OPTIONS.index(kind) for kind in kinds
                                 if kind in IP4_OPTIONS], 32)
        fragment = None
        self.check_piece(field & 0x1fff, field & 0x2000, packet.octets - header)
        if field & 0x3fff:
            key = (4, packet.source, packet.destination, protocol, identity)
            fragment = (key, field & 0x1fff == 0)
        return self.transport(data, at + header, at + packet.octets, packet, protocol, fragment)

    def ip6(self, data, at, end, scope):
        packet = Packet()
        packet.version, packet.scope = 6, scope
        be(data, at, 40)
        first, packet.octets = be(data, at, 4), 40 + be(data, at + 4, 2)
        stop = at + packet.octets
        if first >> 28 != 6 or stop > end:
            raise Skip('malformed')
        packet.tos, packet.label = first >> 20 & 255, first & 0xfffff
        packet.ttl, kind = be(data, at + 7, 1), be(data, at + 6, 1)
        packet.source, packet.destination = data[at + 8:at + 24], data[at + 24:at + 40]
        at, seen, full, fragment = at + 40, [], set(), None
        start = at
        while kind in (0, 43, 44, 51, 60, 135, 139, 140):
            if kind == 0 and at > start:  # only behind the IPv6 header: RFC 8200, 4.1
                raise Skip('malformed')
            size = (be(data, at + 1, 1) + 1) * 8
            if kind == 51:
                size = (be(data, at + 1, 1) + 2) * 4
            if kind in IP6_EXTENSIONS:
                seen.append(IP6_EXTENSIONS[kind])
            if kind in FULL_EXTENSIONS:
                full.add(FULL_EXTENSIONS[kind])
            if kind == 44:
                size, field = 8, be(data, at + 2, 2)
                seen.append(LATER_FRAGMENT if field >> 3 else FIRST_FRAGMENT)
                full.add(seen[-1])
                self.check_piece(field >> 3, field & 1, stop - at - 8)
                if field & 0xfff9:
                    key = (6, packet.source, packet.destination, 0, be(data, at + 4, 4))
                    fragment = (key, field >> 3 == 0)
                    packet.fragment = 0x20 if field & 1 else 0
            if at + size > stop:
                raise Skip('malformed')
            kind, at = be(data, at, 1), at + size
            if fragment and not fragment[1]:
                break
        else:
            if kind in IP6_EXTENSIONS:
                seen.append(IP6_EXTENSIONS[kind])
            if kind in FULL_EXTENSIONS:
                full.add(FULL_EXTENSIONS[kind])
        packet.options = figure(seen, 32)
        packet.full = sum(1 << bit for bit in full)
        return self.transport(data, at, stop, packet, kind, fragment)

    @staticmethod
    def check_piece(units, more, size):
        """All but the last are of eights (RFC 791, 3.2), and none ends beyond the longest datagram."""
        if (units or more) and (size < 0 or more and size % 8 or units * 8 + size > 65535):
            raise Skip('malformed')

    def transport(self, data, at, end, packet, protocol, fragment):
        """The packet, where what it carries starts and ends, and whether that is whole."""
        packet.protocol = protocol
        if fragment and not fragment[1]:
            first, seen = self.fragments.get(fragment[0], (None, 0))
            if not first or self.now - seen > REASSEMBLY:
                first = protocol, (0, 0), None
            packet.protocol, packet.ports, packet.message = first
            if packet.protocol in (TCP, UDP, SCTP, ICMP, ICMP6):
                packet.payload = end - at
            return packet, at, end, False
        sizes = {TCP: 20, UDP: 8, SCTP: 12, ICMP: 8, ICMP6: 8}
        if protocol in sizes:
            size = sizes[protocol]
            if at + size > end:
                raise Skip('malformed')
            if protocol in (ICMP, ICMP6):
                packet.icmp = packet.message = be(data, at, 2)
                packet.ports = (0, packet.icmp)
            else:
                packet.ports = (be(data, at, 2), be(data, at + 2, 2))
            if protocol == TCP:
                size = (be(data, at + 12, 1) >> 4) * 4
                if size < 20 or at + size > end:
                    raise Skip('malformed')
                packet.flags, packet.window = be(data, at + 12, 2) & 0x1ff, be(data, at + 14, 2)
                be(data, at, size)
                # Eight kinds an octet, the first octet first; within it the lowest kind lowest.
                for kind in option_kinds(data[at + 20:at + size]):
                    if kind in TCP_KINDS:
                        packet.tcp_full |= 1 << kind
                    if kind < 64:
                        packet.tcp_options |= 1 << (7 - kind // 8) * 8 + kind % 8
            if protocol == UDP and not fragment:
                length = be(data, at + 4, 2)
                if length < 8 or at + length > end:
                    raise Skip('malformed')
            be(data, at, size)
            at += size
            packet.payload = end - at
        if fragment:
            first = packet.protocol, packet.ports, packet.message
            self.fragments[fragment[0]] = first, self.now
        return packet, at, end, not fragment

    def inside(self, data, at, end, packet, whole):
        """What a tunnel's packet carries: kind, id, how to go on, from where to where."""
        if not whole:
            return None
        types = {0x0800: self.ip4, 0x86dd: self.ip6, 0x8847: self.mpls, 0x6558: self.ethernet}
        if packet.protocol == 4:
            return 'ipip', 0, self.ip4, at, end
        if packet.protocol == 41:
            return 'ipip', 0, self.ip6, at, end
        if packet.protocol == 47:
            flags, kind, key = be(data, at, 2), be(data, at + 2, 2), 0
            if flags & 0x4007 or kind not in types:
                return None
            at += 4
            if flags & 0x8000:
                at += 4
            if flags & 0x2000:
                key, at = be(data, at, 4), at + 4
            if flags & 0x1000:
                at += 4
            return 'gre', key, types[kind], at, end
        if packet.protocol != UDP or packet.ports[1] not in (4789, 6081, 2152):
            return None
        end = at - 8 + be(data, at - 4, 2)
        if packet.ports[1] == 4789:
            if not be(data, at, 1) & 8:
                return None
            return 'vxlan', be(data, at + 4, 3), self.ethernet, at + 8, end
        if packet.ports[1] == 6081:
            first, kind = be(data, at, 2), be(data, at + 2, 2)
            if first & 0xc080 or kind not in types:
                return None
            return 'geneve', be(data, at + 4, 3), types[kind], at + 8 + (first >> 8 & 63) * 4, end
        return self.gtpu(data, at, end)

    def gtpu(self, data, at, end):
        flags, kind, length, teid = (be(data, at, 1), be(data, at + 1, 1), be(data, at + 2, 2),
                                     be(data, at + 4, 4))
        if flags & 0xf0 != 0x30 or kind != 255 or at + 8 + length > end:
            return None
        at, end = at + 8, at + 8 + length
        if flags & 7:
            following, at = be(data, at + 3, 1) if flags & 4 else 0, at + 4
            while following:
                size = be(data, at, 1) * 4
                if size == 0:
                    return None
                at += size
                following = be(data, at - 1, 1)
        nibble = be(data, at, 1) >> 4
        starts = {4: self.ip4, 6: self.ip6}
        return ('gtpu', teid, starts[nibble], at, end) if nibble in starts else None


def frames(path):
    """Time in nanoseconds, captured bytes and length of each frame."""
    with open(path, 'rb') as file:
        data = file.read()
    magics = {b'\xd4\xc3\xb2\xa1': ('<', 1000), b'\xa1\xb2\xc3\xd4': ('>', 1000),
              b'\x4d\x3c\xb2\xa1': ('<', 1), b'\xa1\xb2\x3c\x4d': ('>', 1)}
    if data[:4] not in magics:
        sys.exit(f'{path}: not a pcap file')
    order, unit = magics[data[:4]]
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, length = struct.unpack_from(order + 'IIII', data, at)
        yield seconds * SECOND + fraction * unit, data[at + 16:at + 16 + captured], length
        at += 16 + captured
