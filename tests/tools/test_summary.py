# SPDX-License-Identifier: BSD-2-Clause
"""tools/summary.py counts what passed, failed and was skipped, and knows which skips may be."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'summary.py'


def entry(name, result, stdout=''):
    return {'name': f'leat:unit / {name}', 'result': result, 'stdout': stdout}


class Summary(unittest.TestCase):
    def run_tool(self, tests, *args, require='', unavailable=''):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            logs = root / 'build' / 'meson-logs'
            logs.mkdir(parents=True)
            log = logs / 'testlog.json'
            log.write_text('\n'.join(json.dumps(t) for t in tests), encoding='utf-8')
            (root / 'unavailable').write_text('# none\n' + unavailable, encoding='utf-8')
            done = subprocess.run(
                [sys.executable, TOOL, '--unavailable', root / 'unavailable', *args, '--', log],
                capture_output=True, text=True, check=False,
                env=dict(os.environ, LEAT_REQUIRE=require))
            return done.returncode, done.stdout + done.stderr

    def check(self, result, code, last):
        self.assertEqual(result[0], code, result[1])
        self.assertEqual(result[1].splitlines()[-1], last)

    def test_all_passed(self):
        result = self.run_tool([entry('a', 'OK'), entry('b', 'EXPECTEDFAIL')])
        self.check(result, 0, '2 passed, 0 failed, 0 skipped')

    def test_failures_show_their_output(self):
        for verdict in ('FAIL', 'TIMEOUT', 'ERROR', 'UNEXPECTEDPASS', 'INTERRUPT'):
            result = self.run_tool([entry('a', verdict, 'expected 3, got 4\n'), entry('b', 'OK')])
            self.check(result, 1, '1 passed, 1 failed, 0 skipped')
            self.assertIn(f'FAILED a (build): {verdict}\nexpected 3, got 4', result[1])

    def test_broken_build(self):
        result = self.run_tool([], '--broken=build-thread')
        self.check(result, 1, '0 passed, 1 failed, 0 skipped')

    def test_skip_says_why(self):
        result = self.run_tool([entry('a', 'SKIP', 'starting\nneeds root\n')])
        self.check(result, 0, '0 passed, 0 failed, 1 skipped')
        self.assertIn('skipped a (build): needs root', result[1])

    def test_required(self):
        skip = [entry('a', 'SKIP', 'no QEMU\n')]
        self.check(self.run_tool(skip, require='all'), 1, '0 passed, 1 failed, 0 skipped')
        listed = 'a: wants QEMU; make test-guest\n'
        self.check(self.run_tool(skip, require='all', unavailable=listed), 0,
                   '0 passed, 0 failed, 1 skipped')

    def test_skipped_case(self):
        output = ('[ RUN      ] one\n[  SKIPPED ] one\n[==========] 2 test(s) run.\n'
                  '[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] one\n')
        tests = [entry('a', 'OK', output)]
        self.check(self.run_tool(tests), 0, '1 passed, 0 failed, 1 skipped')
        self.check(self.run_tool(tests, require='all'), 1, '1 passed, 1 failed, 0 skipped')

    def test_unavailable_wants_reason_and_place(self):
        result = self.run_tool([entry('a', 'OK')], unavailable='a: because\n')
        self.assertNotEqual(result[0], 0)


if __name__ == '__main__':
    unittest.main()
