/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that are written one after another: a growing buffer for the sinks that make text or
 * messages. Where memory is short, `failed` is set and what follows is dropped; whoever sends the
 * buffer looks at it once.
 */
#ifndef LEAT_FLOW_TEXT_H
#define LEAT_FLOW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct leat_text {
    char *bytes;
    size_t n, room;
    bool failed;
};

void leat_text_free(struct leat_text *text);
/* Makes room for `more` bytes behind the `n` that there are. */
bool leat_text_grow(struct leat_text *text, size_t more);

static inline bool leat_text_room(struct leat_text *text, size_t more) {
    return text->room - text->n >= more || leat_text_grow(text, more);
}

static inline void leat_text_put(struct leat_text *text, const void *bytes, size_t n) {
    if (n > 0 && leat_text_room(text, n)) {
        memcpy(text->bytes + text->n, bytes, n);
        text->n += n;
    }
}

static inline void leat_text_string(struct leat_text *text, const char *string) {
    leat_text_put(text, string, strlen(string));
}

static inline void leat_text_char(struct leat_text *text, char c) {
    if (leat_text_room(text, 1))
        text->bytes[text->n++] = c;
}

void leat_text_number(struct leat_text *text, uint64_t number);
void leat_text_digits(struct leat_text *text, uint64_t number, uint32_t digits); /* with zeros */
void leat_text_real(struct leat_text *text, double real);
void leat_text_hex(struct leat_text *text, const void *bytes, size_t n);
void leat_text_mac(struct leat_text *text, const uint8_t mac[6]);
void leat_text_ip4(struct leat_text *text, const uint8_t address[4]);
void leat_text_ip6(struct leat_text *text, const uint8_t address[16]);
/* Nanoseconds since 1970 as RFC 3339 has it, in UTC, with `digits` behind the seconds: 0 to 9. */
void leat_text_time(struct leat_text *text, uint64_t time_ns, uint32_t digits);

/* Within quotes of JSON (RFC 8259, 7). Bytes that are not UTF-8 are taken for Latin-1. */
void leat_text_json_string(struct leat_text *text, const char *string, size_t n);
/* A field of a CSV line (RFC 4180, 2), in quotes where it needs them. */
void leat_text_csv_string(struct leat_text *text, const char *string, size_t n);

#endif
