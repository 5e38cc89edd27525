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
import json

from flow_meter import Meter, address
from flow_packets import SECOND, TCP_KINDS, Reader, Skip, frames


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


def nanoseconds(text):
    return int(float(text) * SECOND)


def arguments():
    parser = argparse.ArgumentParser(description='What the flows of a capture are.')
    parser.add_argument('--uniflow', action='store_true')
    parser.add_argument('--tunnels', choices=('outer', 'inner', 'both'), default='inner')
    parser.add_argument('--key', type=lambda text: text.split(','), default=[])
    parser.add_argument('--active', type=nanoseconds, default=300 * SECOND)
    parser.add_argument('--idle', type=nanoseconds, default=30 * SECOND)
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
            reader.now = time
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
