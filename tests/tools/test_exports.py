# SPDX-License-Identifier: BSD-2-Clause
"""libleat.so exports exactly what the public headers declare, by the compiler's own account; and
each header compiles by itself.

    test_exports.py LIBRARY INCLUDE-DIRECTORY... -- HEADER..."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

split = sys.argv.index('--')
LIBRARY, INCLUDES, HEADERS = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]


def compile_header(header, *args):
    include = '#include <leat/' + pathlib.PurePath(header).name + '>\n'
    subprocess.run(['gcc', '-std=gnu17', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
                    *['-I' + path for path in INCLUDES], '-x', 'c', *args, '-'],
                   input=include, text=True, check=True)


def declared(header):
    """Functions that gcc saw declared, but not defined, in the public headers."""
    with tempfile.NamedTemporaryFile('r', suffix='.X') as listing:
        compile_header(header, '-aux-info', listing.name)
        line = re.compile(r'^/\* \S*/leat/\w+\.h:\d+:NC \*/ extern .*?\b(leat_\w+) \(', flags=re.M)
        return set(line.findall(listing.read()))


def exported():
    listing = subprocess.run(['nm', '--dynamic', '--defined-only', LIBRARY], check=True,
                             capture_output=True, text=True).stdout
    names = {line.split()[-1] for line in listing.splitlines() if line.split()[-2] != 'A'}
    return {re.sub(r'@+LEAT_\d+$', '', name) for name in names if '@' in name}, names


class Exports(unittest.TestCase):
    def test_headers_alone(self):
        for header in HEADERS:
            with self.subTest(header=header):
                compile_header(header)

    def test_exactly_what_is_declared(self):
        functions = set().union(*(declared(header) for header in HEADERS))
        versioned, names = exported()
        self.assertGreater(len(functions), 30)
        self.assertEqual(versioned, functions)
        self.assertEqual(len(names), len(versioned), 'a symbol without a version')


if __name__ == '__main__':
    if not shutil.which('gcc'):
        print('needs gcc, for its list of declarations')
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
