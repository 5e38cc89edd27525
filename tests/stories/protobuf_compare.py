#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares messages of leat.Flow, as Google's own library reads them, with records as JSON lines.

    protobuf_compare.py leat_flow.proto MESSAGES JSON-LINES

MESSAGES: each behind its length, four octets in network order. Exit code: 0 the same records with the
same fields and values, in any order; 1 not; 77 python3-protobuf or protoc is not installed."""

import datetime
import ipaddress
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

UNITS = {'Seconds': 0, 'Milliseconds': 3, 'Microseconds': 6, 'Nanoseconds': 9}


def message_class(proto):
    """Of protoc's descriptor, not of anything of this project."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        print('needs python3-protobuf')
        sys.exit(77)
    with tempfile.NamedTemporaryFile() as described:
        subprocess.run(['protoc', f'--proto_path={proto.parent}',
                        f'--descriptor_set_out={described.name}', proto.name], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(described.read())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(files.file[0])
    return message_factory.MessageFactory(pool).GetPrototype(
        pool.FindMessageTypeByName('leat.Flow'))


def time_text(number, digits):
    seconds, rest = divmod(number, 10 ** digits)
    text = datetime.datetime.utcfromtimestamp(seconds).strftime('%Y-%m-%dT%H:%M:%S')
    return f'{text}.{rest:0{digits}d}Z' if digits else f'{text}Z'


def as_json(name, value):
    """What the JSON of a value would be, by its name."""
    if name == 'firstPacketTimes':
        return [time_text(number, 9) for number in value]
    for unit, digits in UNITS.items():
        if name.endswith(unit):
            return time_text(value, digits)
    if name.endswith('MacAddress'):
        return value.hex(':')
    if name.endswith('Address'):
        return str(ipaddress.ip_address(value))
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, (int, float, str)) else list(value)


def messages(path):
    data = path.read_bytes()
    while data:
        length, = struct.unpack_from('!i', data)
        yield data[4:4 + length]
        data = data[4 + length:]


def canonical(record):
    # Protobuf knows no empty list, and JSON's doubles have fewer digits.
    return json.dumps({name: round(value, 4) if isinstance(value, float) else value
                       for name, value in record.items() if value != []}, sort_keys=True)


def main():
    proto, read, lines = (pathlib.Path(argument) for argument in sys.argv[1:])
    flow = message_class(proto)
    got = [{field.name: as_json(field.name, value) for field, value in
            flow.FromString(message).ListFields()} for message in messages(read)]
    with lines.open(encoding='utf-8') as file:
        expected = [json.loads(line) for line in file]
    for record in expected:
        if 'payloadEntropy' in record:
            record['payloadEntropy'] = float(record['payloadEntropy'])
    got, expected = sorted(map(canonical, got)), sorted(map(canonical, expected))
    print(f'{len(got)} messages, {len(expected)} records')
    for one, other in zip(got, expected):
        if one != other:
            print(f'Protobuf: {one}\nJSON:     {other}')
            return 1
    return 0 if got and len(got) == len(expected) else 1


if __name__ == '__main__':
    sys.exit(main())
