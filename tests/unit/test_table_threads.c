/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that several threads use: readers beside the one writer, and writers of a shared table. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "table_rig.h"

/* A table so full that inserts move tags all the time. The first half of the keys stays, and
 * readers find each of them whenever they look, in the entry where it was from the start. */
enum { CAPACITY = 2000, STAY = 1000 };

struct beside {
    struct leat_table *table;
    uint32_t stays[STAY];
    int done;
    uint64_t lost, looks;
};

static void *keep_finding(void *arg) {
    struct beside *beside = arg;
    uint64_t lost = 0, looks = 0;
    do {
        for (uint32_t i = 0; i < STAY; i++, looks++) {
            uint8_t key[20];
            number_key(key, sizeof(key), i);
            lost += find(beside->table, key) != beside->stays[i];
        }
    } while (!__atomic_load_n(&beside->done, __ATOMIC_ACQUIRE));
    __atomic_fetch_add(&beside->lost, lost, __ATOMIC_RELAXED);
    __atomic_fetch_add(&beside->looks, looks, __ATOMIC_RELAXED);
    return NULL;
}

static void test_readers_beside_the_writer(void **state) {
    (void)state;
    struct leat_table_opts opts = table_opts(CAPACITY, 20, 64);
    struct beside beside = { .done = 0 };
    pthread_t readers[2];
    uint8_t key[20];
    bool made;
    assert_int_equal(leat_table_create(&beside.table, &opts), 0);
    for (uint32_t i = 0; i < STAY; i++) {
        number_key(key, sizeof(key), i);
        beside.stays[i] = insert(beside.table, key, &made);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, keep_finding, &beside), 0);
    for (uint32_t round = 0; round < 100; round++) {
        uint32_t guests[CAPACITY - STAY];
        for (uint32_t i = 0; i < CAPACITY - STAY; i++) {
            number_key(key, sizeof(key), STAY + round * CAPACITY + i);
            guests[i] = insert(beside.table, key, &made);
            assert_true(made);
        }
        for (uint32_t i = 0; i < CAPACITY - STAY; i++)
            leat_table_remove(beside.table, guests[i]);
    }
    __atomic_store_n(&beside.done, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    struct leat_table_stats stats;
    leat_table_stats(beside.table, &stats);
    assert_true(stats.moves > 0);
    assert_true(beside.looks > 0);
    assert_int_equal(beside.lost, 0);
    leat_table_destroy(beside.table);
}

/* Entries of a shared table: how often their keys were inserted. */
struct counted {
    uint8_t key[20];
    uint32_t unused;
    uint64_t count;
    uint64_t more[4];
};

enum { KEYS = 5000, ROUNDS = 20 };

static void *count_keys(void *arg) {
    struct leat_table *table = arg;
    for (uint32_t i = 0; i < KEYS * ROUNDS; i++) {
        uint8_t key[20];
        bool made;
        number_key(key, sizeof(key), i % KEYS);
        uint32_t index = insert(table, key, &made);
        if (index != LEAT_TABLE_NONE) {
            struct counted *counted = leat_table_entry(table, index);
            __atomic_fetch_add(&counted->count, 1, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

static struct leat_table *create_shared(uint32_t capacity) {
    struct leat_table_opts opts = table_opts(capacity, 20, 64);
    struct leat_table *table;
    opts.flags = LEAT_TABLE_SHARED;
    assert_int_equal(leat_table_create(&table, &opts), 0);
    return table;
}

static void test_writers_of_a_shared_table(void **state) {
    (void)state;
    struct leat_table *table = create_shared(KEYS);
    pthread_t writers[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, count_keys, table), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(writers[i], NULL);
    uint64_t counts = 0;
    for (uint32_t i = 0; i < leat_table_entries(table); i++)
        if (leat_table_used(table, i)) {
            struct counted *counted = leat_table_entry(table, i);
            counts += counted->count;
            assert_int_equal(find(table, counted->key), i);
            leat_table_remove(table, i);
            assert_int_equal(find(table, counted->key), LEAT_TABLE_NONE);
        }
    struct leat_table_stats stats;
    leat_table_stats(table, &stats);
    assert_int_equal(counts + stats.refused, 3 * KEYS * ROUNDS);
    assert_int_equal(stats.used, 0);
    check_empty(table);
    leat_table_destroy(table);
}

/* By one writer at a time, a retired entry is neither found nor reused before its release. */
static void test_two_steps_of_removal(void **state) {
    (void)state;
    struct leat_table *table = create_shared(100);
    uint8_t key[20];
    bool made;
    number_key(key, sizeof(key), 1);
    uint32_t index = insert(table, key, &made), again;
    struct counted *counted = leat_table_entry(table, index);
    counted->count = 5;
    assert_true(leat_table_retire(table, index));
    assert_false(leat_table_retire(table, index));
    assert_false(leat_table_retire(table, leat_table_entries(table)));
    assert_false(leat_table_used(table, index));
    assert_int_equal(find(table, key), LEAT_TABLE_NONE);
    again = insert(table, key, &made);
    assert_true(made);
    assert_int_not_equal(again, index);
    assert_int_equal(counted->count, 5);
    leat_table_release(table, index);
    assert_int_equal(counted->count, 0);
    assert_int_equal(find(table, key), again);
    struct leat_table_stats stats;
    leat_table_remove(table, index); /* what is not in use */
    leat_table_stats(table, &stats);
    assert_int_equal(stats.removes, 1);
    assert_int_equal(stats.used, 1);
    leat_table_destroy(table);
}

/* Somebody else is about to publish an entry with this tag, perhaps of this key: nothing is made
 * before he has, and nobody waits for him. */
static void test_a_claim_of_another(void **state) {
    (void)state;
    struct leat_table *table = create_shared(100);
    struct leat_table_stats stats;
    uint8_t key[20];
    bool made;
    number_key(key, sizeof(key), 1);
    uint64_t hash = leat_table_hash(table, key, sizeof(key));
    uint32_t first = leat_table_first(table, hash);
    uint32_t second = leat_table_other(table, first, leat_table_tag(hash));
    const uint32_t buckets[] = { first, second };
    for (int i = 0; i < 2; i++) {
        uint32_t *number = &leat_table_bucket(table, buckets[i])->numbers[5];
        leat_table_bucket(table, first)->away = (uint32_t)i;
        *number = LEAT_TABLE_CLAIMED | leat_table_tag(hash);
        assert_int_equal(insert(table, key, &made), LEAT_TABLE_NONE);
        assert_false(made);
        *number = 0;
    }
    leat_table_bucket(table, first)->away = 0;
    leat_table_stats(table, &stats);
    assert_int_equal(stats.refused, 2);
    assert_int_equal(stats.contended, 2 * LEAT_TABLE_TRIES);
    check_empty(table);
    assert_int_not_equal(insert(table, key, &made), LEAT_TABLE_NONE);
    leat_table_destroy(table);
}

/* The same where the first bucket is full and the claim is in the second: it is taken back there,
 * and no longer counted as away. */
static void test_a_claim_in_the_second_bucket(void **state) {
    (void)state;
    struct leat_table *table = create_shared(100);
    uint8_t key[20];
    uint32_t first, second, i = 0;
    bool made;
    uint64_t hash;
    do {
        number_key(key, sizeof(key), i++);
        hash = leat_table_hash(table, key, sizeof(key));
        first = leat_table_first(table, hash);
        second = leat_table_other(table, first, leat_table_tag(hash));
    } while (first == second);
    uint32_t *home = leat_table_bucket(table, first)->numbers;
    uint32_t *other = leat_table_bucket(table, second)->numbers;
    for (uint32_t slot = 0; slot < LEAT_TABLE_SLOTS; slot++) /* by others, of other tags */
        home[slot] = LEAT_TABLE_CLAIMED | (uint16_t)(leat_table_tag(hash) + 1);
    other[5] = LEAT_TABLE_CLAIMED | leat_table_tag(hash);
    assert_int_equal(insert(table, key, &made), LEAT_TABLE_NONE);
    assert_int_equal(leat_table_bucket(table, first)->away, 0);
    other[5] = 0;
    uint32_t index = insert(table, key, &made);
    assert_true(made);
    assert_int_equal(index / LEAT_TABLE_SLOTS, second);
    assert_int_equal(leat_table_bucket(table, first)->away, 1);
    assert_int_equal(find(table, key), index);
    assert_int_equal(insert(table, key, &made), index);
    assert_false(made);
    leat_table_remove(table, index);
    memset(home, 0, LEAT_TABLE_SLOTS * sizeof(*home));
    check_empty(table);
    leat_table_destroy(table);
}

/* Beyond its capacity some keys find both of their buckets full: each is refused at once and
 * counted, and what is there stays. */
static void test_a_shared_table_overflows(void **state) {
    (void)state;
    enum { HOLDS = 300, OFFERED = 1000 };
    struct leat_table *table = create_shared(HOLDS);
    uint32_t indexes[OFFERED], refused = 0;
    uint8_t key[20];
    bool made;
    for (uint32_t i = 0; i < OFFERED; i++) {
        number_key(key, sizeof(key), i);
        indexes[i] = insert(table, key, &made);
        assert_int_equal(made, indexes[i] != LEAT_TABLE_NONE);
        refused += !made;
    }
    struct leat_table_stats stats;
    leat_table_stats(table, &stats);
    assert_int_equal(stats.refused, refused);
    assert_int_equal(stats.contended, 0);
    assert_int_equal(stats.used + refused, OFFERED);
    assert_true(stats.used >= HOLDS);
    for (uint32_t i = 0; i < OFFERED; i++) {
        number_key(key, sizeof(key), i);
        assert_int_equal(find(table, key), indexes[i]);
        if (indexes[i] != LEAT_TABLE_NONE)
            assert_memory_equal(leat_table_entry(table, indexes[i]), key, sizeof(key));
    }
    for (uint32_t i = 0; i < OFFERED; i++)
        if (indexes[i] != LEAT_TABLE_NONE)
            leat_table_remove(table, indexes[i]);
    check_empty(table);
    leat_table_destroy(table);
}

/* The slot that a key gets when it is free is the one that look-ups try first. */
static void test_a_key_gets_its_favourite_slot(void **state) {
    (void)state;
    struct leat_table *table = create_shared(100);
    uint8_t key[20];
    bool made;
    for (uint32_t i = 0; i < 20; i++) {
        number_key(key, sizeof(key), i);
        uint64_t hash = leat_table_hash(table, key, sizeof(key));
        uint32_t index =
            leat_table_first(table, hash) * LEAT_TABLE_SLOTS + leat_table_favourite(hash);
        assert_int_equal(insert(table, key, &made), index);
        assert_ptr_equal(leat_table_entry(table, index),
                         leat_table_beside(table,
                                           leat_table_bucket(table, index / LEAT_TABLE_SLOTS),
                                           index % LEAT_TABLE_SLOTS));
        leat_table_remove(table, index);
    }
    leat_table_destroy(table);
}

/* No promise, but what is to be expected. */
static void test_a_shared_table_holds_its_capacity(void **state) {
    (void)state;
    uint64_t refused = 0, inserts = 0;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t capacity = round % 20 == 0 ? 100000 : 1 + (uint32_t)random_number() % 3000;
        struct leat_table *table = create_shared(capacity);
        struct leat_table_stats stats;
        uint8_t key[20];
        bool made;
        for (uint32_t i = 0; i < capacity; i++) {
            number_key(key, sizeof(key), i);
            insert(table, key, &made);
        }
        leat_table_stats(table, &stats);
        refused += stats.refused;
        inserts += stats.inserts;
        leat_table_destroy(table);
    }
    print_message("refused %llu, inserted %llu\n", (unsigned long long)refused,
                  (unsigned long long)inserts);
    assert_true(refused * 10000 <= inserts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_beside_the_writer),
        cmocka_unit_test(test_writers_of_a_shared_table),
        cmocka_unit_test(test_two_steps_of_removal),
        cmocka_unit_test(test_a_claim_of_another),
        cmocka_unit_test(test_a_claim_in_the_second_bucket),
        cmocka_unit_test(test_a_shared_table_overflows),
        cmocka_unit_test(test_a_key_gets_its_favourite_slot),
        cmocka_unit_test(test_a_shared_table_holds_its_capacity),
    };
    start_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
