/* SPDX-License-Identifier: BSD-2-Clause */
/* softnic's histogram: its percentiles against those of the sorted values themselves. */
#include "softnic/histogram.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define VALUES 20000

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of the nearest rank: the smallest value that `per_mille` of all do not exceed. */
static uint64_t exact(const uint64_t *sorted, uint32_t count, uint32_t per_mille) {
    uint32_t rank = (count * per_mille + 999) / 1000;
    return sorted[rank ? rank - 1 : 0];
}

static void check(uint64_t *values, uint32_t count) {
    static struct histogram h;
    memset(&h, 0, sizeof h);
    for (uint32_t i = 0; i < count; i++)
        histogram_add(&h, values[i]);
    qsort(values, count, sizeof *values, compare);
    assert_int_equal(h.count, count);
    assert_int_equal(h.max, values[count - 1]);
    for (uint32_t per_mille = 1; per_mille <= 1000; per_mille++) {
        uint64_t truth = exact(values, count, per_mille);
        uint64_t told = histogram_per_mille(&h, per_mille);
        assert_true(told >= truth && told <= h.max);
        assert_true(told - truth <= truth / HISTOGRAM_STEPS);
    }
}

static uint32_t seed(void) {
    const char *given = getenv("LEAT_SEED");
    uint32_t value = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)time(NULL);
    print_message("LEAT_SEED=%u\n", value);
    return value;
}

static void test_random_values_of_all_sizes(void **state) {
    static uint64_t values[VALUES];
    (void)state;
    srandom(seed());
    for (uint32_t i = 0; i < VALUES; i++)
        values[i] = ((uint64_t)random() << 33 | (uint64_t)random() << 2) >> random() % 64;
    check(values, VALUES);
}

static void test_small_values_are_exact(void **state) {
    uint64_t values[2 * HISTOGRAM_STEPS];
    (void)state;
    for (uint32_t i = 0; i < 2 * HISTOGRAM_STEPS; i++) {
        values[i] = i;
        assert_int_equal(histogram_bucket(i), i);
    }
    check(values, 2 * HISTOGRAM_STEPS);
}

static void test_buckets_follow_one_another(void **state) {
    (void)state;
    for (uint32_t bit = 6; bit < 64; bit++) {
        uint64_t power = 1ull << bit;
        assert_int_equal(histogram_bucket(power - 1) + 1, histogram_bucket(power));
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_one_value_and_none(void **state) {
    static struct histogram h;
    (void)state;
    assert_int_equal(histogram_per_mille(&h, 500), 0);
    check((uint64_t[]){ 123456789 }, 1);
    check((uint64_t[]){ UINT64_MAX }, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_values_of_all_sizes),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_buckets_follow_one_another),
        cmocka_unit_test(test_one_value_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
