#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What strangers read out of an IPFIX file: nfcapd with nfdump, ipfixDump, python3-ipfix, tshark.

    ipfix_judge.py --file flows.ipfix                      # prints what each of them counted
    ipfix_judge.py --file flows.ipfix --expect truth.json  # and fails where one disagrees

truth.json: {"totals": {"records": 2, "packets": 9, ...},
             "flows": [{"source": "192.0.2.1", "destination": "192.0.2.2", "protocol": 6,
                        "ports": [4000, 80], "packets": 5, "octets": 400}, ...]}
Each part, and each number in it, is optional: records, packets, octets, reversePackets,
reverseOctets. Where flows are told, they are all that there are. ICMP has ports 0, for readers
make different things of its type and code.

The faults of the readers that are taken into account: nfcapd does not count options records, so
that it may miss one sequence number for each message that has some; ipfixDump prints elements of a
basicList of reduced size wrongly, python3-ipfix does not know basicList at all nor elements in sizes
that are not their type's, which does not hurt the numbers that are compared; and it takes padding of
template sets for templates, so that it gets them without. nfcapd gets the messages as datagrams, in a
network namespace of this process's own. Exit code: 0 agreed, 1 not, 77 a reader is not installed.
"""

import argparse
import collections
import io
import ipaddress
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import warnings
import xml.etree.ElementTree

PYTHON = '/usr/bin/python3'  # for which Debian packages python3-ipfix
IN_NAMESPACE = 'LEAT_IPFIX_JUDGE_IN_NAMESPACE'
PORT = 4739
DATAGRAM_MAX = 65507
PATIENCE = 30  # seconds
NO_RECORDS = struct.pack('!HHIII', 10, 16, 0, 0, 0xffffffff)  # in a domain of its own
NUMBERS = ('records', 'packets', 'octets', 'reversePackets', 'reverseOctets')
ICMP = (1, 58)


class Disagreement(Exception):
    pass


class Count:
    """Records by their five-tuple."""

    def __init__(self):
        self.flows = collections.defaultdict(lambda: dict.fromkeys(NUMBERS, 0))
        self.notes = []

    def add(self, source, destination, protocol, ports, **numbers):
        ports = (0, 0) if protocol in ICMP else tuple(ports)
        key = (str(ipaddress.ip_address(source)), str(ipaddress.ip_address(destination)),
               protocol, *ports)
        flow = self.flows[key]
        flow['records'] += 1
        for name, number in numbers.items():
            flow[name] += number

    def totals(self):
        return {name: sum(flow[name] for flow in self.flows.values()) for name in NUMBERS}


def messages_of(data):
    while data:
        version, length = struct.unpack_from('!HH', data)
        if version != 10 or not 16 <= length <= len(data):
            raise Disagreement(f'no IPFIX message {len(data)} bytes before the end of the file')
        yield data[:length]
        data = data[length:]


def sets_of(message):
    at = 16
    while at < len(message):
        number, length = struct.unpack_from('!HH', message, at)
        if not 4 <= length <= len(message) - at:
            raise Disagreement(f'a set of {length} bytes, {len(message) - at} before its end')
        yield number, message[at + 4:at + length]
        at += length


def templates_of(number, body):
    """Of a set of templates (2) or options templates (3): each one's id and its bytes."""
    head = 4 if number == 2 else 6
    while len(body) >= head and body[:2] != b'\0\0':
        identifier, fields = struct.unpack_from('!HH', body)
        at = head
        for _ in range(fields):
            at += 8 if body[at] & 0x80 else 4
        yield identifier, body[:at]
        body = body[at:]


def with_options(messages):
    """How many messages hold options records."""
    options, found = set(), 0
    for message in messages:
        sets = list(sets_of(message))
        for number, body in sets:
            if number == 3:
                options.update(identifier for identifier, _ in templates_of(number, body))
        found += any(number in options for number, _ in sets)
    return found


class Nfcapd:
    """Writes into `directory` what it gets, and repeats each message to `echo` once it has read it."""

    def __init__(self, directory, echo):
        self.told, self.listens = [], threading.Event()
        self.process = subprocess.Popen(
            ['nfcapd', '-p', str(PORT), '-b', '127.0.0.1', '-w', directory, '-t', '86400', '-B',
             '4000000', '-R', f'127.0.0.1/{echo.getsockname()[1]}'],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.told.append(line)
            if 'Startup nfcapd' in line:  # its socket is bound by then
                self.listens.set()

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stdout.close()


def send_to_nfcapd(messages, directory):
    """Each message when it has read the one before, so that none is dropped, and one without
    records at the end: it has taken the one before out when it reads that. Returns what it says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        echo.bind(('127.0.0.1', 0))
        echo.settimeout(PATIENCE)
        nfcapd = Nfcapd(directory, echo)
        try:
            if not nfcapd.listens.wait(PATIENCE):
                raise Disagreement(f'nfcapd: it does not start: {"".join(nfcapd.told)}')
            for number, message in enumerate([*messages, NO_RECORDS]):
                if len(message) > DATAGRAM_MAX:
                    raise Disagreement(f'a message of {len(message)} bytes fits no datagram')
                sender.sendto(message, ('127.0.0.1', PORT))
                if echo.recv(65536) != message:
                    raise Disagreement(f'nfcapd: it read something else than message {number}')
        except TimeoutError as error:
            raise Disagreement(f'nfcapd: it did not read message {number}') from error
        finally:
            nfcapd.end()
        return ''.join(nfcapd.told)


def judge_nfdump(path, messages):
    count = Count()
    with tempfile.TemporaryDirectory() as directory:
        told = send_to_nfcapd(messages, directory)
        output = subprocess.run(['nfdump', '-R', directory, '-q', '-N', '-o', 'json'],
                                capture_output=True, text=True, check=True).stdout
    check_nfcapd(told, messages, count)
    for flow in json.loads(f'[{output}]'):
        version = 6 if 'src6_addr' in flow else 4
        count.add(flow[f'src{version}_addr'], flow[f'dst{version}_addr'], flow['proto'],
                  (flow.get('src_port', 0), flow.get('dst_port', 0)),
                  packets=flow['in_packets'], octets=flow['in_bytes'],
                  reversePackets=flow.get('out_packets', 0), reverseOctets=flow.get('out_bytes', 0))
    return count


def check_nfcapd(told, messages, count):
    summary = re.findall(r'Sequence Errors: (\d+), Bad Packets: (\d+)', told)
    missed, bad = (sum(int(row[i]) for row in summary) for i in (0, 1))
    allowed = with_options(messages)
    if not summary:
        raise Disagreement(f'nfcapd: it did not say how it went: {told}')
    if bad or missed > allowed:
        raise Disagreement(f'nfcapd: {bad} bad packets, {missed} sequence errors with {allowed} '
                           'messages that have options')
    if missed:
        count.notes.append(f'{missed} sequence errors, which is nfcapd\'s own fault')


NAMES = {'packetDeltaCount': 'packets', 'octetDeltaCount': 'octets',
         'reversePacketDeltaCount': 'reversePackets', 'reverseOctetDeltaCount': 'reverseOctets'}


def add_named(count, record):
    """A record with IANA's names; options records have no addresses."""
    version = 'IPv6' if 'sourceIPv6Address' in record else 'IPv4'
    if f'source{version}Address' not in record:
        return
    count.add(record[f'source{version}Address'], record[f'destination{version}Address'],
              int(record['protocolIdentifier']),
              (int(record.get('sourceTransportPort', 0)),
               int(record.get('destinationTransportPort', 0))),
              **{short: int(record[name]) for name, short in NAMES.items() if name in record})


def judge_ipfixdump(path, _):
    count = Count()
    output = subprocess.run(['ipfixDump', '--in', path], capture_output=True, text=True,
                            check=False)
    if output.returncode or output.stderr.strip():
        raise Disagreement(f'ipfixDump: {output.stderr.strip() or output.returncode}')
    for record in re.split(r'^--- ', output.stdout, flags=re.M):
        if record.startswith('data record'):
            add_named(count, dict(re.findall(r'^\t\([\d/]+\)\s+(\w+) : (.*?)\s*$', record, re.M)))
    return count


def without_padding(message):
    """Template sets without the padding that RFC 7011, 3.3.1 allows: python3-ipfix takes it for
    templates."""
    sets = b''
    for number, body in sets_of(message):
        if number in (2, 3):
            body = b''.join(template for _, template in templates_of(number, body))
        sets += struct.pack('!HH', number, 4 + len(body)) + body
    return struct.pack('!HH', 10, 16 + len(sets)) + message[4:16] + sets


def judge_python(_, messages):
    import ipfix.ie  # pylint: disable=import-error,import-outside-toplevel
    import ipfix.reader  # pylint: disable=import-error,import-outside-toplevel
    import ipfix.types  # pylint: disable=import-error,import-outside-toplevel

    known = ipfix.ie.for_template_entry

    def element(pen, number, length):
        """It knows an element in sizes of its type only; of others it shall take the bytes."""
        try:
            return known(pen, number, length)
        except ipfix.types.IpfixTypeError:
            return ipfix.ie.InformationElement(f'_{pen}_{number}_{length}', pen, number,
                                               ipfix.types.for_name('octetArray'), length)

    ipfix.ie.use_iana_default()
    ipfix.ie.use_5103_default()
    ipfix.ie.for_template_entry = element
    count = Count()
    stream = io.BytesIO(b''.join(without_padding(message) for message in messages))
    with warnings.catch_warnings(record=True):
        for record in ipfix.reader.from_stream(stream).namedict_iterator():
            add_named(count, record)
    return count


def write_pcap(path, messages):
    """Raw IPv4 (link type 101), so that tshark finds a datagram for each message."""
    with open(path, 'wb') as file:
        file.write(struct.pack('=IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        for message in messages:
            datagram = struct.pack('!HHHH', PORT, PORT, 8 + len(message), 0) + message
            header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0,
                                 b'\x7f\0\0\1', b'\x7f\0\0\1')
            size = len(header) + len(datagram)
            file.write(struct.pack('=IIII', 0, 0, size, size) + header + datagram)


def tshark_fields(flow):
    fields = {}
    for field in flow.iter('field'):
        name = field.get('name', '')
        if name.startswith('cflow.'):
            reverse = 'reverse ' if '(Reverse' in field.get('showname', '') else ''
            fields.setdefault(reverse + name[len('cflow.'):], field.get('show'))
    return fields


def judge_tshark(_, messages):
    count = Count()
    with tempfile.NamedTemporaryFile(suffix='.pcap') as capture:
        write_pcap(capture.name, messages)
        output = subprocess.run(
            ['tshark', '-n', '-r', capture.name, '-d', f'udp.port=={PORT},cflow', '-T', 'pdml',
             '-o', 'cflow.max_template_fields:0'],  # without it, templates of more than 60 are lost
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    document = xml.etree.ElementTree.fromstring(output)
    if document.find('.//proto[@name="_ws.malformed"]') is not None:
        raise Disagreement('tshark: malformed')
    if document.find('.//field[@name="cflow.unexpected_sequence_number"]') is not None:
        raise Disagreement('tshark: a sequence number that it did not expect')
    for flow in document.iter('field'):
        if not re.fullmatch(r'Flow \d+', flow.get('show') or ''):
            continue
        fields = tshark_fields(flow)
        version = 'v6' if 'srcaddrv6' in fields else ''
        if f'srcaddr{version}' in fields:
            count.add(fields[f'srcaddr{version}'], fields[f'dstaddr{version}'],
                      int(fields['protocol']),
                      (int(fields.get('srcport', 0)), int(fields.get('dstport', 0))),
                      packets=int(fields.get('packets', 0)), octets=int(fields.get('octets', 0)),
                      reversePackets=int(fields.get('reverse packets', 0)),
                      reverseOctets=int(fields.get('reverse octets', 0)))
    return count


JUDGES = {'nfdump': judge_nfdump, 'ipfixDump': judge_ipfixdump, 'python': judge_python,
          'tshark': judge_tshark}
PROGRAMS = {'nfdump': ('nfcapd', 'nfdump'), 'ipfixDump': ('ipfixDump',), 'tshark': ('tshark',)}


def missing_reader(judges):
    for program in (p for judge in judges for p in PROGRAMS.get(judge, ())):
        if not shutil.which(program):
            return program
    if 'python' in judges and subprocess.run([PYTHON, '-c', 'import ipfix'], check=False,
                                             capture_output=True).returncode:
        return 'python3-ipfix'
    return None


def compare(count, truth):
    """What of the truth was found otherwise, a sentence each."""
    totals = count.totals()
    for name, number in truth.get('totals', {}).items():
        if totals[name] != number:
            yield f'{totals[name]} {name}, not {number}'
    if 'flows' not in truth:
        return
    rest = dict(count.flows)
    for expected in truth['flows']:
        key = (expected['source'], expected['destination'], expected['protocol'],
               *expected.get('ports', (0, 0)))
        found = rest.pop(key, None)
        if found is None:
            yield f'{key}: no such flow'
            continue
        for name in NUMBERS:
            if name in expected and found[name] != expected[name]:
                yield f'{key}: {found[name]} {name}, not {expected[name]}'
    for key in rest:
        yield f'{key}: a flow that there was not'


def judge_all(path, judges, truth):
    with open(path, 'rb') as file:
        messages = list(messages_of(file.read()))
    agreed = True
    for name in judges:
        try:
            count = JUDGES[name](path, messages)
            wrong = list(compare(count, truth))
        except Exception as reason:  # pylint: disable=broad-except; readers fail in their own ways
            agreed = False
            print(f'{name}: {type(reason).__name__}: {reason}')
            continue
        told = ', '.join(f'{number} {what}' for what, number in count.totals().items())
        print('\n'.join([f'{name}: {told}'] + [f'    ({note})' for note in count.notes] +
                        [f'    {sentence}' for sentence in wrong[:20]]))
        agreed = agreed and not wrong
    return agreed


def enter_namespace():
    """A namespace of its own for nfcapd, in the Python for which python3-ipfix is packaged."""
    if os.environ.get(IN_NAMESPACE):
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        return
    os.environ[IN_NAMESPACE] = '1'
    own = ['unshare', '-n'] if os.geteuid() == 0 else ['unshare', '-r', '-n']
    os.execvp(own[0], own + [PYTHON, os.path.abspath(__file__), *sys.argv[1:]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--file', required=True, help='IPFIX messages, one after another')
    parser.add_argument('--expect', help='truth.json')
    parser.add_argument('--judges', default=','.join(JUDGES),
                        help=f'which of {", ".join(JUDGES)}; all')
    args = parser.parse_args()
    judges = args.judges.split(',')
    for judge in judges:
        if judge not in JUDGES:
            parser.error(f'there is no judge {judge}')
    if absent := missing_reader(judges):
        print(f'{absent} is not installed')
        return 77
    enter_namespace()
    truth = {}
    if args.expect:
        with open(args.expect, encoding='utf-8') as file:
            truth = json.load(file)
    return 0 if judge_all(args.file, judges, truth) else 1


if __name__ == '__main__':
    sys.exit(main())
