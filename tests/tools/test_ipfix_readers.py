#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Other people's readers of IPFIX see in our messages what went in: ipfixDump of libfixbuf,
python3-ipfix, and tshark. Cases T3 and T34 of the IPFIX tests.

usage: test_ipfix_readers.py IPFIX_WRITE
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

WRITE = sys.argv.pop(1)
COUNT = 300
SYSTEM_PYTHON = '/usr/bin/python3'  # the distribution's, for which python3-ipfix is installed
START_MS = 1763712000000


def truth(i):
    """Record i of ipfix_write: what each reader is asked for."""
    return (1024 + i, 443, 6, i ** 4 * 1000 + 40, 1 + i, 100 * i, 2 * i, i % 256,
            0x1b if i % 7 else 0x11b)


TRUTH = [truth(i) for i in range(COUNT)]
# A flow that nobody answered has no reverse elements.
FIELDS = ['sourceTransportPort', 'destinationTransportPort', 'protocolIdentifier',
          'octetDeltaCount', 'packetDeltaCount', 'reverseOctetDeltaCount',
          'reversePacketDeltaCount', 'minimumTTL', 'tcpControlBits']

PYTHON_IPFIX = '''
import ipfix.ie, ipfix.reader, json, sys
ipfix.ie.use_iana_default()
ipfix.ie.use_5103_default()
for record in ipfix.reader.from_stream(sys.stdin.buffer).namedict_iterator():
    print(json.dumps({name: str(value) for name, value in record.items()}))
'''


def messages(fields='default', count=COUNT, *more):
    return subprocess.run([WRITE, fields, str(count), *map(str, more)], check=True,
                          stdout=subprocess.PIPE).stdout


def split(stream):
    """The messages of a file (RFC 5655: one behind the other)."""
    while stream:
        length = struct.unpack('>H', stream[2:4])[0]
        yield stream[:length]
        stream = stream[length:]


def capture(stream):
    """A pcap file with each message in an UDP datagram to port 4739."""
    out = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for message in split(stream):
        udp = struct.pack('>HHHH', 50000, 4739, 8 + len(message), 0)
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 28 + len(message), 0, 0, 64, 17, 0,
                         bytes([192, 0, 2, 7]), bytes([192, 0, 2, 8]))
        packet = ip + udp + message
        out += struct.pack('<IIII', START_MS // 1000, 0, len(packet), len(packet)) + packet
    return out


def need(program):
    if not shutil.which(program):
        raise unittest.SkipTest('there is no ' + program)


class Readers(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix='lt-ipfix.')
        self.addCleanup(self.directory.cleanup)

    def path(self, content):
        path = os.path.join(self.directory.name, 'file')
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def test_t34_ipfix_dump(self):
        need('ipfixDump')
        text = subprocess.run(['ipfixDump', '--in', self.path(messages())], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        records = []
        for part in text.split('--- data record')[1:]:
            values = dict(re.findall(r'^\t\([\d/]+\)\s+(\w+) : (.*)$', part, re.M))
            if 'octetDeltaCount' in values:
                records.append(tuple(int(values.get(name, 0)) for name in FIELDS))
        self.assertEqual(records, TRUTH)

    def test_t7_own_elements(self):
        need('ipfixDump')
        path = self.path(messages('octetDeltaCount,firstPacketLengths,tlsServerName,'
                                  'reverseInitialTcpFlags', 2))
        text = subprocess.run(['ipfixDump', '--in', path], check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        own = re.findall(r'^\t\(32473/(\d+)\)\s+\w+ : (.*)$', text, re.M)
        forward = [('5', 'len: 15'), ('17', 'len: 15')]
        self.assertEqual(own, forward + forward + [('16385', '18')])
        names = re.findall(r'informationElementName : .*?(\w+)$', text, re.M)
        self.assertEqual(names, ['firstPacketLengths', 'firstPacketLength', 'tlsServerName',
                                 'reverseInitialTcpFlags'])

    def test_t19_sampling(self):
        need('ipfixDump')
        for sampling in 'uniform:1/4', 'hash:1/4:7':
            path = self.path(messages('default', 1, START_MS * 10**6, sampling))
            text = subprocess.run(['ipfixDump', '--in', path], check=True, stdout=subprocess.PIPE,
                                  text=True).stdout
            told = re.findall(r' (selectorAlgorithm|sampling\w+) : (.*)$', text, re.M)
            self.assertEqual([name for name, _ in told],
                             ['selectorAlgorithm', 'samplingProbability'])
            self.assertEqual([float(value) for _, value in told], [4, 0.25])

    def test_t3_python_ipfix(self):
        if subprocess.run([SYSTEM_PYTHON, '-c', 'import ipfix'], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest('there is no python3-ipfix')
        lines = subprocess.run([SYSTEM_PYTHON, '-c', PYTHON_IPFIX], check=True, input=messages(),
                               stdout=subprocess.PIPE).stdout.splitlines()
        records = [record for record in map(json.loads, lines) if 'octetDeltaCount' in record]
        self.assertEqual([tuple(int(record.get(name, 0)) for name in FIELDS) for record in records],
                         TRUTH)
        self.assertEqual(records[0]['sourceIPv4Address'], '192.0.2.1')
        self.assertEqual(records[1]['destinationIPv6Address'], 'c633:6402::')
        self.assertEqual(records[0]['flowStartMilliseconds'], '2025-11-21 08:00:00')

    def test_t23_times_at_the_edges(self):
        """python3-ipfix is not asked: it takes seconds since 1900 for seconds since 1970. tshark
        multiplies fractions by a rounded constant, so that half a second is a nanosecond less, and
        takes the first second of the era that begins in 2036 for no time at all."""
        need('tshark')
        last_of_era = 2**32 - 2208988800 - 1  # in 2036
        edges = [(seconds, rest)
                 for seconds in (0, 1, 1700000000, last_of_era, last_of_era + 2, 2**32 - 1)
                 for rest in (0, 1, 999, 500000001, 999999999)]
        stream = b''.join(messages('flowStartNanoseconds', 1, seconds * 10**9 + rest)
                          for seconds, rest in edges)
        text = subprocess.run(['tshark', '-V', '-r', self.path(capture(stream)), '-d',
                               'udp.port==4739,cflow'], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout
        found = {' '.join(line.split()) for line in re.findall(r'StartTime: (.*) UTC', text)}
        for seconds, rest in edges:
            when = time.strftime('%b %e, %Y %H:%M:%S', time.gmtime(seconds))
            self.assertIn(' '.join(f'{when}.{rest:09}'.split()), found)

    def test_t3_tshark(self):
        need('tshark')
        names = ['cflow.srcport', 'cflow.dstport', 'cflow.protocol', 'cflow.octets',
                 'cflow.packets', 'cflow.ttl_min', 'cflow.sequence']
        command = ['tshark', '-r', self.path(capture(messages())), '-d', 'udp.port==4739,cflow',
                   '-T', 'fields', '-E', 'separator=;']
        for name in names:
            command += ['-e', name]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout
        columns = [[], [], [], [], [], []]
        for line in text.splitlines():
            for column, cell in zip(columns, line.split(';')):
                column += [int(number) for number in cell.split(',') if number]
        self.assertEqual(columns[0], [row[0] for row in TRUTH])
        self.assertEqual(columns[1], [row[1] for row in TRUTH])
        self.assertEqual(columns[2], [row[2] for row in TRUTH])
        self.assertEqual(columns[5], [row[7] for row in TRUTH])
        # tshark gives a field's reverse the same name: forward and back alternate.
        self.assertEqual(columns[3], [n for row in TRUTH for n in (row[3], row[5]) if n])
        self.assertEqual(columns[4], [n for row in TRUTH for n in (row[4], row[6]) if n])

    def test_t3_tshark_finds_no_fault(self):
        need('tshark')
        command = ['tshark', '-r', self.path(capture(messages('full'))), '-d',
                   'udp.port==4739,cflow', '-o', 'cflow.max_template_fields:128', '-Y', '_ws.malformed || _ws.expert.severity >= 4']
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout
        self.assertEqual(text, '')


if __name__ == '__main__':
    outcome = unittest.main(exit=False).result
    for _, why in outcome.skipped:
        print(why)
    sys.exit(77 if outcome.wasSuccessful() and outcome.skipped
             else 0 if outcome.wasSuccessful() else 1)
