/* SPDX-License-Identifier: BSD-2-Clause */
/* Inserting into a table that many write at once; included by table_inline.h.
 *
 * A slot's number goes from 0 to "claimed for this tag" by compare-and-swap, and, when the key is
 * written, to the entry's number: only then does a look-up see it. Entries are not looked for: each
 * slot has its own. Nobody waits: who does not get what he wants looks elsewhere, a bounded number
 * of times. */
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

/* After the claim: has somebody else got the same key, or may be about to? Of two who claim for one
 * key at once, each sees the other or what he published; both may give up, never both go on. */
LEAT_TABLE_INLINE bool leat_table_rivalled(const struct leat_table *table, bool one_bucket,
                                           const struct leat_table_bucket *home,
                                           const struct leat_table_bucket *other, uint32_t claim,
                                           const void *key, uint32_t key_bytes, uint64_t hash) {
    uint32_t claims = leat_table_bits(leat_table_numbers(home, claim));
    if (!one_bucket)
        claims += leat_table_bits(leat_table_numbers(other, claim));
    return claims > 1 || leat_table_look(table, key, key_bytes, hash) != LEAT_TABLE_NONE;
}

/* Makes an entry for a key that was not there just now. LOST: try again. */
LEAT_TABLE_INLINE uint32_t leat_table_claim(const struct leat_table *table, struct leat_table *head,
                                            const void *key, uint32_t key_bytes, uint64_t hash) {
    uint32_t first = leat_table_first(head, hash), number = first;
    uint16_t tag = leat_table_tag(hash);
    uint32_t second = leat_table_other(head, first, tag);
    uint32_t claim = LEAT_TABLE_CLAIMED | tag;
    struct leat_table_bucket *home = leat_table_bucket(table, number), *bucket = home;
    struct leat_table_bucket *other = leat_table_bucket(table, second);
    if (!home || !other)
        return LEAT_TABLE_NONE;

    uint32_t room = leat_table_numbers(home, 0), elsewhere = leat_table_numbers(other, 0);
    if (leat_table_bits(room) < LEAT_TABLE_SPARE &&
        leat_table_bits(elsewhere) > leat_table_bits(room)) {
        bucket = other;
        number = second;
        room = elsewhere;
    }
    if (room == 0)
        return LEAT_TABLE_NONE;
    uint32_t slot = leat_table_bits((room & -room) - 1) % LEAT_TABLE_SLOTS;
    uint32_t index = number * LEAT_TABLE_SLOTS + slot, result = index;
    uint32_t *entry = leat_table_entry_at(table, index);
    if (!entry || !leat_table_swap(&bucket->numbers[slot], 0, claim))
        return entry ? LEAT_TABLE_LOST : LEAT_TABLE_NONE;
    if (number != first)
        leat_table_count(&home->away, 1);

    if (leat_table_rivalled(table, first == second, home, other, claim, key, key_bytes, hash)) {
        result = LEAT_TABLE_LOST;
        if (number != first)
            leat_table_count(&home->away, -1u);
        leat_table_swap(&bucket->numbers[slot], claim, 0);
    } else {
        for (uint32_t i = 0; i < key_bytes / 4; i++)
            leat_table_store(&entry[i], leat_table_key_word(key, i));
        leat_table_store(&bucket->tags[slot], tag);
        leat_table_swap(&bucket->numbers[slot], claim, index + 1);
    }
    return result;
}

/* leat_table_insert() of a shared table. */
LEAT_TABLE_INLINE uint32_t leat_table_share(struct leat_table *table, const void *key,
                                            uint32_t key_bytes, uint64_t hash, bool *made) {
    struct leat_table *head = leat_table_head(table);
    *made = false;
    if (!head)
        return LEAT_TABLE_NONE;
    for (uint32_t tries = 0; tries < LEAT_TABLE_TRIES; tries++) {
        uint32_t index = leat_table_look(table, key, key_bytes, hash);
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
