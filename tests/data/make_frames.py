#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes frames.txt: frames that scapy built, and where scapy finds their headers.

One frame a line: name, l3, l4, payload, end, protocol, VLAN TCIs, what it is, bytes. What it is, by
letters: 4 or 6 the IP version, T a whole transport header, O options or extension headers,
F fragment, R not the first one, E the last one, C a checksum that can be verified.
"""

import random

from scapy.all import (AH, ARP, ESP, GRE, ICMP, IP, UDP, TCP, SCTP, SCTPChunkData, Dot1AD, Dot1Q,
                       Ether, ICMPv6EchoRequest, ICMPv6MLReport2, ICMPv6ND_NS, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, IPv6ExtHdrSegmentRouting, IPOption_RR, LLC, MIP6MH_BU,
                       Padding, PadN, Raw, RouterAlert, SNAP, STP, fragment, fragment6, raw)

random.seed(7)
ETHER = Ether(dst='02:00:00:00:00:02', src='02:00:00:00:00:01')
IP4 = ETHER / IP(src='192.0.2.1', dst='198.51.100.2', id=77)
IP6 = ETHER / IPv6(src='2001:db8::1', dst='2001:db8::2')
TRANSPORTS = {6: TCP, 17: UDP, 132: SCTP}
EXTENSIONS = (IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
              IPv6ExtHdrSegmentRouting, AH, MIP6MH_BU)


def data(n):
    return Raw(bytes(random.randrange(256) for _ in range(n)))


def layers(packet):
    """(offset, layer) of each header, by the sum of those before it."""
    offset = 0
    while packet and not isinstance(packet, (Raw, Padding)):
        yield offset, packet
        offset += len(packet.self_build())
        packet = packet.payload


def transport(offset, protocol, packet):
    """Bytes of a transport header, or 0 where there is none."""
    if protocol == 6:
        return packet[TCP].dataofs * 4
    return {17: 8, 132: 12, 1: 8, 58: 8}.get(protocol, 0)


def describe(packet):
    """l3, l4, payload, end, protocol, TCIs and letters, from scapy's own dissection."""
    l3 = l4 = protocol = 0
    tags, kind, end = [], '', len(packet)
    first, later = False, False
    for offset, layer in layers(packet):
        after = offset + len(layer.self_build())
        if isinstance(layer, Ether):
            l3 = payload = after
        elif isinstance(layer, (Dot1Q, Dot1AD)):
            tags.append(layer.prio << 13 | layer.id << 12 | layer.vlan)
            l3 = payload = after
        elif isinstance(layer, ARP):
            payload = end = after
        elif kind and isinstance(layer, (IP, IPv6)):
            break
        elif isinstance(layer, IP):
            kind, protocol, payload = '4', layer.proto, after
            end, l4 = offset + layer.len, after
            kind += 'O' if layer.ihl > 5 else ''
            more, later = layer.flags.MF, layer.frag > 0
        elif isinstance(layer, IPv6):
            kind, protocol, payload = '6', layer.nh, after
            end, l4 = after + layer.plen, after
            more = later = False
        elif isinstance(layer, EXTENSIONS):
            protocol, payload, l4 = layer.nh, after, after
            kind += 'O' if 'O' not in kind and '6' in kind else ''
            if isinstance(layer, IPv6ExtHdrFragment):
                more, later = layer.m, layer.offset > 0
        else:
            break
        if kind and (more or later):
            first = True
            if later:
                break
    if first:
        kind += 'F' + ('R' if later else '') + ('' if more else 'E')
    if later or protocol == 59:
        l4 = 0
    elif kind and transport(l4, protocol, packet):
        payload = l4 + transport(l4, protocol, packet)
        kind += 'T' if first or AH in packet else 'TC'  # scapy leaves them out behind AH
    return l3, l4, payload, end, protocol, ','.join(map(str, tags)) or '-', kind or '-'


def frames():
    syn = TCP(sport=1234, dport=443, flags='S', seq=1,
              options=[('MSS', 1460), ('SAckOK', b''), ('Timestamp', (1, 0)), ('NOP', None),
                       ('WScale', 7)])
    udp = UDP(sport=1234, dport=53)
    sctp = SCTP(sport=7, dport=9, tag=5) / SCTPChunkData(data=b'sctp chunk!')
    yield 'arp', ETHER / ARP(psrc='192.0.2.1', pdst='192.0.2.2'), bytes(18)
    yield 'stp', Ether(dst='01:80:c2:00:00:00', src=ETHER.src) / LLC() / STP()
    yield 'snap', Ether(dst=ETHER.dst, src=ETHER.src) / LLC() / SNAP() / data(10)
    yield 'udp4', IP4 / udp / data(18)
    yield 'udp4-odd', IP4 / udp / data(33)
    yield 'udp4-empty-padded', IP4 / udp, b'\xff' * 18
    yield 'tcp4-syn', IP4 / syn
    yield 'tcp4', IP4 / TCP(sport=1, dport=2, flags='PA') / data(301)
    yield 'sctp4', IP4 / sctp
    yield 'icmp4', IP4 / ICMP() / data(57)
    yield 'igmp-options', ETHER / IP(src='192.0.2.1', dst='224.0.0.1', proto=2,
                                     options=[IPOption_RR()]) / data(8)
    yield 'udp4-options', ETHER / IP(src='192.0.2.1', dst='192.0.2.2',
                                     options=[IPOption_RR(routers=['0.0.0.0'] * 9)]) / udp / data(9)
    yield 'ipip', IP4 / IP(src='10.0.0.1', dst='10.0.0.2') / udp / data(4)
    yield 'gre', IP4 / GRE() / IP() / udp
    yield 'esp4', IP4 / ESP(spi=3, seq=4, data=b'e' * 32)
    yield 'ah4', IP4 / AH(nh=17, payloadlen=4, spi=1, seq=2, icv=b'i' * 12) / udp / data(6)
    for i, piece in enumerate(fragment(IP4 / udp / data(150), fragsize=64)):
        yield f'udp4-fragment{i}', piece
    yield 'vlan', ETHER / Dot1Q(vlan=100, prio=5) / IP4[IP] / udp / data(3)
    yield 'qinq', ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=4094, id=1) / IP6[IPv6] / udp / data(3)
    yield 'four-tags', (ETHER / Dot1AD(vlan=1) / Dot1AD(vlan=2) / Dot1Q(vlan=3) / Dot1Q(vlan=4) /
                        IP4[IP] / syn)
    yield 'vlan-arp', ETHER / Dot1Q(vlan=1) / ARP(psrc='192.0.2.1', pdst='192.0.2.2')
    yield 'udp6', IP6 / udp / data(64)
    yield 'tcp6-syn', IP6 / syn
    yield 'sctp6', IP6 / sctp
    yield 'icmp6-ns', IP6 / ICMPv6ND_NS(tgt='2001:db8::2')
    yield 'icmp6-echo', IP6 / ICMPv6EchoRequest(data=b'odd')
    yield 'mld', IP6 / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLReport2()
    yield 'esp6', IP6 / ESP(spi=3, seq=4, data=b'e' * 32)
    yield 'ipv6-in-ipv6', IP6 / IPv6() / udp
    yield 'no-next-header', IP6 / IPv6ExtHdrDestOpt(nh=59)
    yield 'extensions', (IP6 / IPv6ExtHdrHopByHop(options=[PadN(optdata=b'\0' * 12)]) /
                         IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(type=0, addresses=[]) /
                         IPv6ExtHdrFragment() / IPv6ExtHdrDestOpt() / syn / data(5))
    yield 'routing0', IP6 / IPv6ExtHdrRouting(
        type=0, addresses=['2001:db8::5', '2001:db8::6']) / udp / data(5)
    yield 'segment-routing', IP6 / IPv6ExtHdrSegmentRouting(
        addresses=['2001:db8::9', '2001:db8::2'], segleft=1, lastentry=1) / udp / data(5)
    yield 'atomic-fragment', IP6 / IPv6ExtHdrFragment(id=9) / udp / data(5)
    for i, piece in enumerate(fragment6(IP6 / IPv6ExtHdrFragment(id=9) / udp / data(200), 120)):
        yield f'udp6-fragment{i}', piece
    yield 'mobility', IP6 / MIP6MH_BU()


def main():
    for name, packet, *padding in frames():
        frame = raw(packet) + b''.join(padding)
        print(name, *describe(Ether(frame)), frame.hex())


if __name__ == '__main__':
    main()
