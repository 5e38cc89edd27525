/* SPDX-License-Identifier: BSD-2-Clause */
/* A table that many write at once; included by table_inline.h.
 *
 * A slot's number goes from 0 to "claimed for this tag" by compare-and-swap, and, when the key is
 * written, to the entry's number: only then does a look-up see it. Nobody waits: who does not get
 * what he wants looks elsewhere, a bounded number of times. tests/model/table_claim.pml is a model
 * of it, of which all interleavings are checked. */
#ifndef LEAT_TABLE_SHARED_H
#define LEAT_TABLE_SHARED_H

#include <leat/table.h>

#define LEAT_TABLE_TRIES 4
#define LEAT_TABLE_LOST  (LEAT_TABLE_NONE - 1)

/* With so many slots free in its first bucket a key does not look at the other. */
#define LEAT_TABLE_SPARE 3

#define leat_table_count(at, by) __sync_fetch_and_add(at, by)

LEAT_TABLE_INLINE bool leat_table_swap(uint32_t *at, uint32_t from, uint32_t to) {
    return __sync_val_compare_and_swap(at, from, to) == from; /* a full barrier */
}

/* The slot of its first bucket that a key takes if it is free. Looked at first, the processor
 * guesses that the key is there and fetches the entry beside the bucket instead of after it. */
LEAT_TABLE_INLINE uint32_t leat_table_favourite(uint64_t hash) {
    return hash >> 16 & (LEAT_TABLE_SLOTS - 1);
}

/* Bit i: slot i holds this number. Without branches, as in leat_table_tags(). */
LEAT_TABLE_INLINE uint32_t leat_table_numbers(const struct leat_table_bucket *bucket,
                                              uint32_t number) {
    uint32_t slots = 0;
    for (uint32_t i = 0; i < LEAT_TABLE_SLOTS; i++) {
        uint64_t difference = leat_table_load(&bucket->numbers[i]) ^ number;
        __asm__("" : "+r"(difference)); /* or it would be a comparison after all */
        slots |= (uint32_t)((difference - 1) >> 63) << i;
    }
    return slots;
}

LEAT_TABLE_INLINE uint32_t leat_table_bits(uint32_t byte) {
    byte = byte - (byte >> 1 & 0x55);
    byte = (byte & 0x33) + (byte >> 2 & 0x33);
    return (byte + (byte >> 4)) & 0x0f;
}

LEAT_TABLE_INLINE uint32_t leat_table_lowest(uint32_t slots) {
    return leat_table_bits((slots & -slots) - 1) % LEAT_TABLE_SLOTS;
}

/* Whether a slot of this bucket, that of entry `index`, has the key. */
LEAT_TABLE_INLINE bool leat_table_holds(const struct leat_table *table,
                                        const struct leat_table_bucket *bucket, uint32_t index,
                                        const void *key, uint32_t key_bytes) {
    return leat_table_load(&bucket->numbers[index % LEAT_TABLE_SLOTS]) == index + 1 &&
           leat_table_key_equal(leat_table_beside(table, bucket, index), key, key_bytes);
}

LEAT_TABLE_INLINE uint32_t leat_table_match_shared(const struct leat_table *table,
                                                   const struct leat_table_bucket *bucket,
                                                   uint32_t number, const void *key,
                                                   uint32_t key_bytes, uint64_t hash) {
    leat_table_hits hits = leat_table_tags(bucket, leat_table_tag(hash));
    for (uint32_t i = 0; i < LEAT_TABLE_SLOTS && hits; i++, hits &= hits - 1) {
        uint32_t index = number * LEAT_TABLE_SLOTS + leat_table_hit(hits);
        if (leat_table_holds(table, bucket, index, key, key_bytes))
            return index;
    }
    return LEAT_TABLE_NONE;
}

/* leat_table_find() of a shared table. */
LEAT_TABLE_INLINE uint32_t leat_table_find_shared(const struct leat_table *table, const void *key,
                                                  uint32_t key_bytes, uint64_t hash) {
    const struct leat_table *head = leat_table_head(table);
    if (!head)
        return LEAT_TABLE_NONE;
    uint32_t number = leat_table_first(head, hash);
    const struct leat_table_bucket *bucket = leat_table_bucket(table, number);
    if (!bucket)
        return LEAT_TABLE_NONE;
    uint32_t index = number * LEAT_TABLE_SLOTS + leat_table_favourite(hash);
    if (leat_table_load(&bucket->tags[leat_table_favourite(hash)]) == leat_table_tag(hash) &&
        leat_table_holds(table, bucket, index, key, key_bytes))
        return index;
    index = leat_table_match_shared(table, bucket, number, key, key_bytes, hash);
    if (index != LEAT_TABLE_NONE || leat_table_load(&bucket->away) == 0)
        return index;
    number = leat_table_other(head, number, leat_table_tag(hash));
    bucket = leat_table_bucket(table, number);
    return bucket ? leat_table_match_shared(table, bucket, number, key, key_bytes, hash)
                  : LEAT_TABLE_NONE;
}

/* After the claim: has somebody else got the same key, or may he be about to? Of two who claim for
 * one key at once, each sees the other or what he published; both may give up, never both go on.
 * Who claims in the second bucket says so in the first one's `away` before he looks for others
 * there, so that who claims in the first needs the second only if that is not 0. */
LEAT_TABLE_INLINE bool leat_table_rivalled(const struct leat_table *table,
                                           const struct leat_table_bucket *home, uint32_t first,
                                           uint32_t second, const void *key, uint32_t key_bytes,
                                           uint64_t hash) {
    uint32_t claim = LEAT_TABLE_CLAIMED | leat_table_tag(hash);
    uint32_t claims = leat_table_numbers(home, claim);
    if (leat_table_match_shared(table, home, first, key, key_bytes, hash) != LEAT_TABLE_NONE)
        return true;
    if (leat_table_load(&home->away) != 0 && first != second) {
        const struct leat_table_bucket *other = leat_table_bucket(table, second);
        if (!other)
            return true;
        claims |= leat_table_numbers(other, claim) << LEAT_TABLE_SLOTS;
        if (leat_table_match_shared(table, other, second, key, key_bytes, hash) != LEAT_TABLE_NONE)
            return true;
    }
    return claims & (claims - 1); /* more than one's own */
}

LEAT_TABLE_INLINE void leat_table_write_key(void *entry, const void *key, uint32_t key_bytes) {
    for (uint32_t i = 0; i < key_bytes / 4; i++)
        leat_table_store((uint32_t *)entry + i, leat_table_key_word(key, i));
}

/* Makes an entry for a key that was not there just now. LOST: try again. */
LEAT_TABLE_INLINE uint32_t leat_table_claim(const struct leat_table *table,
                                            const struct leat_table *head, const void *key,
                                            uint32_t key_bytes, uint64_t hash) {
    uint16_t tag = leat_table_tag(hash);
    uint32_t first = leat_table_first(head, hash), number = first;
    uint32_t second = leat_table_other(head, first, tag);
    uint32_t claim = LEAT_TABLE_CLAIMED | tag;
    struct leat_table_bucket *home = leat_table_bucket(table, first), *bucket = home;
    if (!home)
        return LEAT_TABLE_NONE;

    uint32_t room = leat_table_numbers(home, 0);
    if (leat_table_bits(room) < LEAT_TABLE_SPARE) {
        struct leat_table_bucket *other = leat_table_bucket(table, second);
        uint32_t elsewhere = other ? leat_table_numbers(other, 0) : 0;
        if (other && leat_table_bits(elsewhere) > leat_table_bits(room)) {
            bucket = other;
            number = second;
            room = elsewhere;
        }
    }
    if (room == 0)
        return LEAT_TABLE_NONE;
    uint32_t slot = leat_table_favourite(hash);
    if (!(room >> slot & 1))
        slot = leat_table_lowest(room);
    if (!leat_table_swap(&bucket->numbers[slot], 0, claim))
        return LEAT_TABLE_LOST;
    if (number != first)
        leat_table_count(&home->away, 1);

    uint32_t index = number * LEAT_TABLE_SLOTS + slot;
    if (leat_table_rivalled(table, home, first, second, key, key_bytes, hash)) {
        if (number != first)
            leat_table_count(&home->away, -1u);
        leat_table_swap(&bucket->numbers[slot], claim, 0);
        return LEAT_TABLE_LOST;
    }
    leat_table_write_key(leat_table_beside(table, bucket, slot), key, key_bytes);
    leat_table_store(&bucket->tags[slot], tag);
    leat_table_swap(&bucket->numbers[slot], claim, index + 1);
    return index;
}

/* leat_table_insert() of a shared table. */
LEAT_TABLE_INLINE uint32_t leat_table_insert_shared(struct leat_table *table, const void *key,
                                                    uint32_t key_bytes, uint64_t hash, bool *made) {
    struct leat_table *head = leat_table_head(table);
    *made = false;
    if (!head)
        return LEAT_TABLE_NONE;
    for (uint32_t tries = 0; tries < LEAT_TABLE_TRIES; tries++) {
        uint32_t index = leat_table_find_shared(table, key, key_bytes, hash);
        if (index != LEAT_TABLE_NONE)
            return index;
        index = leat_table_claim(table, head, key, key_bytes, hash);
        if (index < LEAT_TABLE_LOST) {
            *made = true;
            leat_table_count(&head->inserts, 1);
            return index;
        }
        if (index == LEAT_TABLE_NONE)
            break;
        leat_table_count(&head->contended, 1);
    }
    leat_table_count(&head->refused, 1);
    return LEAT_TABLE_NONE;
}

#endif
