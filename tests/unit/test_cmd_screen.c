/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages on a terminal are cut to its size, and repaint it in one write; elsewhere they are just
 * text. */
#include "cmd/screen.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
/* cmocka wants those before it. */
#include <cmocka.h>

static const char page[] = "one\ntwo is long\nthree\nfour\n";

/* What screen_show() writes where standard error is `fd`, as read from `from`. */
static const char *shown(int fd, int from, uint32_t *rows) {
    static char seen[4096];
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    *rows = screen_rows();
    screen_show(page, strlen(page));
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t n = read(from, seen, sizeof(seen) - 1);
    assert_true(n > 0);
    seen[n] = '\0';
    return seen;
}

static void expect(uint16_t lines, uint16_t columns, const char *kind, uint32_t rows,
                   const char *text) {
    int pty = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(pty >= 0 && grantpt(pty) == 0 && unlockpt(pty) == 0);
    int terminal = open(ptsname(pty), O_RDWR | O_NOCTTY);
    const struct winsize size = { .ws_row = lines, .ws_col = columns };
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    setenv("TERM", kind, 1);
    uint32_t got;
    assert_string_equal(shown(terminal, pty, &got), text);
    assert_int_equal(got, rows);
    close(terminal);
    close(pty);
}

/* The line discipline makes \r\r\n of \r\n. */
static void test_pages_are_cut_to_the_terminal(void **state) {
    (void)state;
    expect(24, 80, "xterm", 23,
           "\033[Hone\033[K\r\r\ntwo is long\033[K\r\r\nthree\033[K\r\r\nfour\033[K\r\r\n\033[J");
    expect(3, 5, "xterm", 2, "\033[Hone\033[K\r\r\ntwo i\r\r\n\033[J");
    expect(1, 1, "xterm", 0, "\033[H\033[J");
}

static void test_elsewhere_they_are_text(void **state) {
    (void)state;
    int ends[2];
    uint32_t rows;
    expect(3, 5, "dumb", 0, "one\r\ntwo is long\r\nthree\r\nfour\r\n");
    assert_int_equal(pipe(ends), 0);
    assert_string_equal(shown(ends[1], ends[0], &rows), page);
    assert_int_equal(rows, 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_cut_to_the_terminal),
        cmocka_unit_test(test_elsewhere_they_are_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
