/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow cache: what a record holds, each reason why one ends, and what happens without room. */
#include "flow_cache_rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <leat/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct rig rig;
static const uint64_t T = 1700000000 * SECOND;

/* Sweeps never, so that only packets end records. */
static const struct leat_flow_cache_opts quiet = {
    .flows = 1000, .active_ns = 60 * SECOND, .idle_ns = 10 * SECOND, .sweep_ns = UINT64_MAX
};

static const struct leat_flow *last(void) {
    assert_true(rig.count > 0);
    return &rig.records[rig.count - 1];
}

static void test_what_a_record_holds(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    struct leat_flow_packet packet = rig_tcp(5, 1, SYN, T);
    packet.tos = 0xb8;
    packet.ttl = 60;
    packet.fragment_flags = 0x40;
    rig_add(&rig, packet); /* from side 1 of the key: that is the source */
    packet = rig_tcp(5, 0, SYN | ACK, T + 5);
    packet.ttl = 128;
    packet.tos = 0x20;
    rig_add(&rig, packet);
    packet = rig_tcp(5, 1, ACK | 0x100, T + 9);
    packet.ttl = 59;
    packet.octets = 40;
    packet.payload_bytes = 0;
    packet.frame_octets = 60; /* padded */
    packet.fragment_flags = 0x20;
    packet.tos = 0;
    rig_add(&rig, packet);
    assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(rig.count, 1);
    const struct leat_flow *flow = last();
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
                                           .first_ns = T,
                                           .last_ns = T + 9,
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
                                         .first_ns = T + 5,
                                         .last_ns = T + 5,
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
    rig_open(&rig, quiet);
    for (uint32_t i = 0; i < 100; i++) {
        rig_add(&rig, rig_packet(i, T));
        rig_add(&rig, rig_packet6(i, T));
        rig_add(&rig, rig_packet6(i, T + 1));
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
    struct leat_flow_cache_opts opts = quiet;
    opts.uniflow = true;
    rig_open(&rig, opts);
    rig_add(&rig, rig_tcp(1, 0, ACK, T));
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, T + 1)); /* enough for a uniflow */
    rig_add(&rig, rig_tcp(1, 0, SYN, T + 2));
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_DETECTED);
    assert_false(last()->biflow);
    assert_int_equal(last()->side[0].packets, 2);
    assert_int_equal(last()->side[1].packets, 0);
    rig_close(&rig);
}

static void test_idle_exactly_at_the_limit(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    rig_add(&rig, rig_packet(1, T));
    rig_add(&rig, rig_packet(1, T + 10 * SECOND)); /* just so belongs to it */
    assert_int_equal(rig.count, 0);
    rig_add(&rig, rig_packet(1, T + 20 * SECOND + 1));
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_IDLE);
    assert_int_equal(last()->side[0].packets, 2);
    uint64_t id = last()->id;
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(last()->side[0].packets, 1);
    assert_int_not_equal(last()->id, id); /* another flow */
    rig_close(&rig);
}

/* The side that sends keeps the flow up for the one that is quiet. */
static void test_either_side_keeps_a_flow_up(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    rig_add(&rig, rig_tcp(1, 0, ACK, T));
    for (uint32_t i = 1; i <= 5; i++)
        rig_add(&rig, rig_tcp(1, 1, ACK, T + i * 9 * SECOND));
    rig_add(&rig, rig_tcp(1, 0, ACK, T + 54 * SECOND));
    assert_int_equal(rig.count, 0);
    rig_close(&rig);
}

static void test_active_cuts_add_up(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    uint64_t id = 0;
    for (uint32_t i = 0; i <= 200; i++) /* a packet a second, the way back every third */
        rig_add(&rig, rig_tcp(1, i % 3 == 2, ACK, T + i * SECOND));
    assert_int_equal(rig.count, 3);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct leat_flow *flow = &rig.records[i];
        assert_int_equal(flow->end, i < 3 ? LEAT_FLOW_END_ACTIVE : LEAT_FLOW_END_FORCED);
        assert_int_equal(flow->side[0].packets + flow->side[1].packets, i < 3 ? 60 : 21);
        assert_int_equal(flow->side[0].first_ns, T + i * 60 * SECOND);
        assert_int_equal(flow->side[1].first_ns, T + (i * 60 + 2) * SECOND);
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
    rig_open(&rig, quiet);
    for (uint32_t i = 0; i < 60; i += 5)
        rig_add(&rig, rig_tcp(1, 1, ACK, T + i * SECOND));
    rig_add(&rig, rig_tcp(1, 0, ACK, T + 60 * SECOND));
    rig_add(&rig, rig_tcp(1, 0, ACK, T + 61 * SECOND));
    assert_int_equal(rig.count, 1);
    leat_flow_cache_top(rig.cache, &rig.records[9], 1);
    assert_int_equal(rig.records[9].port[0], 53);
    assert_int_equal(rig.records[9].side[0].packets, 0);
    assert_int_equal(rig.records[9].side[0].first_ns, T + 60 * SECOND);
    assert_int_equal(rig.records[9].side[1].packets, 2);
    struct leat_flow_packet packet = rig_tcp(1, 1, SYN, T + 62 * SECOND);
    packet.ttl = 9;
    rig_add(&rig, packet);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    const struct leat_flow *flow = last();
    assert_int_equal(flow->id, rig.records[0].id);
    assert_int_equal(flow->port[0], 53);
    assert_int_equal(flow->side[0].packets, 1);
    assert_int_equal(flow->side[0].first_ns, T + 62 * SECOND);
    assert_int_equal(flow->side[0].ttl_max, 9);
    assert_int_equal(flow->side[0].tcp_flags_first, SYN);
    assert_int_equal(flow->side[1].packets, 2);
    assert_int_equal(flow->side[1].first_ns, T + 60 * SECOND);
    rig_close(&rig);
}

/* Another flow of the same key is another one in all that it shows. */
static void test_nothing_of_a_cut_flow_is_left_in_the_next(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    for (uint32_t i = 0; i < 70; i += 5)
        rig_add(&rig, rig_tcp(1, 0, i ? ACK : FIN, T + i * SECOND));
    rig_add(&rig, rig_tcp(1, 1, FIN, T + 90 * SECOND));
    assert_int_equal(rig.count, 2);
    rig_add(&rig, rig_tcp(1, 1, ACK, T + 95 * SECOND)); /* not closed */
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 3);
    assert_int_equal(rig.records[0].id, rig.records[1].id);
    assert_int_not_equal(last()->id, rig.records[1].id);
    assert_int_equal(last()->port[0], 53);
    assert_int_equal(last()->side[0].packets, 2);
    assert_int_equal(last()->side[0].first_ns, T + 90 * SECOND);
    rig_close(&rig);
}

/* The way back was seen last, before the cut. */
static void test_a_cut_flow_remembers_when_it_was_seen(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = quiet;
    opts.sweep_ns = 1;
    rig_open(&rig, opts);
    rig_add(&rig, rig_tcp(1, 0, ACK, T));
    for (uint32_t s = 5; s < 60; s += 6)
        rig_add(&rig, rig_tcp(1, 1, ACK, T + s * SECOND));
    leat_flow_cache_tick(rig.cache, T + 60 * SECOND); /* cut */
    leat_flow_cache_tick(rig.cache, T + 68 * SECOND); /* seen ten seconds before, at 59 */
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
            struct leat_flow_cache_opts opts = quiet;
            opts.sweep_ns = how == 1 ? 1 : quiet.sweep_ns;
            rig_open(&rig, opts);
            for (uint64_t s = 0; s <= flows[f].last_s; s += 7)
                rig_add(&rig, rig_packet(1, T + s * SECOND));
            rig_add(&rig, rig_packet(1, T + flows[f].last_s * SECOND));
            if (how == 0)
                rig_add(&rig, rig_packet(1, T + 500 * SECOND));
            else
                leat_flow_cache_tick(rig.cache, T + 500 * SECOND);
            if (how == 2)
                leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
            assert_int_equal(rig.count, 1);
            assert_int_equal(last()->end, flows[f].end);
            assert_int_equal(rig_stats(&rig).flows, how == 0);
            rig_close(&rig);
        }
}

/* What was cut without a packet since has no record, and none comes of it. */
static void test_nothing_comes_of_a_cut_flow_that_ends(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = quiet;
    opts.sweep_ns = 1;
    rig_open(&rig, opts);
    for (uint32_t s = 0; s < 60; s += 6)
        rig_add(&rig, rig_packet(1, T + s * SECOND));
    leat_flow_cache_tick(rig.cache, T + 60 * SECOND);
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_ACTIVE);
    assert_int_equal(rig_stats(&rig).flows, 1);
    leat_flow_cache_tick(rig.cache, T + 64 * SECOND); /* idle since 54 */
    assert_int_equal(rig_stats(&rig).flows, 1);
    leat_flow_cache_tick(rig.cache, T + 65 * SECOND);
    assert_int_equal(rig_stats(&rig).flows, 0);
    assert_int_equal(rig.count, 1);
    rig_close(&rig);
}

static void test_the_sweep_sees_all_in_its_time(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = quiet;
    opts.sweep_ns = SECOND;
    rig_open(&rig, opts);
    for (uint32_t i = 0; i < 1000; i++)
        rig_add(&rig, i % 2 ? rig_packet(i, T) : rig_packet6(i, T));
    leat_flow_cache_tick(rig.cache, T + 10 * SECOND);
    assert_int_equal(rig.count, 0);
    leat_flow_cache_tick(rig.cache, T + 10 * SECOND + SECOND / 4);
    assert_in_range(rig.count, 249, 251);
    for (uint64_t i = 26; i <= 101; i++)
        leat_flow_cache_tick(rig.cache, T + 10 * SECOND + i * SECOND / 100);
    assert_int_equal(rig.count, 1000);
    assert_int_equal(rig_stats(&rig).flows_ended[LEAT_FLOW_END_IDLE], 1000);
    rig_close(&rig);
}

static void test_both_fins_and_the_last_ack(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    rig_add(&rig, rig_tcp(1, 0, SYN, T));
    rig_add(&rig, rig_tcp(1, 1, SYN | ACK, T + 1));
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, T + 2));
    rig_add(&rig, rig_tcp(1, 1, FIN | ACK, T + 3));
    rig_add(&rig, rig_tcp(1, 0, ACK, T + 4)); /* in the same record */
    assert_int_equal(rig.count, 0);
    rig_add(&rig, rig_tcp(1, 1, SYN, T + 5)); /* the ports are used anew */
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_DETECTED);
    assert_int_equal(last()->side[0].packets, 3);
    assert_int_equal(last()->side[1].packets, 2);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(last()->port[0], 53); /* the other way round now */
    assert_int_equal(last()->side[0].tcp_flags_first, SYN);
    rig_close(&rig);
}

static void test_one_fin_is_half_closed(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, T));
    rig_add(&rig, rig_tcp(1, 0, FIN | ACK, T + 1)); /* again */
    rig_add(&rig, rig_tcp(1, 1, ACK, T + 9 * SECOND));
    assert_int_equal(rig.count, 0);
    rig_close(&rig);
}

static void test_reset_ends_after_its_linger(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    rig_add(&rig, rig_tcp(1, 0, SYN, T));
    rig_add(&rig, rig_tcp(1, 1, RST | ACK, T + 1));
    rig_add(&rig, rig_tcp(1, 1, RST, T + SECOND));
    assert_int_equal(rig.count, 0);
    rig_add(&rig, rig_tcp(1, 0, ACK, T + 3 * SECOND)); /* whatever that is, it is another flow */
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_DETECTED);
    assert_int_equal(last()->side[1].packets, 2);
    rig_close(&rig);
}

/* FINs before and after a cut belong together. */
static void test_fins_around_a_cut(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    for (uint32_t s = 0; s < 60; s += 5)
        rig_add(&rig, rig_tcp(1, 0, s == 20 ? FIN : ACK, T + s * SECOND));
    rig_add(&rig, rig_tcp(1, 1, FIN, T + 60 * SECOND));
    assert_int_equal(rig.count, 1);
    rig_add(&rig, rig_tcp(1, 0, SYN, T + 61 * SECOND));
    assert_int_equal(rig.count, 2);
    assert_int_equal(last()->end, LEAT_FLOW_END_DETECTED);
    rig_close(&rig);
}

/* A forged reset must not let a flow's record go on for ever. */
static void test_what_goes_on_after_a_reset_is_cut(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    for (uint64_t i = 0; i < 650; i++)
        rig_add(&rig, rig_tcp(1, 0, i == 1 ? RST : ACK, T + i * SECOND / 10));
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_ACTIVE);
    assert_int_equal(last()->side[0].packets, 600);
    rig_close(&rig);
}

static void test_full_evicts_an_old_one(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    for (uint32_t i = 0; i < 1000; i++)
        rig_add(&rig, rig_packet(i, T + i));
    for (uint32_t i = 0; i < 500; i++) {
        rig_add(&rig, rig_packet6(i, T + 1000 + i)); /* of the other table, and yet one too many */
        assert_int_equal(rig_stats(&rig).flows, 1000);
        assert_int_equal(rig.count, i + 1);
        assert_int_equal(last()->end, LEAT_FLOW_END_RESOURCES);
        assert_true(last()->side[0].last_ns < T + 16 * (i + 1) + 16);
    }
    assert_int_equal(rig_stats(&rig).flows_ended[LEAT_FLOW_END_RESOURCES], 500);
    rig_assert_conserved(&rig);
    rig_close(&rig);
}

/* A batch of more new flows than there is room for: entries found for later packets are removed by
 * earlier ones. */
static void test_eviction_within_a_batch(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = quiet;
    struct leat_flow_packet packets[256];
    opts.flows = 4;
    rig_open(&rig, opts);
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t number = (i * 7 + round) % 11;
            packets[i] = rig_packet(number, T + round * 256 + i);
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
    struct leat_flow_cache_opts opts = quiet;
    opts.sweep_ns = 1;
    opts.flows = 3;
    rig_open(&rig, opts);
    rig.refuses = true;
    for (uint32_t i = 0; i < 3; i++)
        rig_add(&rig, rig_packet(i, T + i));
    leat_flow_cache_tick(rig.cache, T + 20 * SECOND); /* idle, and they stay */
    assert_int_equal(rig_stats(&rig).flows, 3);
    assert_int_equal(rig_stats(&rig).flows_lost, 0);
    assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 3);

    rig_add(&rig, rig_packet(3, T + 20 * SECOND)); /* one has to make way */
    assert_int_equal(rig_stats(&rig).flows_lost, 1);
    assert_int_equal(rig_stats(&rig).packets_lost, 1);
    assert_int_equal(rig_stats(&rig).octets_lost, 100);
    rig_add(&rig, rig_packet(2, T + 21 * SECOND)); /* timed out: another one */
    assert_int_equal(rig_stats(&rig).flows_lost, 2);
    rig_assert_conserved(&rig);

    rig.refuses = false;
    leat_flow_cache_tick(rig.cache, T + 22 * SECOND);
    assert_int_equal(rig.count, 1);
    assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(rig.count, 3);
    rig_assert_conserved(&rig);
    rig_close(&rig);
}

static void test_a_cut_without_room_comes_later(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    rig.refuses = true;
    for (uint32_t s = 0; s < 70; s++)
        rig_add(&rig, rig_packet(1, T + s * SECOND));
    assert_int_equal(rig_stats(&rig).flows_lost, 0);
    rig.refuses = false;
    rig_add(&rig, rig_packet(1, T + 70 * SECOND));
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->side[0].packets, 70);
    rig_close(&rig);
}

static void test_a_counter_that_would_wrap(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    struct leat_flow_packet packet = rig_packet(1, T);
    packet.octets = 3000000000u; /* none that exists: two of them are too much for 32 bits */
    packet.payload_bytes = 0;
    packet.frame_octets = 3000000000u;
    rig_add(&rig, packet);
    packet.time_ns = T + 1;
    packet.side = 1;
    rig_add(&rig, packet); /* the other side counts on its own */
    assert_int_equal(rig.count, 0);
    packet.time_ns = T + 2;
    rig_add(&rig, packet);
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_RESOURCES);
    assert_int_equal(last()->side[0].octets, 3000000000u);
    assert_int_equal(last()->side[0].payload_octets, 0);
    assert_int_equal(last()->side[1].packets, 1);
    uint64_t id = last()->id;
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(last()->id, id);
    assert_int_equal(last()->side[0].packets, 0);
    assert_int_equal(last()->side[1].first_ns, T + 2);
    rig_assert_conserved(&rig);
    rig_close(&rig);
}

static void test_time_may_go_backwards(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = quiet;
    opts.sweep_ns = SECOND;
    rig_open(&rig, opts);
    rig_add(&rig, rig_packet(1, T));
    rig_add(&rig, rig_packet(1, T - 50 * SECOND));
    rig_add(&rig, rig_packet(1, T - 49 * SECOND));
    leat_flow_cache_tick(rig.cache, T - 100 * SECOND);
    rig_add(&rig, rig_packet(2, T - 100 * SECOND));
    assert_int_equal(rig.count, 0);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 2);
    for (uint32_t i = 0; i < 2; i++)
        if (rig.records[i].side[0].packets == 3) {
            assert_int_equal(rig.records[i].side[0].first_ns, T - 50 * SECOND);
            assert_int_equal(rig.records[i].side[0].last_ns, T);
            return rig_close(&rig);
        }
    fail_msg("the flow of three packets is missing");
}

#define PARTS (LEAT_FLOW_NOTES | LEAT_FLOW_HISTOGRAM | LEAT_FLOW_PACKETS | LEAT_FLOW_SIZES)

static void test_parts_of_both_sides(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = quiet;
    opts.features = PARTS;
    opts.packet_list = 2;
    opts.histogram_bytes = 100;
    rig_open(&rig, opts);
    for (uint32_t i = 0; i < 4; i++) {
        struct leat_flow_packet packet = rig_tcp(1, i % 2, ACK, T + i);
        packet.tcp_options = 1ull << i;
        packet.tcp_window = (uint16_t)(1000 + i);
        packet.mac[0][5] = (uint8_t)(i + 1);
        rig_add(&rig, packet);
    }
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.notes[0].tcp_options[0], 1 | 4);
    assert_int_equal(rig.notes[0].tcp_options[1], 2 | 8);
    assert_int_equal(rig.notes[0].tcp_window[0], 1000);
    assert_int_equal(rig.notes[0].tcp_window[1], 1001);
    assert_int_equal(rig.notes[0].ip_id[0], 7);
    assert_int_equal(rig.notes[0].mac[0][5], 1);
    assert_int_equal(rig.lists[0].count, 2);
    assert_int_equal(rig.lists[0].side[1], 1);
    assert_int_equal(rig.histograms[0].bytes['p'], 4);
    assert_int_equal(rig.histograms[0].bytes[0], 196); /* a hundred bytes of each side */
    assert_int_equal(rig.sizes[0].size[0][3], 2);      /* of 64 to 127 bytes */
    rig_close(&rig);
}

static void test_names_in_the_payload(void **state) {
    (void)state;
    static const char request[] = "GET / HTTP/1.1\r\nHost: leat.example\r\n\r\n";
    static const uint8_t tcp_header[20];
    struct leat_flow_cache_opts opts = quiet;
    struct leat_flow flow;
    opts.features = LEAT_FLOW_APPLICATION;
    rig_open(&rig, opts);
    rig_add(&rig, rig_tcp(1, 0, SYN, T));
    struct leat_flow_packet packet = rig_tcp(1, 0, ACK, T + 1);
    packet.l4 = tcp_header;
    packet.l4_bytes = sizeof(tcp_header);
    packet.payload = (const uint8_t *)request;
    packet.payload_here = packet.payload_bytes = sizeof(request) - 1;
    rig_add(&rig, packet);
    assert_int_equal(leat_flow_cache_top(rig.cache, &flow, 1), 1);
    assert_int_equal(flow.parts.application->kind, LEAT_FLOW_APPLICATION_HTTP);
    assert_string_equal(flow.parts.application->name, "leat.example");
    assert_null(flow.parts.notes);
    rig_close(&rig);
}

static void test_a_reused_entry_has_no_old_parts(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = quiet;
    opts.features = PARTS;
    opts.histogram_bytes = 100;
    opts.flows = 1;
    rig_open(&rig, opts);
    for (uint32_t i = 0; i < 20; i++) {
        struct leat_flow_packet packet = rig_tcp(1, 0, ACK, T + i);
        packet.tcp_options = 0xff00;
        packet.side = i % 2;
        rig_add(&rig, packet);
    }
    rig_add(&rig, rig_packet(2, T + 30));          /* evicts it */
    rig_add(&rig, rig_packet(2, T + 20 * SECOND)); /* begins anew in the same place */
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 3);
    for (uint32_t i = 1; i < 3; i++) {
        assert_int_equal(rig.records[i].side[0].packets, 1);
        assert_int_equal(rig.records[i].side[1].packets, 0);
        assert_int_equal(rig.records[i].side[1].octets, 0);
        assert_int_equal(rig.notes[i].tcp_options[0] | rig.notes[i].tcp_options[1], 0);
        assert_int_equal(rig.lists[i].count, 1);
        assert_int_equal(rig.histograms[i].bytes['p'], 1);
        assert_int_equal(rig.sizes[i].gap[0][0], 0);
    }
    rig_close(&rig);
}

static void test_new_timeouts_are_for_all(void **state) {
    (void)state;
    rig_open(&rig, quiet);
    rig_add(&rig, rig_packet(1, T));
    leat_flow_cache_set_timeouts(rig.cache, 60 * SECOND, SECOND);
    rig_add(&rig, rig_packet(1, T + 2 * SECOND));
    assert_int_equal(rig.count, 1);
    assert_int_equal(last()->end, LEAT_FLOW_END_IDLE);
    rig_close(&rig);
}

static void test_the_largest_flows(void **state) {
    (void)state;
    struct leat_flow flows[5];
    rig_open(&rig, quiet);
    for (uint32_t i = 0; i < 100; i++)
        for (uint32_t n = 0; n <= i; n++)
            rig_add(&rig, i % 2 ? rig_packet(i, T) : rig_packet6(i, T));
    assert_int_equal(leat_flow_cache_top(rig.cache, flows, 5), 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(flows[i].side[0].octets, (100 - i) * 100);
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(leat_flow_cache_top(rig.cache, flows, 5), 0);
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
    struct leat_flow_cache_opts opts = quiet;
    opts.scopes = scopes;
    rig_open(&rig, opts);
    struct leat_flow_packet packet = rig_packet(1, T);
    packet.key4.scope = number_of(scopes, 76) & LEAT_FLOW_SCOPES_MAX;
    packet.scope = number_of(scopes, 77);
    rig_add(&rig, packet);
    packet.scope = number_of(scopes, 78);
    rig_add(&rig, packet);
    struct leat_flow_packet packet6 = rig_packet6(1, T);
    packet6.key6.scope = number_of(scopes, 79) & LEAT_FLOW_SCOPES_MAX;
    packet6.scope = number_of(scopes, 80);
    rig_add(&rig, packet6);
    assert_int_equal(held(scopes), 4);
    packet.scope = number_of(scopes, 81);
    packet.time_ns = T + 60 * SECOND; /* idle: the same entry, another record */
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
        cmocka_unit_test(test_full_evicts_an_old_one),
        cmocka_unit_test(test_eviction_within_a_batch),
        cmocka_unit_test(test_no_room_for_records),
        cmocka_unit_test(test_a_cut_without_room_comes_later),
        cmocka_unit_test(test_a_counter_that_would_wrap),
        cmocka_unit_test(test_time_may_go_backwards),
        cmocka_unit_test(test_parts_of_both_sides),
        cmocka_unit_test(test_names_in_the_payload),
        cmocka_unit_test(test_a_reused_entry_has_no_old_parts),
        cmocka_unit_test(test_new_timeouts_are_for_all),
        cmocka_unit_test(test_the_largest_flows),
        cmocka_unit_test(test_scopes_of_packets_and_keys),
        cmocka_unit_test(test_options_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
