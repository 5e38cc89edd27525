/* SPDX-License-Identifier: BSD-2-Clause */
/* Error sentences, one a thread, and the log hook. */
#include "error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_BYTES 512

static _Thread_local char sentence[SENTENCE_BYTES];
static leat_log_fn *log_fn;
static void *log_ctx;

const char *leat_error(void) {
    return sentence;
}

int leat_fail(int err, const char *format, ...) {
    /* Formatted aside, so that the old sentence may be among the arguments. */
    char text[SENTENCE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    memcpy(sentence, text, sizeof(text));
    return -err;
}

int leat_fail_in(int err, const char *object) {
    leat_fail(0, "%s: %s", object, sentence);
    return err;
}

void leat_set_log(leat_log_fn *fn, void *ctx) {
    log_ctx = ctx;
    log_fn = fn;
}

void leat_log(enum leat_log_level level, const char *format, ...) {
    if (!log_fn)
        return;
    char text[SENTENCE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_fn(log_ctx, level, text);
}
