# SPDX-License-Identifier: BSD-2-Clause
"""docs/report.md has the keys that reports have, those and no others.

    test_report_keys.py LEAT REPORT.md"""

import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

LEAT, PAGE = sys.argv[1], pathlib.Path(sys.argv[2])
COMMON, SOFTNIC, PROBE = 'The final report', 'What `leat softnic` adds', 'What `leat probe` writes'
PATIENCE = 60


def sections():
    """Title -> text, up to the next title."""
    parts = re.split(r'^#+ (.*)$', PAGE.read_text(encoding='utf-8'), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def documented(title):
    """All keys of a section, as paths, and the names of its table of reasons. Of several keys in a
    row the later ones stand beside the first."""
    keys, reasons, header = set(), set(), None
    for line in sections()[title].splitlines():
        if not line.startswith('|'):
            header = None
            continue
        cell = line.split('|')[1]
        header = header or cell.strip()
        names = re.findall(r'`([^`]+)`', cell)
        if header == 'key' and names:
            parent = names[0].rpartition('.')[0]
            keys.update([names[0]] + [f'{parent}.{n}'.lstrip('.') for n in names[1:]])
        elif header == 'reason':
            reasons.update(names)
    return keys, reasons


def keys_of(value, path=''):
    """The same of a report: {'ports', 'ports[].name', ...}."""
    if isinstance(value, list):
        return set().union(*(keys_of(item, path + '[]') for item in value))
    if not isinstance(value, dict):
        return set()
    keys = set()
    for name, item in value.items():
        below = f'{path}.{name}'.lstrip('.')
        keys |= {below} | keys_of(item, below)
    return keys


def with_reasons(documentation, at):
    keys, reasons = documentation
    return keys | {f'{at}.{reason}' for reason in reasons}


class ReportKeys(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.here = pathlib.Path(directory.name)
        self.capture = self.here / 'probes.pcapng'
        self.common = with_reasons(documented(COMMON), 'ports[].drops')

    def report(self, *words):
        """The report of a command that ends by itself."""
        to = self.here / 'report.json'
        subprocess.run([LEAT, *words, '--json', to], check=True, capture_output=True,
                       timeout=PATIENCE)
        return json.loads(to.read_text(encoding='utf-8'))

    def assert_keys(self, report, keys):
        """What is null has no keys of its own."""
        found = keys_of(report)
        null = {k for k in keys if k in found and not any(f.startswith(k + '.') for f in found)}
        expected = {k for k in keys if not any(k.startswith(n + '.') for n in null)}
        self.assertEqual(found, expected)

    def wires(self):
        """The reports of an emulated pair of NICs, and of what forwards between them."""
        to = self.here / 'softnic.json'
        sockets = [self.here / '0.sock', self.here / '1.sock']
        with subprocess.Popen(
                [LEAT, 'softnic', '--json', to, f'{sockets[0]}=gen,count=100',
                 f'{sockets[1]}=sink'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True) as softnic:
            for line in softnic.stderr:
                if '1.sock' in line:
                    break
            forwarded = self.report('fwd', '--profile', '--seconds', '1',
                                    *(f'vfio-user:{socket}' for socket in sockets))
            softnic.send_signal(signal.SIGINT)
            softnic.communicate(timeout=PATIENCE)
        self.assertEqual(softnic.returncode, 0)
        return json.loads(to.read_text(encoding='utf-8')), forwarded

    def test_the_common_report(self):
        sent = self.report('gen', '--count', '10', f'pcap:>{self.capture}')
        received = self.report('recv', self.capture)
        _, forwarded = self.wires()
        for report in (sent, received, forwarded):
            self.assert_keys(report, self.common)
        self.assertIn('sequence.missing', keys_of(received))
        self.assertIn('cycles_per_packet.touch', keys_of(forwarded))

    def test_softnic(self):
        report, _ = self.wires()
        keys, reasons = documented(SOFTNIC)
        common, _ = documented(COMMON)
        self.assert_keys(report, with_reasons((common | keys, reasons), 'ports[].drops'))
        self.assertIn('latency_ns.p50', keys_of(report))

    def test_probe(self):
        self.report('gen', '--count', '10', f'pcap:>{self.capture}')
        report = self.report('probe', self.capture, '--to', f'json:{self.here}/flows')
        keys = with_reasons(documented(PROBE), 'total.skipped')
        keys |= {f'ports[].drops.{reason}' for reason in documented(COMMON)[1]}
        keys |= {'queues[]' + k.removeprefix('total') for k in keys if k.startswith('total.')}
        self.assert_keys(report, keys)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
