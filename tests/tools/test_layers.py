# SPDX-License-Identifier: BSD-2-Clause
"""tools/check-layers finds an include that goes against the direction of the design."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'check-layers'


class Layers(unittest.TestCase):
    def check(self, path, include, right):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for header in ('include/leat/pool.h', 'include/leat/packet.h', 'lib/core/error.h',
                           'lib/bus/bus.h', 'lib/drivers/ixgbe.h', 'lib/drivers/pci.h',
                           'softnic/nic.h',
                           'tools/check-layers', path):
                (root / header).parent.mkdir(parents=True, exist_ok=True)
                (root / header).touch()
            shutil.copy(TOOL, root / 'tools')
            (root / path).write_text(f'#include {include}\n', encoding='utf-8')
            done = subprocess.run([sys.executable, root / 'tools/check-layers'],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0 if right else 1, done.stdout + done.stderr)
            self.assertEqual(path in done.stdout, not right)

    def test_right(self):
        for path, include in (('lib/drivers/x.c', '"../bus/bus.h"'),
                              ('lib/drivers/x.c', '"lib/core/error.h"'),
                              ('lib/bus/x.c', '<leat/pool.h>'),
                              ('lib/packet/x.c', '<leat/packet.h>'),
                              ('softnic/x.c', '"nic.h"'),
                              ('cmd/x.c', '"../softnic/nic.h"'),
                              ('examples/bare.c', '"lib/drivers/ixgbe.h"'),
                              ('softnic/x.c', '<linux/vfio.h>')):
            with self.subTest(path=path, include=include):
                self.check(path, include, True)

    def test_wrong(self):
        for path, include in (('softnic/x.c', '<leat/packet.h>'),
                              ('softnic/x.c', '"../lib/core/error.h"'),
                              ('lib/drivers/x.c', '"../../softnic/nic.h"'),
                              ('lib/core/x.c', '"../bus/bus.h"'),
                              ('lib/packet/x.c', '<leat/pool.h>'),
                              ('lib/packet/x.h', '"../core/error.h"'),
                              ('cmd/x.c', '"../lib/core/error.h"'),
                              ('examples/x.c', '"lib/drivers/ixgbe.h"'),
                              ('examples/bare.c', '"lib/drivers/pci.h"'),
                              ('include/leat/x.h', '"../../lib/core/error.h"')):
            with self.subTest(path=path, include=include):
                self.check(path, include, False)


if __name__ == '__main__':
    unittest.main()
