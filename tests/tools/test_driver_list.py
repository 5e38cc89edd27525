# SPDX-License-Identifier: BSD-2-Clause
"""The list of drivers that tools/driver-list.py writes compiles, in order and terminated."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]


class DriverList(unittest.TestCase):
    def generate(self, *args):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / 'list.c'
            subprocess.run([sys.executable, ROOT / 'tools/driver-list.py', '-o', path, *args],
                           check=True)
            subprocess.run(['cc', '-std=gnu17', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
                            '-I', ROOT, '-I', ROOT / 'include', path], check=True)
            return path.read_text(encoding='utf-8')

    def test_empty(self):
        text = self.generate('--ports', '--pci')
        self.assertIn('leat_drivers[] = {\n    NULL,\n};', text)
        self.assertIn('leat_pci_drivers[] = {\n    NULL,\n};', text)

    def test_order(self):
        text = self.generate('--ports', 'leat_b_driver', 'leat_a_driver', '--pci', 'leat_x')
        self.assertIn('    &leat_b_driver,\n    &leat_a_driver,\n    NULL,\n', text)
        self.assertIn('    &leat_x,\n    NULL,\n', text)


if __name__ == '__main__':
    unittest.main()
