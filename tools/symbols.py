#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lists the functions that public headers declare, one a line, or writes them as the linker's
version script. Inline functions, types and macros are not symbols and left out."""

import argparse
import re
import sys


def top_level(text):
    """The declarations outside all braces, without comments and preprocessor lines."""
    text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)
    text = re.sub(r'^\s*#(?:.*\\\n)*.*$', '', text, flags=re.M)
    depth, kept = 0, []
    for char in text:
        if char == '{':
            depth += 1
        elif char == '}':
            depth -= 1
            kept.append(';')  # a body ends a declaration like a semicolon does
        elif depth == 0:
            kept.append(char)
    return ''.join(kept).split(';')


def functions(text):
    for declaration in top_level(text):
        if re.search(r'\b(static|typedef)\b', declaration):
            continue
        match = re.search(r'\b(leat_\w+)\s*\(', declaration)
        if match:
            yield match.group(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-o', '--output')
    parser.add_argument('--map', metavar='VERSION', help='write a version script of that node')
    parser.add_argument('headers', nargs='+')
    args = parser.parse_args()

    names = set()
    for header in args.headers:
        with open(header, encoding='utf-8') as file:
            names.update(functions(file.read()))
    lines = sorted(names)
    if args.map:
        lines = [args.map + ' {', 'global:'] + [f'    {n};' for n in lines]
        lines += ['local:', '    *;', '};']

    with open(args.output, 'w', encoding='utf-8') if args.output else sys.stdout as output:
        output.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
