/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's log function: what no return value can tell. */
#include "error.h"
#include <stdarg.h>
#include <stdio.h>

static leat_log_fn *log_fn;
static void *log_ctx;

void leat_set_log(leat_log_fn *fn, void *ctx) {
    log_ctx = ctx;
    log_fn = fn;
}

void leat_log(enum leat_log_level level, const char *format, ...) {
    if (!log_fn)
        return;
    char text[LEAT_SENTENCE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_fn(log_ctx, level, text);
}
