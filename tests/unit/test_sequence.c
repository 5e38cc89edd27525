/* SPDX-License-Identifier: BSD-2-Clause */
/* softnic's check of sequence numbers: against a list of every number ever seen. */
#include "softnic/sequence.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct sequence *sequence;

static int set_up(void **state) {
    (void)state;
    sequence = sequence_create();
    return sequence ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    sequence_destroy(sequence);
    return 0;
}

static void run(uint16_t stream, uint64_t from, uint64_t to) {
    for (uint64_t n = from; n < to; n++)
        assert_true(sequence_check(sequence, stream, n));
}

static void assert_counts(uint64_t missing, uint64_t duplicate, uint64_t reordered) {
    assert_int_equal(sequence->missing, missing);
    assert_int_equal(sequence->duplicate, duplicate);
    assert_int_equal(sequence->reordered, reordered);
}

static void test_in_order(void **state) {
    (void)state;
    run(0, 0, 100000);
    run(65535, 0, 10);
    assert_counts(0, 0, 0);
}

static void test_gap_stays_missing(void **state) {
    (void)state;
    run(7, 0, 10);
    run(7, 13, 30000); /* far beyond the window */
    assert_counts(3, 0, 0);
    assert_int_equal(sequence->expected[7], 30000); /* and fast again */
}

static void test_swapped_neighbours(void **state) {
    (void)state;
    const uint64_t order[] = { 0, 2, 1, 3, 5, 4, 6 };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        sequence_check(sequence, 1, order[i]);
    assert_counts(0, 0, 2);
    assert_int_equal(sequence->expected[1], 7);
}

static void test_duplicates(void **state) {
    (void)state;
    run(1, 0, 5);
    run(1, 4, 5);
    run(1, 0, 1);
    assert_counts(0, 2, 0);
    run(1, 6, 7);
    run(1, 5, 6); /* late */
    run(1, 5, 6); /* and again */
    assert_counts(0, 3, 1);
}

static void test_late_at_the_edge_of_the_window(void **state) {
    (void)state;
    run(1, 1, 1 + SEQUENCE_WINDOW);
    run(2, 0, 1);
    run(2, 2, 2 + SEQUENCE_WINDOW - 1);
    assert_counts(2, 0, 0);
    run(2, 1, 2); /* the last that the window remembers */
    assert_counts(1, 0, 1);
    assert_int_equal(sequence->expected[1], 1 + SEQUENCE_WINDOW); /* 0 has left it */
}

/* Beyond the window the slot of a number tells of another one. */
static void test_older_than_the_window_is_a_duplicate(void **state) {
    (void)state;
    run(1, 0, SEQUENCE_WINDOW + 10);
    run(1, SEQUENCE_WINDOW + 11, SEQUENCE_WINDOW + 20);
    run(1, 10, 11); /* in the slot of the missing one */
    assert_counts(1, 1, 0);
}

static void test_generator_starts_anew(void **state) {
    (void)state;
    run(1, 0, 2 * SEQUENCE_WINDOW);
    run(1, 0, 100);
    assert_counts(0, 0, 0);
}

static void test_impossible_jump_is_refused(void **state) {
    (void)state;
    run(1, 0, 10);
    assert_false(sequence_check(sequence, 1, 11 + SEQUENCE_JUMP_MAX));
    run(1, 10, 20);
    assert_counts(0, 0, 0);
    assert_true(sequence_check(sequence, 1, 20 + SEQUENCE_JUMP_MAX));
    assert_counts(SEQUENCE_JUMP_MAX, 0, 0);
}

static void test_long_outage(void **state) {
    (void)state;
    run(1, 0, 1);
    run(1, 1000001, 1000002);
    assert_counts(1000000, 0, 0);
    run(1, 1000000, 1000001);
    run(1, 1000002 - SEQUENCE_WINDOW, 1000003 - SEQUENCE_WINDOW);
    assert_counts(999998, 0, 2);
}

/* Random losses, repetitions and delays of less than the window, against a plain table. */
static void test_random_against_a_table(void **state) {
    enum { NUMBERS = 200000 };
    static uint8_t seen[NUMBERS];
    uint64_t highest = 0, unique = 0, duplicate = 0, reordered = 0;
    const char *given = getenv("LEAT_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    (void)state;
    print_message("LEAT_SEED=%u\n", seed);
    srandom(seed);
    memset(seen, 0, sizeof seen);
    for (uint64_t n = 1; n < NUMBERS; n++) {
        uint64_t back = random() % 10 ? 0 : (uint64_t)random() % (SEQUENCE_WINDOW / 2);
        uint64_t number = back < n ? n - back : n;
        if (random() % 100 < 3)
            continue;
        sequence_check(sequence, 3, number);
        duplicate += seen[number];
        reordered += !seen[number] && number < highest;
        unique += !seen[number];
        seen[number] = 1;
        highest = number > highest ? number : highest;
    }
    assert_counts(highest + 1 - unique, duplicate, reordered);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gap_stays_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_swapped_neighbours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_duplicates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_at_the_edge_of_the_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_older_than_the_window_is_a_duplicate, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_generator_starts_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_impossible_jump_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_outage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_against_a_table, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
