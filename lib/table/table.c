/* SPDX-License-Identifier: BSD-2-Clause */
/* A table's region: its size, its parts, its secret; and what its counters say. */
#include <leat/table.h>

#include <errno.h>
#include <sys/random.h>

#define CAPACITY_MAX    (1u << 30)
#define ENTRY_BYTES_MAX (1u << 16)

struct parts {
    uint32_t buckets, entries;
    uint64_t buckets_at, links_at, entries_at, bytes;
    uint64_t bucket_step, eight_step;
};

static uint64_t round_up(uint64_t bytes, uint64_t to) {
    return (bytes + to - 1) / to * to;
}

static bool valid(const struct leat_table_opts *opts) {
    if (!opts || opts->size != sizeof(*opts) || opts->flags & ~(uint32_t)LEAT_TABLE_SHARED)
        return false;
    return opts->capacity >= 1 && opts->capacity <= CAPACITY_MAX && opts->key_bytes >= 4 &&
           opts->key_bytes % 4 == 0 && opts->key_bytes <= 4 * LEAT_TABLE_KEY_WORDS &&
           opts->entry_bytes % 8 == 0 && opts->entry_bytes >= opts->key_bytes &&
           opts->entry_bytes <= ENTRY_BYTES_MAX;
}

/* The buckets of a full table are 80 % full: there, moving a few tags always makes room. */
static struct parts private_parts(const struct leat_table_opts *opts) {
    struct parts parts = { 0 };
    parts.buckets = (uint32_t)((opts->capacity * 5ull / 4) / LEAT_TABLE_SLOTS) + 2;
    parts.entries = opts->capacity;
    parts.bucket_step = LEAT_TABLE_LINE;
    parts.eight_step = 8ull * opts->entry_bytes;
    parts.buckets_at = sizeof(struct leat_table);
    parts.links_at = parts.buckets_at + (uint64_t)parts.buckets * LEAT_TABLE_LINE;
    parts.entries_at = round_up(parts.links_at + 4ull * parts.entries, LEAT_TABLE_LINE);
    parts.bytes = parts.entries_at + (uint64_t)parts.entries * opts->entry_bytes;
    parts.bytes = round_up(parts.bytes, LEAT_TABLE_LINE);
    return parts;
}

/* Of a shared one 60 %, and every slot has its entry. Small ones get more, as their buckets differ
 * more. */
static struct parts shared_parts(const struct leat_table_opts *opts) {
    uint32_t unit = LEAT_TABLE_UNIT(opts->entry_bytes);
    struct parts parts = { 0 };
    parts.buckets = (uint32_t)((opts->capacity * 5ull / 3) / LEAT_TABLE_SLOTS) + 4;
    parts.entries = parts.buckets * LEAT_TABLE_SLOTS;
    parts.bucket_step = unit;
    parts.eight_step = unit;
    parts.buckets_at = unit;
    parts.entries_at = unit + LEAT_TABLE_LINE;
    parts.bytes = unit + (uint64_t)parts.buckets * unit;
    return parts;
}

static struct parts layout(const struct leat_table_opts *opts) {
    return opts->flags & LEAT_TABLE_SHARED ? shared_parts(opts) : private_parts(opts);
}

uint32_t leat_table_unit_bytes(const struct leat_table_opts *opts) {
    return valid(opts) ? LEAT_TABLE_UNIT(opts->entry_bytes) : 0;
}

size_t leat_table_bytes(const struct leat_table_opts *opts) {
    return valid(opts) ? layout(opts).bytes : 0;
}

/* SplitMix64: a counter, mixed (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators). */
static uint64_t next_random(uint64_t *state) {
    uint64_t x = *state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static void spread_seed(struct leat_table *table, uint64_t seed) {
    table->tag_secret = (uint32_t)next_random(&seed);
    for (uint32_t i = 0; i < 3; i++)
        table->mix[i] = next_random(&seed);
    for (uint32_t i = 0; i < LEAT_TABLE_KEY_WORDS; i++)
        table->nh[i] = (uint32_t)next_random(&seed);
}

static int make_secret(struct leat_table *table, uint64_t seed) {
    if (seed)
        spread_seed(table, seed);
    else if (getrandom(&table->tag_secret, sizeof(table->tag_secret), 0) < 0 ||
             getrandom(table->mix, sizeof(table->mix), 0) < 0 ||
             getrandom(table->nh, sizeof(table->nh), 0) < 0)
        return -errno;
    table->tag_secret |= 1; /* odd factors lose nothing */
    table->mix[1] |= 1;
    table->mix[2] |= 1;
    return 0;
}

int leat_table_init(struct leat_table **table, void *region, size_t bytes,
                    const struct leat_table_opts *opts) {
    struct leat_table *head = region;
    if (!valid(opts) || (uintptr_t)region % LEAT_TABLE_LINE || bytes < layout(opts).bytes)
        return -EINVAL;
    struct parts parts = layout(opts);
    *head = (struct leat_table){
        .flags = opts->flags,
        .capacity = opts->capacity,
        .entries = parts.entries,
        .buckets = parts.buckets,
        .key_bytes = opts->key_bytes,
        .entry_bytes = opts->entry_bytes,
        .buckets_at = parts.buckets_at,
        .links_at = parts.links_at,
        .entries_at = parts.entries_at,
        .bucket_step = parts.bucket_step,
        .eight_step = parts.eight_step,
    };
    int err = make_secret(head, opts->seed);
    if (err < 0)
        return err;
    head->magic = LEAT_TABLE_MAGIC;
    *table = head;
    return 0;
}

void leat_table_stats(const struct leat_table *table, struct leat_table_stats *stats) {
    uint64_t removes = leat_table_load(&table->removes); /* first: never more than inserts */
    uint64_t inserts = leat_table_load(&table->inserts);
    bool shared = table->flags & LEAT_TABLE_SHARED;
    *stats = (struct leat_table_stats){
        .capacity = table->capacity,
        .used = shared ? (uint32_t)(inserts - removes) : leat_table_load(&table->used),
        .inserts = inserts,
        .removes = removes,
        .refused = leat_table_load(&table->refused),
        .moves = leat_table_load(&table->moves),
        .contended = leat_table_load(&table->contended),
    };
}

uint32_t leat_table_entries(const struct leat_table *table) {
    return table->entries;
}
