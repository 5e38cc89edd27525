/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of flows that several workers saw: what is joined are the records that one worker would
 * have made of the same packets; what cannot be is counted, and no packet is lost. */
#include "flow_cache_rig.h"
#include "lib/flow/join.h"
#include "lib/flow/join_merge.h"
#include "random.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka wants those before it. */
#include <cmocka.h>

static uint64_t seed;

static uint32_t below(uint32_t n) {
    return (uint32_t)((random_next(&seed) >> 32) * n >> 32);
}

static int choose_seed(void **state) {
    (void)state;
    const char *given = getenv("LEAT_SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
    print_message("LEAT_SEED=%llu\n", (unsigned long long)seed);
    return 0;
}

/* --- Made by hand */

static struct leat_flow make_flow(uint32_t worker, uint16_t from, uint16_t to, uint64_t packets) {
    struct leat_flow flow = {
        .version = 4, .protocol = 17, .end = LEAT_FLOW_END_IDLE, .biflow = 1
    };
    memcpy(flow.address[0], &(uint32_t){ from }, 4);
    memcpy(flow.address[1], &(uint32_t){ to }, 4);
    flow.port[0] = from;
    flow.port[1] = to;
    flow.worker = worker;
    flow.side[0].packets = packets;
    flow.side[0].octets = 100 * packets;
    flow.side[0].first_ns = flow.start_ns = 5 * SECOND;
    flow.side[0].last_ns = 6 * SECOND;
    return flow;
}

static struct {
    uint32_t count;
    uint64_t packets;
    struct leat_flow last;
} joined;

static void count_joined(void *ctx, const struct leat_flow *flow) {
    (void)ctx;
    joined.count++;
    joined.packets += flow->side[0].packets + flow->side[1].packets;
    joined.last = *flow;
}

static struct leat_flow_join *open_join(struct leat_flow_join_opts opts) {
    struct leat_flow_join *join;
    memset(&joined, 0, sizeof(joined));
    opts.record = count_joined;
    if (!opts.what)
        opts.what = LEAT_FLOW_JOIN_HALVES;
    assert_int_equal(leat_flow_join_create(&join, &opts), 0);
    return join;
}

static void test_halves_wait_a_bounded_time_in_bounded_number(void **state) {
    (void)state;
    struct leat_flow_join *join =
        open_join((struct leat_flow_join_opts){ .pieces = 3, .times = { .wait_ns = 10 } });
    for (uint16_t i = 0; i < 3; i++) {
        struct leat_flow flow = make_flow(0, (uint16_t)(100 + i), 1, 1u << i);
        leat_flow_join_add(join, &flow, i);
    }
    assert_int_equal(leat_flow_join_waiting(join), 3);
    struct leat_flow fourth = make_flow(0, 103, 1, 8);
    leat_flow_join_add(join, &fourth, 3);
    assert_int_equal(joined.packets, 1); /* the oldest has to go */
    assert_int_equal(leat_flow_join_alone(join), 1);
    leat_flow_join_expire(join, 10);
    assert_int_equal(joined.packets, 1);
    leat_flow_join_expire(join, 11); /* the second one has waited for 10 */
    assert_int_equal(joined.packets, 1 + 2);
    struct leat_flow other = make_flow(1, 1, 102, 16);
    leat_flow_join_add(join, &other, 12);
    assert_int_equal(joined.packets, 1 + 2 + 4 + 16);
    assert_int_equal(leat_flow_join_merged(join), 1);
    leat_flow_join_set_times(join, &(struct leat_flow_join_times){ .wait_ns = 20 });
    leat_flow_join_expire(join, 22);
    assert_int_equal(leat_flow_join_waiting(join), 1);
    leat_flow_join_expire(join, 23);
    assert_int_equal(joined.packets, 1 + 2 + 4 + 8 + 16);
    assert_int_equal(joined.count, 4);
    assert_int_equal(leat_flow_join_waiting(join), 0);
    assert_int_equal(leat_flow_join_alone(join), 3);
    leat_flow_join_destroy(join);
}

/* Time goes on while flows meet in any order: whatever happens, no packet is lost or doubled. */
static void test_joining_keeps_every_packet(void **state) {
    (void)state;
    uint64_t packets = 0;
    struct leat_flow_join *join =
        open_join((struct leat_flow_join_opts){ .pieces = 64, .times = { .wait_ns = 300 } });
    for (uint32_t i = 0; i < 200000; i++) {
        struct leat_flow flow =
            make_flow(below(3), (uint16_t)below(24), (uint16_t)below(24), 1 + i % 5);
        packets += 1 + i % 5;
        leat_flow_join_add(join, &flow, i);
        leat_flow_join_expire(join, i);
    }
    assert_true(leat_flow_join_waiting(join) > 0);
    assert_true(leat_flow_join_merged(join) > 1000);
    leat_flow_join_expire(join, UINT64_MAX);
    assert_int_equal(joined.packets, packets);
    assert_int_equal(joined.count + leat_flow_join_merged(join), 200000);
    leat_flow_join_destroy(join);
}

/* Joins two halves, in either order. */
static void expect(const struct leat_flow *began, const struct leat_flow *answered, uint8_t end) {
    for (uint32_t swap = 0; swap < 2; swap++) {
        struct leat_flow_join *join = open_join((struct leat_flow_join_opts){ 0 });
        leat_flow_join_add(join, swap ? answered : began, 0);
        leat_flow_join_add(join, swap ? began : answered, 0);
        assert_int_equal(leat_flow_join_merged(join), 1);
        assert_int_equal(joined.count, 1);
        assert_int_equal(joined.last.port[0], began->port[0]);
        assert_int_equal(joined.last.side[0].packets, began->side[0].packets);
        assert_int_equal(joined.last.side[1].packets, answered->side[0].packets);
        assert_int_equal(joined.last.end, end);
        leat_flow_join_destroy(join);
    }
}

/* Two workers' clocks do not tell who spoke first. */
static void test_who_began(void **state) {
    (void)state;
    struct leat_flow one = make_flow(0, 40000, 443, 3), other = make_flow(1, 443, 40000, 4);
    other.start_ns = one.start_ns - 900000000;
    expect(&one, &other, LEAT_FLOW_END_IDLE); /* the system port answers */
    other.start_ns = one.start_ns - 1100000000;
    expect(&other, &one, LEAT_FLOW_END_IDLE); /* so much earlier it did speak first */
    one.protocol = other.protocol = 6;
    one.side[0].tcp_flags_first = SYN;
    other.side[0].tcp_flags_first = SYN | ACK;
    expect(&one, &other, LEAT_FLOW_END_IDLE);

    one = make_flow(0, 0, 8 << 8, 3); /* echo, whose ports are types */
    other = make_flow(1, 8 << 8, 0, 4);
    one.protocol = other.protocol = 1;
    other.start_ns = one.start_ns - 1000;
    expect(&one, &other, LEAT_FLOW_END_IDLE);

    /* A later record of a flow that the active timeout has cut. */
    one = make_flow(0, 40000, 5201, 3);
    other = make_flow(1, 5201, 40000, 4);
    other.side[0].first_ns = one.side[0].first_ns - 500;
    other.start_ns = one.start_ns + 500;
    expect(&one, &other, LEAT_FLOW_END_IDLE);
}

static void test_why_it_ended(void **state) {
    (void)state;
    struct leat_flow one = make_flow(0, 40000, 443, 3), other = make_flow(1, 443, 40000, 4);
    other.start_ns++;
    one.side[0].tcp_flags = one.side[0].tcp_flags | FIN;
    other.side[0].tcp_flags |= FIN | ACK;
    expect(&one, &other, LEAT_FLOW_END_IDLE); /* bits of an earlier life: this is UDP */
    one.protocol = other.protocol = 6;
    expect(&one, &other, LEAT_FLOW_END_DETECTED);
    one.end = LEAT_FLOW_END_FORCED;
    expect(&one, &other, LEAT_FLOW_END_DETECTED);
    other.side[0].tcp_flags = ACK; /* half closed */
    expect(&one, &other, LEAT_FLOW_END_FORCED);
    other.side[0].tcp_flags = RST;
    expect(&one, &other, LEAT_FLOW_END_DETECTED);
    one.end = other.end = LEAT_FLOW_END_ACTIVE;
    expect(&one, &other, LEAT_FLOW_END_ACTIVE);
    one.end = LEAT_FLOW_END_IDLE; /* the side that spoke last tells */
    other.side[0].tcp_flags = ACK;
    other.side[0].last_ns = one.side[0].last_ns + 1;
    expect(&one, &other, LEAT_FLOW_END_ACTIVE);
}

/* Where the device steers symmetrically, only what it cannot look into waits. */
static void test_only_what_comes_out_of_tunnels(void **state) {
    (void)state;
    struct leat_flow_join *join =
        open_join((struct leat_flow_join_opts){ .what = LEAT_FLOW_JOIN_TUNNELS });
    struct leat_flow plain = make_flow(0, 1, 2, 1), inner = make_flow(0, 1, 2, 1);
    leat_flow_join_add(join, &plain, 0);
    assert_int_equal(joined.count, 1);
    inner.scope.tunnel = LEAT_FLOW_TUNNEL_VXLAN;
    leat_flow_join_add(join, &inner, 0);
    assert_int_equal(joined.count, 1);
    struct leat_flow back = make_flow(1, 2, 1, 1);
    back.scope.tunnel = LEAT_FLOW_TUNNEL_VXLAN;
    leat_flow_join_add(join, &back, 0);
    assert_int_equal(joined.count, 2);
    assert_int_equal(leat_flow_join_merged(join), 1);
    leat_flow_join_destroy(join);
}

static struct leat_flow during(struct leat_flow flow, uint64_t first_ns, uint64_t last_ns) {
    flow.side[0].first_ns = flow.start_ns = first_ns;
    flow.side[0].last_ns = last_ns;
    return flow;
}

/* The queues are emptied one after the other: both lives of a five-tuple come from one worker
 * before the first one comes from the other. */
static void test_which_life_a_record_is_of(void **state) {
    (void)state;
    struct leat_flow_join *join = open_join((struct leat_flow_join_opts){ 0 });
    struct leat_flow there = make_flow(0, 40000, 80, 1), back = make_flow(1, 80, 40000, 10);
    there.end = back.end = LEAT_FLOW_END_DETECTED;
    for (uint64_t life = 0; life < 3; life++, there.side[0].packets++) {
        struct leat_flow half = during(there, 10 * life * SECOND, (10 * life + 8) * SECOND);
        leat_flow_join_add(join, &half, 0);
    }
    for (uint64_t life = 0; life < 3; life++, back.side[0].packets++) {
        struct leat_flow half = during(back, (10 * life + 1) * SECOND, (10 * life + 9) * SECOND);
        leat_flow_join_add(join, &half, 0);
        assert_int_equal(joined.count, life + 1);
        assert_int_equal(joined.last.side[0].packets, 1 + life);
        assert_int_equal(joined.last.side[1].packets, 10 + life);
    }
    leat_flow_join_destroy(join);
}

/* One worker sees nothing for longer than the idle timeout, another one does meanwhile; what then
 * follows after a longer silence of all is another record. */
static void test_silence_that_another_worker_fills(void **state) {
    (void)state;
    const struct leat_flow_join_opts opts = {
        .what = LEAT_FLOW_JOIN_ALL,
        .times = { .wait_ns = 100 * SECOND, .idle_ns = 10 * SECOND, .active_ns = 60 * SECOND }
    };
    struct leat_flow_join *join = open_join(opts);
    static const struct {
        uint32_t worker, from_s, to_s;
    } pieces[] = { { 0, 1, 2 }, { 1, 9, 15 }, { 0, 22, 25 }, { 1, 36, 40 }, { 0, 48, 63 } };
    struct leat_flow flow = make_flow(0, 40000, 80, 1);
    for (uint32_t i = 0; i < 5; i++) {
        flow.worker = pieces[i].worker;
        struct leat_flow piece = during(flow, pieces[i].from_s * SECOND, pieces[i].to_s * SECOND);
        leat_flow_join_add(join, &piece, pieces[i].to_s);
    }
    assert_int_equal(leat_flow_join_waiting(join), 2);
    assert_int_equal(leat_flow_join_merged(join), 3);
    leat_flow_join_expire(join, UINT64_MAX);
    assert_int_equal(joined.count, 2);
    assert_int_equal(joined.packets, 5);
    assert_int_equal(joined.last.side[0].first_ns, 36 * SECOND);
    assert_int_equal(joined.last.side[0].last_ns, 63 * SECOND);
    leat_flow_join_destroy(join);
}

/* --- One worker against several, by the same packets */

#define CONNECTIONS 200
#define EXCHANGES   40
#define PACKETS_MAX (CONNECTIONS * (2 * EXCHANGES + 8))
#define IDLE        (6 * SECOND)

#define WORKERS_MAX 4

static struct rig one, several[WORKERS_MAX];
static struct leat_flow_packet packets[PACKETS_MAX];
static uint32_t packet_count;
static struct leat_flow made[RIG_RECORDS]; /* by joining */
static struct leat_flow_room made_rooms[RIG_RECORDS];
static uint32_t made_count;
static uint64_t pause_ns = UINT32_MAX; /* at most, between exchanges; each other one has none */

static void keep_made(void *ctx, const struct leat_flow *flow) {
    (void)ctx;
    assert_true(made_count < RIG_RECORDS);
    leat_flow_keep(&made[made_count], &made_rooms[made_count], flow);
    made_count++;
}

static void say(uint32_t number, uint32_t side, uint16_t flags, uint64_t time_ns) {
    struct leat_flow_packet *packet = &packets[packet_count++];
    *packet = flags ? rig_tcp(number, side, flags, time_ns) : rig_packet(number, time_ns);
    packet->side = (uint8_t)side;
    packet->octets += below(1000);
    packet->ttl = (uint8_t)(60 + below(5));
}

static void converse_from(uint32_t number, uint64_t time_ns, uint32_t tcp, uint32_t exchanges,
                          uint32_t end) {
    uint32_t client = below(2);
    for (uint32_t i = 0; i < exchanges; i++) {
        uint64_t answer_ns = time_ns + 1 + below((uint32_t)(pause_ns / 20));
        say(number, client, tcp ? (i ? ACK : SYN) : 0, time_ns);
        say(number, !client, tcp ? (i ? ACK : SYN | ACK) : 0, answer_ns);
        time_ns = answer_ns + 1 + below(2) * below((uint32_t)pause_ns);
    }
    if (tcp && end < 2) {
        uint32_t first = below(2);
        say(number, first, (end ? RST : FIN) | ACK, time_ns);
        if (end == 0) {
            say(number, !first, FIN | ACK, time_ns + 30000000);
            say(number, first, ACK, time_ns + 60000000);
        }
    }
}

/* A conversation whose sides never are silent for as long as the idle timeout; who begins is either
 * side, and TCP ends by FIN, by a reset of one side, or by nothing. */
static void converse(uint32_t number) {
    uint64_t time_ns = SECOND + below(60) * SECOND + below(SECOND);
    uint32_t tcp = below(2), exchanges = 1 + below(EXCHANGES);
    converse_from(number, time_ns, tcp, exchanges, below(3));
}

static int by_time(const void *a, const void *b) {
    const struct leat_flow_packet *left = a, *right = b;
    return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

static void hand_on(const struct rig *rig, uint32_t *handed, struct leat_flow_join *join,
                    uint64_t now_ns) {
    for (; *handed < rig->count; ++*handed) {
        struct leat_flow flow = rig->records[*handed];
        flow.parts = (struct leat_flow_parts){ 0 };
        if (rig->features) {
            flow.parts.notes = (struct leat_flow_notes *)&rig->notes[*handed];
            flow.parts.packets = (struct leat_flow_packet_list *)&rig->lists[*handed];
        }
        leat_flow_join_add(join, &flow, now_ns);
    }
}

struct plan {
    uint32_t workers;
    bool anywhere; /* a packet may come to any of them; else each direction to its own */
    uint64_t active_ns;
    uint32_t features;
};

static struct leat_flow_cache_opts cache_of(const struct plan *plan, uint32_t worker) {
    return (struct leat_flow_cache_opts){
        .active_ns = plan->active_ns, .idle_ns = IDLE, .features = plan->features, .worker = worker
    };
}

/* Meters all packets twice: by one worker, and by several. Returns how many records went on with
 * one direction. */
static uint64_t meter_both_ways(const struct plan *plan) {
    struct leat_flow_join *join;
    const struct leat_flow_join_opts opts = {
        .what = plan->anywhere ? LEAT_FLOW_JOIN_ALL : LEAT_FLOW_JOIN_HALVES,
        .times = { .wait_ns = IDLE + 2 * SECOND, .idle_ns = IDLE, .active_ns = plan->active_ns },
        .record = keep_made
    };
    uint32_t handed[WORKERS_MAX] = { 0 };
    made_count = 0;
    assert_int_equal(leat_flow_join_create(&join, &opts), 0);
    rig_open(&one, cache_of(plan, 0));
    for (uint32_t w = 0; w < plan->workers; w++)
        rig_open(&several[w], cache_of(plan, w));
    for (uint32_t i = 0; i < packet_count; i++) {
        uint64_t now_ns = packets[i].time_ns;
        rig_add(&one, packets[i]);
        rig_add(&several[plan->anywhere ? below(plan->workers) : packets[i].side], packets[i]);
        for (uint32_t w = 0; w < plan->workers; w++) {
            leat_flow_cache_tick(several[w].cache, now_ns);
            hand_on(&several[w], &handed[w], join, now_ns);
        }
        leat_flow_join_expire(join, now_ns);
    }
    assert_int_equal(leat_flow_cache_flush(one.cache, LEAT_FLOW_END_FORCED), 0);
    for (uint32_t w = 0; w < plan->workers; w++) {
        assert_int_equal(leat_flow_cache_flush(several[w].cache, LEAT_FLOW_END_FORCED), 0);
        hand_on(&several[w], &handed[w], join, 0);
        rig_close(&several[w]);
    }
    leat_flow_join_expire(join, UINT64_MAX);
    uint64_t alone = leat_flow_join_alone(join);
    leat_flow_join_destroy(join);
    rig_close(&one);
    return alone;
}

static int by_key(const void *a, const void *b) {
    const struct leat_flow *left = a, *right = b;
    int order = left->protocol - right->protocol;
    for (uint32_t i = 0; order == 0 && i < 2; i++)
        order = memcmp(left->address[i], right->address[i], 4);
    if (order == 0)
        order = left->side[0].first_ns < right->side[0].first_ns ? -1 : 1;
    return order;
}

static void in_order(void) {
    qsort(packets, packet_count, sizeof(*packets), by_time);
}

static void converse_all(uint32_t keep_in_8) {
    packet_count = 0;
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        converse(i);
    in_order();
    uint32_t kept = 0;
    for (uint32_t i = 0; i < packet_count; i++)
        if (below(8) < keep_in_8)
            packets[kept++] = packets[i];
    packet_count = kept;
}

static void expect_equal_records(void) {
    assert_int_equal(made_count, one.count);
    for (uint32_t i = 0; i < one.count; i++)
        one.records[i].parts =
            (struct leat_flow_parts){ .notes = &one.notes[i], .packets = &one.lists[i] };
    qsort(made, made_count, sizeof(*made), by_key);
    qsort(one.records, one.count, sizeof(*one.records), by_key);
    for (uint32_t i = 0; i < made_count; i++) {
        const struct leat_flow *got = &made[i], *wanted = &one.records[i];
        assert_int_equal(got->end, wanted->end);
        assert_int_equal(got->protocol, wanted->protocol);
        assert_memory_equal(got->port, wanted->port, sizeof(got->port));
        assert_memory_equal(got->address, wanted->address, sizeof(got->address));
        assert_memory_equal(got->side, wanted->side, sizeof(got->side));
        assert_int_equal(got->start_ns, wanted->start_ns);
        if (!one.features)
            continue;
        assert_memory_equal(got->parts.notes, wanted->parts.notes, sizeof(*got->parts.notes));
        assert_memory_equal(got->parts.packets, wanted->parts.packets, sizeof(*got->parts.packets));
    }
}

static void test_two_workers_make_the_records_of_one(void **state) {
    (void)state;
    converse_all(8);
    assert_int_equal(meter_both_ways(&(struct plan){ .workers = 2, .active_ns = 1000 * SECOND }),
                     0);
    assert_int_equal(one.count, CONNECTIONS);
    expect_equal_records();
    for (uint32_t i = 0; i < made_count; i++)
        assert_true(made[i].side[0].packets > 0);
}

/* Wherever each packet came: the lists of first packets and what only these tell, too. */
static void test_any_worker_may_see_anything(void **state) {
    (void)state;
    pause_ns = SECOND / 10; /* no conversation takes longer than the idle timeout */
    for (uint32_t workers = 2; workers <= WORKERS_MAX; workers *= 2) {
        converse_all(8);
        meter_both_ways(&(struct plan){ .workers = workers,
                                        .anywhere = true,
                                        .active_ns = 1000 * SECOND,
                                        .features = LEAT_FLOW_NOTES | LEAT_FLOW_PACKETS });
        assert_int_equal(one.count, CONNECTIONS);
        expect_equal_records();
    }
    pause_ns = UINT32_MAX;
}

/* A five-tuple that is used again, long before the idle timeout: neither half saw how the first
 * connection ended if the other side reset it. */
static void test_ports_are_used_again(void **state) {
    (void)state;
    packet_count = 0;
    pause_ns = SECOND / 10;
    for (uint32_t i = 0; i < CONNECTIONS / 3; i++)
        for (uint32_t life = 0; life < 3; life++)
            converse_from(i, (1 + 5 * life) * SECOND + below(SECOND), true, 3 + below(10),
                          life < 2 ? below(2) : 2);
    in_order();
    uint64_t alone = meter_both_ways(&(struct plan){ .workers = 2, .active_ns = 1000 * SECOND });
    assert_int_equal(alone, 0);
    assert_int_equal(one.count, CONNECTIONS / 3 * 3);
    expect_equal_records();
    pause_ns = UINT32_MAX;
}

/* Of the packets left, some connections have only one direction: those halves are what is alone. */
static void test_sampled_packets(void **state) {
    (void)state;
    uint64_t lonely = 0;
    converse_all(2);
    for (uint32_t i = 0; i < packet_count; i++)
        packets[i].tcp_flags &= (uint16_t) ~(FIN | RST); /* what reached one side only */
    uint64_t alone = meter_both_ways(&(struct plan){ .workers = 2, .active_ns = 1000 * SECOND });
    for (uint32_t i = 0; i < made_count; i++)
        lonely += !made[i].side[1].packets;
    assert_int_equal(alone, lonely);
    assert_true(alone > 0 && alone < made_count);
    assert_int_equal(one.packets, packet_count);
    uint64_t total = 0;
    for (uint32_t i = 0; i < made_count; i++)
        total += made[i].side[0].packets + made[i].side[1].packets;
    assert_int_equal(total, packet_count);
}

struct sum {
    uint64_t packets[2], octets[2];
    uint32_t began[2]; /* records in which that side is the source, if both sides are in it */
};

static void add_up(struct sum *sums, const struct leat_flow *flow) {
    uint32_t number, low = flow->address[0][0] != 10;
    memcpy(&number, flow->address[low], 4);
    number = __builtin_bswap32(number) & 0xffff;
    for (uint32_t i = 0; i < 2; i++) {
        sums[number].packets[i ^ low] += flow->side[i].packets;
        sums[number].octets[i ^ low] += flow->side[i].octets;
    }
    sums[number].began[low] += flow->side[0].packets && flow->side[1].packets;
}

/* Each half is cut at its own time, so records differ at their edges; the sums do not, every record
 * but a last one has both directions, and all of a flow agree on who began. */
static void test_active_timeouts_in_between(void **state) {
    (void)state;
    static struct sum of_one[CONNECTIONS], of_two[CONNECTIONS];
    memset(of_one, 0, sizeof(of_one));
    memset(of_two, 0, sizeof(of_two));
    converse_all(8);
    uint64_t alone = meter_both_ways(&(struct plan){ .workers = 2, .active_ns = 10 * SECOND });
    assert_true(one.count > CONNECTIONS);
    for (uint32_t i = 0; i < one.count; i++)
        add_up(of_one, &one.records[i]);
    for (uint32_t i = 0; i < made_count; i++)
        add_up(of_two, &made[i]);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        assert_memory_equal(of_one[i].packets, of_two[i].packets, sizeof(of_one[i].packets));
        assert_memory_equal(of_one[i].octets, of_two[i].octets, sizeof(of_one[i].octets));
        for (uint32_t side = 0; side < 2; side++)
            if (!of_one[i].began[side])
                assert_int_equal(of_two[i].began[side], 0);
    }
    print_message("%u records of one worker, %u of two, %u of them halves\n", one.count, made_count,
                  (uint32_t)alone);
    assert_in_range(made_count, one.count - one.count / 10, one.count + one.count / 10);
    assert_true(alone < one.count / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_wait_a_bounded_time_in_bounded_number),
        cmocka_unit_test(test_joining_keeps_every_packet),
        cmocka_unit_test(test_who_began),
        cmocka_unit_test(test_why_it_ended),
        cmocka_unit_test(test_only_what_comes_out_of_tunnels),
        cmocka_unit_test(test_which_life_a_record_is_of),
        cmocka_unit_test(test_silence_that_another_worker_fills),
        cmocka_unit_test(test_two_workers_make_the_records_of_one),
        cmocka_unit_test(test_any_worker_may_see_anything),
        cmocka_unit_test(test_ports_are_used_again),
        cmocka_unit_test(test_sampled_packets),
        cmocka_unit_test(test_active_timeouts_in_between),
    };
    return cmocka_run_group_tests(tests, choose_seed, NULL);
}
