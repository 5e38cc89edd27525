/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table: a hash table of fixed capacity in one flat region, without pointers, so that XDP
 * programs and user space may work on the same bytes.
 *
 *   | struct leat_table | buckets, 64 bytes each             | entries: key, then the program's |
 *   | header            | 8 tags of 16 bits, 8 entry numbers | value; an entry never moves |
 *
 * A key has two buckets. A look-up compares tags, then the whole key of the entry: two cache lines
 * for nearly every hit. The hash is keyed with a secret of the table (UMAC's NH, RFC 4418, 5.2), so
 * that whoever chooses the keys cannot choose collisions.
 *
 * Capacity is a promise: with one writer, every insert succeeds as long as fewer than `capacity`
 * entries are in use; the writer moves tags between buckets to keep it. Readers beside the writer
 * notice such a move and look again.
 *
 * A SHARED table is written by XDP programs on all cores and by user space at once: a slot is
 * claimed by compare-and-swap, nobody waits for anybody, and no tags are moved. See "Shared" below.
 */
#ifndef LEAT_TABLE_H
#define LEAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <leat/table_layout.h>

#define LEAT_TABLE_NONE UINT32_MAX

enum {
    LEAT_TABLE_SHARED = 1 << 0,
};

struct leat_table_opts {
    size_t size;          /* sizeof(struct leat_table_opts) */
    uint32_t capacity;    /* entries that always fit; 1 to 2^30 */
    uint32_t key_bytes;   /* a multiple of 4, up to 64; keys are compared byte by byte */
    uint32_t entry_bytes; /* key included; a multiple of 8, up to 65,536 */
    uint32_t flags;       /* LEAT_TABLE_* */
    uint64_t seed; /* of the secret, for repeatable tests; 0: from the kernel's random numbers */
};

/* Bytes of a region for such a table; 0 if an option is out of range. */
size_t leat_table_bytes(const struct leat_table_opts *opts);

/* Makes an empty table of a region that the caller provides, aligned to 64 bytes, zeroed, and at
 * least leat_table_bytes() long. -EINVAL. */
int leat_table_init(struct leat_table **table, void *region, size_t bytes,
                    const struct leat_table_opts *opts);

/* The same with memory of its own: on huge pages where there are any. -ENOMEM, -EINVAL. */
int leat_table_create(struct leat_table **table, const struct leat_table_opts *opts);
void leat_table_destroy(struct leat_table *table); /* of create(); NULL is allowed */

/* An entry by its number: its key, then the program's bytes, zero when it is new. Stays where it is
 * until it is removed. Numbers are below leat_table_entries(). */
static inline void *leat_table_entry(struct leat_table *table, uint32_t index);

/* The keyed hash of `key_bytes`, which is a constant where speed counts. */
static inline uint64_t leat_table_hash(const struct leat_table *table, const void *key,
                                       uint32_t key_bytes);

/* The entry of a key, or LEAT_TABLE_NONE. `hash` is leat_table_hash(key). */
static inline uint32_t leat_table_find(const struct leat_table *table, const void *key,
                                       uint32_t key_bytes, uint64_t hash);

/* Fetches the first of the key's buckets into the cache, for a find or insert soon. */
static inline void leat_table_prefetch(const struct leat_table *table, uint64_t hash);

/* After leat_table_prefetch() of some time ago: fetches the entry that the key will probably have,
 * and returns its number or, if there is surely none in the first bucket, LEAT_TABLE_NONE. */
static inline uint32_t leat_table_prefetch_entry(const struct leat_table *table, uint64_t hash);

/* leat_table_find() after leat_table_prefetch_entry(), which returned `likely`: cheaper if that is
 * it. Nothing may have been removed in between. */
static inline uint32_t leat_table_find_likely(const struct leat_table *table, uint32_t likely,
                                              const void *key, uint32_t key_bytes, uint64_t hash);

/* Finds `n` keys (at most 64) that lie `stride` bytes apart; their hashes and entries' numbers go
 * to the arrays. Returns how many were found. */
uint32_t leat_table_find_batch(const struct leat_table *table, const void *keys, uint32_t stride,
                               uint32_t key_bytes, uint32_t n, uint64_t *hashes, uint32_t *indexes);

/* The entry of a key, made if there is none: `*made` says so. LEAT_TABLE_NONE: full, counted as
 * refused. By the one writer. */
static inline uint32_t leat_table_insert(struct leat_table *table, const void *key,
                                         uint32_t key_bytes, uint64_t hash, bool *made);

/* Removes an entry by its number; it may be reused by the next insert. By the one writer. */
void leat_table_remove(struct leat_table *table, uint32_t index);

/* Whether entry `index` is in use: for sweeps, which go over the numbers in order. */
static inline bool leat_table_used(const struct leat_table *table, uint32_t index);

struct leat_table_stats {
    uint32_t capacity, used;
    uint64_t inserts, removes;
    uint64_t refused;   /* inserts into a full table */
    uint64_t moves;     /* tags moved to make room */
    uint64_t contended; /* of a shared table: claims that another writer won */
};
void leat_table_stats(const struct leat_table *table, struct leat_table_stats *stats);
uint32_t leat_table_entries(const struct leat_table *table);

/*
 * Shared. The region is the values of an mmapable array map (BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE):
 * leat_table_unit_bytes() each, leat_table_bytes() together. A BPF program defines
 * LEAT_TABLE_ENTRY_BYTES before it includes this header, is compiled with -mcpu=v3, and passes its
 * map, whose values are LEAT_TABLE_UNIT(LEAT_TABLE_ENTRY_BYTES) long, as `table`; it has entry()
 * (NULL is to be checked), hash(), find() and insert().
 *
 * Nobody moves tags, so there are spare slots instead: 10 for 6 entries. That all of `capacity` fit
 * is then as good as certain, but no promise; insert() also gives up, and counts it as refused,
 * when others were faster four times.
 *
 * Whoever found an entry may go on adding to it, so it is removed in two steps:
 * leat_table_retire(), after which nobody finds it; wait for all who were at work (in lib/bpf:
 * leat_bpf_wait_for_programs()); read what they counted; leat_table_release().
 */
uint32_t leat_table_unit_bytes(const struct leat_table_opts *opts); /* 0: out of range */
bool leat_table_retire(struct leat_table *table, uint32_t index);   /* false: not in use */
void leat_table_release(struct leat_table *table, uint32_t index);

/* Of leat_table_insert(): makes the entry of a key that is not there. */
uint32_t leat_table_add(struct leat_table *table, const void *key, uint32_t key_bytes,
                        uint64_t hash);

#include <leat/table_inline.h>

#endif
