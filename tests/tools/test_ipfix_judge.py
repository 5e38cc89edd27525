# SPDX-License-Identifier: BSD-2-Clause
"""ipfix_judge.py: its four readers agree on a file that is right, and tell what is not."""

import ipaddress
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

JUDGE = pathlib.Path(__file__).with_name('ipfix_judge.py')
REVERSE = 29305

# Element, length, enterprise; 65535 is variable.
KEY4 = [(8, 4, 0), (12, 4, 0), (7, 2, 0), (11, 2, 0), (4, 1, 0)]
KEY6 = [(27, 16, 0), (28, 16, 0), (7, 2, 0), (11, 2, 0), (4, 1, 0)]
TIMES = [(152, 8, 0), (153, 8, 0)]
COUNTS = [(2, 4, 0), (1, 8, 0)]  # packets in four bytes: reduced
BACK = [(2, 4, REVERSE), (1, 8, REVERSE)]
LIST = [(291, 65535, 0)]
ICMP4 = [(8, 4, 0), (12, 4, 0), (4, 1, 0), (32, 2, 0)]


def template(number, fields, scopes=0):
    head = struct.pack('!HHH', number, len(fields), scopes) if scopes else \
        struct.pack('!HH', number, len(fields))
    return head + b''.join(
        struct.pack('!HHI', element | 0x8000, length, pen) if pen else
        struct.pack('!HH', element, length) for element, length, pen in fields)


def a_set(number, *bodies):
    body = b''.join(bodies)
    return struct.pack('!HH', number, 4 + len(body)) + body


def message(sequence, *sets):
    body = b''.join(sets)
    return struct.pack('!HHIII', 10, 16 + len(body), 1700000100, sequence, 1) + body


def address(text):
    return ipaddress.ip_address(text).packed


def times():
    return struct.pack('!QQ', 1700000000000, 1700000001000)


def flow4(i, packets, octets, back_packets, back_octets):
    sizes = struct.pack('!HHH', 100, 200, 300)  # a basicList of ipTotalLength (224), reduced
    content = struct.pack('!BHH', 0, 224, 2) + sizes
    return (times() + address(f'192.0.2.{i}') + address('198.51.100.1') +
            struct.pack('!HHB', 4000 + i, 80, 6) + struct.pack('!IQIQ', packets, octets,
                                                               back_packets, back_octets) +
            bytes([len(content)]) + content)


def flow6(i, packets, octets):
    return (times() + address(f'2001:db8::{i}') + address('2001:db8::ff') +
            struct.pack('!HHB', 5000 + i, 53, 17) + struct.pack('!IQ', packets, octets))


def icmp(packets, octets):
    return (times() + address('192.0.2.9') + address('198.51.100.9') +
            struct.pack('!BHIQ', 1, 0x800, packets, octets))


TEMPLATES = [
    a_set(2, template(256, TIMES + KEY4 + COUNTS + BACK + LIST),
          template(257, TIMES + KEY6 + COUNTS), template(258, TIMES + ICMP4 + COUNTS)),
    a_set(3, template(259, [(143, 4, 0), (41, 8, 0)], scopes=1),
          b'\0\0'),  # padding
]
OPTIONS = a_set(259, struct.pack('!IQ', 77, 3))


def good_file():
    return b''.join([
        message(0, *TEMPLATES, OPTIONS, a_set(256, flow4(1, 5, 500, 4, 4000))),
        message(2, a_set(256, flow4(2, 1, 60, 0, 0)), a_set(257, flow6(1, 2, 200))),
        message(4, a_set(258, icmp(3, 252)), a_set(256, flow4(1, 7, 700, 0, 0))),
    ])


TRUTH = {
    'totals': {'records': 5, 'packets': 18, 'octets': 1712, 'reversePackets': 4,
               'reverseOctets': 4000},
    'flows': [
        {'source': '192.0.2.1', 'destination': '198.51.100.1', 'protocol': 6, 'ports': [4001, 80],
         'records': 2, 'packets': 12, 'octets': 1200, 'reversePackets': 4, 'reverseOctets': 4000},
        {'source': '192.0.2.2', 'destination': '198.51.100.1', 'protocol': 6, 'ports': [4002, 80],
         'records': 1, 'packets': 1, 'octets': 60, 'reversePackets': 0},
        {'source': '2001:db8::1', 'destination': '2001:db8::ff', 'protocol': 17,
         'ports': [5001, 53], 'packets': 2, 'octets': 200},
        {'source': '192.0.2.9', 'destination': '198.51.100.9', 'protocol': 1, 'packets': 3},
    ],
}


class IpfixJudge(unittest.TestCase):
    def judge(self, data, truth, *args):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / 'flows.ipfix').write_bytes(data)
            (root / 'truth.json').write_text(json.dumps(truth), encoding='utf-8')
            done = subprocess.run(
                [sys.executable, JUDGE, '--file', root / 'flows.ipfix', '--expect',
                 root / 'truth.json', *args], capture_output=True, text=True, check=False)
        if done.returncode == 77:
            print(done.stdout.splitlines()[-1])
            sys.exit(77)
        return done.returncode, done.stdout + done.stderr

    def test_all_agree(self):
        code, told = self.judge(good_file(), TRUTH)
        self.assertEqual(code, 0, told)
        for reader in ('nfdump', 'ipfixDump', 'python', 'tshark'):
            self.assertIn(f'{reader}: 5 records, 18 packets, 1712 octets, 4 reversePackets, '
                          '4000 reverseOctets', told)

    def test_a_wrong_total(self):
        code, told = self.judge(good_file(), {'totals': {'packets': 17}})
        self.assertEqual(code, 1)
        self.assertEqual(told.count('18 packets, not 17'), 4, told)

    def test_wrong_flows(self):
        truth = json.loads(json.dumps(TRUTH))
        truth['flows'][1]['octets'] = 61
        truth['flows'][2]['ports'] = [5001, 54]
        code, told = self.judge(good_file(), truth)
        self.assertEqual(code, 1)
        self.assertEqual(told.count('60 octets, not 61'), 4, told)
        self.assertEqual(told.count('no such flow'), 4, told)
        self.assertEqual(told.count('a flow that there was not'), 4, told)

    def test_missing_messages(self):
        data = good_file()
        first = int.from_bytes(data[2:4], 'big')
        second = int.from_bytes(data[first + 2:first + 4], 'big')
        code, told = self.judge(data[:first] + data[first + second:], {}, '--judges', 'tshark')
        self.assertEqual(code, 1)
        self.assertIn('a sequence number that it did not expect', told)

    def test_no_ipfix(self):
        code, told = self.judge(good_file()[:-1], {}, '--judges', 'python')
        self.assertEqual(code, 1)
        self.assertIn('no IPFIX message', told)


if __name__ == '__main__':
    unittest.main()
