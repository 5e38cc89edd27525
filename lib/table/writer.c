/* SPDX-License-Identifier: BSD-2-Clause */
/* The one writer: adds entries, moves tags between buckets to make room for them, removes them.
 * What readers must see first is written first; every store to a slot is a release. */
#include <leat/table.h>

#include <string.h>

#define SEARCHED_MAX 256 /* buckets looked at for a way to make room */

/* A bucket found on the search, by way of a slot of one found before: what is there could be moved
 * here. */
struct step {
    uint32_t bucket;
    int16_t from; /* the step before, -1 of the key's own buckets */
    uint8_t slot; /* in the bucket of that step */
};

/* Only the writer changes them, so it needs no atomic addition. */
#define count(counter, by) leat_table_store(counter, *(counter) + (by))

static uint32_t take_entry(struct leat_table *table) {
    uint32_t index;
    if (table->free) {
        index = table->free - 1;
        table->free = *leat_table_link(table, index);
        if (table->free) /* the next one to be taken */
            __builtin_prefetch(leat_table_link(table, table->free - 1));
    } else {
        index = table->fresh++;
    }
    return index;
}

/* By words, as a reader may still be comparing what the entry was before. */
static void write_entry(struct leat_table *table, uint32_t index, const void *key,
                        uint32_t key_bytes) {
    uint64_t *entry = leat_table_entry_at(table, index), word = 0;
    for (uint32_t i = 0; i < table->entry_bytes; i += 8, word = 0) {
        if (i < key_bytes)
            memcpy(&word, (const uint8_t *)key + i, key_bytes - i < 8 ? 4 : 8);
        __atomic_store_n(entry++, word, __ATOMIC_RELAXED);
    }
}

static int empty_slot(const struct leat_table_bucket *bucket) {
    for (int slot = 0; slot < LEAT_TABLE_SLOTS; slot++)
        if (bucket->numbers[slot] == 0)
            return slot;
    return -1;
}

static void fill_slot(struct leat_table_bucket *bucket, int slot, uint16_t tag, uint32_t number,
                      bool alternate) {
    bucket->alternates = (bucket->alternates & ~(1u << slot)) | (uint32_t)alternate << slot;
    leat_table_store(&bucket->tags[slot], tag);
    leat_table_store(&bucket->numbers[slot], number);
}

/* Moves a slot's tag and number to its other bucket. There first, then the version, then here:
 * leat_table_find() relies on that order, for `away` too. */
static void move_slot(struct leat_table *table, struct leat_table_bucket *from, int slot,
                      struct leat_table_bucket *to, int to_slot) {
    bool comes_home = from->alternates & 1u << slot;
    if (!comes_home)
        count(&from->away, 1u);
    fill_slot(to, to_slot, from->tags[slot], from->numbers[slot], !comes_home);
    count(&table->moves, 1u);
    leat_table_store(&from->numbers[slot], 0);
    if (comes_home)
        count(&to->away, -1u);
}

/* Moves along the path that leads to `step`, from its end, whose slot `empty` is. Returns the slot
 * that is empty at its start, one of the key's buckets. */
static int move_along(struct leat_table *table, const struct step *steps, int step, int empty,
                      uint32_t *bucket) {
    for (; steps[step].from >= 0; step = steps[step].from) {
        uint32_t from = steps[steps[step].from].bucket;
        move_slot(table, leat_table_bucket(table, from), steps[step].slot,
                  leat_table_bucket(table, steps[step].bucket), empty);
        empty = steps[step].slot;
    }
    *bucket = steps[step].bucket;
    return empty;
}

/* A free slot in one of two buckets, made by the shortest chain of moves: a shortest one visits no
 * bucket twice, so that its moves do not disturb each other. */
static int make_room(struct leat_table *table, uint32_t first, uint32_t second, uint32_t *bucket) {
    struct step steps[SEARCHED_MAX] = { { first, -1, 0 }, { second, -1, 0 } };
    int found = 2;
    for (int at = 0; at < found; at++) {
        const struct leat_table_bucket *full = leat_table_bucket(table, steps[at].bucket);
        int empty = empty_slot(full);
        if (empty >= 0)
            return move_along(table, steps, at, empty, bucket);
        for (int slot = 0; slot < LEAT_TABLE_SLOTS && found < SEARCHED_MAX; slot++) {
            uint32_t other = leat_table_other(table, steps[at].bucket, full->tags[slot]);
            if (other != steps[at].bucket)
                steps[found++] = (struct step){ other, (int16_t)at, (uint8_t)slot };
        }
    }
    return -1;
}

static void add_overflow(struct leat_table *table, uint32_t index) {
    leat_table_store(leat_table_link(table, index), LEAT_TABLE_IN_USE | table->overflow);
    leat_table_store(&table->overflow, index + 1);
}

/* Another than its first bucket must be announced in the first one before. */
static void place(struct leat_table *table, uint32_t index, uint64_t hash) {
    uint32_t first = leat_table_first(table, hash), bucket = first;
    uint16_t tag = leat_table_tag(hash);
    struct leat_table_bucket *home = leat_table_bucket(table, first);
    int slot = empty_slot(home);
    if (slot < 0)
        slot = make_room(table, first, leat_table_other(table, first, tag), &bucket);
    if (slot < 0 || bucket != first)
        count(&home->away, 1u);
    if (slot < 0)
        add_overflow(table, index);
    else
        fill_slot(leat_table_bucket(table, bucket), slot, tag, index + 1, bucket != first);
}

uint32_t leat_table_add(struct leat_table *table, const void *key, uint32_t key_bytes,
                        uint64_t hash) {
    if (table->used == table->capacity) {
        count(&table->refused, 1u);
        return LEAT_TABLE_NONE;
    }
    uint32_t index = take_entry(table);
    write_entry(table, index, key, key_bytes);
    leat_table_store(leat_table_link(table, index), LEAT_TABLE_IN_USE);
    place(table, index, hash);
    count(&table->used, 1u);
    count(&table->inserts, 1u);
    return index;
}

static bool clear_slot(struct leat_table_bucket *bucket, uint32_t index) {
    for (int slot = 0; slot < LEAT_TABLE_SLOTS; slot++)
        if (bucket->numbers[slot] == index + 1) {
            leat_table_store(&bucket->numbers[slot], 0);
            return true;
        }
    return false;
}

/* Readers who stand on the removed entry lose their way, so that they shall look again. */
static void remove_overflow(struct leat_table *table, uint32_t index) {
    uint32_t *at = &table->overflow, in_use = 0;
    while (*at && (*at & ~LEAT_TABLE_IN_USE) != index + 1) {
        at = leat_table_link(table, (*at & ~LEAT_TABLE_IN_USE) - 1);
        in_use = LEAT_TABLE_IN_USE;
    }
    leat_table_store(at, in_use | (*leat_table_link(table, index) & ~LEAT_TABLE_IN_USE));
    count(&table->moves, 1u);
}

void leat_table_remove(struct leat_table *table, uint32_t index) {
    if (table->flags & LEAT_TABLE_SHARED) {
        if (leat_table_retire(table, index))
            leat_table_release(table, index);
        return;
    }
    uint64_t hash = leat_table_hash(table, leat_table_entry(table, index), table->key_bytes);
    uint32_t first = leat_table_first(table, hash);
    uint32_t other = leat_table_other(table, first, leat_table_tag(hash));
    struct leat_table_bucket *home = leat_table_bucket(table, first);
    if (!clear_slot(home, index)) {
        if (other == first || !clear_slot(leat_table_bucket(table, other), index))
            remove_overflow(table, index);
        count(&home->away, -1u);
    }
    leat_table_store(leat_table_link(table, index), table->free);
    table->free = index + 1;
    count(&table->used, -1u);
    count(&table->removes, 1u);
}
