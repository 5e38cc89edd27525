/* SPDX-License-Identifier: BSD-2-Clause */
/* When a worker polls and when it sleeps: the load's estimate, on a made-up clock. */
#include "lib/worker/load.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants those before it. */
#include <cmocka.h>

/* Runs `intervals` intervals at a rate, looking `looks` times in each. */
static void run(struct load *load, uint64_t *now_ns, uint64_t pps, int intervals, int looks) {
    uint64_t step = LOAD_INTERVAL_NS / (uint64_t)looks;
    for (int i = 0; i < intervals * looks; i++) {
        load_count(load, (uint32_t)(pps * step / 1000000000));
        *now_ns += step;
        load_look(load, *now_ns);
    }
}

static void starts_asleep_and_polls_under_load(void **state) {
    (void)state;
    struct load load;
    uint64_t now = 1000;
    load_start(&load, now);
    assert_false(load.polling);
    run(&load, &now, 5000000, 1, 1);
    assert_true(load.polling);
}

static void a_low_rate_is_slept_on(void **state) {
    (void)state;
    struct load load;
    uint64_t now = 0;
    load_start(&load, now);
    run(&load, &now, 90000, 1000, 1);
    assert_false(load.polling);
}

static void between_the_thresholds_the_mode_stays(void **state) {
    (void)state;
    struct load load;
    uint64_t now = 0;
    load_start(&load, now);
    run(&load, &now, 150000, 100, 1);
    assert_false(load.polling);
    run(&load, &now, 1000000, 10, 1);
    assert_true(load.polling);
    run(&load, &now, 150000, 100, 1);
    assert_true(load.polling);
    run(&load, &now, 50000, 100, 1);
    assert_false(load.polling);
}

static void looking_often_without_packets_forgets_nothing_early(void **state) {
    (void)state;
    struct load load;
    uint64_t now = 0;
    load_start(&load, now);
    run(&load, &now, 10000000, 5, 1);
    run(&load, &now, 0, 4, 1000);
    assert_true(load.polling);
    run(&load, &now, 0, 1, 1000);
    assert_false(load.polling);
}

static void a_long_sleep_counts_as_idle(void **state) {
    (void)state;
    struct load load;
    uint64_t now = 0;
    load_start(&load, now);
    run(&load, &now, 10000000, 5, 1);
    assert_true(load.polling);
    now += 10 * (uint64_t)LOAD_INTERVAL_NS;
    load_look(&load, now);
    assert_false(load.polling);
    /* What came before the sleep does not weigh on what comes after it. */
    run(&load, &now, 5000000, 1, 1);
    assert_true(load.polling);
}

static void a_shared_core_is_slept_on_for_a_while(void **state) {
    (void)state;
    struct load load;
    uint64_t now = 0;
    load_start(&load, now);
    run(&load, &now, 5000000, 5, 1);
    for (int i = 0; i < 100; i++) { /* others have a quarter of the time */
        load_yielded(&load, LOAD_INTERVAL_NS);
        run(&load, &now, 5000000, LOAD_SHARED_PART, 1);
        assert_false(load_on_shared_core(&load));
    }
    load_yielded(&load, LOAD_SHARED_NS - 1);
    assert_false(load_on_shared_core(&load));
    load_yielded(&load, 1);
    assert_true(load_on_shared_core(&load));
    run(&load, &now, 5000000, LOAD_SHARED_INTERVALS - 1, 1);
    assert_true(load_on_shared_core(&load));
    assert_true(load.polling);
    run(&load, &now, 5000000, 1, 1);
    assert_false(load_on_shared_core(&load));
    load_yielded(&load, LOAD_SHARED_NS - 1); /* what went before is forgotten */
    assert_false(load_on_shared_core(&load));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_asleep_and_polls_under_load),
        cmocka_unit_test(a_low_rate_is_slept_on),
        cmocka_unit_test(between_the_thresholds_the_mode_stays),
        cmocka_unit_test(looking_often_without_packets_forgets_nothing_early),
        cmocka_unit_test(a_long_sleep_counts_as_idle),
        cmocka_unit_test(a_shared_core_is_slept_on_for_a_while),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
