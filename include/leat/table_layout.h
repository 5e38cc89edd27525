/* SPDX-License-Identifier: BSD-2-Clause */
/* Where everything lies in a table's region, and how its bytes are reached; included by table.h.
 *
 *   of one writer: struct leat_table | buckets | links, 4 bytes an entry | entries
 *   shared:        struct leat_table | bucket, its 8 entries | bucket, its 8 entries | ...
 *
 * A shared table's entry belongs to the slot of its number. Lying beside its bucket it is nearly
 * always on the same page, of which the kernel's are small: a look-up misses the TLB once.
 *
 * Slots change by whole words only, so that others may read beside the writer. */
#ifndef LEAT_TABLE_LAYOUT_H
#define LEAT_TABLE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAT_TABLE_KEY_WORDS 16
#define LEAT_TABLE_SLOTS     8
#define LEAT_TABLE_LINE      64
#define LEAT_TABLE_MAGIC     0x6c656174 /* "leat" */

/* A slot's number: 0 when empty, 1 + the entry's number, or of a shared table one of these. */
#define LEAT_TABLE_CLAIMED 0x80000000u /* by a writer at work; its tag in the low bits */
#define LEAT_TABLE_RETIRED 0x40000000u /* with CLAIMED: until leat_table_release() */

/* An entry's link: bit 31 when it is in use; below, 1 + the next of its list, or 0. */
#define LEAT_TABLE_IN_USE 0x80000000u

struct leat_table {
    uint32_t magic, flags;
    uint32_t capacity, entries;
    uint32_t buckets, key_bytes;
    uint32_t entry_bytes, tag_secret; /* which is odd */
    uint64_t buckets_at, entries_at;  /* bytes from the region's start */
    uint64_t mix[3];                  /* odd but the first */
    uint64_t links_at;
    uint32_t nh[LEAT_TABLE_KEY_WORDS];
    uint64_t bucket_step; /* bytes from a bucket to the next */
    uint64_t eight_step;  /* bytes from eight entries to the next eight */
    uint64_t mapped;      /* bytes to unmap in leat_table_destroy() */
    uint64_t reserved[3];

    /* Written as the table is used. */
    uint64_t moves; /* also the version that tells readers to look again */
    uint64_t inserts, removes, refused, contended;
    uint32_t used;
    uint32_t fresh;    /* entries from here on were never used */
    uint32_t free;     /* 1 + the first of those that were, or 0 */
    uint32_t overflow; /* 1 + the first entry that no bucket has room for, or 0 */
    uint64_t reserved2;
};

struct leat_table_bucket {
    uint16_t tags[LEAT_TABLE_SLOTS];
    uint32_t numbers[LEAT_TABLE_SLOTS];
    uint32_t away;       /* keys whose first bucket this is, and that are not in it */
    uint32_t alternates; /* bit i: slot i holds a key whose second bucket this is */
    uint32_t reserved[2];
};

_Static_assert(sizeof(struct leat_table) == 256, "fits the smallest unit of a shared table");
_Static_assert(sizeof(struct leat_table_bucket) == LEAT_TABLE_LINE, "one cache line");

/* On x86 these are ordinary moves. A BPF program has no other loads and stores; what must be in
 * order on other processors, too, it does by compare-and-swap. */
#ifdef __bpf__
#define leat_table_load(at)         (*(const volatile __typeof__(*(at)) *)(at))
#define leat_table_store(at, value) (*(volatile __typeof__(*(at)) *)(at) = (value))
#define LEAT_TABLE_INLINE           static inline __attribute__((always_inline))
#else
#define leat_table_load(at)         __atomic_load_n(at, __ATOMIC_ACQUIRE)
#define leat_table_store(at, value) __atomic_store_n(at, value, __ATOMIC_RELEASE)
#define LEAT_TABLE_INLINE           static inline
#endif

/* The region of a shared table is the values of an array map: the header, then the units of a
 * bucket and its entries, each as long. */
#define LEAT_TABLE_UNIT(entry_bytes)                           \
    (LEAT_TABLE_LINE + LEAT_TABLE_SLOTS * (entry_bytes) > 256u \
         ? LEAT_TABLE_LINE + LEAT_TABLE_SLOTS * (entry_bytes)  \
         : 256u)

#ifdef __bpf__

/* bpf_map_lookup_elem(). */
static void *(*const leat_table_unit)(const void *map, const uint32_t *number) = (void *)1;

/* The header, or NULL as far as the verifier knows. */
LEAT_TABLE_INLINE struct leat_table *leat_table_head(const struct leat_table *map) {
    uint32_t number = 0;
    return leat_table_unit(map, &number);
}

LEAT_TABLE_INLINE struct leat_table_bucket *leat_table_bucket(const struct leat_table *map,
                                                              uint32_t number) {
    number++;
    return leat_table_unit(map, &number);
}

/* The entry of a slot of a bucket. */
LEAT_TABLE_INLINE void *leat_table_beside(const struct leat_table *map,
                                          const struct leat_table_bucket *bucket, uint32_t slot) {
    (void)map;
    return (uint8_t *)(bucket + 1) + slot % LEAT_TABLE_SLOTS * LEAT_TABLE_ENTRY_BYTES;
}

LEAT_TABLE_INLINE void *leat_table_entry_at(const struct leat_table *map, uint32_t index) {
    const struct leat_table_bucket *bucket = leat_table_bucket(map, index / LEAT_TABLE_SLOTS);
    return bucket ? leat_table_beside(map, bucket, index) : (void *)0;
}

#else

static inline struct leat_table *leat_table_head(const struct leat_table *table) {
    return (struct leat_table *)table;
}

static inline struct leat_table_bucket *leat_table_bucket(const struct leat_table *table,
                                                          uint32_t number) {
    return (void *)((const uint8_t *)table + table->buckets_at + number * table->bucket_step);
}

static inline void *leat_table_beside(const struct leat_table *table,
                                      const struct leat_table_bucket *bucket, uint32_t slot) {
    return (uint8_t *)(bucket + 1) + (uint64_t)(slot % LEAT_TABLE_SLOTS) * table->entry_bytes;
}

static inline void *leat_table_entry_at(const struct leat_table *table, uint32_t index) {
    return (void *)((const uint8_t *)table + table->entries_at +
                    index / LEAT_TABLE_SLOTS * table->eight_step +
                    (uint64_t)(index % LEAT_TABLE_SLOTS) * table->entry_bytes);
}

static inline uint32_t *leat_table_link(const struct leat_table *table, uint32_t index) {
    return (uint32_t *)((const uint8_t *)table + table->links_at) + index;
}

#endif

/* Of a shared table, whose entries belong to the slots of their numbers. */
LEAT_TABLE_INLINE uint32_t *leat_table_slot(const struct leat_table *table, uint32_t index) {
    struct leat_table_bucket *bucket = leat_table_bucket(table, index / LEAT_TABLE_SLOTS);
    return bucket ? &bucket->numbers[index % LEAT_TABLE_SLOTS] : (uint32_t *)0;
}

/* By multiplication instead of division: any number of buckets will do. */
LEAT_TABLE_INLINE uint32_t leat_table_first(const struct leat_table *head, uint64_t hash) {
    return (uint32_t)((hash >> 32) * head->buckets >> 32);
}

LEAT_TABLE_INLINE uint16_t leat_table_tag(uint64_t hash) {
    return (uint16_t)hash;
}

/* The other bucket of a key that has this tag and `bucket`. Its own inverse, so that a slot can be
 * moved without its key. */
LEAT_TABLE_INLINE uint32_t leat_table_other(const struct leat_table *head, uint32_t bucket,
                                            uint16_t tag) {
    uint32_t spread = (tag + 1u) * head->tag_secret;
    uint32_t sum = (uint32_t)((uint64_t)spread * head->buckets >> 32);
    return sum >= bucket ? sum - bucket : sum + head->buckets - bucket;
}

#endif
