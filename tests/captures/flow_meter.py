# SPDX-License-Identifier: BSD-2-Clause
"""Packets become flow records, whose fields are named as in IANA's registry. For flow_truth.py."""

import datetime
import ipaddress

from flow_packets import SECOND, TCP, ICMP, ICMP6

LINGER = SECOND  # late packets of a TCP connection that is over
TUNNELS = {'gre': 1, 'ipip': 2, 'vxlan': 3, 'geneve': 4, 'gtpu': 5}

# Types of ICMP that ask, and those that answer them: what IANA's registries call request and reply,
# or query and response, and is sent back to who asked.
QUERIES = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18, 42: 43}, ICMP6: {128: 129, 139: 140, 160: 161}}


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
        quiet = flow.last() + self.options.idle
        long = flow.start() + self.options.active
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
    if first.version == 6:
        fields['ipv6ExtensionHeadersLimit'] = True
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
