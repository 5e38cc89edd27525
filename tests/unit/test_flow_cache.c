/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow cache: what a record holds, and what happens without room. */
#include "flow_cache_rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <leat/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct rig rig;

static void test_what_a_record_holds(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    struct leat_flow_packet packet = rig_tcp(5, 1, SYN, RIG_TIME);
    packet.tos = 0xb8;
    packet.ttl = 60;
    packet.fragment_flags = 0x40;
    rig_add(&rig, packet); /* from side 1 of the key: that is the source */
    packet = rig_tcp(5, 0, SYN | ACK, RIG_TIME + 5);
    packet.ttl = 128;
    packet.tos = 0x20;
    rig_add(&rig, packet);
    packet = rig_tcp(5, 1, ACK | 0x100, RIG_TIME + 9);
    packet.ttl = 59;
    packet.octets = 40;
    packet.payload_bytes = 0;
    packet.frame_octets = 60; /* padded */
    packet.fragment_flags = 0x20;
    packet.tos = 0;
    rig_add(&rig, packet);
    assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(rig.count, 1);
    const struct leat_flow *flow = rig_last(&rig);
    assert_int_equal(flow->version, 4);
    assert_int_equal(flow->protocol, 6);
    assert_int_equal(flow->end, LEAT_FLOW_END_FORCED);
    assert_true(flow->biflow);
    assert_memory_equal(flow->address[0], "\xff\xff\xff\xff", 4);
    assert_memory_equal(flow->address[1], "\x0a\0\0\5", 4);
    assert_int_equal(flow->port[0], 53);
    assert_int_equal(flow->port[1], 1000);
    const struct leat_flow_side source = { .packets = 2,
                                           .octets = 140,
                                           .frame_octets = 174,
                                           .payload_octets = 72,
                                           .first_ns = RIG_TIME,
                                           .last_ns = RIG_TIME + 9,
                                           .tcp_flags = SYN | ACK | 0x100,
                                           .tcp_flags_first = SYN,
                                           .ttl_min = 59,
                                           .ttl_max = 60,
                                           .tos = 0xb8,
                                           .fragment_flags = 0x60 };
    const struct leat_flow_side back = { .packets = 1,
                                         .octets = 100,
                                         .frame_octets = 114,
                                         .payload_octets = 72,
                                         .first_ns = RIG_TIME + 5,
                                         .last_ns = RIG_TIME + 5,
                                         .tcp_flags = SYN | ACK,
                                         .tcp_flags_first = SYN | ACK,
                                         .ttl_min = 128,
                                         .ttl_max = 128,
                                         .tos = 0x20 };
    assert_memory_equal(&flow->side[0], &source, sizeof(source));
    assert_memory_equal(&flow->side[1], &back, sizeof(back));
    rig_close(&rig);
}

static void test_ip6_beside_ip4(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    for (uint32_t i = 0; i < 100; i++) {
        rig_add(&rig, rig_packet(i, RIG_TIME));
        rig_add(&rig, rig_packet6(i, RIG_TIME));
        rig_add(&rig, rig_packet6(i, RIG_TIME + 1));
    }
    assert_int_equal(rig_stats(&rig).flows, 200);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 200);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 200; i++) {
        const struct leat_flow *flow = &rig.records[i];
        assert_int_equal(flow->side[0].packets, flow->version == 6 ? 2 : 1);
        seen += flow->version == 6;
        if (flow->version == 6)
            assert_memory_equal(flow->address[1], "\x20\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    }
    assert_int_equal(seen, 100);
    rig_close(&rig);
}

static void test_uniflow_has_one_side(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.uniflow = true;
    rig_open(&rig, opts);
    rig_add(&rig, rig_tcp(1, 0, ACK, RIG_TIME));
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, RIG_TIME + 1)); /* enough for a uniflow */
    rig_add(&rig, rig_tcp(1, 0, SYN, RIG_TIME + 2));
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_DETECTED);
    assert_false(rig_last(&rig)->biflow);
    assert_int_equal(rig_last(&rig)->side[0].packets, 2);
    assert_int_equal(rig_last(&rig)->side[1].packets, 0);
    rig_close(&rig);
}

static void test_full_evicts_an_old_one(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    for (uint32_t i = 0; i < 1000; i++)
        rig_add(&rig, rig_packet(i, RIG_TIME + i));
    for (uint32_t i = 0; i < 500; i++) {
        rig_add(&rig,
                rig_packet6(i, RIG_TIME + 1000 + i)); /* of the other table, and yet one too many */
        assert_int_equal(rig_stats(&rig).flows, 1000);
        assert_int_equal(rig.count, i + 1);
        assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_RESOURCES);
        assert_true(rig_last(&rig)->side[0].last_ns < RIG_TIME + 16 * (i + 1) + 16);
    }
    assert_int_equal(rig_stats(&rig).flows_ended[LEAT_FLOW_END_RESOURCES], 500);
    rig_assert_conserved(&rig);
    rig_close(&rig);
}

/* A batch of more new flows than there is room for: entries found for later packets are removed by
 * earlier ones. */
static void test_eviction_within_a_batch(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    struct leat_flow_packet packets[256];
    opts.flows = 4;
    rig_open(&rig, opts);
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t number = (i * 7 + round) % 11;
            packets[i] = rig_packet(number, RIG_TIME + round * 256 + i);
            packets[i].octets += number;
        }
        leat_flow_cache_add(rig.cache, packets, 256);
        assert_int_equal(rig_stats(&rig).flows, 4);
        rig_assert_conserved(&rig);
    }
    for (uint32_t i = 0; i < rig.count && i < RIG_RECORDS; i++) { /* nobody else's packets */
        const struct leat_flow *flow = &rig.records[i];
        assert_int_equal(flow->side[0].octets, flow->side[0].packets * (100 + flow->address[0][3]));
    }
    rig_close(&rig);
}

static void test_no_room_for_records(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.sweep_ns = 1;
    opts.flows = 3;
    rig_open(&rig, opts);
    rig.refuses = true;
    for (uint32_t i = 0; i < 3; i++)
        rig_add(&rig, rig_packet(i, RIG_TIME + i));
    leat_flow_cache_tick(rig.cache, RIG_TIME + 20 * SECOND); /* idle, and they stay */
    assert_int_equal(rig_stats(&rig).flows, 3);
    assert_int_equal(rig_stats(&rig).flows_lost, 0);
    assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 3);

    rig_add(&rig, rig_packet(3, RIG_TIME + 20 * SECOND)); /* one has to make way */
    assert_int_equal(rig_stats(&rig).flows_lost, 1);
    assert_int_equal(rig_stats(&rig).packets_lost, 1);
    assert_int_equal(rig_stats(&rig).octets_lost, 100);
    rig_add(&rig, rig_packet(2, RIG_TIME + 21 * SECOND)); /* timed out: another one */
    assert_int_equal(rig_stats(&rig).flows_lost, 2);
    assert_int_equal(rig_stats(&rig).lost.first_ns, RIG_TIME + 20 * SECOND);
    assert_int_equal(rig_stats(&rig).lost.last_ns, RIG_TIME + 20 * SECOND);
    rig_assert_conserved(&rig);

    rig.refuses = false;
    leat_flow_cache_tick(rig.cache, RIG_TIME + 22 * SECOND);
    assert_int_equal(rig.count, 1);
    assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(rig.count, 3);
    rig_assert_conserved(&rig);
    rig_close(&rig);
}

static void test_a_counter_that_would_wrap(void **state) {
    (void)state;
    rig_open(&rig, rig_quiet);
    struct leat_flow_packet packet = rig_packet(1, RIG_TIME);
    packet.octets = 3000000000u; /* none that exists: two of them are too much for 32 bits */
    packet.payload_bytes = 0;
    packet.frame_octets = 3000000000u;
    rig_add(&rig, packet);
    packet.time_ns = RIG_TIME + 1;
    packet.side = 1;
    rig_add(&rig, packet); /* the other side counts on its own */
    assert_int_equal(rig.count, 0);
    packet.time_ns = RIG_TIME + 2;
    rig_add(&rig, packet);
    assert_int_equal(rig.count, 1);
    assert_int_equal(rig_last(&rig)->end, LEAT_FLOW_END_RESOURCES);
    assert_int_equal(rig_last(&rig)->side[0].octets, 3000000000u);
    assert_int_equal(rig_last(&rig)->side[0].payload_octets, 0);
    assert_int_equal(rig_last(&rig)->side[1].packets, 1);
    uint64_t id = rig_last(&rig)->id;
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig_last(&rig)->id, id);
    assert_int_equal(rig_last(&rig)->side[0].packets, 0);
    assert_int_equal(rig_last(&rig)->side[1].first_ns, RIG_TIME + 2);
    rig_assert_conserved(&rig);
    rig_close(&rig);
}

static void test_time_may_go_backwards(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.sweep_ns = SECOND;
    rig_open(&rig, opts);
    rig_add(&rig, rig_packet(1, RIG_TIME));
    rig_add(&rig, rig_packet(1, RIG_TIME - 50 * SECOND));
    rig_add(&rig, rig_packet(1, RIG_TIME - 49 * SECOND));
    leat_flow_cache_tick(rig.cache, RIG_TIME - 100 * SECOND);
    rig_add(&rig, rig_packet(2, RIG_TIME - 100 * SECOND));
    assert_int_equal(rig.count, 0);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 2);
    for (uint32_t i = 0; i < 2; i++)
        if (rig.records[i].side[0].packets == 3) {
            assert_int_equal(rig.records[i].side[0].first_ns, RIG_TIME - 50 * SECOND);
            assert_int_equal(rig.records[i].side[0].last_ns, RIG_TIME);
            return rig_close(&rig);
        }
    fail_msg("the flow of three packets is missing");
}

static void test_the_largest_flows(void **state) {
    (void)state;
    struct leat_flow flows[5];
    rig_open(&rig, rig_quiet);
    for (uint32_t i = 0; i < 100; i++)
        for (uint32_t n = 0; n <= i; n++)
            rig_add(&rig, i % 2 ? rig_packet(i, RIG_TIME) : rig_packet6(i, RIG_TIME));
    assert_int_equal(leat_flow_cache_top(rig.cache, flows, 5, LEAT_FLOW_TOP_OCTETS), 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(flows[i].side[0].octets, (100 - i) * 100);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(leat_flow_cache_top(rig.cache, flows, 5, LEAT_FLOW_TOP_OCTETS), 0);
    rig_close(&rig);
}

static void add_of(uint32_t number, uint32_t octets, uint8_t side, uint64_t time_ns) {
    struct leat_flow_packet packet = rig_packet(number, time_ns);
    packet.octets = octets;
    packet.side = side;
    rig_add(&rig, packet);
}

static void expect_order(enum leat_flow_top by, const uint64_t packets[3]) {
    struct leat_flow flows[3];
    assert_int_equal(leat_flow_cache_top(rig.cache, flows, 3, by), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(flows[i].side[0].packets + flows[i].side[1].packets, packets[i]);
        assert_true(i == 0 || leat_flow_top_measure(&flows[i - 1], by) >=
                                  leat_flow_top_measure(&flows[i], by));
    }
}

/* One packet, three in two directions, four of which two are in a record before, and two at a
 * distance of which the later one comes back. */
static void test_what_makes_flows_large(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.active_ns = 50 * SECOND;
    opts.idle_ns = 100 * SECOND;
    rig_open(&rig, opts);
    add_of(3, 100, 0, RIG_TIME);
    add_of(3, 100, 0, RIG_TIME + 10 * SECOND);
    add_of(2, 150, 0, RIG_TIME + 30 * SECOND);
    add_of(3, 100, 0, RIG_TIME + 60 * SECOND);
    assert_int_equal(rig.count, 1);
    add_of(3, 100, 1, RIG_TIME + 60 * SECOND);
    add_of(0, 1400, 0, RIG_TIME + 69 * SECOND);
    for (uint8_t i = 0; i < 3; i++)
        add_of(1, 130, i % 2, RIG_TIME + 70 * SECOND);
    add_of(2, 150, 1, RIG_TIME + 70 * SECOND);
    expect_order(LEAT_FLOW_TOP_OCTETS, (const uint64_t[]){ 1, 3, 2 });
    add_of(2, 30, 1, RIG_TIME + 71 * SECOND);
    add_of(2, 30, 1, RIG_TIME + 72 * SECOND);
    expect_order(LEAT_FLOW_TOP_PACKETS, (const uint64_t[]){ 4, 3, 2 });
    expect_order(LEAT_FLOW_TOP_DURATION, (const uint64_t[]){ 2, 4, 1 });
    rig_close(&rig);
}

static uint32_t number_of(struct leat_flow_scopes *scopes, uint32_t interface) {
    const struct leat_flow_scope scope = { .interface = interface };
    return (uint32_t)leat_flow_scopes_number(scopes, &scope);
}

/* Ten more make it look at forty, which is all there are. */
static uint32_t held(struct leat_flow_scopes *scopes) {
    for (uint32_t i = 0; i < 10; i++)
        number_of(scopes, 1000 + i);
    leat_flow_scopes_reclaim(scopes);
    return leat_flow_scopes_count(scopes);
}

/* A record's scope is that of its first packet. Numbers are held by live records and by keys. */
static void test_scopes_of_packets_and_keys(void **state) {
    (void)state;
    struct leat_flow_scopes *scopes;
    assert_int_equal(leat_flow_scopes_create(&scopes, 1000, 1), 0);
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.scopes = scopes;
    rig_open(&rig, opts);
    struct leat_flow_packet packet = rig_packet(1, RIG_TIME);
    packet.key4.scope = number_of(scopes, 76) & LEAT_FLOW_SCOPES_MAX;
    packet.scope = number_of(scopes, 77);
    rig_add(&rig, packet);
    packet.scope = number_of(scopes, 78);
    rig_add(&rig, packet);
    struct leat_flow_packet packet6 = rig_packet6(1, RIG_TIME);
    packet6.key6.scope = number_of(scopes, 79) & LEAT_FLOW_SCOPES_MAX;
    packet6.scope = number_of(scopes, 80);
    rig_add(&rig, packet6);
    assert_int_equal(held(scopes), 4);
    packet.scope = number_of(scopes, 81);
    packet.time_ns = RIG_TIME + 60 * SECOND; /* idle: the same entry, another record */
    rig_add(&rig, packet);
    assert_int_equal(rig.records[0].scope.interface, 77);
    assert_int_equal(held(scopes), 4);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 3);
    assert_int_equal(rig.records[1].scope.interface, 81);
    assert_int_equal(rig.records[2].scope.interface, 80);
    assert_int_equal(held(scopes), 0);
    rig_close(&rig);
    leat_flow_scopes_destroy(scopes);
}

static bool ignore(void *ctx, const struct leat_flow *flow) {
    (void)ctx;
    (void)flow;
    return true;
}

static void test_options_that_are_refused(void **state) {
    (void)state;
    struct leat_flow_cache *cache;
    static const struct {
        struct leat_flow_cache_opts opts;
        const char *says;
    } wrong[] = {
        { { .flows = UINT32_MAX, .ended = ignore }, "4294967295 flows" },
        { { .packet_list = 33, .ended = ignore }, "33 packets" },
        { { .flows = 1 }, "nobody" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(leat_flow_cache_create(&cache, &wrong[i].opts), -EINVAL);
        assert_non_null(strstr(leat_error(), wrong[i].says));
    }
    leat_flow_cache_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_record_holds),
        cmocka_unit_test(test_ip6_beside_ip4),
        cmocka_unit_test(test_uniflow_has_one_side),
        cmocka_unit_test(test_full_evicts_an_old_one),
        cmocka_unit_test(test_eviction_within_a_batch),
        cmocka_unit_test(test_no_room_for_records),
        cmocka_unit_test(test_a_counter_that_would_wrap),
        cmocka_unit_test(test_time_may_go_backwards),
        cmocka_unit_test(test_the_largest_flows),
        cmocka_unit_test(test_what_makes_flows_large),
        cmocka_unit_test(test_scopes_of_packets_and_keys),
        cmocka_unit_test(test_options_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
