# SPDX-License-Identifier: BSD-2-Clause
"""tools/install-deps asks for what is missing, as root or not, and for nothing when all is there.
dpkg-query, apt-get, id and sudo are stand-ins; nothing is installed."""

import os
import pathlib
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'install-deps'

STAND_INS = {
    'dpkg-query': 'for p; do :; done\n'
                  'case " $MISSING " in *" $p "*) exit 1;; esac; echo installed',
    'apt-get': 'echo "apt-get as $AS: $*" >>"$LOG"\n'
               'case "$*" in *install*) [ ! -e "$STALE" ] || { rm "$STALE"; exit 100; };; esac',
    'id': 'echo "$UID_SHOWN"',
}
SUDO = 'AS=sudo exec "$@"'


class InstallDeps(unittest.TestCase):
    def run_tool(self, *groups, missing='', uid='0', sudo=False, stale=False, apt=True):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            tools = dict(STAND_INS, **({'sudo': SUDO} if sudo else {}))
            for name, body in tools.items():
                if apt or name == 'id':
                    (root / name).write_text('#!/bin/bash\n' + body + '\n', encoding='utf-8')
                    (root / name).chmod(0o755)
            for name in ('bash', 'env', 'rm'):
                (root / name).symlink_to('/usr/bin/' + name)
            if stale:
                (root / 'stale').touch()
            done = subprocess.run(['bash', TOOL, *groups], check=False, text=True,
                                  capture_output=True,
                                  env={'PATH': directory, 'MISSING': missing, 'UID_SHOWN': uid,
                                       'LOG': str(root / 'log'), 'STALE': str(root / 'stale'),
                                       'AS': 'caller'})
            log = (root / 'log').read_text(encoding='utf-8') if (root / 'log').exists() else ''
            return done.returncode, done.stdout + done.stderr, log.splitlines()

    def test_nothing_missing(self):
        self.assertEqual(self.run_tool('build', 'test', 'lint', uid='1000'), (0, '', []))

    def test_missing_as_root(self):
        code, output, log = self.run_tool('build', missing='meson')
        self.assertEqual(code, 0, output)
        self.assertIn('installing meson', output)
        self.assertTrue(log[-1].startswith('apt-get as caller:'), log)
        self.assertTrue(log[-1].endswith(' meson'), log)

    def test_only_the_groups_asked_for(self):
        self.assertEqual(self.run_tool('build', missing='cppcheck')[2], [])
        self.assertTrue(self.run_tool('lint', missing='cppcheck')[2])

    def test_missing_as_user(self):
        code, output, log = self.run_tool('build', missing='meson', uid='1000', sudo=True)
        self.assertEqual(code, 0, output)
        self.assertTrue(log[-1].startswith('apt-get as sudo:'), log)

    def test_missing_without_sudo(self):
        code, output, log = self.run_tool('build', missing='meson', uid='1000')
        self.assertEqual((code, log), (1, []))
        self.assertIn('apt-get install meson', output)

    def test_lists_out_of_date(self):
        code, output, log = self.run_tool('build', missing='meson', stale=True)
        self.assertEqual(code, 0, output)
        self.assertIn('install', log[-3])
        self.assertIn('update', log[-2])
        self.assertIn('install', log[-1])

    def test_other_distribution(self):
        code, output, log = self.run_tool('build', apt=False)
        self.assertEqual((code, log), (0, []))
        self.assertIn('libcmocka-dev', output)


if __name__ == '__main__':
    unittest.main()
