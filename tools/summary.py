#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sums up meson's test logs: the output of what failed, the reason of what was skipped, and as the
last line "N passed, N failed, N skipped". Exits with 1 when anything failed. With LEAT_REQUIRE=all
in the environment a skip that the list of unavailable tests does not name is a failure."""

import argparse
import json
import os
import pathlib
import re
import sys

PASSED = {'OK', 'EXPECTEDFAIL'}
LOG_LINES = 120


def read_unavailable(path):
    """Name of the test -> reason, and where it does run."""
    reasons = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        if line and not line.startswith('#'):
            name, _, reason = line.partition(': ')
            if ';' not in reason:
                sys.exit(f'{path}: "{name}" wants ": why; where it does run"')
            reasons[name] = reason
    return reasons


def read_log(path):
    """The tests of one build, as meson's JSON lines."""
    if not path.exists():
        return []  # no test was selected
    with path.open(encoding='utf-8') as log:
        return [json.loads(line) for line in log]


def output_of(test):
    return (test.get('stdout') or '') + (test.get('stderr') or '')


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else 'it did not say why'


class Summary:
    def __init__(self, unavailable, require_all):
        self.unavailable = unavailable
        self.require_all = require_all
        self.passed, self.failed, self.skipped = 0, [], []

    def skip(self, build, name, reason):
        if self.require_all and name not in self.unavailable:
            self.failed.append((f'{name} ({build})', f'skipped, and not listed as unavailable: '
                                f'{reason}'))
        else:
            self.skipped.append((f'{name} ({build})', reason))

    def add(self, build, test):
        name = test['name'].rpartition(' / ')[2]
        output = output_of(test)
        if test['result'] == 'SKIP':
            self.skip(build, name, last_line(output))
        elif test['result'] in PASSED:
            self.passed += 1
            # cmocka tells of a skipped case, and tells it again at the end.
            cases = re.findall(r'^\[  SKIPPED \] (?!\d+ test)(\S+)', output, flags=re.M)
            for case in dict.fromkeys(cases):
                self.skip(build, f'{name}:{case}', 'one case of the test')
        else:
            log = '\n'.join(output.splitlines()[-LOG_LINES:])
            self.failed.append((f'{name} ({build})', f'{test["result"]}\n{log}'))

    def show(self):
        for name, log in self.failed:
            print(f'\nFAILED {name}: {log}')
        for name, reason in self.skipped:
            print(f'\nskipped {name}: {reason}')
        print(f'\n{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--unavailable', type=pathlib.Path, required=True)
    parser.add_argument('--broken', action='append', default=[], metavar='BUILD',
                        help='a build that failed, counted as a failed test')
    parser.add_argument('logs', nargs='*', type=pathlib.Path, help='testlog.json of each build')
    args = parser.parse_args()

    summary = Summary(read_unavailable(args.unavailable), os.environ.get('LEAT_REQUIRE') == 'all')
    for build in args.broken:
        summary.failed.append((build, 'it does not build'))
    for path in args.logs:
        for test in read_log(path):
            summary.add(path.parent.parent.name, test)
    summary.show()
    return 1 if summary.failed else 0


if __name__ == '__main__':
    sys.exit(main())
