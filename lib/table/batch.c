/* SPDX-License-Identifier: BSD-2-Clause */
/* Many look-ups at once: what one of them waits for from memory, the others' work hides. */
#include <leat/table.h>

#define BATCH_MAX 64

static inline __attribute__((always_inline)) uint32_t
find_batch(const struct leat_table *table, const uint8_t *keys, uint32_t stride, uint32_t key_bytes,
           uint32_t n, uint64_t *hashes, uint32_t *indexes) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        hashes[i] = leat_table_hash(table, keys + (size_t)i * stride, key_bytes);
        leat_table_prefetch(table, hashes[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        indexes[i] = leat_table_prefetch_entry(table, hashes[i]);
    for (uint32_t i = 0; i < n; i++) {
        indexes[i] = leat_table_find_likely(table, indexes[i], keys + (size_t)i * stride, key_bytes,
                                            hashes[i]);
        found += indexes[i] != LEAT_TABLE_NONE;
    }
    return found;
}

/* Hashing and comparing by a constant number of bytes, for the keys of the flow cache, is twice as
 * fast. */
uint32_t leat_table_find_batch(const struct leat_table *table, const void *keys, uint32_t stride,
                               uint32_t key_bytes, uint32_t n, uint64_t *hashes,
                               uint32_t *indexes) {
    n = n < BATCH_MAX ? n : BATCH_MAX;
    switch (key_bytes) {
    case 16:
        return find_batch(table, keys, stride, 16, n, hashes, indexes);
    case 40:
        return find_batch(table, keys, stride, 40, n, hashes, indexes);
    default:
        return find_batch(table, keys, stride, key_bytes, n, hashes, indexes);
    }
}
