/* SPDX-License-Identifier: BSD-2-Clause */
/* Where --json says: asked for before a run, so that none is in vain, and written after it. */
#ifndef CMD_JSON_FILE_H
#define CMD_JSON_FILE_H

#include <jansson.h>

/* Whether json_file_write() can write there, as far as that can be known; leaves no trace. `path`
 * may be NULL. 0, or a negative errno after saying why on standard error. */
int json_file_check(const char *path);

/* Writes it to standard output for "-", else to the file `path`, which is complete under its name
 * or as it was before. Takes `json`, of which NULL is no memory. 0, or a negative errno after
 * saying why. */
int json_file_write(json_t *json, const char *path);

#endif
