/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of this library in user space, by batches as packets come, and one by one. */
#include "table_peers.h"
#include "table_xdp.h"
#include <leat/table.h>

#define BATCH 64

struct leat_table *table_here;

static bool open_leat(uint32_t capacity, uint32_t key_bytes) {
    struct leat_table_opts opts = { .size = sizeof(opts),
                                    .capacity = capacity,
                                    .key_bytes = key_bytes,
                                    .entry_bytes = key_bytes + TABLE_VALUE_BYTES };
    return leat_table_create(&table_here, &opts) == 0;
}

static void close_leat(void) {
    leat_table_destroy(table_here);
}

/* In batches, as packets come: the buckets are fetched for all before the first is looked at. */
uint32_t table_insert(const struct table_queries *queries) {
    uint32_t done = 0;
    for (uint32_t i = 0; i < queries->n; i += BATCH) {
        uint64_t hashes[BATCH];
        const uint8_t *keys = queries->keys + (size_t)i * queries->key_bytes;
        uint32_t n = queries->n - i < BATCH ? queries->n - i : BATCH;
        for (uint32_t k = 0; k < n; k++) {
            hashes[k] =
                leat_table_hash(table_here, keys + k * queries->key_bytes, queries->key_bytes);
            leat_table_prefetch(table_here, hashes[k]);
        }
        for (uint32_t k = 0; k < n; k++) {
            bool made;
            leat_table_insert(table_here, keys + k * queries->key_bytes, queries->key_bytes,
                              hashes[k], &made);
            done += made;
        }
    }
    return done;
}

uint32_t table_find_batches(const struct table_queries *queries) {
    uint32_t found = 0;
    volatile uint64_t read = 0; /* so that values are fetched */
    (void)read;
    for (uint32_t i = 0; i + BATCH <= queries->n; i += BATCH) {
        uint64_t hashes[BATCH];
        uint32_t indexes[BATCH];
        found +=
            leat_table_find_batch(table_here, queries->keys + (size_t)i * queries->key_bytes,
                                  queries->key_bytes, queries->key_bytes, BATCH, hashes, indexes);
        for (uint32_t k = 0; k < BATCH; k++)
            if (indexes[k] != LEAT_TABLE_NONE)
                read +=
                    ((const uint8_t *)leat_table_entry(table_here, indexes[k]))[queries->key_bytes];
    }
    return found;
}

static uint32_t find_singly(const struct table_queries *queries) {
    uint32_t found = 0;
    volatile uint64_t read = 0; /* so that values are fetched */
    (void)read;
    for (uint32_t i = 0; i < queries->n; i++) {
        const uint8_t *key = queries->keys + (size_t)i * queries->key_bytes;
        uint64_t hash = leat_table_hash(table_here, key, queries->key_bytes);
        uint32_t index = leat_table_find(table_here, key, queries->key_bytes, hash);
        if (index != LEAT_TABLE_NONE) {
            found++;
            read += ((const uint8_t *)leat_table_entry(table_here, index))[queries->key_bytes];
        }
    }
    return found;
}

const struct table_peer table_leat_peers[] = {
    { "leat batch 64", open_leat, table_insert, table_find_batches, close_leat },
    { "leat one by one", open_leat, table_insert, find_singly, close_leat },
};
