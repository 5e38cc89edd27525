/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and tables for the tests of lib/table; included after cmocka.h. */
#ifndef LEAT_TABLE_RIG_H
#define LEAT_TABLE_RIG_H

#include <leat/table.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t table_random;

static inline uint64_t random_number(void) {
    table_random = table_random * 6364136223846793005 + 1442695040888963407;
    return table_random >> 33;
}

static inline void start_random(void) {
    const char *given = getenv("LEAT_SEED");
    table_random = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("LEAT_SEED=%llu\n", (unsigned long long)table_random);
}

static inline struct leat_table_opts table_opts(uint32_t capacity, uint32_t key_bytes,
                                                uint32_t entry_bytes) {
    return (struct leat_table_opts){ .size = sizeof(struct leat_table_opts),
                                     .capacity = capacity,
                                     .key_bytes = key_bytes,
                                     .entry_bytes = entry_bytes,
                                     .seed = random_number() + 1 };
}

/* Each number another key. */
static inline void number_key(void *key, uint32_t key_bytes, uint32_t number) {
    memset(key, 0x5a, key_bytes);
    memcpy(key, &number, 4);
    number *= 2654435761u;
    memcpy((uint8_t *)key + key_bytes - 4, &number, 4);
}

static inline uint32_t find(const struct leat_table *table, const void *key) {
    uint64_t hash = leat_table_hash(table, key, table->key_bytes);
    return leat_table_find(table, key, table->key_bytes, hash);
}

static inline uint32_t insert(struct leat_table *table, const void *key, bool *made) {
    uint64_t hash = leat_table_hash(table, key, table->key_bytes);
    leat_table_prefetch(table, hash);
    return leat_table_insert(table, key, table->key_bytes, hash, made);
}

/* Nothing is left behind by what was removed. */
static inline void check_empty(const struct leat_table *table) {
    assert_int_equal(table->used, 0);
    assert_int_equal(table->overflow, 0);
    for (uint32_t i = 0; i < table->buckets; i++) {
        const struct leat_table_bucket *bucket = leat_table_bucket(table, i);
        assert_int_equal(bucket->away, 0);
        for (uint32_t slot = 0; slot < LEAT_TABLE_SLOTS; slot++)
            assert_int_equal(bucket->numbers[slot], 0);
    }
}

#endif
