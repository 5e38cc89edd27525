/* SPDX-License-Identifier: BSD-2-Clause */
/* The table with one writer: its promise of capacity, and that it does what a plain model does. */
#include <errno.h>
#include <leat/table.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "table_rig.h"

static void test_options_are_checked(void **state) {
    (void)state;
    struct leat_table *table;
    struct leat_table_opts good = table_opts(100, 16, 64), opts;
    assert_true(leat_table_bytes(&good) > 100 * 64);

#define REFUSED(field, value)                     \
    opts = good;                                  \
    opts.field = value;                           \
    assert_int_equal(leat_table_bytes(&opts), 0); \
    assert_int_equal(leat_table_create(&table, &opts), -EINVAL)
    REFUSED(size, 8);
    REFUSED(capacity, 0);
    REFUSED(capacity, (1u << 30) + 1);
    REFUSED(key_bytes, 0);
    REFUSED(key_bytes, 18);
    REFUSED(size, sizeof(good) + 8);
    REFUSED(entry_bytes, 8);
    REFUSED(entry_bytes, 68);
    REFUSED(entry_bytes, 65544);
    REFUSED(flags, 1u << 31);
    good.entry_bytes = 128;
    REFUSED(key_bytes, 68);
#undef REFUSED

    /* The largest: of more than 4 GiB. */
    opts = good;
    opts.capacity = 1u << 30;
    opts.key_bytes = 64;
    opts.entry_bytes = 65536;
    assert_true(leat_table_bytes(&opts) > (1ull << 46) + (1ull << 30) / 8 * 64);
    opts.flags = LEAT_TABLE_SHARED;
    assert_true(leat_table_bytes(&opts) > 1ull << 46);
    good.entry_bytes = 64;

    size_t bytes = leat_table_bytes(&good);
    uint8_t *region = aligned_alloc(64, bytes + 64);
    memset(region, 0, bytes + 64);
    assert_int_equal(leat_table_init(&table, region, bytes - 1, &good), -EINVAL);
    assert_int_equal(leat_table_init(&table, region + 8, bytes, &good), -EINVAL);
    assert_int_equal(leat_table_init(&table, region, bytes, &good), 0);
    assert_ptr_equal(table, region);
    free(region);
    leat_table_destroy(NULL);
}

/* Of a region that is as long as it must be, nothing behind it is touched, and no part of it twice.
 */
static void test_parts_do_not_overlap(void **state) {
    (void)state;
    for (uint32_t capacity = 1; capacity < 200; capacity += 1 + capacity / 8) {
        struct leat_table_opts opts = table_opts(capacity, 4, 24);
        size_t bytes = leat_table_bytes(&opts);
        uint8_t *region = aligned_alloc(64, bytes + 64);
        struct leat_table *table;
        bool made;
        memset(region, 0, bytes);
        memset(region + bytes, 0x77, 64);
        assert_int_equal(leat_table_init(&table, region, bytes, &opts), 0);
        for (uint32_t i = 0; i < capacity; i++) {
            uint32_t *entry = leat_table_entry(table, insert(table, (uint32_t[2]){ i }, &made));
            assert_true(made);
            memset(entry + 1, 0xff, 20);
        }
        for (uint32_t i = 0; i < capacity; i++) {
            const uint32_t *entry = leat_table_entry(table, find(table, (uint32_t[2]){ i }));
            assert_int_equal(entry[0], i);
            assert_int_equal(entry[5], UINT32_MAX);
        }
        for (uint32_t i = 0; i < 64; i++)
            assert_int_equal(region[bytes + i], 0x77);
        free(region);
    }
}

/* Tags tell nearly all keys apart; those that have the same one differ in any byte. */
static void test_keys_are_compared_whole(void **state) {
    (void)state;
    for (uint32_t key_bytes = 4; key_bytes <= 64; key_bytes += 4) {
        _Alignas(8) uint8_t entry[64];
        uint8_t key[64];
        memset(entry, 0x5a, sizeof(entry));
        memset(key, 0x5a, sizeof(key));
        for (uint32_t i = 0; i < 64; i++) {
            key[i] ^= 1;
            assert_int_equal(leat_table_key_equal(entry, key, key_bytes), i >= key_bytes);
            key[i] ^= 1;
        }
        assert_true(leat_table_key_equal(entry, key, key_bytes));
    }
}

/* The program's bytes of a new entry are zero, whatever lies behind the key that it was made of,
 * and whatever another one left there. */
static void test_new_entries_are_zero(void **state) {
    (void)state;
    static const uint8_t zero[64];
    for (uint32_t key_bytes = 4; key_bytes <= 64; key_bytes += 4) {
        struct leat_table_opts opts = table_opts(3, key_bytes, 80);
        struct leat_table *table;
        uint8_t key[72];
        bool made;
        assert_int_equal(leat_table_create(&table, &opts), 0);
        memset(key, 0x5a, sizeof(key));
        for (uint32_t round = 0; round < 10; round++) {
            uint32_t index = insert(table, key, &made);
            uint8_t *entry = leat_table_entry(table, index);
            assert_true(made);
            assert_memory_equal(entry, key, key_bytes);
            assert_memory_equal(entry + key_bytes, zero, 80 - key_bytes < 64 ? 80 - key_bytes : 64);
            memset(entry + key_bytes, 0xff, 80 - key_bytes);
            leat_table_remove(table, index);
        }
        leat_table_destroy(table);
    }
}

/* Without a seed every table has a secret of its own. */
static void test_secrets_differ(void **state) {
    (void)state;
    struct leat_table_opts opts = table_opts(10, 16, 64);
    struct leat_table *one, *two;
    opts.seed = 0;
    assert_int_equal(leat_table_create(&one, &opts), 0);
    assert_int_equal(leat_table_create(&two, &opts), 0);
    const uint32_t key[4] = { 1, 2, 3, 4 };
    assert_true(leat_table_hash(one, key, 16) != leat_table_hash(two, key, 16));
    for (uint32_t i = 0; i < LEAT_TABLE_KEY_WORDS; i++)
        assert_int_not_equal(one->nh[i], two->nh[i]);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(one->mix[i] != two->mix[i]);
    leat_table_destroy(one);
    leat_table_destroy(two);
}

/* By an even factor hashes would lose their lowest bits. */
static void test_factors_are_odd(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        struct leat_table_opts opts = table_opts(10, 16, 64);
        struct leat_table *table;
        assert_int_equal(leat_table_create(&table, &opts), 0);
        assert_true(table->tag_secret & table->mix[1] & table->mix[2] & 1);
        leat_table_destroy(table);
    }
}

/* More than the process may have, whatever the kernel would promise. */
static void test_no_memory(void **state) {
    (void)state;
    struct leat_table_opts opts = table_opts(1u << 20, 16, 1024);
    struct leat_table *table;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    limit = before;
    limit.rlim_cur = 256 << 20;
    assert_int_equal(setrlimit(RLIMIT_DATA, &limit), 0);
    int err = leat_table_create(&table, &opts);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    assert_int_equal(err, -ENOMEM);
}

static void fill_and_check(uint32_t capacity, uint32_t key_bytes) {
    struct leat_table_opts opts = table_opts(capacity, key_bytes, 64);
    struct leat_table *table;
    uint8_t key[64];
    bool made;
    assert_int_equal(leat_table_create(&table, &opts), 0);
    assert_int_equal(leat_table_entries(table), capacity);
    for (uint32_t i = 0; i < capacity; i++) {
        number_key(key, key_bytes, i);
        uint32_t index = insert(table, key, &made);
        assert_true(made);
        assert_true(index < capacity);
        assert_memory_equal(leat_table_entry(table, index), key, key_bytes);
        assert_int_equal(insert(table, key, &made), index);
        assert_false(made);
    }
    number_key(key, key_bytes, capacity);
    assert_int_equal(insert(table, key, &made), LEAT_TABLE_NONE);
    assert_false(made);
    for (uint32_t i = 0; i < capacity; i++) {
        number_key(key, key_bytes, i);
        uint32_t index = find(table, key);
        assert_true(index != LEAT_TABLE_NONE);
        assert_true(leat_table_used(table, index));
        assert_memory_equal(leat_table_entry(table, index), key, key_bytes);
    }
    struct leat_table_stats stats;
    leat_table_stats(table, &stats);
    assert_int_equal(stats.capacity, capacity);
    assert_int_equal(stats.used, capacity);
    assert_int_equal(stats.inserts, capacity);
    assert_int_equal(stats.refused, 1);
    if (capacity >= 1000) /* moving makes room, so that no look-up has a list to search */
        assert_int_equal(table->overflow, 0);
    leat_table_destroy(table);
}

static void test_capacity_is_a_promise(void **state) {
    (void)state;
    for (uint32_t capacity = 1; capacity < 300; capacity++)
        fill_and_check(capacity, 16);
    for (uint32_t round = 0; round < 300; round++)
        fill_and_check(1000 + (uint32_t)random_number() % 1000, 4 * (2 + round % 15));
    for (uint32_t round = 0; round < 3; round++)
        fill_and_check(100000, 16);
}

/* Keys whose first word cancels the secret's have one hash, whatever their second word: what only
 * who knows the secret can do. They have two buckets of eight slots for all. */
static void test_capacity_when_all_keys_collide(void **state) {
    (void)state;
    enum { KEYS = 1000 };
    struct leat_table_opts opts = table_opts(KEYS, 8, 64);
    struct leat_table *table;
    bool made;
    assert_int_equal(leat_table_create(&table, &opts), 0);
    for (uint32_t i = 0; i < KEYS; i++) {
        const uint32_t key[2] = { -table->nh[0], i };
        assert_true(insert(table, key, &made) < KEYS);
        assert_true(made);
    }
    for (uint32_t i = 0; i < KEYS; i += 3) {
        const uint32_t key[2] = { -table->nh[0], i };
        leat_table_remove(table, find(table, key));
        assert_int_equal(find(table, key), LEAT_TABLE_NONE);
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < KEYS; i++)
        used += leat_table_used(table, i);
    assert_int_equal(used, KEYS - (KEYS + 2) / 3);
    for (uint32_t i = 0; i < KEYS; i++) {
        const uint32_t key[2] = { -table->nh[0], i };
        assert_int_equal(find(table, key) == LEAT_TABLE_NONE, i % 3 == 0);
        insert(table, key, &made);
        assert_int_equal(made, i % 3 == 0);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        const uint32_t key[2] = { -table->nh[0], i };
        leat_table_remove(table, find(table, key));
    }
    check_empty(table);
    leat_table_destroy(table);
}

/* Whose entry each key is, or NONE. */
static void test_random_operations(void **state) {
    (void)state;
    enum { CAPACITY = 500, KEYS = 800, OPERATIONS = 300000 };
    struct leat_table_opts opts = table_opts(CAPACITY, 20, 48);
    struct leat_table *table;
    uint32_t model[KEYS], used = 0, refused = 0;
    memset(model, 0xff, sizeof(model));
    assert_int_equal(leat_table_create(&table, &opts), 0);

    for (uint32_t i = 0; i < OPERATIONS; i++) {
        uint32_t number = (uint32_t)random_number() % KEYS, what = (uint32_t)random_number() % 8;
        uint8_t key[20];
        bool made;
        number_key(key, sizeof(key), number);
        assert_int_equal(find(table, key), model[number]);
        /* Now towards full, now towards empty. */
        if (what < (i / 20000 % 2 ? 2 : 6)) {
            uint32_t index = insert(table, key, &made);
            assert_int_equal(made, model[number] == LEAT_TABLE_NONE && used < CAPACITY);
            if (model[number] != LEAT_TABLE_NONE)
                assert_int_equal(index, model[number]);
            refused += index == LEAT_TABLE_NONE;
            used += made;
            model[number] = index;
            if (made) {
                const uint8_t zeros[28] = { 0 };
                uint8_t *entry = leat_table_entry(table, index);
                assert_memory_equal(entry + 20, zeros, 28);
                memset(entry + 20, 0xff, 28);
            }
        } else if (model[number] != LEAT_TABLE_NONE) {
            leat_table_remove(table, model[number]);
            assert_false(leat_table_used(table, model[number]));
            model[number] = LEAT_TABLE_NONE;
            used--;
        }
        if (i % 1000 == 0) {
            uint32_t swept = 0;
            for (uint32_t index = 0; index < leat_table_entries(table); index++)
                swept += leat_table_used(table, index);
            assert_int_equal(swept, used);
        }
    }
    struct leat_table_stats stats;
    leat_table_stats(table, &stats);
    assert_int_equal(stats.used, used);
    assert_int_equal(stats.inserts - stats.removes, used);
    assert_int_equal(stats.refused, refused);
    assert_true(refused > 0);
    for (uint32_t number = 0; number < KEYS; number++)
        if (model[number] != LEAT_TABLE_NONE)
            leat_table_remove(table, model[number]);
    check_empty(table);
    leat_table_destroy(table);
}

/* Some 15 keys of each tag. */
static void test_tags_collide(void **state) {
    (void)state;
    fill_and_check(1000000, 16);
}

static void check_batch(uint32_t key_bytes) {
    enum { CAPACITY = 3000, KEYS = 6000 };
    struct leat_table_opts opts = table_opts(CAPACITY, key_bytes, 64);
    struct leat_table *table;
    static uint8_t keys[KEYS][72];
    bool made;
    assert_int_equal(leat_table_create(&table, &opts), 0);
    for (uint32_t i = 0; i < KEYS; i++)
        number_key(keys[i], key_bytes, i);
    for (uint32_t i = 0; i < KEYS; i += 2)
        insert(table, keys[i], &made);
    for (uint32_t at = 0; at < KEYS;) {
        uint64_t hashes[64];
        uint32_t indexes[64], n = (uint32_t)random_number() % 65, found = 0;
        n = n < KEYS - at ? n : KEYS - at;
        uint32_t said =
            leat_table_find_batch(table, keys[at], sizeof(keys[0]), key_bytes, n, hashes, indexes);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(hashes[i], leat_table_hash(table, keys[at + i], key_bytes));
            assert_int_equal(indexes[i], find(table, keys[at + i]));
            assert_int_equal(indexes[i] == LEAT_TABLE_NONE, (at + i) % 2);
            found += indexes[i] != LEAT_TABLE_NONE;
        }
        assert_int_equal(said, found);
        at += n;
    }
    uint64_t hashes[64];
    uint32_t indexes[65];
    indexes[64] = 12345; /* more than a batch are cut */
    leat_table_find_batch(table, keys[0], sizeof(keys[0]), key_bytes, 65, hashes, indexes);
    assert_int_equal(indexes[64], 12345);
    leat_table_destroy(table);
}

static void test_a_batch_finds_what_single_looks_find(void **state) {
    (void)state;
    check_batch(16);
    check_batch(20);
    check_batch(40);
}

/* How many of 256 places `hashes` have at bits `shift` up: 162 of as many random ones, with a
 * deviation of 6. */
static uint32_t places(const uint64_t hashes[256], uint32_t shift) {
    bool taken[256] = { false };
    uint32_t count = 0;
    for (uint32_t i = 0; i < 256; i++) {
        bool *place = &taken[hashes[i] >> shift & 255];
        count += !*place;
        *place = true;
    }
    return count;
}

/* Keys that differ in one word only, as those of one host's connections do. */
static void check_word(const struct leat_table *table, uint32_t word) {
    uint32_t key[16];
    uint64_t hashes[256];
    for (uint32_t i = 0; i < 16; i++)
        key[i] = (uint32_t)random_number() << 1;
    for (uint32_t i = 0; i < 256; i++, key[word]++)
        hashes[i] = leat_table_hash(table, key, table->key_bytes);
    for (uint32_t shift = 0; shift < 64; shift += 8)
        assert_in_range(places(hashes, shift), 110, 256);
}

static void test_each_word_of_a_key_counts(void **state) {
    (void)state;
    for (uint32_t words = 1; words <= 16; words++) {
        const struct leat_table_opts opts = table_opts(16, 4 * words, 64);
        struct leat_table *table;
        assert_int_equal(leat_table_create(&table, &opts), 0);
        for (uint32_t word = 0; word < words; word++)
            check_word(table, word);
        leat_table_destroy(table);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_parts_do_not_overlap),
        cmocka_unit_test(test_keys_are_compared_whole),
        cmocka_unit_test(test_new_entries_are_zero),
        cmocka_unit_test(test_secrets_differ),
        cmocka_unit_test(test_factors_are_odd),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_capacity_is_a_promise),
        cmocka_unit_test(test_capacity_when_all_keys_collide),
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_tags_collide),
        cmocka_unit_test(test_a_batch_finds_what_single_looks_find),
        cmocka_unit_test(test_each_word_of_a_key_counts),
    };
    start_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
