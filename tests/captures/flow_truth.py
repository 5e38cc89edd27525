#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Says which flow records a capture must give: one JSON object a line, sorted, with the fields that
`leat probe` gives them too. An independent reader: it shares no code with the probe, reads a capture
(pcap, microseconds or nanoseconds) by itself, and keeps everything in dictionaries.

    flow_truth.py [--uniflow] [--tunnels outer|inner|both] [--key vlan,mpls,tos,tunnel]
                  [--active SECONDS] [--idle SECONDS] [--totals | --packets] CAPTURE...

--totals prints one object instead: frames, frames in flows, and the others by reason. --packets
prints what each frame's packets add to their flows, or why it is in none."""

import argparse
import collections
import datetime
import ipaddress
import json
import struct
import sys

SECOND = 1_000_000_000
LINGER = SECOND  # late packets of a TCP connection that is over
DEPTH = 4        # tunnels inside each other
LABELS = 16      # of one stack

TAGS = (0x8100, 0x88a8, 0x9100)
TCP, UDP, SCTP, ICMP, ICMP6 = 6, 17, 132, 1, 58
TUNNELS = {'gre': 1, 'ipip': 2, 'vxlan': 3, 'geneve': 4, 'gtpu': 5}

# Figures of IANA's registry, read from left to right: bit 0 is the most significant one.
IP4_OPTIONS = [7, 134, 133, 68, 131, 130, 1, 0, 15, 142, 205, 12, 11, 10, 137, 136,
               151, 150, 149, 148, 147, 82, 145, 144, None, 30, None, None, None, None, 25, 152]
IP6_EXTENSIONS = {60: 0, 0: 1, 43: 5, 135: 12, 50: 13, 51: 14, 108: 15}
FULL_EXTENSIONS = {60: 0, 0: 1, 59: 2, 43: 5, 135: 12, 50: 13, 51: 14, 139: 16, 140: 17, 253: 18,
                   254: 19}  # RFC 9740
TCP_KINDS = [*range(64), 69, 70, 76, 77, 78, 172, 174, 253, 254]  # the others nobody has assigned
FIRST_FRAGMENT, LATER_FRAGMENT = 4, 6

# Types of ICMP that ask, and those that answer them: what IANA's registries call request and reply,
# or query and response, and is sent back to who asked.
QUERIES = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18, 42: 43}, ICMP6: {128: 129, 139: 140, 160: 161}}


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
            packet.protocol, packet.ports, packet.message = self.fragments.get(
                fragment[0], (protocol, (0, 0), None))
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
            self.fragments[fragment[0]] = (packet.protocol, packet.ports, packet.message)
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


class Side:
    """One direction of a record."""

    def __init__(self, packet):
        self.first = packet
        self.packets = self.octets = self.frames = self.payload = 0
        self.flags = self.fragment = self.options = self.tcp_options = 0
        self.full = self.tcp_full = 0
        self.start = self.end = packet.time
        self.ttl_min, self.ttl_max = 255, 0

    def add(self, packet):
        self.packets += 1
        self.octets += packet.octets
        self.frames += packet.frame
        self.payload += packet.payload
        self.flags |= packet.flags
        self.fragment |= packet.fragment
        self.options |= packet.options
        self.tcp_options |= packet.tcp_options
        self.full |= packet.full
        self.tcp_full |= packet.tcp_full
        self.start, self.end = min(self.start, packet.time), max(self.end, packet.time)
        self.ttl_min, self.ttl_max = min(self.ttl_min, packet.ttl), max(self.ttl_max, packet.ttl)


class Flow:
    def __init__(self, packet):
        self.first = packet
        self.sides = [None, None]
        self.finished = set()
        self.closed = False

    def last(self):
        return max(side.end for side in self.sides if side)

    def start(self):
        return min(side.start for side in self.sides if side)


class Meter:
    def __init__(self, options):
        self.options = options
        self.flows = {}
        self.records = []
        self.now = 0

    def key(self, packet):
        """The key, and whether the packet goes from its higher end to its lower one."""
        ends = [(packet.source, packet.ports[0]), (packet.destination, packet.ports[1])]
        if packet.protocol in QUERIES and packet.message is not None:
            back, ends = self.conversation(packet)
        else:
            back = not self.options.uniflow and ends[0] > ends[1]
            ends = ends[::-1] if back else ends
        key = [packet.version, packet.protocol] + ends
        scope, parts = packet.scope, self.options.key
        if 'vlan' in parts:
            key.append(tuple(tci & 0xfff for tci in scope['vlans'][:4]))
        if 'mpls' in parts:
            key.append(tuple(label >> 4 for label in scope['labels'][:4]))
        if 'tos' in parts:
            key.append(packet.tos)
        if 'tunnel' in parts:
            outer = scope.get('outer', ())
            key.append((scope.get('kind'), scope.get('id'), scope['pppoe'],
                        outer if self.options.uniflow else tuple(sorted(outer))))
        return tuple(key), back

    def conversation(self, packet):
        """Of ICMP: whether the packet answers, and who asks whom what. Other messages ask nobody."""
        kind, code = divmod(packet.message, 256)
        asked = {answer: query for query, answer in QUERIES[packet.protocol].items()}.get(kind)
        if self.options.uniflow or asked is None:
            return False, [packet.source, packet.destination, kind, code]
        return True, [packet.destination, packet.source, asked, code]

    def add(self, packet):
        self.now = max(self.now, packet.time)
        key, back = self.key(packet)
        flow = self.flows.get(key)
        if flow:
            reason = self.over(flow, packet.time)
            if not reason and self.again(flow, packet, 0 if back == flow.back else 1):
                reason = 3
            if reason:
                self.end(key, reason)
                flow = None
        if not flow:
            flow = self.flows[key] = Flow(packet)
            flow.back = back
        side = 0 if back == flow.back else 1
        if not flow.sides[side]:
            flow.sides[side] = Side(packet)
        flow.sides[side].add(packet)
        if packet.protocol == TCP and packet.flags & 1:
            flow.finished.add(side)
        if packet.flags & 4 or len(flow.finished) == (1 if self.options.uniflow else 2):
            flow.closed = True

    @staticmethod
    def again(flow, packet, side):
        """Whether a SYN begins another connection, of a flow that may look open: the other side's end
        was not seen."""
        if not packet.flags & 2:
            return False
        if flow.closed or side in flow.finished:
            return True
        seen = flow.sides[side]
        if flow.sides[1 - side] or not seen:
            return False
        return seen.payload > 0 if packet.flags & 16 else bool(seen.flags & 16)

    def over(self, flow, now):
        """The reason why a flow has ended by now, or 0."""
        if flow.closed and now - flow.last() > LINGER:
            return 3
        quiet = flow.last() + self.options.idle * SECOND
        long = flow.start() + self.options.active * SECOND
        if now >= long and long <= quiet:
            return 2
        return 1 if now > quiet else 0

    def end(self, key, reason):
        self.records.append(record(self.flows.pop(key), reason, self.options.uniflow))

    def finish(self):
        for key, flow in list(self.flows.items()):
            self.end(key, 3 if flow.closed else self.over(flow, self.now) or 4)


def moment(nanoseconds):
    seconds, rest = divmod(nanoseconds, SECOND)
    when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return when.strftime('%Y-%m-%dT%H:%M:%S') + f'.{rest:09}Z'


def octets(number):
    """In hexadecimal, whole octets."""
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), 'big').hex()


def side_fields(side, version):
    first = side.first
    fields = {
        'packetDeltaCount': side.packets, 'octetDeltaCount': side.octets,
        'layer2OctetDeltaCount': side.frames, 'transportOctetDeltaCount': side.payload,
        'flowStartNanoseconds': moment(side.start), 'flowEndNanoseconds': moment(side.end),
        'tcpControlBits': side.flags, 'initialTcpFlags': first.flags,
        'minimumTTL': side.ttl_min, 'maximumTTL': side.ttl_max,
        'ipClassOfService': first.tos, 'fragmentFlags': side.fragment,
        'tcpOptions': side.tcp_options, 'tcpWindowSize': first.window,
        'tcpOptionsFull': octets(side.tcp_full),
    }
    if version == 4:
        fields['ipv4Options'] = side.options
    else:
        fields['ipv6ExtensionHeaders'] = side.options
        fields['ipv6ExtensionHeadersFull'] = octets(side.full)
        fields['flowLabelIPv6'] = first.label
    if first.icmp is not None:
        fields[f'icmpTypeCodeIPv{version}'] = first.icmp
    return fields


def address(data):
    return str(ipaddress.ip_address(data))


def record(flow, reason, uniflow):
    first, scope = flow.first, flow.first.scope
    vlans, labels = scope['vlans'][:4], scope['labels'][:4]
    fields = {
        'ipVersion': first.version, 'protocolIdentifier': first.protocol,
        f'sourceIPv{first.version}Address': address(first.source),
        f'destinationIPv{first.version}Address': address(first.destination),
        'sourceTransportPort': first.ports[0], 'destinationTransportPort': first.ports[1],
        'flowEndReason': reason,
        'sourceMacAddress': ':'.join(f'{byte:02x}' for byte in scope['mac'][0]),
        'destinationMacAddress': ':'.join(f'{byte:02x}' for byte in scope['mac'][1]),
        'vlanStack': vlans, 'mplsLabelStackDepth': len(labels),
        'pppoeSession': scope['pppoe'], 'tunnelKind': TUNNELS.get(scope.get('kind'), 0),
        'tunnelId': scope.get('id', 0),
    }
    for name, prefix in zip(vlans, ('dot1q', 'dot1qCustomer')):
        fields[prefix + 'VlanId'], fields[prefix + 'Priority'] = name & 0xfff, name >> 13
    if labels:
        fields['mplsTopLabelStackSection'] = f'{labels[0]:06x}'
    if 'outer' in scope:
        version = 4 if len(scope['outer'][0]) == 4 else 6
        fields[f'tunnelSourceIPv{version}Address'] = address(scope['outer'][0])
        fields[f'tunnelDestinationIPv{version}Address'] = address(scope['outer'][1])
    fields.update(side_fields(flow.sides[0], first.version))
    if flow.sides[1] and not uniflow:
        for name, value in side_fields(flow.sides[1], first.version).items():
            fields['reverse' + name[0].upper() + name[1:]] = value
    return fields


def line(packet):
    """As tests/unit/flow_lines.c prints it."""
    scope = packet.scope
    numbers = [packet.octets, packet.payload, packet.ttl, packet.tos, packet.fragment,
               packet.options, packet.label, packet.flags, packet.window, packet.tcp_options,
               0, packet.icmp or 0]
    # All extension headers, and kinds by number, not as in the figures of elements 64 and 209.
    numbers[5] |= sum(1 << (31 - bit) for bit in range(32) if packet.full >> bit & 1)
    numbers[9] = int.from_bytes(packet.tcp_options.to_bytes(8, 'big'), 'little')
    numbers[10] = sum((packet.tcp_full >> kind & 1) << i for i, kind in enumerate(TCP_KINDS[64:]))
    return ' '.join([
        f'{address(packet.source)} {address(packet.destination)} {packet.protocol}',
        f'{packet.ports[0]} {packet.ports[1]}', *map(str, numbers),
        scope['mac'][0].hex(), scope['mac'][1].hex(),
        'vlans', *map(str, scope['vlans'][:4]), 'labels', *map(str, scope['labels'][:4]),
        f"pppoe {scope['pppoe']} {scope.get('kind', 'none')} {scope.get('id', 0)}"])


def frames(path):
    """Time in nanoseconds, captured bytes and length of each frame."""
    with open(path, 'rb') as file:
        data = file.read()
    magics = {b'\xd4\xc3\xb2\xa1': ('<', 1000), b'\xa1\xb2\xc3\xd4': ('>', 1000),
              b'\x4d\x3c\xb2\xa1': ('<', 1), b'\xa1\xb2\x3c\x4d': ('>', 1)}
    if data[:4] not in magics:
        sys.exit(f'flow_truth.py: {path}: not a pcap file')
    order, unit = magics[data[:4]]
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, length = struct.unpack_from(order + 'IIII', data, at)
        yield seconds * SECOND + fraction * unit, data[at + 16:at + 16 + captured], length
        at += 16 + captured


def arguments():
    parser = argparse.ArgumentParser(description='What the flows of a capture are.')
    parser.add_argument('--uniflow', action='store_true')
    parser.add_argument('--tunnels', choices=('outer', 'inner', 'both'), default='inner')
    parser.add_argument('--key', type=lambda text: text.split(','), default=[])
    parser.add_argument('--active', type=float, default=300)
    parser.add_argument('--idle', type=float, default=30)
    parser.add_argument('--totals', action='store_true')
    parser.add_argument('--packets', action='store_true')
    parser.add_argument('captures', nargs='+')
    return parser.parse_args()


def main():
    options = arguments()
    meter, reader = Meter(options), Reader(options.tunnels)
    totals, skipped = collections.Counter(), collections.Counter()
    for path in options.captures:
        for time, data, length in frames(path):
            totals['frames'] += 1
            try:
                packets = reader.packets(data, length)
            except Skip as skip:
                cut = str(skip) == 'truncated' and len(data) == length
                reason = 'malformed' if cut else str(skip)
                skipped[reason] += 1
                if options.packets:
                    print(totals['frames'], reason)
                continue
            totals['selected'] += 1
            for packet in packets:
                packet.time, packet.frame = time, length
                if options.packets:
                    print(totals['frames'], line(packet))
                meter.add(packet)
                totals['packets'] += 1
                totals['octets'] += packet.octets
    if options.packets:
        return
    meter.finish()
    if options.totals:
        print(json.dumps(dict(totals, skipped=skipped, records=len(meter.records))))
        return
    print('\n'.join(sorted(json.dumps(fields) for fields in meter.records)))


if __name__ == '__main__':
    main()
