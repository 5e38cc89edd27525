/* SPDX-License-Identifier: BSD-2-Clause */
/* One worker's meter: every frame is in a flow or under a named reason why not. */
#include "flow_frames.h"
#include "lib/flow/meter.h"
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SECOND  1000000000ull
#define BUFFERS 256

static const uint64_t T = 1700000000 * SECOND;

static struct {
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_pkt pkts[BUFFERS];
    struct leat_flow_queue *queue;
    struct leat_flow_meter *meter;
} rig;

static int setup(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts),
                                   .buffers = 2 * BUFFERS,
                                   .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&rig.pool, &opts), 0);
    assert_int_equal(leat_cache_open(&rig.cache, rig.pool), 0);
    assert_int_equal(leat_alloc(rig.cache, rig.pkts, BUFFERS), BUFFERS);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    leat_free(rig.cache, rig.pkts, BUFFERS);
    leat_cache_close(rig.cache);
    assert_int_equal(leat_pool_destroy(rig.pool), 0);
    return 0;
}

static void open_meter(struct leat_flow_meter_opts opts) {
    if (!opts.queue) {
        assert_int_equal(leat_flow_queue_create(&rig.queue, 1024, opts.cache.features), 0);
        opts.queue = rig.queue;
    }
    opts.cache.flows = 1000;
    opts.cache.seed = 1;
    assert_int_equal(leat_flow_meter_create(&rig.meter, &opts), 0);
}

static void close_meter(void) {
    leat_flow_meter_destroy(rig.meter);
    leat_flow_queue_destroy(rig.queue);
}

static struct leat_flow_meter_stats stats(void) {
    struct leat_flow_meter_stats stats;
    leat_flow_meter_stats(rig.meter, &stats);
    uint64_t sum = stats.filtered + stats.unsampled + stats.selected;
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        sum += stats.skipped[i];
    assert_int_equal(sum, stats.frames);
    return stats;
}

/* Frame `i` of the batch: a datagram from that port, received at `time_ns`. */
static void put_udp(uint32_t i, uint16_t port, uint64_t time_ns) {
    struct flow_frame frame;
    flow_start(&frame);
    flow_ethernet(&frame, LEAT_ETHER_IP4);
    flow_ip4(&frame, LEAT_PROTO_UDP, 0, "", 0);
    flow_udp(&frame, port, 9);
    flow_payload(&frame, 100);
    flow_finish(&frame);
    memcpy(rig.pkts[i].data, frame.bytes, frame.len);
    rig.pkts[i].len = (uint16_t)frame.len;
    rig.pkts[i].flags = LEAT_PKT_META | LEAT_PKT_TIME;
    *leat_pkt_meta(rig.pool, &rig.pkts[i]) = (struct leat_meta){ .time_ns = time_ns };
}

static void put_arp(uint32_t i) {
    put_udp(i, 1, T + (i > 100));
    memcpy(rig.pkts[i].data + 12, "\x08\x06", 2);
}

/* Its IP packet is shorter than its header. */
static void put_malformed(uint32_t i) {
    put_udp(i, 1, T + (i > 100));
    memcpy(rig.pkts[i].data + 16, "\x00\x05", 2);
}

static void add(uint32_t n) {
    leat_flow_meter_add(rig.meter, rig.pool, rig.pkts, n);
}

static const struct leat_flow *next_record(void) {
    static struct leat_flow flow;
    const struct leat_flow *at = leat_flow_queue_peek(rig.queue);
    assert_non_null(at);
    flow = *at;
    leat_flow_queue_release(rig.queue);
    return &flow;
}

static void test_frames_become_records(void **state) {
    (void)state;
    open_meter((struct leat_flow_meter_opts){ .times = true, .interface = 3 });
    for (uint32_t i = 0; i < BUFFERS; i++)
        if (i % 8 == 7)
            put_malformed(i);
        else if (i % 4 == 3)
            put_arp(i);
        else
            put_udp(i, (uint16_t)(1000 + i % 4), T + i);
    add(BUFFERS);
    assert_int_equal(stats().selected, 192);
    assert_int_equal(stats().skipped[LEAT_FLOW_SKIP_NOT_IP], 32);
    assert_int_equal(stats().skipped[LEAT_FLOW_SKIP_MALFORMED], 32);
    assert_int_equal(stats().ignored_octets, 32 * 142); /* of what is IP */
    assert_int_equal(stats().ignored_when.first_ns, T);
    assert_int_equal(stats().ignored_when.last_ns, T + 1);
    assert_int_equal(stats().octets, BUFFERS * 142);
    assert_int_equal(stats().cache.packets, 192);
    assert_int_equal(leat_flow_meter_flush(rig.meter, LEAT_FLOW_END_FORCED), 0);
    for (uint32_t i = 0; i < 3; i++) {
        const struct leat_flow *flow = next_record();
        uint32_t which = flow->port[0] - 1000u;
        assert_int_equal(flow->side[0].packets, 64);
        assert_int_equal(flow->side[0].frame_octets, 64 * 142);
        assert_int_equal(flow->side[0].first_ns, T + which);
        assert_int_equal(flow->side[0].last_ns, T + 252 + which);
        assert_int_equal(flow->scope.interface, 3);
    }
    assert_null(leat_flow_queue_peek(rig.queue));
    close_meter();
}

static void test_without_times_the_clock_is_read(void **state) {
    (void)state;
    struct timespec before, after;
    open_meter((struct leat_flow_meter_opts){ .times = false });
    put_udp(0, 1, 5);
    clock_gettime(CLOCK_REALTIME, &before);
    add(1);
    clock_gettime(CLOCK_REALTIME, &after);
    leat_flow_meter_flush(rig.meter, LEAT_FLOW_END_FORCED);
    uint64_t seen_ns = next_record()->side[0].first_ns;
    assert_true(seen_ns >= (uint64_t)before.tv_sec * SECOND + (uint64_t)before.tv_nsec);
    assert_true(seen_ns <= (uint64_t)after.tv_sec * SECOND + (uint64_t)after.tv_nsec);
    close_meter();
}

/* Both the filter and sampling come before decoding; what is filtered is not sampled. */
static void test_filter_and_sampling(void **state) {
    (void)state;
    struct leat_flow_meter_opts opts = { .times = true, .filter = "udp src port 7" };
    leat_flow_sampling_parse(&opts.sampling, "1/4");
    open_meter(opts);
    for (uint32_t i = 0; i < 200; i++)
        put_udp(i, i % 5 ? 7 : 8, T);
    add(200);
    assert_int_equal(stats().filtered, 40);
    assert_int_equal(stats().selected, 40);
    assert_int_equal(stats().unsampled, 120);
    close_meter();
}

static void test_hash_sampling_knows_the_packet(void **state) {
    (void)state;
    struct leat_flow_meter_opts opts = { .times = true };
    leat_flow_sampling_parse(&opts.sampling, "hash:1/2:3");
    open_meter(opts);
    for (uint32_t i = 0; i < 200; i++)
        put_udp(i, (uint16_t)(i + 1), T);
    put_arp(200);
    add(201);
    struct leat_flow_meter_stats once = stats();
    assert_in_range(once.selected, 60, 140);
    assert_int_equal(once.skipped[LEAT_FLOW_SKIP_NOT_IP], 1);
    add(201);
    assert_int_equal(stats().selected, 2 * once.selected);
    close_meter();
}

static void test_a_wrong_filter_is_told(void **state) {
    (void)state;
    struct leat_flow_meter *meter;
    struct leat_flow_meter_opts opts = { .filter = "port blue moon" };
    assert_int_equal(leat_flow_meter_create(&meter, &opts), -EINVAL);
    assert_non_null(strstr(leat_error(), "queue"));
    assert_int_equal(leat_flow_queue_create(&opts.queue, 4, 0), 0);
    assert_int_equal(leat_flow_meter_create(&meter, &opts), -EINVAL);
    assert_non_null(strstr(leat_error(), "port blue moon"));
    leat_flow_queue_destroy(opts.queue);
}

static void test_a_frame_of_several_buffers_is_one(void **state) {
    (void)state;
    open_meter((struct leat_flow_meter_opts){ .times = true });
    put_udp(0, 7, T);
    leat_put_be16(rig.pkts[0].data + 16, 128 + 2000); /* total length of IP */
    leat_put_be16(rig.pkts[0].data + 38, 108 + 2000); /* and of UDP */
    rig.pkts[0].flags |= LEAT_PKT_MORE;
    rig.pkts[1].len = 1500;
    rig.pkts[1].flags = LEAT_PKT_MORE;
    rig.pkts[2].len = 500;
    rig.pkts[2].flags = 0;
    put_udp(3, 7, T);
    add(4);
    assert_int_equal(stats().frames, 2);
    leat_flow_meter_flush(rig.meter, LEAT_FLOW_END_FORCED);
    const struct leat_flow *flow = next_record();
    assert_int_equal(flow->side[0].packets, 2);
    assert_int_equal(flow->side[0].frame_octets, 142 + 2142);
    assert_int_equal(flow->side[0].payload_octets, 100 + 2100);
    close_meter();
}

static void test_a_capture_may_have_a_part_of_a_frame(void **state) {
    (void)state;
    open_meter((struct leat_flow_meter_opts){ .times = true });
    for (uint32_t i = 0; i < 3; i++) {
        put_udp(i, 1, T);
        leat_pkt_meta(rig.pool, &rig.pkts[i])->wire_len = rig.pkts[i].len;
        rig.pkts[i].len = i < 2 ? 60 : 30; /* without its payload, and without a whole header */
    }
    leat_pkt_meta(rig.pool, &rig.pkts[1])->wire_len = UINT32_MAX; /* as if padded, and no more */
    add(3);
    assert_int_equal(stats().selected, 2);
    assert_int_equal(stats().skipped[LEAT_FLOW_SKIP_TRUNCATED], 1);
    assert_int_equal(stats().octets, 142 + 262144 + 142);
    leat_flow_meter_flush(rig.meter, LEAT_FLOW_END_FORCED);
    const struct leat_flow *flow = next_record();
    assert_int_equal(flow->side[0].octets, 2 * 128);
    assert_int_equal(flow->side[0].payload_octets, 2 * 100);
    assert_int_equal(flow->side[0].frame_octets, 142 + 262144);
    close_meter();
}

static void test_both_packets_of_a_tunnel(void **state) {
    (void)state;
    struct flow_frame frame;
    open_meter(
        (struct leat_flow_meter_opts){ .times = true, .decode.tunnels = LEAT_FLOW_TUNNELS_BOTH });
    uint32_t count, tunnels = 0;
    const struct flow_case *cases = flow_cases(&count);
    for (uint32_t i = 0; i < count; i++) {
        flow_build(&cases[i], &frame);
        put_udp(0, 7, T);
        memcpy(rig.pkts[0].data, frame.bytes, frame.len);
        rig.pkts[0].len = (uint16_t)frame.len;
        add(1);
        tunnels += cases[i].tunnel != LEAT_FLOW_TUNNEL_NONE;
    }
    assert_int_equal(stats().frames, count);
    assert_int_equal(stats().selected, count);
    assert_true(tunnels > 0);
    assert_int_equal(stats().cache.packets, count + tunnels);
    close_meter();
}

static void test_a_full_queue_is_told_by_flush(void **state) {
    (void)state;
    assert_int_equal(leat_flow_queue_create(&rig.queue, 8, 0), 0);
    open_meter((struct leat_flow_meter_opts){ .times = true, .queue = rig.queue });
    for (uint32_t i = 0; i < 20; i++)
        put_udp(i, (uint16_t)(i + 1), T);
    add(20);
    uint32_t left, records = 0;
    do {
        left = leat_flow_meter_flush(rig.meter, LEAT_FLOW_END_FORCED);
        for (; leat_flow_queue_peek(rig.queue); records++)
            leat_flow_queue_release(rig.queue);
        assert_int_equal(left + records, 20);
    } while (left);
    assert_int_equal(stats().cache.flows_lost, 0);
    close_meter();
}

static atomic_bool stop;

static void *work(void *ctx) {
    (void)ctx;
    for (uint64_t now_ns = T; !atomic_load(&stop); now_ns += SECOND / 1000) {
        for (uint32_t i = 0; i < 32; i++)
            leat_pkt_meta(rig.pool, &rig.pkts[i])->time_ns = now_ns;
        add(32);
        leat_flow_meter_tick(rig.meter, now_ns);
    }
    return NULL;
}

/* Read while it counts. */
static struct leat_flow_meter_stats so_far(void) {
    struct leat_flow_meter_stats seen;
    leat_flow_meter_stats(rig.meter, &seen);
    return seen;
}

static void test_reload_beside_the_worker(void **state) {
    (void)state;
    pthread_t thread;
    struct leat_flow_meter_opts opts = { .times = true };
    open_meter(opts);
    for (uint32_t i = 0; i < 32; i++)
        put_udp(i, (uint16_t)(i + 1), T);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, work, NULL), 0);
    for (uint32_t i = 0; i < 20; i++) {
        opts.filter = i % 2 ? NULL : "udp src port 3";
        const uint64_t before = so_far().filtered;
        assert_int_equal(leat_flow_meter_reload(rig.meter, &opts), 0);
        while (opts.filter ? so_far().filtered == before : so_far().cache.flows < 32)
            sched_yield();
    }
    opts.filter = "udp src port";
    assert_int_equal(leat_flow_meter_reload(rig.meter, &opts), -EINVAL);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    assert_true(stats().filtered > 0);
    assert_int_equal(stats().cache.flows, 32); /* none lost on the way */
    close_meter();
}

/* As one that waits in read() for a capture to go on: what was asked for last is in force from the
 * next frame on. */
static void test_reload_while_the_worker_waits(void **state) {
    (void)state;
    struct leat_flow_meter_opts opts = { .times = true };
    open_meter(opts);
    put_udp(0, 1, T);
    add(1);
    opts.filter = "udp";
    assert_int_equal(leat_flow_meter_reload(rig.meter, &opts), 0);
    opts.filter = "tcp";
    assert_int_equal(leat_flow_meter_reload(rig.meter, &opts), 0);
    assert_int_equal(stats().filtered, 0);
    add(1);
    assert_int_equal(stats().filtered, 1);
    opts.filter = NULL;
    assert_int_equal(leat_flow_meter_reload(rig.meter, &opts), 0);
    leat_flow_meter_tick(rig.meter, T);
    add(1);
    assert_int_equal(stats().filtered, 1);
    assert_int_equal(stats().selected, 2);
    close_meter();
}

static void test_top_and_tick(void **state) {
    (void)state;
    struct leat_flow flows[4];
    struct leat_flow_meter_opts opts = { .times = true };
    opts.cache.idle_ns = SECOND;
    open_meter(opts);
    for (uint32_t i = 0; i < 10; i++)
        put_udp(i, i < 7 ? 1 : 2, T);
    add(10);
    assert_int_equal(leat_flow_meter_top(rig.meter, flows, 4, LEAT_FLOW_TOP_OCTETS), 2);
    assert_int_equal(flows[0].side[0].packets, 7);
    leat_flow_meter_tick(rig.meter, T + 2 * SECOND);
    assert_int_equal(stats().cache.flows_ended[LEAT_FLOW_END_IDLE], 2);
    close_meter();
}

/* Frame `i` of the batch: a datagram in a VXLAN of its own. */
static void put_vxlan(uint32_t i, uint32_t vni) {
    struct flow_frame frame;
    flow_build(flow_case_named("vxlan"), &frame);
    leat_put_be32(frame.bytes + 14 + 20 + 8 + 4, vni << 8);
    memcpy(rig.pkts[i].data, frame.bytes, frame.len);
    rig.pkts[i].len = (uint16_t)frame.len;
    rig.pkts[i].flags = 0;
}

/* 200,000 tunnels, one after the other, are no more than a cache of 1,000 flows has at a time. */
static void test_tunnels_come_and_go(void **state) {
    enum { TUNNELS = 200000 };
    static uint8_t seen[TUNNELS + 1];
    (void)state;
    open_meter((struct leat_flow_meter_opts){
        .decode = { .tunnels = LEAT_FLOW_TUNNELS_INNER, .key = LEAT_FLOW_KEY_TUNNEL } });
    uint32_t records = 0;
    for (uint32_t next = 1, left = 1; left;) {
        uint32_t n = 0;
        for (; n < BUFFERS && next <= TUNNELS; n++)
            put_vxlan(n, next++);
        add(n);
        left = n ? 1 : leat_flow_meter_flush(rig.meter, LEAT_FLOW_END_FORCED);
        for (; leat_flow_queue_peek(rig.queue); records++) {
            const struct leat_flow *flow = next_record();
            assert_int_equal(flow->scope.tunnel, LEAT_FLOW_TUNNEL_VXLAN);
            assert_in_range(flow->scope.tunnel_id, 1, TUNNELS);
            assert_int_equal(seen[flow->scope.tunnel_id]++, 0);
            assert_int_equal(flow->side[0].packets, 1);
        }
    }
    assert_int_equal(records, TUNNELS);
    assert_int_equal(stats().selected, TUNNELS);
    assert_int_equal(stats().skipped[LEAT_FLOW_SKIP_SCOPES], 0);
    close_meter();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_become_records),
        cmocka_unit_test(test_without_times_the_clock_is_read),
        cmocka_unit_test(test_filter_and_sampling),
        cmocka_unit_test(test_hash_sampling_knows_the_packet),
        cmocka_unit_test(test_a_wrong_filter_is_told),
        cmocka_unit_test(test_a_frame_of_several_buffers_is_one),
        cmocka_unit_test(test_a_capture_may_have_a_part_of_a_frame),
        cmocka_unit_test(test_both_packets_of_a_tunnel),
        cmocka_unit_test(test_a_full_queue_is_told_by_flush),
        cmocka_unit_test(test_reload_beside_the_worker),
        cmocka_unit_test(test_reload_while_the_worker_waits),
        cmocka_unit_test(test_top_and_tick),
        cmocka_unit_test(test_tunnels_come_and_go),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
