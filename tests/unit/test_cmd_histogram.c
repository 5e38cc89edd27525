/* SPDX-License-Identifier: BSD-2-Clause */
/* The command's histogram: every value in a bucket, within the error that it promises. */
#include "cmd/histogram.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
/* cmocka wants those before it. */
#include <cmocka.h>

static void small_values_are_exact(void **state) {
    (void)state;
    for (uint64_t value = 0; value < 128; value++) {
        assert_int_equal(histogram_bucket(value), value);
        assert_int_equal(histogram_bucket_last((uint32_t)value), value);
    }
}

static void buckets_adjoin(void **state) {
    (void)state;
    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t last = histogram_bucket_last(bucket);
        assert_int_equal(histogram_bucket(last), bucket);
        if (last != UINT64_MAX)
            assert_int_equal(histogram_bucket(last + 1), bucket + 1);
    }
    assert_int_equal(histogram_bucket_last(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
}

static void the_error_is_bounded(void **state) {
    (void)state;
    for (uint64_t value = 1; value < UINT64_MAX / 3; value += value / 2 + 1) {
        uint64_t last = histogram_bucket_last(histogram_bucket(value));
        assert_true(last >= value && last - value <= value / 64);
    }
}

static void quantiles_of_known_values(void **state) {
    (void)state;
    static struct histogram histogram;
    assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
    for (uint64_t value = 1; value <= 100; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_quantile(&histogram, 0), 1);
    assert_int_equal(histogram_quantile(&histogram, 0.5), 50);
    assert_int_equal(histogram_quantile(&histogram, 0.99), 99);
    assert_int_equal(histogram_quantile(&histogram, 0.999), 100);
    assert_int_equal(histogram_quantile(&histogram, 1), 100);
    /* A bucket's end beyond the largest value is not told. */
    histogram_add(&histogram, 1000001);
    assert_int_equal(histogram_quantile(&histogram, 1), 1000001);
    assert_int_equal(histogram.max, 1000001);
    assert_int_equal(histogram.count, 101);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(buckets_adjoin),
        cmocka_unit_test(the_error_is_bounded),
        cmocka_unit_test(quantiles_of_known_values),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
