/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes capture files in memory, in either byte order, right or wrong on purpose. */
#ifndef LEAT_TESTS_CAPTURE_BUILDER_H
#define LEAT_TESTS_CAPTURE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct builder {
    bool swapped; /* the file's byte order is not this machine's */
    size_t bytes;
    uint8_t file[4 << 20];
};

static inline void put_bytes(struct builder *b, const void *bytes, size_t n) {
    memcpy(b->file + b->bytes, bytes, n);
    b->bytes += n;
}

static inline void put16(struct builder *b, uint32_t value) {
    uint16_t v = (uint16_t)value;
    v = b->swapped ? __builtin_bswap16(v) : v;
    put_bytes(b, &v, sizeof(v));
}

static inline void put32(struct builder *b, uint32_t value) {
    value = b->swapped ? __builtin_bswap32(value) : value;
    put_bytes(b, &value, sizeof(value));
}

static inline void put64(struct builder *b, uint64_t value) {
    value = b->swapped ? __builtin_bswap64(value) : value;
    put_bytes(b, &value, sizeof(value));
}

static inline void put_zeros(struct builder *b, size_t n) {
    memset(b->file + b->bytes, 0, n);
    b->bytes += n;
}

static inline void build_pcap(struct builder *b, bool swapped, bool nanoseconds, uint32_t link) {
    b->bytes = 0;
    b->swapped = swapped;
    put32(b, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    put16(b, 2);
    put16(b, 4);
    put64(b, 0);
    put32(b, 65535);
    put32(b, link);
}

static inline void add_record(struct builder *b, uint32_t seconds, uint32_t fraction,
                              const void *frame, uint32_t captured, uint32_t length) {
    put32(b, seconds);
    put32(b, fraction);
    put32(b, captured);
    put32(b, length);
    put_bytes(b, frame, captured);
}

/* begin_block() ... end_block(): returns where the block starts, for its length. */
static inline size_t begin_block(struct builder *b, uint32_t type) {
    size_t start = b->bytes;
    put32(b, type);
    put32(b, 0);
    return start;
}

static inline void end_block(struct builder *b, size_t start) {
    put_zeros(b, -(b->bytes - start) & 3);
    uint32_t total = (uint32_t)(b->bytes - start + 4);
    size_t end = b->bytes;
    b->bytes = start + 4;
    put32(b, total);
    b->bytes = end;
    put32(b, total);
}

static inline void add_section(struct builder *b, bool swapped) {
    b->swapped = swapped;
    size_t start = begin_block(b, 0x0a0d0d0a);
    put32(b, 0x1a2b3c4d);
    put16(b, 1);
    put16(b, 0);
    put64(b, UINT64_MAX);
    end_block(b, start);
}

static inline void put_option(struct builder *b, uint32_t code, const void *value, uint32_t n) {
    put16(b, code);
    put16(b, n);
    put_bytes(b, value, n);
    put_zeros(b, -n & 3);
}

/* With a name, which nobody needs, before the resolution, and the end of options after it. */
static inline void add_interface(struct builder *b, uint32_t link, uint32_t snaplen,
                                 uint8_t resolution, int64_t offset_s, uint8_t fcs_bytes) {
    size_t start = begin_block(b, 1);
    put16(b, link);
    put16(b, 0);
    put32(b, snaplen);
    put_option(b, 2, "eth0x", 5);
    if (resolution != 6)
        put_option(b, 9, &resolution, 1);
    if (fcs_bytes)
        put_option(b, 13, &fcs_bytes, 1);
    if (offset_s) {
        uint64_t offset = (uint64_t)offset_s;
        offset = b->swapped ? __builtin_bswap64(offset) : offset;
        put_option(b, 14, &offset, 8);
    }
    put_option(b, 0, "", 0);
    end_block(b, start);
}

static inline void add_enhanced(struct builder *b, uint32_t interface, uint64_t ticks,
                                const void *frame, uint32_t captured, uint32_t length) {
    size_t start = begin_block(b, 6);
    put32(b, interface);
    put32(b, (uint32_t)(ticks >> 32));
    put32(b, (uint32_t)ticks);
    put32(b, captured);
    put32(b, length);
    put_bytes(b, frame, captured);
    put_zeros(b, -captured & 3);
    put_option(b, 1, "a comment", 9);
    put_option(b, 0, "", 0);
    end_block(b, start);
}

static inline void add_simple(struct builder *b, const void *frame, uint32_t captured,
                              uint32_t length) {
    size_t start = begin_block(b, 3);
    put32(b, length);
    put_bytes(b, frame, captured);
    end_block(b, start);
}

static inline void add_obsolete(struct builder *b, uint32_t interface, uint64_t ticks,
                                const void *frame, uint32_t captured, uint32_t length) {
    size_t start = begin_block(b, 2);
    put16(b, interface);
    put16(b, 0xffff);
    put32(b, (uint32_t)(ticks >> 32));
    put32(b, (uint32_t)ticks);
    put32(b, captured);
    put32(b, length);
    put_bytes(b, frame, captured);
    end_block(b, start);
}

/* Of a kind that readers pass over. */
static inline void add_unknown(struct builder *b, uint32_t type, uint32_t bytes) {
    size_t start = begin_block(b, type);
    put_zeros(b, bytes);
    end_block(b, start);
}

#endif
