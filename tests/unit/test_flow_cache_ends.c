/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow cache: each reason why a record ends, when, and what becomes of the flow. */
#include "flow_cache_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rig rig;

static void test_idle_exactly_at_the_limit(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    rig_add(&rig, rig_packet(1, RIG_TIME));
    rig_add(&rig, rig_packet(1, RIG_TIME + 10 * SECOND)); /* just so belongs to it */
    assert_int_equal(rig.count, 0);
    rig_add(&rig, rig_packet(1, RIG_TIME + 20 * SECOND + 1));
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_IDLE);
    assert_int_equal(rig_last(&rig)->side[0].packets, 2);
    uint64_t id = rig_last(&rig)->id;
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig_last(&rig)->side[0].packets, 1);
    assert_int_not_equal(rig_last(&rig)->id, id); /* another flow */
    rig_close(&rig);
}

/* The side that sends keeps the flow up for the one that is rig_quiet. */
static void test_either_side_keeps_a_flow_up(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    rig_add(&rig, rig_tcp(1, 0, ACK, RIG_TIME));
    for (uint32_t i = 1; i <= 5; i++)
        rig_add(&rig, rig_tcp(1, 1, ACK, RIG_TIME + i * 9 * SECOND));
    rig_add(&rig, rig_tcp(1, 0, ACK, RIG_TIME + 54 * SECOND));
    assert_int_equal(rig.count, 0);
    rig_close(&rig);
}

static void test_active_cuts_add_up(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    uint64_t id = 0;
    for (uint32_t i = 0; i <= 200; i++) /* a packet a second, the way back every third */
        rig_add(&rig, rig_tcp(1, i % 3 == 2, ACK, RIG_TIME + i * SECOND));
    assert_int_equal(rig.count, 3);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct leat_flow *flow = &rig.records[i];
        assert_int_equal(flow->end, i < 3 ? LEAT_FLOW_END_ACTIVE : LEAT_FLOW_END_FORCED);
        assert_int_equal(flow->side[0].packets + flow->side[1].packets, i < 3 ? 60 : 21);
        assert_int_equal(flow->side[0].first_ns, RIG_TIME + i * 60 * SECOND);
        assert_int_equal(flow->side[1].first_ns, RIG_TIME + (i * 60 + 2) * SECOND);
        id = i ? id : flow->id;
        assert_int_equal(flow->id, id);
    }
    assert_int_equal(rig.packets, 201);
    assert_int_equal(rig_stats(&rig).flows_made, 1);
    rig_close(&rig);
}

/* Who began the flow stays its source, whoever goes on. */
static void test_a_cut_flow_keeps_its_direction(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    for (uint32_t i = 0; i < 60; i += 5)
        rig_add(&rig, rig_tcp(1, 1, ACK, RIG_TIME + i * SECOND));
    rig_add(&rig, rig_tcp(1, 0, ACK, RIG_TIME + 60 * SECOND));
    rig_add(&rig, rig_tcp(1, 0, ACK, RIG_TIME + 61 * SECOND));
    assert_int_equal(rig.count, 1);
    leat_flow_cache_top(rig.cache, &rig.records[9], 1, LEAT_FLOW_TOP_OCTETS);
    assert_int_equal(rig.records[9].port[0], 53);
    assert_int_equal(rig.records[9].side[0].packets, 0);
    assert_int_equal(rig.records[9].side[0].first_ns, RIG_TIME + 60 * SECOND);
    assert_int_equal(rig.records[9].side[1].packets, 2);
    struct leat_flow_packet packet = rig_tcp(1, 1, SYN, RIG_TIME + 62 * SECOND);
    packet.ttl = 9;
    rig_add(&rig, packet);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    const struct leat_flow *flow = rig_last(&rig);
    assert_int_equal(flow->id, rig.records[0].id);
    assert_int_equal(flow->port[0], 53);
    assert_int_equal(flow->side[0].packets, 1);
    assert_int_equal(flow->side[0].first_ns, RIG_TIME + 62 * SECOND);
    assert_int_equal(flow->side[0].ttl_max, 9);
    assert_int_equal(flow->side[0].tcp_flags_first, SYN);
    assert_int_equal(flow->side[1].packets, 2);
    assert_int_equal(flow->side[1].first_ns, RIG_TIME + 60 * SECOND);
    rig_close(&rig);
}

/* Another flow of the same key is another one in all that it shows. */
static void test_nothing_of_a_cut_flow_is_left_in_the_next(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    for (uint32_t i = 0; i < 70; i += 5)
        rig_add(&rig, rig_tcp(1, 0, i ? ACK : FIN, RIG_TIME + i * SECOND));
    rig_add(&rig, rig_tcp(1, 1, FIN, RIG_TIME + 90 * SECOND));
    assert_int_equal(rig.count, 2);
    rig_add(&rig, rig_tcp(1, 1, ACK, RIG_TIME + 95 * SECOND)); /* not closed */
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 3);
    assert_int_equal(rig.records[0].id, rig.records[1].id);
    assert_int_not_equal(rig_last(&rig)->id, rig.records[1].id);
    assert_int_equal(rig_last(&rig)->port[0], 53);
    assert_int_equal(rig_last(&rig)->side[0].packets, 2);
    assert_int_equal(rig_last(&rig)->side[0].first_ns, RIG_TIME + 90 * SECOND);
    rig_close(&rig);
}

/* The way back was seen last, before the cut. */
static void test_a_cut_flow_remembers_when_it_was_seen(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.sweep_ns = 1;
    rig_open(&rig, opts);
    rig_add(&rig, rig_tcp(1, 0, ACK, RIG_TIME));
    for (uint32_t s = 5; s < 60; s += 6)
        rig_add(&rig, rig_tcp(1, 1, ACK, RIG_TIME + s * SECOND));
    leat_flow_cache_tick(rig.cache, RIG_TIME + 60 * SECOND); /* cut */
    leat_flow_cache_tick(rig.cache, RIG_TIME + 68 * SECOND); /* seen ten seconds before, at 59 */
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_stats(&rig).flows, 1);
    rig_close(&rig);
}

/* As if somebody had looked at the moment when the first of the two timeouts passed. */
static void test_the_timeout_that_passed_first_is_the_reason(void **state) {
    (void)state;
    static const struct {
        uint64_t last_s;
        uint8_t end;
    } flows[] = { { 49, LEAT_FLOW_END_IDLE }, { 51, LEAT_FLOW_END_ACTIVE } };
    for (uint32_t f = 0; f < 2; f++)
        for (uint32_t how = 0; how < 3; how++) { /* a packet finds out, the sweep, flushing */
            struct leat_flow_cache_opts opts = rig_quiet;
            opts.sweep_ns = how == 1 ? 1 : rig_quiet.sweep_ns;
            rig_open(&rig, opts);
            for (uint64_t s = 0; s <= flows[f].last_s; s += 7)
                rig_add(&rig, rig_packet(1, RIG_TIME + s * SECOND));
            rig_add(&rig, rig_packet(1, RIG_TIME + flows[f].last_s * SECOND));
            if (how == 0)
                rig_add(&rig, rig_packet(1, RIG_TIME + 500 * SECOND));
            else
                leat_flow_cache_tick(rig.cache, RIG_TIME + 500 * SECOND);
            if (how == 2)
                leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
            assert_int_equal(rig.count, 1);
            assert_int_equal(rig_last(&rig)->end, flows[f].end);
            assert_int_equal(rig_stats(&rig).flows, how == 0);
            rig_close(&rig);
        }
}

/* What was cut without a packet since has no record, and none comes of it. */
static void test_nothing_comes_of_a_cut_flow_that_ends(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.sweep_ns = 1;
    rig_open(&rig, opts);
    for (uint32_t s = 0; s < 60; s += 6)
        rig_add(&rig, rig_packet(1, RIG_TIME + s * SECOND));
    leat_flow_cache_tick(rig.cache, RIG_TIME + 60 * SECOND);
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_ACTIVE);
    assert_int_equal(rig_stats(&rig).flows, 1);
    leat_flow_cache_tick(rig.cache, RIG_TIME + 64 * SECOND); /* idle since 54 */
    assert_int_equal(rig_stats(&rig).flows, 1);
    leat_flow_cache_tick(rig.cache, RIG_TIME + 65 * SECOND);
    assert_int_equal(rig_stats(&rig).flows, 0);
    assert_int_equal(rig.count, 1);
    rig_close(&rig);
}

static void test_the_sweep_sees_all_in_its_time(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.sweep_ns = SECOND;
    rig_open(&rig, opts);
    for (uint32_t i = 0; i < 1000; i++)
        rig_add(&rig, i % 2 ? rig_packet(i, RIG_TIME) : rig_packet6(i, RIG_TIME));
    leat_flow_cache_tick(rig.cache, RIG_TIME + 10 * SECOND);
    assert_int_equal(rig.count, 0);
    leat_flow_cache_tick(rig.cache, RIG_TIME + 10 * SECOND + SECOND / 4);
    assert_in_range(rig.count, 249, 251);
    for (uint64_t i = 26; i <= 101; i++)
        leat_flow_cache_tick(rig.cache, RIG_TIME + 10 * SECOND + i * SECOND / 100);
    assert_int_equal(rig.count, 1000);
    assert_int_equal(rig_stats(&rig).flows_ended[LEAT_FLOW_END_IDLE], 1000);
    rig_close(&rig);
}

static void test_both_fins_and_the_last_ack(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    rig_add(&rig, rig_tcp(1, 0, SYN, RIG_TIME));
    rig_add(&rig, rig_tcp(1, 1, SYN | ACK, RIG_TIME + 1));
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, RIG_TIME + 2));
    rig_add(&rig, rig_tcp(1, 1, FIN | ACK, RIG_TIME + 3));
    rig_add(&rig, rig_tcp(1, 0, ACK, RIG_TIME + 4)); /* in the same record */
    assert_int_equal(rig.count, 0);
    rig_add(&rig, rig_tcp(1, 1, SYN, RIG_TIME + 5)); /* the ports are used anew */
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_DETECTED);
    assert_int_equal(rig_last(&rig)->side[0].packets, 3);
    assert_int_equal(rig_last(&rig)->side[1].packets, 2);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig_last(&rig)->port[0], 53); /* the other way round now */
    assert_int_equal(rig_last(&rig)->side[0].tcp_flags_first, SYN);
    rig_close(&rig);
}

static void test_one_fin_is_half_closed(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, RIG_TIME));
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, RIG_TIME + 1)); /* again */
    rig_add(&rig, rig_tcp(1, 1, ACK, RIG_TIME + 9 * SECOND));
    assert_int_equal(rig.count, 0);
    rig_close(&rig);
}

static void test_reset_ends_after_its_linger(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    rig_add(&rig, rig_tcp(1, 0, SYN, RIG_TIME));
    rig_add(&rig, rig_tcp(1, 1, RST | ACK, RIG_TIME + 1));
    rig_add(&rig, rig_tcp(1, 1, RST, RIG_TIME + SECOND));
    assert_int_equal(rig.count, 0);
    rig_add(&rig,
            rig_tcp(1, 0, ACK, RIG_TIME + 3 * SECOND)); /* whatever that is, it is another flow */
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_DETECTED);
    assert_int_equal(rig_last(&rig)->side[1].packets, 2);
    rig_close(&rig);
}

/* FINs before and after a cut belong together. */
static void test_fins_around_a_cut(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    for (uint32_t s = 0; s < 60; s += 5)
        rig_add(&rig, rig_tcp(1, 0, s == 20 ? FIN : ACK, RIG_TIME + s * SECOND));
    rig_add(&rig, rig_tcp(1, 1, FIN, RIG_TIME + 60 * SECOND));
    assert_int_equal(rig.count, 1);
    rig_add(&rig, rig_tcp(1, 0, SYN, RIG_TIME + 61 * SECOND));
    assert_int_equal(rig.count, 2);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_DETECTED);
    rig_close(&rig);
}

/* A forged reset must not let a flow's record go on for ever. */
static void test_what_goes_on_after_a_reset_is_cut(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    for (uint64_t i = 0; i < 650; i++)
        rig_add(&rig, rig_tcp(1, 0, i == 1 ? RST : ACK, RIG_TIME + i * SECOND / 10));
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_ACTIVE);
    assert_int_equal(rig_last(&rig)->side[0].packets, 600);
    rig_close(&rig);
}

static void test_a_cut_without_room_comes_later(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    rig.refuses = true;
    for (uint32_t s = 0; s < 70; s++)
        rig_add(&rig, rig_packet(1, RIG_TIME + s * SECOND));
    assert_int_equal(rig_stats(&rig).flows_lost, 0);
    rig.refuses = false;
    rig_add(&rig, rig_packet(1, RIG_TIME + 70 * SECOND));
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->side[0].packets, 70);
    rig_close(&rig);
}

static void test_new_timeouts_are_for_all(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    rig_add(&rig, rig_packet(1, RIG_TIME));
    leat_flow_cache_set_timeouts(rig.cache, 60 * SECOND, SECOND);
    rig_add(&rig, rig_packet(1, RIG_TIME + 2 * SECOND));
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_IDLE);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_exactly_at_the_limit),
        cmocka_unit_test(test_either_side_keeps_a_flow_up),
        cmocka_unit_test(test_active_cuts_add_up),
        cmocka_unit_test(test_a_cut_flow_keeps_its_direction),
        cmocka_unit_test(test_nothing_of_a_cut_flow_is_left_in_the_next),
        cmocka_unit_test(test_a_cut_flow_remembers_when_it_was_seen),
        cmocka_unit_test(test_the_timeout_that_passed_first_is_the_reason),
        cmocka_unit_test(test_nothing_comes_of_a_cut_flow_that_ends),
        cmocka_unit_test(test_the_sweep_sees_all_in_its_time),
        cmocka_unit_test(test_both_fins_and_the_last_ack),
        cmocka_unit_test(test_one_fin_is_half_closed),
        cmocka_unit_test(test_reset_ends_after_its_linger),
        cmocka_unit_test(test_fins_around_a_cut),
        cmocka_unit_test(test_what_goes_on_after_a_reset_is_cut),
        cmocka_unit_test(test_a_cut_without_room_comes_later),
        cmocka_unit_test(test_new_timeouts_are_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
