#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Says where the JSON records of leat probe differ from those that a capture must give. Both are files
of one object a line; the probe's may have more fields.

    flow_compare.py RECORDS TRUTH"""

import json
import sys

KEY = ('ipVersion', 'protocolIdentifier', 'sourceIPv4Address', 'sourceIPv6Address',
       'destinationIPv4Address', 'destinationIPv6Address', 'sourceTransportPort',
       'destinationTransportPort', 'vlanStack', 'tunnelKind', 'flowStartNanoseconds')


def read(path):
    """Records by what tells them apart."""
    with open(path, encoding='utf-8') as file:
        records = [json.loads(line) for line in file]
    by_key = {}
    for record in records:
        key = tuple(str(record.get(name)) for name in KEY)
        if key in by_key:
            sys.exit(f'{path}: two records of one key: {by_key[key]} and {record}')
        by_key[key] = record
    return by_key


def main():
    found, expected = read(sys.argv[1]), read(sys.argv[2])
    wrong = [f'no record of {key}' for key in expected.keys() - found.keys()]
    wrong += [f'a record too many: {key}' for key in found.keys() - expected.keys()]
    for key in expected.keys() & found.keys():
        for name, value in expected[key].items():
            if found[key].get(name) != value:
                wrong.append(f'{key}: {name} is {found[key].get(name)}, not {value}')
    print('\n'.join(wrong), end='')
    sys.exit(1 if wrong or not expected else 0)


if __name__ == '__main__':
    main()
