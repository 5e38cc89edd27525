/* SPDX-License-Identifier: BSD-2-Clause */
/* Metering of live traffic: frames that another end sends are counted in their flows, exactly, and
 * reach the kernel's stack all the same. */
#include "flow_inline_rig.h"
#include "lib/flow/inline_record.h"
#include <leat/error.h>
#include <leat/parse.h>
#include <leat/port.h>
#include <leat/table.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void frames_are_counted_and_passed_on(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 1 });
    for (uint32_t i = 0; i < 100; i++)
        send_udp(5000, 7777);
    await_frames(100);
    assert_int_equal(received(), 100);
    assert_int_equal(stats().selected, 100);
    assert_int_equal(stats().cache.flows, 1);
    assert_int_equal(stats().cache.octets, 100 * (28 + PAYLOAD_BYTES));
    assert_string_equal(leat_flow_inline_mode(meter), "native");
    assert_int_equal(leat_flow_inline_sweep(meter), 0);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    const struct leat_flow *flow = &ended[0];
    assert_int_equal(flow->version, 4);
    assert_int_equal(flow->protocol, LEAT_PROTO_UDP);
    assert_int_equal(flow->end, LEAT_FLOW_END_FORCED);
    assert_int_equal(flow->port[0], 5000);
    assert_int_equal(flow->port[1], 7777);
    assert_memory_equal(flow->address[0], "\xc0\x00\x02\x02", 4);
    assert_memory_equal(flow->address[1], "\xc0\x00\x02\x01", 4);
    assert_int_equal(flow->side[0].packets, 100);
    assert_int_equal(flow->side[0].octets, 100 * (28 + PAYLOAD_BYTES));
    assert_int_equal(flow->side[0].frame_octets, 100 * FRAME_BYTES);
    assert_int_equal(flow->side[0].payload_octets, 100 * PAYLOAD_BYTES);
    assert_int_equal(flow->side[0].ttl_min, 61);
    assert_int_equal(flow->side[0].ttl_max, 61);
    assert_true(flow->side[0].first_ns <= flow->side[0].last_ns);
    assert_int_equal(flow->side[1].packets, 0);
    assert_int_equal(flow->scope.interface, if_nametoindex("lt-a"));
    assert_int_equal(stats().cache.flows, 0);
}

/* What the kernel has of it is the table's region, and no more. */
static void the_map_is_as_large_as_the_table(void **state) {
    (void)state;
    const struct leat_table_opts table = { .size = sizeof(table),
                                           .capacity = 1000,
                                           .key_bytes = sizeof(struct leat_inline_key),
                                           .entry_bytes = sizeof(struct leat_inline_record),
                                           .flags = LEAT_TABLE_SHARED };
    open_meter((struct leat_flow_inline_opts){ .seed = 1, .flows = 1000 });
    assert_int_equal(stats().cache.memory_bytes, leat_table_bytes(&table));
}

/* One wait for running programs is for 4,096 flows; a sweep ends all that are over. */
static void one_sweep_ends_all_that_are_over(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 1, .flows = FLOWS_MAX, .idle_ns = 1 });
    for (uint32_t i = 0; i < 6000; i++)
        send_udp((uint16_t)(1000 + i), 7777);
    await_frames(6000);
    assert_int_equal(leat_flow_inline_sweep(meter), stats().cache.flows_made);
    assert_int_equal(stats().cache.flows, 0);
    assert_int_equal(packets_of_ended(), stats().selected);
    assert_true(ended_count > 4096);
}

static void what_is_no_flow_is_counted_by_reason(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES];
    open_meter((struct leat_flow_inline_opts){ .seed = 2 });
    make_udp(frame, 1, 7777);
    leat_put_be16(frame + 12, 0x88b5); /* for experiments */
    send_frame(frame, sizeof(frame));
    make_udp(frame, 1, 7777);
    leat_put_be16(frame + 14 + 24, 4); /* UDP length below its header */
    send_frame(frame, sizeof(frame));
    make_udp(frame, 1, 7777);
    send_frame(frame, 14 + 24); /* ends inside the UDP header */
    await_frames(3);
    struct leat_flow_meter_stats now = stats();
    assert_int_equal(now.skipped[LEAT_FLOW_SKIP_NOT_IP], 1);
    assert_int_equal(now.skipped[LEAT_FLOW_SKIP_MALFORMED], 1);
    assert_int_equal(now.skipped[LEAT_FLOW_SKIP_TRUNCATED], 1);
    assert_int_equal(now.ignored_octets, FRAME_BYTES + 14 + 24);
    assert_int_equal(now.selected, 0);
    assert_int_equal(now.cache.flows, 0);
}

static void a_full_table_is_told(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 3, .flows = 16 });
    uint32_t passed = 0;
    for (uint32_t i = 0; i < 500; i++) {
        send_udp((uint16_t)(1000 + i), 7777);
        passed += received();
    }
    await_frames(500);
    struct leat_flow_meter_stats now = stats();
    assert_true(now.skipped[LEAT_FLOW_SKIP_NO_ROOM] > 0 && now.selected >= 16);
    assert_int_equal(now.selected + now.skipped[LEAT_FLOW_SKIP_NO_ROOM], 500);
    assert_int_equal(now.ignored_octets, FRAME_BYTES * now.skipped[LEAT_FLOW_SKIP_NO_ROOM]);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(packets_of_ended(), now.selected);
    assert_int_equal(ended_count, now.selected);
    assert_int_equal(passed + received(), 500);
}

static void counts_stay_exact_while_flows_end(void **state) {
    (void)state;
    cut_flows((struct leat_flow_inline_opts){ .seed = 4 });
}

struct stream {
    uint32_t sent;
    bool enough;
};

static void *send_on(void *ctx) {
    struct stream *stream = ctx;
    while (!__atomic_load_n(&stream->enough, __ATOMIC_RELAXED)) {
        send_udp((uint16_t)(1000 + stream->sent % 50), 7777);
        __atomic_fetch_add(&stream->sent, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void await_more(const struct stream *stream, uint32_t frames) {
    uint32_t before = __atomic_load_n(&stream->sent, __ATOMIC_RELAXED);
    while (__atomic_load_n(&stream->sent, __ATOMIC_RELAXED) - before < frames)
        sched_yield();
}

/* Of frames that come before, while and after it ends, each is in a record or not counted at all.
 */
static void a_stopped_meter_has_told_all_it_counted(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 40; round++) {
        struct stream stream = { 0 };
        pthread_t thread;
        ended_count = 0;
        open_meter((struct leat_flow_inline_opts){ .seed = 17 + round });
        const char *unsent = leat_flow_inline_unsent(meter);
        assert_int_equal(pthread_create(&thread, NULL, send_on, &stream), 0);
        await_more(&stream, 50 * round);
        int stopped = leat_flow_inline_stop(meter);
        int left = leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED);
        await_more(&stream, 100);
        __atomic_store_n(&stream.enough, true, __ATOMIC_RELAXED);
        pthread_join(thread, NULL);
        received();
        struct leat_flow_meter_stats last = stats();
        assert_int_equal(stopped, 0);
        assert_int_equal(left, 0);
        assert_true(last.frames < stream.sent);
        assert_int_equal(last.frames, last.selected);
        assert_int_equal(packets_of_ended(), last.selected);
        assert_int_equal(last.cache.flows, 0);
        assert_ptr_equal(leat_flow_inline_unsent(meter), unsent);
        assert_string_equal(leat_flow_inline_mode(meter), "native");
        leat_flow_inline_close(meter);
        meter = NULL;
    }
}

/* A tag is the packet's that made the record. */
static void tags_are_told(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES + 4];
    open_meter((struct leat_flow_inline_opts){ .seed = 10 });
    make_udp(frame, 5000, 7777);
    memmove(frame + 16, frame + 12, FRAME_BYTES - 12);
    leat_put_be16(frame + 12, LEAT_ETHER_VLAN);
    leat_put_be16(frame + 14, 3 << 13 | 42);
    send_frame(frame, sizeof(frame));
    send_udp(5000, 7777);
    await_frames(2);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0].side[0].packets, 2);
    assert_int_equal(ended[0].scope.vlan_count, 1);
    assert_int_equal(ended[0].scope.vlan_tci[0], 3 << 13 | 42);
}

static void one_record_a_direction(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES];
    open_meter((struct leat_flow_inline_opts){ .seed = 11, .uniflow = true });
    make_udp(frame, 7777, 5000); /* as if it were the answer */
    leat_put_be32(frame + 26, 0xc0000201);
    leat_put_be32(frame + 30, 0xc0000202);
    send_frame(frame, sizeof(frame));
    send_udp(5000, 7777);
    await_frames(2);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 2);
    assert_int_equal(ended[0].side[0].packets, 1);
    assert_int_equal(ended[1].side[0].packets, 1);
    assert_false(ended[0].biflow || ended[1].biflow);
}

/* What is cut after it was seen counts as the frames that it becomes. */
static void both_directions_are_one_record(void **state) {
    (void)state;
    run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-a");
    open_meter((struct leat_flow_inline_opts){
        .seed = 12, .copy_packets = 8, .features = LEAT_FLOW_PACKETS });
    if (leat_flow_inline_unsent(meter)) {
        puts(leat_flow_inline_unsent(meter));
        skip();
    }
    for (uint32_t i = 0; i < 5; i++)
        send_udp(5000, 7777);
    await_frames(5); /* the other side is the source */
    for (uint32_t i = 0; i < 3; i++)
        answer(20, 0);
    answer(1050, 100);
    await_frames(5 + 3 + 11);
    assert_int_equal(stats().selected, 19);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0].port[0], 5000);
    assert_int_equal(ended[0].side[0].packets, 5);
    const struct leat_flow_side *back = &ended[0].side[1];
    assert_int_equal(back->packets, 3 + 11);
    assert_int_equal(back->payload_octets, 3 * 20 + 1050);
    assert_int_equal(back->octets, 3 * 20 + 1050 + 14 * 28);
    assert_int_equal(back->frame_octets, 3 * 20 + 1050 + 14 * 42);
    assert_int_equal(back->ttl_max, 64);
    assert_int_equal(packet_list.count, 8);
    assert_memory_equal(packet_list.side, "\0\0\0\0\0\1\1\1", 8);
    assert_int_equal(ended[0].limited, LEAT_FLOW_PACKETS);
}

static void what_finds_no_room_is_kept(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 5 });
    for (uint32_t i = 0; i < 10; i++)
        send_udp((uint16_t)(1000 + i), 7777);
    await_frames(10);
    ended_room = 4;
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 6);
    assert_int_equal(ended_count, 4);
    send_udp(1000, 7777); /* of a flow that is on its way out: a new one */
    await_frames(11);
    ended_room = FLOWS_MAX;
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 11);
    assert_int_equal(packets_of_ended(), 11);
}

/* A stage behind it still gets its frames. */
static void other_stages_go_on(void **state) {
    (void)state;
    struct leat_pool_opts pool_opts = { .size = sizeof(pool_opts), .buffers = 4096 };
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port *port;
    struct leat_queue *queue;
    open_meter((struct leat_flow_inline_opts){ .seed = 6 });
    assert_int_equal(leat_pool_create(&pool, &pool_opts), 0);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    if (leat_port_open(&port, "xdp:lt-a,match='udp port 8888'", pool, NULL) < 0)
        fail_msg("%s", leat_error());
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    for (uint32_t i = 0; i < 10; i++) {
        send_udp(1, 7777);
        send_udp(1, 8888);
    }
    await_frames(20);
    assert_int_equal(stats().selected, 20);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < 1000000 && taken < 10; i++) {
        struct leat_pkt pkts[16];
        int n = leat_rx(queue, pkts, 16);
        assert_true(n >= 0);
        leat_free(cache, pkts, (uint32_t)n);
        taken += (uint32_t)n;
        sched_yield();
    }
    assert_int_equal(taken, 10);
    assert_int_equal(received(), 10);
    leat_port_close(port, NULL);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(frames_are_counted_and_passed_on),
        CASE(what_is_no_flow_is_counted_by_reason),
        CASE(a_full_table_is_told),
        CASE(counts_stay_exact_while_flows_end),
        CASE(a_stopped_meter_has_told_all_it_counted),
        CASE(tags_are_told),
        CASE(one_record_a_direction),
        CASE(both_directions_are_one_record),
        CASE(what_finds_no_room_is_kept),
        CASE(the_map_is_as_large_as_the_table),
        CASE(one_sweep_ends_all_that_are_over),
        CASE(other_stages_go_on),
    };
    if (!flow_inline_rig_enter())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
