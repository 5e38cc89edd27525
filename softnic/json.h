/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A strict reader of small JSON texts (RFC 8259), without allocation and with bounded nesting.
 */
#ifndef SOFTNIC_JSON_H
#define SOFTNIC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING };

struct json_value {
    enum json_kind kind;
    bool truth; /* JSON_BOOL */
    bool whole; /* JSON_NUMBER: a natural number that fits, in `number` */
    uint64_t number;
};

/* Told of each value that is no object or array, with the keys that lead to it, joined by dots.
 * Keys longer than 63 bytes in all, or with escapes, and elements of arrays come with an empty
 * path. */
typedef void json_visitor(void *ctx, const char *path, const struct json_value *value);

/* 0, or -EINVAL when the text is not exactly one JSON value, or nests deeper than 8. */
int json_read(const char *text, size_t bytes, json_visitor *visit, void *ctx);

#endif
