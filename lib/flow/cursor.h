/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads big-endian fields from bytes that may end anywhere. What is read beyond the end is zero and
 * sets `ended`, which stays set: a parser reads on and looks once, before it believes.
 */
#ifndef LEAT_FLOW_CURSOR_H
#define LEAT_FLOW_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leat_cursor {
    const uint8_t *at;
    uint32_t left;
    bool ended; /* more was asked for than was there */
};

static inline struct leat_cursor leat_cursor(const uint8_t *bytes, uint32_t n) {
    return (struct leat_cursor){ bytes, n, false };
}

/* The next `n` bytes; of these, what is there: `c` has ended then, not yet the part. */
static inline struct leat_cursor leat_cursor_part(struct leat_cursor *c, uint64_t n) {
    struct leat_cursor part = { c->at, c->left, false };
    if (n > c->left)
        c->ended = true;
    else
        part.left = (uint32_t)n;
    c->at += part.left;
    c->left -= part.left;
    return part;
}

static inline uint64_t leat_cursor_number(struct leat_cursor *c, uint32_t bytes) {
    uint64_t value = 0;
    if (bytes > c->left) {
        c->ended = true;
        c->left = 0;
        return 0;
    }
    for (uint32_t i = 0; i < bytes; i++)
        value = value << 8 | c->at[i];
    c->at += bytes;
    c->left -= bytes;
    return value;
}

static inline uint8_t leat_cursor_u8(struct leat_cursor *c) {
    return (uint8_t)leat_cursor_number(c, 1);
}

static inline uint16_t leat_cursor_u16(struct leat_cursor *c) {
    return (uint16_t)leat_cursor_number(c, 2);
}

static inline uint32_t leat_cursor_u24(struct leat_cursor *c) {
    return (uint32_t)leat_cursor_number(c, 3);
}

static inline uint32_t leat_cursor_u32(struct leat_cursor *c) {
    return (uint32_t)leat_cursor_number(c, 4);
}

#endif
