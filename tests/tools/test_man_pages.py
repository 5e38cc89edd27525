# SPDX-License-Identifier: BSD-2-Clause
"""Each command has a manual page; page and --help tell of the same options.

    test_man_pages.py LEAT DIRECTORY-OF-PAGES"""

import pathlib
import re
import subprocess
import sys
import unittest

LEAT, PAGES = sys.argv[1], pathlib.Path(sys.argv[2])


def help_of(*words):
    return subprocess.run([LEAT, *words], check=True, capture_output=True, text=True).stdout


def commands():
    listed = help_of('help').split('Commands:\n')[1].split('\n\n')[0]
    return [line.split()[0] for line in listed.splitlines() if line.split()[0] != 'help']


def options_of_help(command):
    """All of "--batch" and "-b" at the beginning of a line of --help."""
    found = set()
    for line in help_of(command, '--help').splitlines():
        match = re.match(r'  (?:(-\w),|   ) (--[\w-]+)', line)
        found.update(word for word in (match.groups() if match else ()) if word)
    return found


def options_of_page(text):
    """The same of ".It Fl b , Fl -batch Ar n"."""
    return {'-' + flag for line in text.splitlines() if line.startswith('.It Fl ')
            for flag in re.findall(r'\bFl (\S+)', line)}


class ManPages(unittest.TestCase):
    def test_each_command_has_one_with_its_options(self):
        self.assertGreaterEqual(len(commands()), 6)
        for command in commands():
            with self.subTest(command):
                text = (PAGES / f'leat-{command}.1').read_text()
                self.assertIn('--help', options_of_help(command))
                self.assertEqual(options_of_page(text), options_of_help(command))

    def test_the_main_page_names_each_command(self):
        text = (PAGES / 'leat.1').read_text()
        for command in commands():
            self.assertIn(f'.Xr leat-{command} 1', text)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
