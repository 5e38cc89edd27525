# SPDX-License-Identifier: BSD-2-Clause
"""tests/guest/run ends as the test in the guest did, and takes a guest that died for a failure. QEMU
is a stand-in that shows its arguments and says what the guest would."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).parents[1] / 'guest' / 'run'

QEMU = '''#!/bin/bash
echo "arguments: $*"
printf "$SAYS"
'''


class Guest(unittest.TestCase):
    def run_test(self, head='', says=''):
        """Exit status and output of a test with this head, whose guest says this."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            kernel = root / 'guest' / 'newest'
            (root / 'tools').mkdir()
            kernel.mkdir(parents=True)
            (kernel / 'vmlinuz').touch()
            (kernel / 'modules.builtin').write_text('kernel/virtio-pci.ko\n', encoding='utf-8')
            (kernel / 'virtio_net.ko').write_bytes(b'\0depends=virtio-pci\0')
            for name, text in (('qemu-system-x86_64', QEMU), ('busybox', '')):
                (root / 'tools' / name).write_text(text, encoding='utf-8')
                (root / 'tools' / name).chmod(0o755)
            (root / 'test.sh').write_text(head, encoding='utf-8')
            done = subprocess.run([sys.executable, RUN, '--build', root, root / 'test.sh'],
                                  check=False, capture_output=True, text=True,
                                  env=dict(os.environ, SAYS=says,
                                           PATH=f'{root}/tools:{os.environ["PATH"]}'))
            return done.returncode, done.stdout + done.stderr

    def test_ends_as_the_test_did(self):
        for status, expected in ((0, 0), (1, 1), (2, 1), (77, 77), (130, 1)):
            with self.subTest(status=status):
                code, output = self.run_test(says=f'why\\r\\nThe test ended with {status}\\r\\n')
                self.assertEqual(code, expected, output)
                self.assertIn('why\n', output)

    def test_the_guest_died(self):
        for says in ('', 'ok: so far\\n', 'The test ended with'):
            with self.subTest(says=says):
                code, output = self.run_test(says=says)
                self.assertEqual(code, 1, output)
                self.assertIn('the guest died', output)

    def test_the_machine_that_the_head_asks_for(self):
        output = self.run_test('# nic: a wire=3 zerocopy\n# nic: b wire=3\n# cpus: 2\n')[1]
        self.assertIn('-smp 2', output)
        self.assertRegex(output, r'local.path=\S*/a,remote.type=unix,remote.path=\S*/b')
        self.assertRegex(output, r'local.path=\S*/b,remote.type=unix,remote.path=\S*/a')
        self.assertEqual(output.count('iommu_platform=on'), 1, output)
        self.assertIn('nic.a=52:54:', output)

    def test_what_is_not_there(self):
        self.assertEqual(self.run_test('# programs: no-such-program\n'),
                         (77, 'needs no-such-program\n'))
        code, output = self.run_test('# modules: no_such_module\n')
        self.assertEqual(code, 1)
        self.assertIn('no module no_such_module', output)

    def test_modules_come_after_what_they_need(self):
        sys.path.insert(0, str(RUN.parent))
        import initramfs  # pylint: disable=import-outside-toplevel
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, needs in (('a', 'b-2,c'), ('b-2', 'c'), ('c', '')):
                (root / f'{name}.ko').write_bytes(b'\0depends=' + needs.encode() + b'\0')
            self.assertEqual(list(initramfs.Modules(root).in_order(['a', 'c'])), ['c', 'b_2', 'a'])


if __name__ == '__main__':
    unittest.main()
