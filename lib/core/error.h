/* SPDX-License-Identifier: BSD-2-Clause */
/* How library code fails and logs. */
#ifndef LEAT_CORE_ERROR_H
#define LEAT_CORE_ERROR_H

#include <leat/error.h>

#define LEAT_SENTENCE_BYTES 512

/* Sets the thread's error sentence and returns -err: return leat_fail(EINVAL, "%s: ...", name); */
int leat_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "object: " before the thread's error sentence and returns err unchanged, for a caller that
 * knows the object's name better. */
int leat_fail_in(int err, const char *object);

void leat_log(enum leat_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
