# SPDX-License-Identifier: BSD-2-Clause
"""What tools/symbols.py takes for a public symbol."""

import importlib.util
import pathlib
import unittest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'symbols.py'
spec = importlib.util.spec_from_file_location('symbols', TOOL)
symbols = importlib.util.module_from_spec(spec)
spec.loader.exec_module(symbols)


class Symbols(unittest.TestCase):
    def check(self, text, *names):
        self.assertEqual(list(symbols.functions(text)), list(names))

    def test_prototype(self):
        self.check('int leat_open(struct leat_port **port,\n    const char *name);', 'leat_open')

    def test_pointer_result(self):
        self.check('const char *leat_error(void);', 'leat_error')

    def test_array_parameter(self):
        self.check('int leat_set(const uint8_t (*groups)[6], uint32_t n);', 'leat_set')

    def test_function_parameter(self):
        self.check('void leat_each(void (*leat_fn)(int), int n);', 'leat_each')

    def test_two_on_one_line(self):
        self.check('void leat_a(void); void leat_b(void);', 'leat_a', 'leat_b')

    def test_not_symbols(self):
        self.check('''
            /* int leat_comment(void); */
            #define LEAT_M(x) \\
                int leat_macro(x);
            typedef void leat_fn(void *ctx);
            struct leat_ops { int (*run)(void); int leat_member(int); };
            static inline int leat_inline(int n) { if (n) { leat_called(n); } return 0; }
            ''')

    def test_after_a_body(self):
        self.check('static inline int leat_i(void) { return 0; }\nint leat_j(void);', 'leat_j')

    def test_attribute(self):
        self.check('int leat_f(const char *s, ...) __attribute__((format(printf, 1, 2)));', 'leat_f')


if __name__ == '__main__':
    unittest.main()
