#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints where tshark finds the headers of each frame of a capture, one a line: number, bytes, l3,
l4, protocol, VLAN ids, and what it is, by letters: 4 or 6 the IP version, A ARP, F fragment, R not
the first one, E the last one; l4 is 0 where there is no transport header. Fails when tshark finds a
wrong checksum."""

import subprocess
import sys
import xml.etree.ElementTree

OPTIONS = ['ip.defragment:FALSE', 'ipv6.defragment:FALSE', 'ip.check_checksum:TRUE',
           'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE', 'sctp.checksum:TRUE']
TRANSPORTS = ('tcp', 'udp', 'sctp', 'icmp', 'icmpv6')
NEXT = ('ip.proto', 'ipv6.nxt', 'ipv6.hopopts.nxt', 'ipv6.dstopts.nxt', 'ipv6.routing.nxt',
        'ipv6.fraghdr.nxt')


def describe(packet):
    l3 = l4 = protocol = 0
    vlans, kind, more, offset = [], '', 0, 0
    for proto in packet.iterfind('proto'):
        name, position = proto.get('name'), int(proto.get('pos', 0))
        if name in ('ip', 'ipv6', 'arp') and not l3:
            l3, kind = position, {'ip': '4', 'ipv6': '6', 'arp': 'A'}[name]
        elif name in TRANSPORTS and not l4:
            l4 = position
        for field in proto.iter('field'):
            key, value = field.get('name'), field.get('show')
            if l4 and name not in ('ip', 'ipv6') or not key:
                continue
            if key in ('vlan.id', 'ieee8021ad.id'):
                vlans.append(value)
            elif key in NEXT:
                protocol = int(value)
            elif key in ('ip.flags.mf', 'ipv6.fraghdr.more'):
                more = value in ('1', 'True')
            elif key in ('ip.frag_offset', 'ipv6.fraghdr.offset'):
                offset = int(value)
    if more or offset:
        kind += 'F' + ('R' if offset else '') + ('' if more else 'E')
    return l3, 0 if offset else l4, protocol, ','.join(vlans) or '-', kind or '-'


def main():
    capture = sys.argv[1]
    command = ['tshark', '-n', '-r', capture]
    for option in OPTIONS:
        command += ['-o', option]
    bad = subprocess.run(command + ['-Y', ' || '.join(
        f'{p}.checksum.status == "Bad"' for p in ('ip',) + TRANSPORTS)],
        check=True, capture_output=True, text=True).stdout
    if bad:
        sys.exit('truth.py: wrong checksums:\n' + bad)
    pdml = subprocess.run(command + ['-T', 'pdml'], check=True, capture_output=True).stdout
    for packet in xml.etree.ElementTree.fromstring(pdml).iterfind('packet'):
        frame = packet.find("proto[@name='geninfo']")
        number = frame.find("field[@name='num']").get('show')
        size = frame.find("field[@name='len']").get('show')
        print(number, size, *describe(packet))


if __name__ == '__main__':
    main()
