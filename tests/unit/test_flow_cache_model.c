/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random streams of packets against a plain model: a list of flows, looked through from its start
 * for each packet, without a sweep, a batch or a hash. Records must come out the same, whatever
 * order they come in. LEAT_SEED repeats a run.
 */
#include "flow_cache_rig.h"
#include "random.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define FLOWS   40
#define ACTIVE  (40 * SECOND)
#define IDLE    (6 * SECOND)
#define LINGER  SECOND
#define PACKETS 3000

static struct rig rig;
static uint64_t seed;

static uint32_t below(uint32_t n) {
    return (uint32_t)((random_next(&seed) >> 32) * n >> 32);
}

/* What a record comes down to. */
struct outcome {
    uint64_t number; /* of the flow */
    uint64_t end, source;
    uint64_t packets[2], octets[2], frame_octets[2], payload_octets[2];
    uint64_t first_ns, last_ns[2];
    uint64_t tcp_flags[2], ttl_min[2], ttl_max[2];
};

struct model_flow {
    bool there, live, closed;
    bool fin[2];
    uint64_t seen_ns;
    struct outcome record;
};

struct model {
    struct model_flow flows[FLOWS];
    struct outcome ended[RIG_RECORDS];
    uint32_t count;
};

static struct model model;

static void model_end(struct model_flow *flow, uint64_t reason) {
    if (!flow->live)
        return;
    flow->record.end = reason;
    assert_true(model.count < RIG_RECORDS);
    model.ended[model.count++] = flow->record;
    flow->live = false;
}

/* What becomes of a flow until the time of its next packet, event by event. */
static void model_pass(struct model_flow *flow, uint64_t now_ns) {
    if (!flow->there)
        return;
    if (flow->closed) {
        if (now_ns > flow->seen_ns + LINGER) {
            model_end(flow, LEAT_FLOW_END_DETECTED);
            flow->there = false;
        }
        return;
    }
    uint64_t cut_ns = flow->record.first_ns + ACTIVE;
    if (flow->live && cut_ns <= now_ns && cut_ns <= flow->seen_ns + IDLE)
        model_end(flow, LEAT_FLOW_END_ACTIVE);
    if (now_ns > flow->seen_ns + IDLE) {
        model_end(flow, LEAT_FLOW_END_IDLE);
        flow->there = false;
    }
}

/* Whether a SYN begins another connection. */
static bool model_begins(const struct model_flow *flow, const struct leat_flow_packet *packet) {
    const struct outcome *record = &flow->record;
    uint32_t side = packet->side ^ (uint32_t)record->source;
    if (!flow->there || !(packet->tcp_flags & SYN))
        return false;
    if (flow->closed || flow->fin[side])
        return true;
    bool half = flow->live && side == 0 && record->packets[0] && !record->packets[1];
    bool spoke =
        packet->tcp_flags & ACK ? record->payload_octets[side] > 0 : record->tcp_flags[side] & ACK;
    return half && spoke;
}

static void model_add(uint32_t number, const struct leat_flow_packet *packet) {
    struct model_flow *flow = &model.flows[number];
    bool begins = model_begins(flow, packet);
    model_pass(flow, packet->time_ns);
    if (begins && flow->there) {
        model_end(flow, LEAT_FLOW_END_DETECTED);
        flow->there = false;
    }
    if (flow->there && flow->closed && flow->live &&
        packet->time_ns >= flow->record.first_ns + ACTIVE)
        model_end(flow, LEAT_FLOW_END_ACTIVE);
    if (!flow->there) {
        *flow = (struct model_flow){ .there = true };
        flow->record.source = packet->side;
    }
    if (!flow->live) {
        flow->record = (struct outcome){ .number = number, .source = flow->record.source };
        flow->record.first_ns = packet->time_ns;
        flow->live = true;
    }
    uint32_t side = packet->side ^ flow->record.source;
    flow->seen_ns = packet->time_ns;
    flow->record.packets[side]++;
    flow->record.octets[side] += packet->octets;
    flow->record.frame_octets[side] += packet->frame_octets;
    flow->record.payload_octets[side] += packet->payload_bytes;
    flow->record.last_ns[side] = packet->time_ns;
    flow->record.tcp_flags[side] |= packet->tcp_flags;
    if (flow->record.packets[side] == 1 || packet->ttl < flow->record.ttl_min[side])
        flow->record.ttl_min[side] = packet->ttl;
    if (packet->ttl > flow->record.ttl_max[side])
        flow->record.ttl_max[side] = packet->ttl;
    flow->fin[side] |= packet->tcp_flags & FIN;
    flow->closed |= packet->tcp_flags & RST || (flow->fin[0] && flow->fin[1]);
}

static struct leat_flow_packet random_packet(uint32_t *number, uint64_t time_ns) {
    *number = below(FLOWS);
    struct leat_flow_packet packet =
        *number % 2 ? rig_packet(*number, time_ns) : rig_packet6(*number, time_ns);
    if (*number % 3) {
        if (packet.flags & LEAT_FLOW_IP6)
            packet.key6.protocol = 6;
        else
            packet.key4.protocol = 6;
        packet.tcp_flags = (uint16_t)((below(4) ? ACK : 0) | (below(25) ? 0 : RST) |
                                      (below(9) ? 0 : FIN) | (below(6) ? 0 : SYN));
    }
    packet.side = (uint8_t)below(2);
    packet.ttl = (uint8_t)below(256);
    packet.payload_bytes = below(1400);
    packet.octets = packet.payload_bytes + 20 + below(40);
    packet.frame_octets = packet.octets + 14 + below(30);
    return packet;
}

static struct outcome outcome_of(const struct leat_flow *flow) {
    struct outcome outcome = { .end = flow->end, .first_ns = UINT64_MAX };
    outcome.source = flow->port[0] == 53;
    uint32_t lower = (uint32_t)outcome.source; /* where the address with the number is */
    const uint8_t *address = flow->address[lower];
    outcome.number = address[flow->version == 6 ? 15 : 3];
    for (uint32_t i = 0; i < 2; i++) {
        const struct leat_flow_side *side = &flow->side[i];
        if (!side->packets)
            continue;
        outcome.packets[i] = side->packets;
        outcome.octets[i] = side->octets;
        outcome.frame_octets[i] = side->frame_octets;
        outcome.payload_octets[i] = side->payload_octets;
        outcome.last_ns[i] = side->last_ns;
        outcome.tcp_flags[i] = side->tcp_flags;
        outcome.ttl_min[i] = side->ttl_min;
        outcome.ttl_max[i] = side->ttl_max;
        if (side->first_ns < outcome.first_ns)
            outcome.first_ns = side->first_ns;
    }
    return outcome;
}

static int compare(const void *a, const void *b) {
    const struct outcome *one = a, *other = b;
    if (one->number != other->number)
        return one->number < other->number ? -1 : 1;
    return one->first_ns < other->first_ns ? -1 : one->first_ns > other->first_ns;
}

/* Packets in batches of any size; between them perhaps a tick. */
static void run_stream(uint64_t sweep_ns) {
    rig_open(&rig,
             (struct leat_flow_cache_opts){
                 .flows = FLOWS, .active_ns = ACTIVE, .idle_ns = IDLE, .sweep_ns = sweep_ns });
    memset(&model, 0, sizeof(model));
    uint64_t now_ns = 1000 * SECOND;
    struct leat_flow_packet batch[256];
    for (uint32_t done = 0; done < PACKETS;) {
        uint32_t n = 1 + below(100);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t number;
            now_ns += below(30) ? below(100000000) : below(2000000000);
            batch[i] = random_packet(&number, now_ns);
            model_add(number, &batch[i]);
        }
        leat_flow_cache_add(rig.cache, batch, n);
        if (below(4) == 0)
            leat_flow_cache_tick(rig.cache, now_ns);
        rig_assert_conserved(&rig);
        done += n;
    }
    leat_flow_cache_tick(rig.cache, now_ns);
    assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 0);
    for (uint32_t i = 0; i < FLOWS; i++) {
        model_pass(&model.flows[i], now_ns);
        model_end(&model.flows[i],
                  model.flows[i].closed ? LEAT_FLOW_END_DETECTED : LEAT_FLOW_END_FORCED);
    }
}

static void test_records_are_the_model_s(void **state) {
    (void)state;
    static struct outcome got[RIG_RECORDS];
    for (uint32_t round = 0; round < 60; round++) {
        run_stream((const uint64_t[]){ UINT64_MAX, 1, SECOND, 20 * SECOND }[round % 4]);
        assert_true(rig.count < RIG_RECORDS);
        assert_int_equal(rig.count, model.count);
        for (uint32_t i = 0; i < rig.count; i++)
            got[i] = outcome_of(&rig.records[i]);
        qsort(got, rig.count, sizeof(got[0]), compare);
        qsort(model.ended, model.count, sizeof(got[0]), compare);
        for (uint32_t i = 0; i < rig.count; i++)
            assert_memory_equal(&got[i], &model.ended[i], sizeof(got[i]));
        rig_close(&rig);
    }
}

/* Fewer places than flows, and records refused now and then: packets are conserved. */
static void test_packets_are_conserved(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 40; round++) {
        rig_open(&rig, (struct leat_flow_cache_opts){ .flows = 1 + below(FLOWS),
                                                      .active_ns = ACTIVE,
                                                      .idle_ns = IDLE,
                                                      .sweep_ns = 1 + below(1000000000) });
        uint64_t now_ns = SECOND;
        struct leat_flow_packet batch[256];
        for (uint32_t batches = 0; batches < 100; batches++) {
            uint32_t n = 1 + below(256), number;
            rig.refuses = below(2);
            for (uint32_t i = 0; i < n; i++)
                batch[i] = random_packet(&number, now_ns += below(400000000));
            leat_flow_cache_add(rig.cache, batch, n);
            rig_assert_conserved(&rig);
        }
        rig.refuses = false;
        assert_int_equal(leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED), 0);
        rig_assert_conserved(&rig);
        rig_close(&rig);
    }
}

int main(void) {
    const char *given = getenv("LEAT_SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15;
    print_message("LEAT_SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_the_model_s),
        cmocka_unit_test(test_packets_are_conserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
