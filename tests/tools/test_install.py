# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts in place is enough to build and run a program with pkg-config, from
outside the sources, shared and static.

    test_install.py BUILD-DIRECTORY COMPILER FLAG..."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BUILD, COMPILER, FLAGS = sys.argv[1], sys.argv[2], sys.argv[3:]

PROGRAM = '''
#include <leat/leat.h>
#include <stdio.h>
int main(void) {
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 512, .pages = LEAT_PAGES_4K };
    struct leat_pool *pool;
    if (leat_pool_create(&pool, &opts) < 0) {
        printf("%s\\n", leat_error());
        return 1;
    }
    printf("%s %u\\n", LEAT_VERSION, leat_pool_free_count(pool));
    return leat_pool_destroy(pool) < 0;
}
'''


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.directory.name)
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet',
                        '--destdir', cls.root], check=True)
        cls.pc = cls.find('leat.pc')

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    @classmethod
    def find(cls, name):
        found = list(cls.root.rglob(name))
        assert len(found) == 1, f'{name}: {found}'
        return found[0]

    def pkg_config(self, *args, package='leat'):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.pc.parent),
                           PKG_CONFIG_SYSROOT_DIR=str(self.root),
                           PKG_CONFIG_ALLOW_SYSTEM_CFLAGS='1', PKG_CONFIG_ALLOW_SYSTEM_LIBS='1')
        return subprocess.run(['pkg-config', *args, package], env=environment, check=True,
                              capture_output=True, text=True).stdout.split()

    def run_program(self, *flags):
        program = self.root / 'program'
        subprocess.run([COMPILER, *FLAGS, '-x', 'c', '-', '-x', 'none', '-o', program, *flags],
                       input=PROGRAM, text=True, check=True)
        environment = dict(os.environ, LD_LIBRARY_PATH=str(self.find('libleat.so').parent))
        return subprocess.run([program], env=environment, check=True, capture_output=True,
                              text=True).stdout

    def test_shared(self):
        version = self.pkg_config('--modversion')[0]
        output = self.run_program(*self.pkg_config('--cflags', '--libs'))
        self.assertEqual(output, f'{version} 512\n')

    def test_static(self):
        library = self.find('libleat.a')
        libraries = [str(library) if flag == '-lleat' else flag for flag in
                     self.pkg_config('--libs')]
        # The libraries that it needs are shared ones: not every system has the static ones of all.
        for word in self.pkg_config('--print-requires-private'): # "libbpf >= 1.0"
            if word[0].isalpha():
                libraries += self.pkg_config('--libs', package=word)
        output = self.run_program(*self.pkg_config('--cflags'), *libraries)
        self.assertTrue(output.endswith(' 512\n'), output)

    def test_command(self):
        done = subprocess.run([self.find('bin/leat'), '--help'], check=True, capture_output=True,
                              text=True)
        self.assertIn('leat', done.stdout)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
