/* SPDX-License-Identifier: BSD-2-Clause */
/* Error sentences, one a thread. */
#include "error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char sentence[LEAT_SENTENCE_BYTES];

const char *leat_error(void) {
    return sentence;
}

int leat_fail(int err, const char *format, ...) {
    /* Formatted aside, so that the old sentence may be among the arguments. */
    char text[LEAT_SENTENCE_BYTES];
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
