/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of cores: which are taken, in which order, and what is refused. */
#include "cmd/cores.h"
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants those before it. */
#include <cmocka.h>

static void expect(const char *list, uint32_t count, const int *core) {
    struct cores cores;
    assert_true(cores_parse(list, &cores));
    assert_int_equal(cores.count, count);
    assert_memory_equal(cores.core, core, count * sizeof(*core));
}

static void test_lists(void **state) {
    (void)state;
    expect("0", 1, (int[]){ 0 });
    expect("7,2", 2, (int[]){ 7, 2 });
    expect("2,4-6,1", 5, (int[]){ 2, 4, 5, 6, 1 });
    expect("1023", 1, (int[]){ 1023 });
    struct cores cores;
    assert_true(cores_parse("0-127", &cores));
    assert_int_equal(cores.count, 128);
}

/* What was there stays. */
static void test_wrong_lists(void **state) {
    (void)state;
    static const char *const wrong[] = { "",      ",",     "1,",    ",1",
                                         "a",     "1-",    "-1",    "3-2",
                                         "1,1",   "0-3,2", "1 2",   "1024",
                                         "0-128", "1--2",  "1-2-3", "00000000000000001" };
    struct cores cores = { .count = 1, .core = { 5 } };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (cores_parse(wrong[i], &cores))
            fail_msg("'%s' was taken", wrong[i]);
        assert_int_equal(cores.count, 1);
        assert_int_equal(cores.core[0], 5);
    }
    assert_true(cores_ours() > 0);
}

/* Pinned to one core, it may still go to another. */
static void test_missing(void **state) {
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    int ours = 0, other = CPU_SETSIZE - 1;
    while (!CPU_ISSET(ours, &before))
        ours++;
    while (!CPU_ISSET(other, &before))
        other--;
    CPU_ZERO(&one);
    CPU_SET(ours, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    const struct cores none = { 0 }, here = { .count = 1, .core = { ours } },
                       there = { .count = 1, .core = { other } },
                       more = { .count = 2, .core = { ours, CPU_SETSIZE - 1 } };
    assert_int_equal(cores_missing(&none), -1);
    assert_int_equal(cores_missing(&here), -1);
    assert_int_equal(cores_missing(&there), -1);
    assert_int_equal(cores_missing(&more), CPU_SETSIZE - 1);
    assert_int_equal(cores_ours(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_wrong_lists),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
