/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOFTNIC_ERROR_H
#define SOFTNIC_ERROR_H

/* Sets the thread's error sentence (softnic_error() in softnic.h) and returns -err. */
int softnic_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
