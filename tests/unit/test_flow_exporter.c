/* SPDX-License-Identifier: BSD-2-Clause */
/* The exporter's thread: every record of every queue reaches every sink once; selection; halves of
 * connections become one record; a reload loses nothing. */
#include "lib/flow/clock.h"
#include "lib/flow/decode.h"
#include "lib/flow/exporter.h"
#include "lib/flow/sinks.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants those before it. */
#include <cmocka.h>

/* A sink that counts; records are the exporter thread's until the sink is closed. */
struct counting {
    struct leat_flow_sink sink; /* first: a sink is a counting */
    uint64_t records, packets, ticks, id_sum;
    uint32_t closed, timeout_ms;
    bool away;
    struct leat_flow last;
    struct leat_flow_packet_list list; /* of the last record */
};

static void count_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct counting *counting = (struct counting *)sink;
    counting->records++;
    counting->packets += flow->side[0].packets + flow->side[1].packets;
    counting->id_sum += flow->id;
    counting->last = *flow;
    if (flow->parts.packets)
        counting->list = *flow->parts.packets;
}

static void count_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    (void)now_ns;
    ((struct counting *)sink)->ticks++;
}

static void tell(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    memset(stats, 0, sizeof(*stats));
    stats->records = ((struct counting *)sink)->records;
}

static void count_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                        struct leat_flow_sink_stats *final) {
    ((struct counting *)sink)->closed++;
    ((struct counting *)sink)->timeout_ms = timeout_ms;
    tell(sink, final);
    final->lost = 1;
}

static const struct leat_flow_sink_ops counting_ops = { count_record, count_tick, tell,
                                                        count_close };

#define SINKS 3
static struct counting sinks[SINKS];
static struct leat_flow_sink *sink_list[SINKS];

static int reset(void **state) {
    (void)state;
    memset(sinks, 0, sizeof(sinks));
    for (uint32_t i = 0; i < SINKS; i++) {
        sinks[i].sink.ops = &counting_ops;
        sink_list[i] = &sinks[i].sink;
    }
    return 0;
}

static struct leat_flow make_flow(uint32_t worker, uint32_t from, uint32_t to, uint64_t packets) {
    struct leat_flow flow = {
        .version = 4, .protocol = 17, .end = LEAT_FLOW_END_IDLE, .biflow = 1
    };
    memcpy(flow.address[0], &from, 4);
    memcpy(flow.address[1], &to, 4);
    flow.port[0] = (uint16_t)from;
    flow.port[1] = (uint16_t)to;
    flow.worker = worker;
    flow.id = 1;
    flow.side[0].packets = packets;
    flow.side[0].octets = 100 * packets;
    flow.side[0].first_ns = flow.start_ns = 1000;
    flow.side[0].last_ns = 2000;
    return flow;
}

static void put(struct leat_flow_queue *queue, const struct leat_flow *flow) {
    while (!leat_flow_queue_put(queue, flow))
        sched_yield();
}

#define RECORDS 200000

static void *produce(void *arg) {
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct leat_flow flow = make_flow(0, i, i + 1, 2);
        flow.id = i;
        put(arg, &flow);
    }
    return NULL;
}

static void test_every_record_reaches_every_sink_once(void **state) {
    (void)state;
    struct leat_flow_queue *queues[3];
    pthread_t workers[3];
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(leat_flow_queue_create(&queues[i], 256, 0), 0);
    const struct leat_flow_exporter_opts opts = {
        .queues = queues, .queue_count = 3, .sinks = sink_list, .sink_count = 2, .core = -1
    };
    struct leat_flow_exporter *exporter;
    assert_int_equal(leat_flow_exporter_start(&exporter, &opts), 0);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, produce, queues[i]), 0);
    for (uint32_t i = 0; i < 3; i++)
        pthread_join(workers[i], NULL);
    leat_flow_exporter_stop(exporter, 100);

    struct leat_flow_exporter_stats stats;
    struct leat_flow_sink_stats of_sink;
    leat_flow_exporter_stats(exporter, &stats);
    leat_flow_exporter_sink_stats(exporter, 1, &of_sink);
    leat_flow_exporter_destroy(exporter);
    assert_int_equal(stats.records, 3 * RECORDS);
    assert_int_equal(stats.exported, 3 * RECORDS);
    assert_int_equal(stats.exported_packets, 6 * RECORDS);
    assert_int_equal(stats.exported_octets, 600 * RECORDS);
    assert_int_equal(of_sink.records, 3 * RECORDS);
    assert_int_equal(of_sink.lost, 1); /* the final ones, of close() */
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(sinks[i].records, 3 * RECORDS);
        assert_int_equal(sinks[i].id_sum, 3 * ((uint64_t)RECORDS * (RECORDS - 1) / 2));
        assert_int_equal(sinks[i].closed, 1);
        assert_true(sinks[i].ticks > 0);
    }
    assert_int_equal(sinks[2].closed, 0);
    for (uint32_t i = 0; i < 3; i++)
        leat_flow_queue_destroy(queues[i]);
}

/* Sends all of `flows` through an exporter with one sink and stops it. */
static struct leat_flow_exporter_stats pass(const struct leat_flow_exporter_opts *with,
                                            const struct leat_flow *flows, uint32_t n,
                                            uint32_t features) {
    struct leat_flow_queue *queue;
    assert_int_equal(leat_flow_queue_create(&queue, 4096, features), 0);
    struct leat_flow_exporter_opts opts = *with;
    opts.queues = &queue;
    opts.queue_count = 1;
    opts.sinks = sink_list;
    opts.sink_count = 1;
    opts.core = -1;
    struct leat_flow_exporter *exporter;
    assert_int_equal(leat_flow_exporter_start(&exporter, &opts), 0);
    for (uint32_t i = 0; i < n; i++)
        put(queue, &flows[i]);
    leat_flow_exporter_stop(exporter, 100);
    struct leat_flow_exporter_stats stats;
    leat_flow_exporter_stats(exporter, &stats);
    leat_flow_exporter_destroy(exporter);
    leat_flow_queue_destroy(queue);
    return stats;
}

static void test_selection_by_size_counts_both_sides(void **state) {
    (void)state;
    struct leat_flow flows[4] = { make_flow(0, 1, 2, 4), make_flow(0, 3, 4, 5),
                                  make_flow(0, 5, 6, 3), make_flow(0, 7, 8, 9) };
    flows[2].side[1].packets = 2;
    flows[2].side[1].octets = 5;
    flows[3].side[0].octets = 499;
    const struct leat_flow_exporter_opts opts = { .selection = { .min_packets = 5,
                                                                 .min_octets = 500 } };
    struct leat_flow_exporter_stats stats = pass(&opts, flows, 4, 0);
    assert_int_equal(stats.exported, 1); /* 5 packets, 500 octets */
    assert_int_equal(stats.unselected, 3);
    assert_int_equal(stats.unselected_packets, 4 + 5 + 9);
    assert_int_equal(sinks[0].packets, 5);
}

static void test_sampling_takes_the_same_flows_in_both_directions(void **state) {
    (void)state;
    enum { FLOWS = 4000 };
    static struct leat_flow there[FLOWS], back[FLOWS];
    for (uint32_t i = 0; i < FLOWS; i++) {
        there[i] = make_flow(0, i * 2654435761u, ~i, 1);
        back[i] = make_flow(0, ~i, i * 2654435761u, 1);
        there[i].id = back[i].id = i;
    }
    const struct leat_flow_exporter_opts opts = { .selection = { .sample = 10 } };
    struct leat_flow_exporter_stats stats = pass(&opts, there, FLOWS, 0);
    uint64_t ids = sinks[0].id_sum;
    assert_in_range(stats.exported, FLOWS / 10 - 100, FLOWS / 10 + 100); /* five deviations */
    assert_int_equal(stats.exported + stats.unselected, FLOWS);
    reset(NULL);
    assert_int_equal(pass(&opts, back, FLOWS, 0).exported, stats.exported);
    assert_int_equal(sinks[0].id_sum, ids);
}

static void test_halves_of_two_workers_become_one_record(void **state) {
    (void)state;
    struct leat_flow answer = make_flow(1, 20, 10, 3), question = make_flow(0, 10, 20, 4);
    struct leat_flow_packet_list asked = { .count = 2, .length = { 7, 8 }, .time_ns = { 10, 30 } };
    struct leat_flow_packet_list said = { .count = 1, .length = { 9 }, .time_ns = { 20 } };
    struct leat_flow_notes question_notes = { .tcp_window = { 77 } };
    struct leat_flow_notes answer_notes = { .tcp_window = { 88 } };
    question.parts.packets = &asked;
    question.parts.notes = &question_notes;
    answer.parts.packets = &said;
    answer.parts.notes = &answer_notes;
    question.id = 42;
    answer.side[0].first_ns = answer.start_ns = 1001; /* later, though its record comes first */
    answer.side[0].last_ns = 2001;
    answer.end = LEAT_FLOW_END_FORCED;
    const struct leat_flow flows[] = { answer, question };
    const struct leat_flow_exporter_opts opts = { .join = LEAT_FLOW_JOIN_HALVES };
    struct leat_flow_exporter_stats stats =
        pass(&opts, flows, 2, LEAT_FLOW_PACKETS | LEAT_FLOW_NOTES);
    assert_int_equal(stats.records, 2);
    assert_int_equal(stats.joined, 1);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.alone, 0);
    assert_int_equal(stats.exported, 1);
    assert_int_equal(stats.exported_packets, 7);
    const struct leat_flow *joined = &sinks[0].last;
    assert_int_equal(joined->id, 42);
    assert_int_equal(joined->port[0], 10);
    assert_int_equal(joined->side[0].packets, 4);
    assert_int_equal(joined->side[1].packets, 3);
    assert_int_equal(joined->side[1].first_ns, 1001);
    assert_int_equal(joined->end, LEAT_FLOW_END_FORCED);
    const struct leat_flow_packet_list *list = &sinks[0].list;
    const uint16_t lengths[] = { 7, 9, 8 };
    assert_int_equal(list->count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(list->time_ns[i], 10 * (i + 1));
        assert_int_equal(list->side[i], i == 1);
        assert_int_equal(list->length[i], lengths[i]);
    }
}

static void test_what_is_no_pair_stays_apart(void **state) {
    (void)state;
    struct leat_flow flows[] = {
        make_flow(0, 1, 2, 1), make_flow(0, 2, 1, 1), /* one worker would have joined them itself */
        make_flow(0, 3, 4, 1), make_flow(0, 3, 4, 1), /* the same way, likewise */
        make_flow(0, 5, 6, 1), make_flow(1, 6, 5, 1), /* whole records */
        make_flow(0, 7, 8, 1), make_flow(1, 8, 7, 1), /* of different protocols */
        make_flow(0, 9, 8, 1), make_flow(1, 8, 9, 1), /* of different VLANs, which are the key */
    };
    flows[4].side[1] = flows[5].side[1] = flows[4].side[0];
    flows[6].protocol = 6;
    flows[8].scope = (struct leat_flow_scope){ .vlan_count = 1, .vlan_tci = { 0x2005 } };
    flows[9].scope = (struct leat_flow_scope){ .vlan_count = 1, .vlan_tci = { 0x2006 } };
    const struct leat_flow_exporter_opts opts = { .join = LEAT_FLOW_JOIN_HALVES,
                                                  .join_key = LEAT_FLOW_KEY_VLAN };
    struct leat_flow_exporter_stats stats = pass(&opts, flows, 10, 0);
    assert_int_equal(stats.joined, 0);
    assert_int_equal(stats.alone, 8);
    assert_int_equal(stats.exported, 10);
    assert_int_equal(stats.exported_packets, 12);
    reset(NULL);
    flows[9].scope.vlan_tci[0] = 0x0005; /* another priority of the same VLAN */
    assert_int_equal(pass(&opts, flows, 10, 0).joined, 1);
}

static void test_a_reload_loses_nothing(void **state) {
    (void)state;
    struct leat_flow_queue *queue;
    pthread_t worker;
    assert_int_equal(leat_flow_queue_create(&queue, 256, 0), 0);
    struct leat_flow_exporter_opts opts = {
        .queues = &queue, .queue_count = 1, .sinks = sink_list, .sink_count = 2, .core = -1
    };
    struct leat_flow_exporter *exporter;
    assert_int_equal(leat_flow_exporter_start(&exporter, &opts), 0);
    assert_int_equal(pthread_create(&worker, NULL, produce, queue), 0);
    struct leat_flow_sink *again[] = { sink_list[1], sink_list[2] }, *none[] = { NULL };
    opts.sinks = again;
    assert_int_equal(leat_flow_exporter_reload(exporter, &opts), 0);
    assert_int_equal(sinks[0].closed, 1); /* and only after its last record */
    assert_int_equal(sinks[1].closed, 0);
    opts.sinks = none;
    opts.sink_count = 0;
    opts.paused = true; /* records wait */
    assert_int_equal(leat_flow_exporter_reload(exporter, &opts), 0);
    uint64_t so_far = sinks[1].records;
    assert_int_equal(sinks[1].closed, 1);
    assert_int_equal(sinks[2].closed, 1);
    reset(NULL);
    opts.sinks = sink_list;
    opts.sink_count = 1;
    assert_int_equal(leat_flow_exporter_reload(exporter, &opts), 0); /* still */
    assert_int_equal(sinks[0].records, 0);
    opts.paused = false;
    assert_int_equal(leat_flow_exporter_reload(exporter, &opts), 0);
    assert_int_equal(sinks[0].closed, 0);
    pthread_join(worker, NULL);
    leat_flow_exporter_stop(exporter, 100);
    struct leat_flow_exporter_stats stats;
    leat_flow_exporter_stats(exporter, &stats);
    assert_int_equal(stats.exported, RECORDS);
    assert_int_equal(so_far + sinks[0].records, RECORDS);
    assert_int_equal(stats.replaced.lost, 3); /* of three sinks closed by reloads, 1 each */
    leat_flow_exporter_destroy(exporter);
    leat_flow_queue_destroy(queue);
}

static bool is_away(const struct leat_flow_sink *sink) {
    return ((const struct counting *)sink)->away;
}

/* A sink that hangs leaves the others time, and all of them end within what was given. */
static void test_closing_is_by_turns(void **state) {
    (void)state;
    const uint64_t ms = 1000000;
    assert_int_equal(leat_flow_turn_ms(0, 5000 * ms, 1), 5000);
    assert_int_equal(leat_flow_turn_ms(0, 5000 * ms, 2), 4500);
    assert_int_equal(leat_flow_turn_ms(4500 * ms, 5000 * ms, 1), 500);
    assert_int_equal(leat_flow_turn_ms(0, 5000 * ms, 16), 312); /* equal shares */
    assert_int_equal(leat_flow_turn_ms(0, 800 * ms, 2), 400);
    assert_int_equal(leat_flow_turn_ms(7 * ms, 7 * ms, 3), 0);
    assert_int_equal(leat_flow_turn_ms(8 * ms, 7 * ms, 1), 0);

    struct leat_flow_sink *whole;
    assert_int_equal(leat_flow_sink_failover(&whole, sink_list, SINKS), 0);
    whole->ops->close(whole, 60000, NULL);
    for (uint32_t i = 0; i < SINKS; i++) {
        assert_true(sinks[i].timeout_ms <= 60000 - 500 * (SINKS - 1 - i));
        assert_true(sinks[i].timeout_ms > 20000);
    }
}

static void test_failover_takes_the_first_that_is_there(void **state) {
    (void)state;
    static const struct leat_flow_sink_ops ops = { count_record, count_tick, tell, count_close,
                                                   is_away };
    for (uint32_t i = 0; i < SINKS; i++)
        sinks[i].sink.ops = &ops;
    struct leat_flow_sink *whole;
    assert_int_equal(leat_flow_sink_failover(&whole, sink_list, SINKS), 0);
    const struct leat_flow flow = make_flow(0, 1, 2, 1);
    static const struct {
        bool away[SINKS];
        uint32_t taker;
    } turns[] = { { { false, false, false }, 0 },
                  { { true, false, false }, 1 },
                  { { true, true, false }, 2 },
                  { { false, true, true }, 0 },
                  { { true, true, true }, 0 } };
    uint64_t taken[SINKS] = { 0 };
    for (uint32_t turn = 0; turn < sizeof(turns) / sizeof(*turns); turn++) {
        for (uint32_t i = 0; i < SINKS; i++)
            sinks[i].away = turns[turn].away[i];
        whole->ops->record(whole, &flow);
        taken[turns[turn].taker]++;
        for (uint32_t i = 0; i < SINKS; i++)
            assert_int_equal(sinks[i].records, taken[i]);
    }
    assert_true(whole->ops->away(whole));
    whole->ops->tick(whole, 1);
    struct leat_flow_sink_stats final;
    whole->ops->close(whole, 100, &final);
    assert_int_equal(final.records, 5);
    assert_int_equal(final.lost, SINKS);
    for (uint32_t i = 0; i < SINKS; i++) {
        assert_int_equal(sinks[i].ticks, 1);
        assert_int_equal(sinks[i].closed, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_record_reaches_every_sink_once, reset),
        cmocka_unit_test_setup(test_selection_by_size_counts_both_sides, reset),
        cmocka_unit_test_setup(test_sampling_takes_the_same_flows_in_both_directions, reset),
        cmocka_unit_test_setup(test_halves_of_two_workers_become_one_record, reset),
        cmocka_unit_test_setup(test_what_is_no_pair_stays_apart, reset),
        cmocka_unit_test_setup(test_a_reload_loses_nothing, reset),
        cmocka_unit_test_setup(test_closing_is_by_turns, reset),
        cmocka_unit_test_setup(test_failover_takes_the_first_that_is_there, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
