/* SPDX-License-Identifier: BSD-2-Clause */
/* What table_xdp.c is told in a packet, and the keys that all of the benchmark uses. */
#ifndef LEAT_BENCH_TABLE_XDP_H
#define LEAT_BENCH_TABLE_XDP_H

#include <stdint.h>

enum { TABLE_VALUE_BYTES = 64, TABLE_ROUND = 256 };

struct table_work {
    uint8_t ethernet[16];
    uint32_t insert;       /* keys `first` and following; else finds random ones from there */
    uint32_t first, among; /* of so many */
    uint32_t random;
    uint32_t done; /* found or inserted */
    uint32_t read; /* from values, so that they are read */
};

/* Key `number`; another for each. */
static inline __attribute__((always_inline)) void table_key(uint32_t *words, uint32_t bytes,
                                                            uint32_t number) {
    for (uint32_t i = 0; i < bytes / 4; i++)
        words[i] = number * (2654435761u + 2 * i) + i;
}

static inline __attribute__((always_inline)) uint32_t table_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
