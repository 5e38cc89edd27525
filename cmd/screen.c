/* SPDX-License-Identifier: BSD-2-Clause */
#include "screen.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Control functions of ECMA-48 that every terminal but a dumb one has. */
#define HOME       "\033[H"
#define REST_LINE  "\033[K"
#define REST_BELOW "\033[J"

struct size {
    uint32_t rows, columns; /* 0: no terminal */
};

static struct size size_now(void) {
    struct winsize window;
    const char *kind = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !kind || !strcmp(kind, "dumb") ||
        ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0)
        return (struct size){ 0, 0 };
    /* A serial line does not know its size. */
    return (struct size){ window.ws_row ? window.ws_row : 24, window.ws_col ? window.ws_col : 80 };
}

uint32_t screen_rows(void) {
    struct size size = size_now();
    return size.rows ? size.rows - 1 : 0; /* the last one is the cursor's */
}

uint32_t screen_columns(void) {
    return size_now().columns;
}

static void print_cut(FILE *to, const char *page, size_t length, struct size size) {
    const char *end = page + length;
    fputs(HOME, to);
    for (uint32_t row = 1; row < size.rows && page < end; row++) {
        const char *newline = memchr(page, '\n', (size_t)(end - page));
        size_t bytes = (size_t)((newline ? newline : end) - page);
        fwrite(page, 1, bytes < size.columns ? bytes : size.columns, to);
        fputs(bytes < size.columns ? REST_LINE "\r\n" : "\r\n", to);
        page = newline ? newline + 1 : end;
    }
    fputs(REST_BELOW, to);
}

void screen_show(const char *page, size_t length) {
    struct size size = size_now();
    char *bytes = NULL;
    size_t n = 0;
    FILE *to = size.rows ? open_memstream(&bytes, &n) : NULL;
    if (!to) {
        fwrite(page, 1, length, stderr);
        return;
    }
    print_cut(to, page, length, size);
    if (fclose(to) == 0) {
        flockfile(stderr);
        for (size_t done = 0; done < n;) {
            ssize_t written = write(STDERR_FILENO, bytes + done, n - done);
            if (written <= 0)
                break;
            done += (size_t)written;
        }
        funlockfile(stderr);
    }
    free(bytes);
}
