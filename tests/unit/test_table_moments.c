/* SPDX-License-Identifier: BSD-2-Clause */
/* What a reader finds when the writer works at the worst moment. The page that the reader wants
 * next is out of reach; while he waits in the signal's handler, the writer does his part. And what
 * he finds in a table whose memory somebody has filled with nonsense. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "table_rig.h"

enum { PAGE = 4096 };

static struct {
    struct leat_table *table;
    void (*work)(void); /* the writer's, once */
    void *page;
    uint32_t from, to, index; /* what it is about */
    int slot, to_slot;
} moment;

static void at_the_moment(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    if (!moment.work || (uintptr_t)info->si_addr / PAGE != (uintptr_t)moment.page / PAGE) {
        signal(SIGSEGV, SIG_DFL); /* an error of another kind: happens again, and ends this */
        return;
    }
    mprotect(moment.page, PAGE, PROT_READ | PROT_WRITE);
    moment.work();
    moment.work = NULL;
}

/* Whoever next touches the page of `at` sees `work` done before he goes on. */
static void when_touched(const void *at, void (*work)(void)) {
    struct sigaction action = { .sa_sigaction = at_the_moment, .sa_flags = SA_SIGINFO };
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    moment.page = (uint8_t *)at - (uintptr_t)at % PAGE;
    moment.work = work;
    assert_int_equal(mprotect(moment.page, PAGE, PROT_NONE), 0);
}

/* With its entries at the start of a page. */
static struct leat_table *table_on_pages(const struct leat_table_opts *opts, void **memory,
                                         size_t *bytes) {
    struct leat_table *table;
    size_t wanted = leat_table_bytes(opts);
    *bytes = (wanted + 2 * PAGE) / PAGE * PAGE;
    *memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(*memory, MAP_FAILED);
    assert_int_equal(leat_table_init(&table, *memory, wanted, opts), 0);
    size_t shift = -table->entries_at % PAGE;
    memset(*memory, 0, sizeof(*table));
    assert_int_equal(leat_table_init(&table, (uint8_t *)*memory + shift, wanted, opts), 0);
    return table;
}

/* The writer's move from the second bucket home, in his order: there, the version, here. */
static void move_home(void) {
    struct leat_table_bucket *from = leat_table_bucket(moment.table, moment.from);
    struct leat_table_bucket *to = leat_table_bucket(moment.table, moment.to);
    to->tags[moment.to_slot] = from->tags[moment.slot];
    to->numbers[moment.to_slot] = from->numbers[moment.slot];
    moment.table->moves++;
    from->numbers[moment.slot] = 0;
    from->alternates = 0;
    to->away = 0;
}

/* A reader has looked home in vain; before he looks elsewhere the key is moved home. */
static void test_a_key_moves_behind_the_reader(void **state) {
    (void)state;
    struct leat_table_opts opts = table_opts(5000, 16, 64);
    void *memory;
    size_t bytes;
    struct leat_table *table = moment.table = table_on_pages(&opts, &memory, &bytes);
    uint8_t key[16];
    uint32_t first, other;
    bool made;
    for (uint32_t i = 0;; i++) { /* a key whose buckets are on different pages, not the header's */
        number_key(key, sizeof(key), i);
        uint64_t hash = leat_table_hash(table, key, sizeof(key));
        first = leat_table_first(table, hash);
        other = leat_table_other(table, first, leat_table_tag(hash));
        uintptr_t page = (uintptr_t)leat_table_bucket(table, other) / PAGE;
        if (page != (uintptr_t)leat_table_bucket(table, first) / PAGE &&
            page != (uintptr_t)table / PAGE)
            break;
    }
    uint32_t index = insert(table, key, &made);
    struct leat_table_bucket *home = leat_table_bucket(table, first);
    struct leat_table_bucket *guest = leat_table_bucket(table, other);
    assert_int_equal(home->numbers[0], index + 1);
    guest->tags[3] = home->tags[0]; /* as if home had been full */
    guest->numbers[3] = home->numbers[0];
    guest->alternates = 1u << 3;
    home->numbers[0] = 0;
    home->away = 1;
    assert_int_equal(find(table, key), index);

    moment.from = other;
    moment.slot = 3;
    moment.to = first;
    moment.to_slot = 6;
    when_touched(guest, move_home);
    assert_int_equal(find(table, key), index);
    assert_null(moment.work);
    assert_int_equal(home->numbers[6], index + 1);
    munmap(memory, bytes);
}

static void remove_it(void) {
    leat_table_remove(moment.table, moment.index);
}

/* A reader stands on the first entry of the list of those that no bucket has room for; it is
 * removed under him, and its link no longer leads to the others. */
static void test_a_listed_entry_goes_under_the_reader(void **state) {
    (void)state;
    enum { KEYS = 40 };
    struct leat_table_opts opts = table_opts(KEYS, 8, PAGE);
    void *memory;
    size_t bytes;
    struct leat_table *table = moment.table = table_on_pages(&opts, &memory, &bytes);
    bool made;
    for (uint32_t i = 0; i < KEYS; i++) { /* all of one hash, as in test_table.c */
        const uint32_t key[2] = { -table->nh[0], i };
        insert(table, key, &made);
        assert_true(made);
    }
    assert_int_equal(table->overflow, KEYS);
    const uint32_t sought[2] = { -table->nh[0], KEYS - 5 };
    moment.index = KEYS - 1;
    when_touched(leat_table_entry(table, KEYS - 1), remove_it);
    assert_int_equal(find(table, sought), KEYS - 5);
    assert_null(moment.work);
    assert_int_equal(table->used, KEYS - 1);
    munmap(memory, bytes);
}

/* Look-ups end, and return entries that there are, whatever the memory says. */
static void test_nonsense_in_memory(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 200; round++) {
        struct leat_table_opts opts = table_opts(60, 8, 16);
        struct leat_table *table;
        bool made;
        opts.flags = round % 2 ? LEAT_TABLE_SHARED : 0;
        assert_int_equal(leat_table_create(&table, &opts), 0);
        for (uint32_t i = 0; i < 60; i++) {
            const uint32_t key[2] = { i % 2 ? i : -table->nh[0], i };
            insert(table, key, &made);
        }
        for (uint32_t i = 0; i < table->buckets; i++) {
            struct leat_table_bucket *bucket = leat_table_bucket(table, i);
            for (uint32_t slot = 0; slot < LEAT_TABLE_SLOTS; slot++)
                bucket->numbers[slot] =
                    (uint32_t)(random_number() % 4 ? random_number() % 80 : ~0u);
            bucket->away = 1;
        }
        if (!(opts.flags & LEAT_TABLE_SHARED)) { /* a list without an end */
            table->overflow = 1;
            for (uint32_t i = 0; i < table->entries; i++)
                *leat_table_link(table, i) = LEAT_TABLE_IN_USE | ((i + 1) % 7 + 1);
        }
        for (uint32_t i = 0; i < 200; i++) {
            const uint32_t key[2] = { i % 2 ? i : -table->nh[0], i };
            uint32_t index = find(table, key);
            if (index != LEAT_TABLE_NONE) {
                assert_true(index < leat_table_entries(table));
                assert_memory_equal(leat_table_entry(table, index), key, sizeof(key));
            }
        }
        leat_table_destroy(table);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_moves_behind_the_reader),
        cmocka_unit_test(test_a_listed_entry_goes_under_the_reader),
        cmocka_unit_test(test_nonsense_in_memory),
    };
    start_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
