/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups and inserts inside XDP: of a shared table, and of the kernel's hash and LRU maps. */
#include "table_xdp.h"
#define LEAT_TABLE_ENTRY_BYTES (KEY_BYTES + TABLE_VALUE_BYTES)
#include <leat/table.h>

#define SECTION(name) __attribute__((section(name), used))
#define INLINE        static inline __attribute__((always_inline))

struct xdp_md {
    uint32_t data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
enum { XDP_DROP = 1, XDP_PASS = 2 };

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value,
                                uint64_t flags) = (void *)2;
static long (*const loop)(uint32_t n, void *callback, void *ctx, uint64_t flags) = (void *)181;

struct key {
    uint32_t words[KEY_BYTES / 4];
};
struct value {
    uint64_t words[TABLE_VALUE_BYTES / 8];
};

SECTION(".maps") struct {
    int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
    uint32_t *key;
    uint8_t (*value)[LEAT_TABLE_UNIT(LEAT_TABLE_ENTRY_BYTES)];
    int (*max_entries)[1];
    int (*map_flags)[1 << 10]; /* BPF_F_MMAPABLE */
} region;
SECTION(".maps") struct {
    int (*type)[1]; /* BPF_MAP_TYPE_HASH */
    struct key *key;
    struct value *value;
    int (*max_entries)[1];
} hash;
SECTION(".maps") struct {
    int (*type)[9]; /* BPF_MAP_TYPE_LRU_HASH */
    struct key *key;
    struct value *value;
    int (*max_entries)[1];
} lru;

#define TABLE ((struct leat_table *)(void *)&region)

INLINE void next_key(struct table_work *work, struct key *key) {
    uint32_t number = work->first;
    if (work->insert)
        work->first++;
    else
        number += (uint32_t)((uint64_t)table_random(&work->random) * work->among >> 32);
    table_key(key->words, KEY_BYTES, number);
}

INLINE long map_insert(void *map, struct table_work *work) {
    static const struct value zero;
    struct key key;
    next_key(work, &key);
    work->done += map_update(map, &key, &zero, 0) == 0;
    return 0;
}

INLINE long map_find(void *map, struct table_work *work) {
    struct key key;
    next_key(work, &key);
    const struct value *value = map_lookup(map, &key);
    if (value) {
        work->done++;
        work->read += (uint32_t)value->words[0];
    }
    return 0;
}

/* Each a loop's body. */
#define STEP(name) static long name(uint32_t i __attribute__((unused)), struct table_work *work)

STEP(hash_insert) {
    return map_insert(&hash, work);
}

STEP(hash_find) {
    return map_find(&hash, work);
}

STEP(lru_insert) {
    return map_insert(&lru, work);
}

STEP(lru_find) {
    return map_find(&lru, work);
}

STEP(table_insert) {
    struct key key;
    bool made;
    next_key(work, &key);
    uint64_t hashed = leat_table_hash(TABLE, &key, KEY_BYTES);
    leat_table_insert(TABLE, &key, KEY_BYTES, hashed, &made);
    work->done += made;
    return 0;
}

STEP(table_find) {
    struct key key;
    next_key(work, &key);
    uint64_t hashed = leat_table_hash(TABLE, &key, KEY_BYTES);
    uint32_t index = leat_table_find(TABLE, &key, KEY_BYTES, hashed);
    if (index == LEAT_TABLE_NONE)
        return 0;
    const uint8_t *entry = leat_table_entry(TABLE, index);
    if (entry) {
        work->done++;
        work->read += entry[KEY_BYTES];
    }
    return 0;
}

/* What all of them pay for the loop and the keys. */
STEP(empty_insert) {
    struct key key;
    next_key(work, &key);
    work->read += key.words[1];
    return 0;
}

#define PROGRAM(name)                                                            \
    SECTION("xdp") int bench_##name(struct xdp_md *ctx) {                        \
        struct table_work *at = (struct table_work *)(uintptr_t)ctx->data, work; \
        if ((uint8_t *)(uintptr_t)ctx->data_end < (uint8_t *)(at + 1))           \
            return XDP_DROP;                                                     \
        work = *at;                                                              \
        if (work.insert)                                                         \
            loop(TABLE_ROUND, name##_insert, &work, 0);                          \
        else                                                                     \
            loop(TABLE_ROUND, name##_find, &work, 0);                            \
        *at = work;                                                              \
        return XDP_PASS;                                                         \
    }
PROGRAM(table)
PROGRAM(hash)
PROGRAM(lru)

#define empty_find empty_insert
PROGRAM(empty)

SECTION("license") char terms[] = "Dual BSD/GPL";
