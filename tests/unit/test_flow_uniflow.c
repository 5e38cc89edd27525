/* SPDX-License-Identifier: BSD-2-Clause */
/* Biflow records as records of one direction each, none of them empty. */
#include "lib/flow/uniflow.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct leat_flow_notes notes = { .tcp_window = { 7, 8 } };
static struct leat_flow_packet_list list;
static struct leat_uniflows uniflows;

static struct leat_flow flow_of(uint64_t there, uint64_t back) {
    return (struct leat_flow){ .biflow = true,
                               .port = { 1, 2 },
                               .side = { { .packets = there }, { .packets = back } },
                               .parts = { .notes = &notes, .packets = &list } };
}

static void test_both_ways_are_two(void **state) {
    (void)state;
    struct leat_flow flow = flow_of(10, 20);
    assert_int_equal(leat_uniflows(&flow, &uniflows), 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct leat_flow *one = &uniflows.flow[i];
        assert_false(one->biflow);
        assert_int_equal(one->side[0].packets, i ? 20 : 10);
        assert_int_equal(one->side[1].packets, 0);
        assert_int_equal(one->port[0], 1 + i);
        assert_int_equal(one->parts.notes->tcp_window[0], 7 + i);
    }
    assert_ptr_equal(uniflows.flow[0].parts.packets, &list);
    assert_null(uniflows.flow[1].parts.packets);
}

static void test_one_way_is_one(void **state) {
    (void)state;
    struct leat_flow flow = flow_of(10, 0);
    assert_int_equal(leat_uniflows(&flow, &uniflows), 1);
    assert_int_equal(uniflows.flow[0].side[0].packets, 10);
    assert_int_equal(uniflows.flow[0].port[0], 1);

    flow = flow_of(0, 20); /* the way back alone, after a cut */
    assert_int_equal(leat_uniflows(&flow, &uniflows), 1);
    assert_int_equal(uniflows.flow[0].side[0].packets, 20);
    assert_int_equal(uniflows.flow[0].side[1].packets, 0);
    assert_int_equal(uniflows.flow[0].port[0], 2);
    assert_int_equal(uniflows.flow[0].parts.notes->tcp_window[0], 8);
    assert_ptr_equal(uniflows.flow[0].parts.packets, &list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways_are_two),
        cmocka_unit_test(test_one_way_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
