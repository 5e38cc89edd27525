/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last error of each thread, as a sentence.
 */
#include "error.h"
#include "softnic.h"
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char sentence[512];

int softnic_fail(int err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    return -err;
}

const char *softnic_error(void) {
    return sentence;
}
