/* SPDX-License-Identifier: BSD-2-Clause */
/* What is inline of the table; included by table.h. */
#ifndef LEAT_TABLE_INLINE_H
#define LEAT_TABLE_INLINE_H

#include <leat/table.h>

/* The thread sanitizer does not know that a vector load of tags is harmless. */
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define LEAT_TABLE_SSE2
#include <emmintrin.h>
#endif
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#undef LEAT_TABLE_SSE2
#endif
#endif

#define LEAT_TABLE_LOOKS 16 /* of a reader whom the writer moves entries under the eyes */

LEAT_TABLE_INLINE void *leat_table_entry(struct leat_table *table, uint32_t index) {
    return leat_table_entry_at(table, index);
}

LEAT_TABLE_INLINE uint32_t leat_table_key_word(const void *key, uint32_t i) {
    uint32_t word;
    __builtin_memcpy(&word, (const uint8_t *)key + i * 4, 4);
    return word;
}

/* NH of UMAC (RFC 4418, section 5.2.2): two different keys have the same sum with a probability of
 * 2^-32, whoever chose them. What follows spreads the sum over all 64 bits. */
LEAT_TABLE_INLINE uint64_t leat_table_hash(const struct leat_table *table, const void *key,
                                           uint32_t key_bytes) {
    const struct leat_table *head = leat_table_head(table);
    if (!head)
        return 0;
    uint64_t sum = head->mix[0];
    for (uint32_t i = 0; i < key_bytes / 4; i += 2) {
        uint32_t low = leat_table_key_word(key, i) + head->nh[i], high = head->nh[i + 1];
        if (i + 1 < key_bytes / 4)
            high += leat_table_key_word(key, i + 1);
        sum += (uint64_t)low * high;
    }
    sum *= head->mix[1];
    sum ^= sum >> 32;
    sum *= head->mix[2];
    return sum ^ sum >> 32;
}

/* Whole words, as another thread may be writing this entry after it was removed. */
LEAT_TABLE_INLINE bool leat_table_key_equal(const void *entry, const void *key,
                                            uint32_t key_bytes) {
    uint32_t i = 0;
    for (; i + 8 <= key_bytes; i += 8) {
        uint64_t word;
        __builtin_memcpy(&word, (const uint8_t *)key + i, 8);
        if (leat_table_load((const uint64_t *)((const uint8_t *)entry + i)) != word)
            return false;
    }
    return i == key_bytes || leat_table_load((const uint32_t *)((const uint8_t *)entry + i)) ==
                                 leat_table_key_word(key, i / 4);
}

/* Which slots have this tag, or had it when they were last in use: a bit each, zero if none.
 * leat_table_hit() is the slot of the lowest one. In BPF, which has neither vectors nor a count of
 * zeros and whose verifier would follow all combinations of branches, slot i < 4 is bit 16 * i,
 * slot 4 + i bit 16 * i + 4: 16 bits that are zero have no bit set after the sum; and the factor
 * has the slot's number where each of these bits shifts it to the top. */
#ifdef __bpf__
typedef uint64_t leat_table_hits;

LEAT_TABLE_INLINE uint32_t leat_table_hit(leat_table_hits hits) {
    return (uint32_t)((hits & -hits) * 0x08002a004c006e00 >> 61);
}
#else
typedef uint32_t leat_table_hits;

LEAT_TABLE_INLINE uint32_t leat_table_hit(leat_table_hits hits) {
    return (uint32_t)__builtin_ctz(hits);
}
#endif

LEAT_TABLE_INLINE leat_table_hits leat_table_tags(const struct leat_table_bucket *bucket,
                                                  uint16_t tag) {
#if defined(__bpf__)
    const volatile uint64_t *four = __builtin_assume_aligned(bucket->tags, 8);
    uint64_t low = four[0] ^ tag * 0x0001000100010001, high = four[1] ^ tag * 0x0001000100010001;
    low |= (low & 0x7fff7fff7fff7fff) + 0x7fff7fff7fff7fff;
    high |= (high & 0x7fff7fff7fff7fff) + 0x7fff7fff7fff7fff;
    return (~low >> 15 & 0x0001000100010001) | (~high >> 11 & 0x0010001000100010);
#elif defined(LEAT_TABLE_SSE2)
    __m128i tags = _mm_load_si128((const __m128i *)bucket->tags);
    __m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));
    uint32_t hits = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
    __asm__ volatile("" ::: "memory"); /* x86 does not reorder loads, and nor shall the compiler */
    return hits;
#else
    uint32_t hits = 0;
    for (uint32_t slot = 0; slot < LEAT_TABLE_SLOTS; slot++)
        hits |= (uint32_t)(leat_table_load(&bucket->tags[slot]) == tag) << slot;
    return hits;
#endif
}

/* Of a shared table: in table_shared.h. */
LEAT_TABLE_INLINE uint32_t leat_table_find_shared(const struct leat_table *table, const void *key,
                                                  uint32_t key_bytes, uint64_t hash);
LEAT_TABLE_INLINE uint32_t leat_table_insert_shared(struct leat_table *table, const void *key,
                                                    uint32_t key_bytes, uint64_t hash, bool *made);

#ifdef __bpf__

LEAT_TABLE_INLINE uint32_t leat_table_find(const struct leat_table *map, const void *key,
                                           uint32_t key_bytes, uint64_t hash) {
    return leat_table_find_shared(map, key, key_bytes, hash);
}

LEAT_TABLE_INLINE uint32_t leat_table_insert(struct leat_table *map, const void *key,
                                             uint32_t key_bytes, uint64_t hash, bool *made) {
    return leat_table_insert_shared(map, key, key_bytes, hash, made);
}

#else

/* The entry in a bucket that has the key. A number that is empty or nonsense is never below the
 * number of entries. */
static inline uint32_t leat_table_match(const struct leat_table *table,
                                        const struct leat_table_bucket *bucket, uint16_t tag,
                                        const void *key, uint32_t key_bytes) {
    for (leat_table_hits hits = leat_table_tags(bucket, tag); hits; hits &= hits - 1) {
        uint32_t index = leat_table_load(&bucket->numbers[leat_table_hit(hits)]) - 1;
        if (index < table->entries &&
            leat_table_key_equal(leat_table_entry_at(table, index), key, key_bytes))
            return index;
    }
    return LEAT_TABLE_NONE;
}

/* On the list of entries that no bucket has room for, which is nearly always empty. Readers may see
 * it change; they take no more steps than there are entries. */
static inline uint32_t leat_table_find_overflow(const struct leat_table *table, const void *key,
                                                uint32_t key_bytes) {
    uint32_t index = leat_table_load(&table->overflow) - 1;
    for (uint32_t steps = 0; index < table->entries && steps < table->entries; steps++) {
        if (leat_table_key_equal(leat_table_entry_at(table, index), key, key_bytes))
            return index;
        index = (leat_table_load(leat_table_link(table, index)) & ~LEAT_TABLE_IN_USE) - 1;
    }
    return LEAT_TABLE_NONE;
}

static inline uint32_t leat_table_look(const struct leat_table *table, const void *key,
                                       uint32_t key_bytes, uint64_t hash) {
    uint32_t number = leat_table_first(table, hash);
    uint16_t tag = leat_table_tag(hash);
    const struct leat_table_bucket *bucket = leat_table_bucket(table, number);
    uint32_t index = leat_table_match(table, bucket, tag, key, key_bytes);
    if (index != LEAT_TABLE_NONE || leat_table_load(&bucket->away) == 0)
        return index;
    bucket = leat_table_bucket(table, leat_table_other(table, number, tag));
    index = leat_table_match(table, bucket, tag, key, key_bytes);
    return index != LEAT_TABLE_NONE ? index : leat_table_find_overflow(table, key, key_bytes);
}

/* A key that the writer moves is for a moment in two places, never in none: who looked into the new
 * place before and into the old one after it missed it, and sees that `moves` has changed. */
static inline uint32_t leat_table_find(const struct leat_table *table, const void *key,
                                       uint32_t key_bytes, uint64_t hash) {
    uint32_t index = LEAT_TABLE_NONE;
    if (table->flags & LEAT_TABLE_SHARED)
        return leat_table_find_shared(table, key, key_bytes, hash);
    for (uint32_t looks = 0; looks < LEAT_TABLE_LOOKS; looks++) {
        uint64_t moves = leat_table_load(&table->moves);
        index = leat_table_look(table, key, key_bytes, hash);
        if (__builtin_expect(index != LEAT_TABLE_NONE, 1) ||
            leat_table_load(&table->moves) == moves)
            break;
    }
    return index;
}

static inline void leat_table_prefetch(const struct leat_table *table, uint64_t hash) {
    __builtin_prefetch(leat_table_bucket(table, leat_table_first(table, hash)));
}

/* Of entries that are no multiple of a cache line long the key may lie across two. */
static inline uint32_t leat_table_prefetch_entry(const struct leat_table *table, uint64_t hash) {
    const struct leat_table_bucket *bucket =
        leat_table_bucket(table, leat_table_first(table, hash));
    leat_table_hits hits = leat_table_tags(bucket, leat_table_tag(hash));
    if (!hits)
        return LEAT_TABLE_NONE;
    uint32_t index = leat_table_load(&bucket->numbers[leat_table_hit(hits)]) - 1;
    const uint8_t *entry = leat_table_entry_at(table, index);
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + table->key_bytes);
    return index;
}

static inline uint32_t leat_table_find_likely(const struct leat_table *table, uint32_t likely,
                                              const void *key, uint32_t key_bytes, uint64_t hash) {
    if (__builtin_expect(
            likely < table->entries && !(table->flags & LEAT_TABLE_SHARED) &&
                leat_table_key_equal(leat_table_entry_at(table, likely), key, key_bytes),
            1))
        return likely;
    return leat_table_find(table, key, key_bytes, hash);
}

static inline uint32_t leat_table_insert(struct leat_table *table, const void *key,
                                         uint32_t key_bytes, uint64_t hash, bool *made) {
    if (table->flags & LEAT_TABLE_SHARED)
        return leat_table_insert_shared(table, key, key_bytes, hash, made);
    uint32_t index = leat_table_look(table, key, key_bytes, hash);
    *made = index == LEAT_TABLE_NONE;
    if (*made) {
        index = leat_table_add(table, key, key_bytes, hash);
        *made = index != LEAT_TABLE_NONE;
    }
    return index;
}

/* An entry of a shared table belongs to the slot of its own number. */
static inline bool leat_table_used(const struct leat_table *table, uint32_t index) {
    if (table->flags & LEAT_TABLE_SHARED)
        return leat_table_load(leat_table_slot(table, index)) == index + 1;
    return leat_table_load(leat_table_link(table, index)) & LEAT_TABLE_IN_USE;
}

#endif

#include <leat/table_shared.h>

#endif
