#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Decoding says of each packet of the captures what an independent reader says of it.

    flow_decoding.py FLOW_LINES FLOW_TRUTH CAPTURE..."""

import subprocess
import sys


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    program, truth, captures = sys.argv[1], sys.argv[2], sys.argv[3:]
    wrong = 0
    for capture in captures:
        for tunnels in ('outer', 'inner', 'both'):
            found = lines(program, tunnels, capture)
            expected = lines(sys.executable, truth, '--packets', '--tunnels', tunnels, capture)
            if len(found) != len(expected) or not expected:
                print(f'{capture}, {tunnels}: {len(found)} lines, not {len(expected)}')
                wrong += 1
            for line, right in zip(found, expected):
                if line != right:
                    print(f'{capture}, {tunnels}:\n  found    {line}\n  expected {right}')
                    wrong += 1
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
