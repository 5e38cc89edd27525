/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recursive descent over RFC 8259. Each function leaves the position behind what it recognised and
 * says whether it did.
 */
#include "json.h"
#include <errno.h>
#include <string.h>

#define DEPTH_MAX      8
#define PATH_MAX_BYTES 64

struct reader {
    const char *at, *end;
    json_visitor *visit;
    void *ctx;
    uint32_t depth;
    char path[PATH_MAX_BYTES];
    bool nameless; /* the path does not tell where we are */
};

static bool read_value(struct reader *r);

static bool next_is(const struct reader *r, char c) {
    return r->at < r->end && *r->at == c;
}

static bool take(struct reader *r, char c) {
    if (!next_is(r, c))
        return false;
    r->at++;
    return true;
}

static void skip_space(struct reader *r) {
    while (next_is(r, ' ') || next_is(r, '\t') || next_is(r, '\n') || next_is(r, '\r'))
        r->at++;
}

static bool take_word(struct reader *r, const char *word) {
    size_t bytes = strlen(word);
    if ((size_t)(r->end - r->at) < bytes || memcmp(r->at, word, bytes) != 0)
        return false;
    r->at += bytes;
    return true;
}

static bool is_digit(const struct reader *r) {
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static bool is_hex(const struct reader *r) {
    return is_digit(r) || (r->at < r->end &&
                           ((*r->at >= 'a' && *r->at <= 'f') || (*r->at >= 'A' && *r->at <= 'F')));
}

static bool take_digits(struct reader *r) {
    if (!is_digit(r))
        return false;
    while (is_digit(r))
        r->at++;
    return true;
}

static bool take_escape(struct reader *r) {
    if (r->at == r->end || !strchr("\"\\/bfnrtu", *r->at) || *r->at == '\0')
        return false;
    if (*r->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, r->at++)
        if (!is_hex(r))
            return false;
    return true;
}

/* The bytes between the quotes, and whether any of them is an escape. */
static bool take_string(struct reader *r, const char **text, size_t *bytes, bool *escaped) {
    if (!take(r, '"'))
        return false;
    *text = r->at;
    *escaped = false;
    while (r->at < r->end && *r->at != '"') {
        if ((unsigned char)*r->at < 0x20)
            return false;
        if (*r->at++ == '\\') {
            *escaped = true;
            if (!take_escape(r))
                return false;
        }
    }
    *bytes = (size_t)(r->at - *text);
    return take(r, '"');
}

static void tell(struct reader *r, const struct json_value *value) {
    r->visit(r->ctx, r->nameless ? "" : r->path, value);
}

static bool read_string(struct reader *r) {
    const char *text;
    size_t bytes;
    bool escaped;
    if (!take_string(r, &text, &bytes, &escaped))
        return false;
    tell(r, &(struct json_value){ .kind = JSON_STRING });
    return true;
}

static bool natural(const char *from, const char *to, uint64_t *number) {
    *number = 0;
    for (; from < to; from++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*from - '0'), number))
            return false;
    return true;
}

static bool read_number(struct reader *r) {
    struct json_value value = { .kind = JSON_NUMBER, .whole = true };
    if (take(r, '-'))
        value.whole = false;
    const char *digits = r->at;
    if (!take(r, '0') && !take_digits(r))
        return false;
    value.whole = value.whole && natural(digits, r->at, &value.number);
    if (take(r, '.')) {
        value.whole = false;
        if (!take_digits(r))
            return false;
    }
    if (take(r, 'e') || take(r, 'E')) {
        value.whole = false;
        if (!take(r, '+'))
            take(r, '-');
        if (!take_digits(r))
            return false;
    }
    tell(r, &value);
    return true;
}

static bool read_word(struct reader *r) {
    struct json_value value = { .kind = JSON_BOOL };
    if (take_word(r, "true"))
        value.truth = true;
    else if (take_word(r, "null"))
        value.kind = JSON_NULL;
    else if (!take_word(r, "false"))
        return false;
    tell(r, &value);
    return true;
}

/* Appends a key to the path, or says that the path no longer tells. */
static void enter(struct reader *r, size_t length, const char *key, size_t bytes, bool escaped) {
    size_t dot = length > 0;
    if (escaped || length + dot + bytes >= PATH_MAX_BYTES || memchr(key, '.', bytes)) {
        r->nameless = true;
        return;
    }
    if (dot)
        r->path[length] = '.';
    memcpy(r->path + length + dot, key, bytes);
    r->path[length + dot + bytes] = '\0';
}

static bool read_member(struct reader *r) {
    const char *key;
    size_t bytes, length = strlen(r->path);
    bool escaped, nameless = r->nameless;
    if (!take_string(r, &key, &bytes, &escaped))
        return false;
    skip_space(r);
    if (!take(r, ':'))
        return false;
    enter(r, length, key, bytes, escaped);
    bool read = read_value(r);
    r->path[length] = '\0';
    r->nameless = nameless;
    return read;
}

static bool read_members(struct reader *r) {
    skip_space(r);
    if (take(r, '}'))
        return true;
    do {
        skip_space(r);
        if (!read_member(r))
            return false;
    } while (take(r, ','));
    return take(r, '}');
}

static bool read_elements(struct reader *r) {
    bool nameless = r->nameless;
    r->nameless = true;
    skip_space(r);
    if (!next_is(r, ']')) {
        do {
            if (!read_value(r))
                return false;
        } while (take(r, ','));
    }
    r->nameless = nameless;
    return take(r, ']');
}

/* A value with the white space on both sides of it. */
static bool read_value(struct reader *r) {
    skip_space(r);
    bool read = false;
    if (r->depth == DEPTH_MAX)
        return false;
    r->depth++;
    if (take(r, '{'))
        read = read_members(r);
    else if (take(r, '['))
        read = read_elements(r);
    else if (next_is(r, '"'))
        read = read_string(r);
    else if (next_is(r, '-') || is_digit(r))
        read = read_number(r);
    else
        read = read_word(r);
    r->depth--;
    skip_space(r);
    return read;
}

int json_read(const char *text, size_t bytes, json_visitor *visit, void *ctx) {
    struct reader r = { .at = text, .end = text + bytes, .visit = visit, .ctx = ctx };
    return read_value(&r) && r.at == r.end ? 0 : -EINVAL;
}
