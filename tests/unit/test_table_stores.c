/* SPDX-License-Identifier: BSD-2-Clause */
/* Between any two stores of the one writer a reader may look: at each of them every key is found
 * that is in the table, none that is not, and no reader who looks half before and half after a move
 * misses a key without seeing that something has moved. The writer is compiled into this test, with
 * a look after each store. */
#include <leat/table.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "table_rig.h"

static void look(void);

#undef leat_table_store
#define leat_table_store(at, value)                    \
    do {                                               \
        __atomic_store_n(at, value, __ATOMIC_RELEASE); \
        look();                                        \
    } while (0)
#include "lib/table/writer.c" // NOLINT(bugprone-suspicious-include): its stores are watched

enum { CAPACITY = 40, KEYS = 60, KEY_BYTES = 16, OPERATIONS = 5000 };

struct known {
    uint8_t key[KEY_BYTES];
    uint64_t hash;
    bool there;
    bool home_empty; /* a reader has found its first bucket without it, and `moves` is the same */
};

static struct {
    struct leat_table *table;
    struct known keys[KEYS];
    const struct known *changing; /* may or may not be found meanwhile */
    uint64_t moves;
    uint32_t looks;
} now;

static bool holds(uint32_t bucket, const struct known *known) {
    return leat_table_match(now.table, leat_table_bucket(now.table, bucket),
                            leat_table_tag(known->hash), known->key, KEY_BYTES) != LEAT_TABLE_NONE;
}

/* A reader who looked home at some moment since the last move that he could notice goes on now. */
static void look_in_halves(struct known *known) {
    uint32_t first = leat_table_first(now.table, known->hash);
    uint32_t other = leat_table_other(now.table, first, leat_table_tag(known->hash));
    known->home_empty |= !holds(first, known);
    if (!known->home_empty)
        return;
    if (leat_table_bucket(now.table, first)->away == 0)
        fail_msg("a reader does not look into the second bucket, where the key is");
    if (!holds(other, known) &&
        leat_table_find_overflow(now.table, known->key, KEY_BYTES) == LEAT_TABLE_NONE)
        fail_msg("a reader misses a key that is moved, and does not notice");
}

static void look(void) {
    if (!now.table)
        return;
    bool moved = now.moves != now.table->moves;
    now.moves = now.table->moves;
    now.looks++;
    for (struct known *known = now.keys; known < now.keys + KEYS; known++) {
        if (known == now.changing)
            continue;
        uint32_t index = leat_table_look(now.table, known->key, KEY_BYTES, known->hash);
        if ((index != LEAT_TABLE_NONE) != known->there)
            fail_msg("a key that is%s there is%s found", known->there ? "" : " not",
                     known->there ? " not" : "");
        known->home_empty &= !moved;
        if (known->there)
            look_in_halves(known);
    }
}

static void change(struct known *known) {
    bool made;
    now.changing = known;
    if (known->there) {
        leat_table_remove(now.table,
                          leat_table_find(now.table, known->key, KEY_BYTES, known->hash));
        known->there = false;
    } else {
        known->there = leat_table_insert(now.table, known->key, KEY_BYTES, known->hash, &made) !=
                       LEAT_TABLE_NONE;
        assert_int_equal(made, known->there);
    }
    known->home_empty = false;
    now.changing = NULL;
    look();
}

/* Keys of few buckets crowd there: tags are moved all the time, and some keys find no bucket. */
static void choose_keys(const struct leat_table *table, uint32_t buckets) {
    for (uint32_t i = 0, number = 0; i < KEYS; number++) {
        struct known known = { 0 };
        number_key(known.key, KEY_BYTES, number);
        known.hash = leat_table_hash(table, known.key, KEY_BYTES);
        uint32_t first = leat_table_first(table, known.hash);
        uint32_t other = leat_table_other(table, first, leat_table_tag(known.hash));
        if (first < buckets && other < buckets)
            now.keys[i++] = known;
    }
}

static void work_on(uint32_t buckets) {
    struct leat_table_opts opts = table_opts(CAPACITY, KEY_BYTES, 32);
    struct leat_table *table;
    assert_int_equal(leat_table_create(&table, &opts), 0);
    choose_keys(table, buckets);
    now.table = table;
    now.looks = 0;
    for (uint32_t i = 0; i < OPERATIONS; i++)
        change(&now.keys[random_number() % KEYS]);
    assert_true(now.looks > 3 * OPERATIONS);
    for (uint32_t i = 0; i < KEYS; i++)
        if (now.keys[i].there)
            change(&now.keys[i]);
    now.table = NULL;
    check_empty(table);
    leat_table_destroy(table);
}

static void test_readers_at_every_store(void **state) {
    (void)state;
    for (uint32_t buckets = 4; buckets <= 7; buckets++)
        work_on(buckets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_at_every_store),
    };
    start_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
