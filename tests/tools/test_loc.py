# SPDX-License-Identifier: BSD-2-Clause
"""What tools/loc takes for a line of code, and for an object that a program needs."""

import importlib.machinery
import importlib.util
import pathlib
import unittest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'loc'
loader = importlib.machinery.SourceFileLoader('loc', str(TOOL))
loader.path = str(TOOL)
loc = importlib.util.module_from_spec(importlib.util.spec_from_loader('loc', loader))
loader.exec_module(loc)

MAP = '''Archive member included to satisfy reference by file (symbol)

lib/libx.a(core_a.c.o)        main.p/main.c.o (leat_a)

Discarded input sections

 .text          0x0000000000000000        0x0 lib/libx.a(core_gone.c.o)
 .text.leat_gone
                0x0000000000000000      0x120 lib/libx.a(core_gone.c.o)

Linker script and memory map

LOAD main.p/main.c.o
LOAD lib/libx.a
 .text          0x0000000000001270       0x22 main.p/main.c.o
 .text          0x0000000000001292        0x0 lib/libx.a(core_gone.c.o)
 .text.leat_a
                0x00000000000012a0       0xb9 lib/libx.a(core_a.c.o)
 .rodata.table  0x00000000000022a0       0x10 lib/libx.a(core_table.c.o)
 .comment       0x0000000000000000       0x1f lib/libx.a(core_gone.c.o)
'''


class Lines(unittest.TestCase):
    def check(self, lines, text):
        self.assertEqual(loc.code_lines(text), lines)

    def test_blank_and_comment(self):
        self.check(0, '\n  \t\n/* one\n\n   two */\n// three\n')

    def test_code_beside_comment(self):
        self.check(2, 'int a; /* one\ntwo */\n/* three */ int b; // four\n')

    def test_comment_inside_a_string(self):
        self.check(3, 'const char *a = "/*";\nint b;\nconst char *c = "*/ // \\"";\n')

    def test_quote_inside_a_comment(self):
        self.check(1, "/* the device's */\nint a; // isn't \"\n/* \" */\n")

    def test_slash_in_a_character(self):
        self.check(2, "char a = '/';\nchar b = '\"'; /* \" */\n")


class Objects(unittest.TestCase):
    def test_only_what_stayed(self):
        self.assertEqual(loc.used_objects(MAP), {'main.c.o', 'core_a.c.o', 'core_table.c.o'})


if __name__ == '__main__':
    unittest.main()
