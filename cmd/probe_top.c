/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --top: the biggest flows of all workers. The table asks, each worker answers between
 * two batches, and what they say is sorted here. */
#include "clock.h"
#include "probe.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_NS (NS_PER_S / 2)

static uint64_t octets(const struct leat_flow *flow) {
    return flow->side[0].octets + flow->side[1].octets;
}

static int by_octets(const void *a, const void *b) {
    uint64_t first = octets(a), second = octets(b);
    return (second > first) - (second < first);
}

/* The worker's part: its queues' flows, the biggest ones of which stay. */
void probe_top_answer(struct probe_lane *lane) {
    struct probe_top *top = &lane->top;
    uint32_t wanted = __atomic_load_n(&top->wanted, __ATOMIC_ACQUIRE);
    if (!wanted)
        return;
    struct leat_flow flows[2 * PROBE_TOP_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < lane->count; i++) {
        count += leat_flow_meter_top(lane->queues[i]->meter, &flows[count], wanted);
        // cppcheck-suppress uninitvar ; the first `count` are
        qsort(flows, count, sizeof(*flows), by_octets);
        if (count > wanted)
            count = wanted;
    }
    // cppcheck-suppress uninitvar
    memcpy(top->flows, flows, count * sizeof(*flows));
    top->count = count;
    __atomic_store_n(&top->wanted, 0, __ATOMIC_RELEASE);
}

static void print_flow(const struct leat_flow *flow) {
    char end[2][INET6_ADDRSTRLEN], name[2][INET6_ADDRSTRLEN + 8];
    for (uint32_t i = 0; i < 2; i++) {
        bool v4 = flow->version == 4;
        inet_ntop(v4 ? AF_INET : AF_INET6, flow->address[i], end[i], sizeof(end[i]));
        snprintf(name[i], sizeof(name[i]), v4 ? "%s:%u" : "[%s]:%u", end[i],
                 i ? flow->port[1] : leat_flow_source_port(flow, 0));
    }
    fprintf(stderr, "%14" PRIu64 " %11" PRIu64 " %5u  %s > %s\n", octets(flow),
            flow->side[0].packets + flow->side[1].packets, flow->protocol, name[0], name[1]);
}

static bool answered(struct probe *probe) {
    for (uint32_t i = 0; i < probe->lane_count; i++)
        if (__atomic_load_n(&probe->lanes[i].top.wanted, __ATOMIC_ACQUIRE))
            return false;
    return true;
}

/* A worker that has ended does not answer: its table is the one of the last time. */
void probe_top_draw(struct probe *probe) {
    uint32_t wanted = probe->config.top, count = 0;
    if (!answered(probe))
        return;
    for (uint32_t i = 0; i < probe->lane_count; i++)
        __atomic_store_n(&probe->lanes[i].top.wanted, wanted, __ATOMIC_RELEASE);
    const struct timespec pause = { .tv_nsec = 5000000 };
    for (uint64_t start = clock_ns(); !answered(probe) && clock_ns() - start < ANSWER_NS;)
        nanosleep(&pause, NULL);
    struct leat_flow *flows = calloc(probe->lane_count + 1, wanted * sizeof(*flows));
    if (!flows || !answered(probe)) {
        free(flows);
        return;
    }
    for (uint32_t i = 0; i < probe->lane_count; i++) {
        const struct probe_top *top = &probe->lanes[i].top;
        memcpy(&flows[count], top->flows, top->count * sizeof(*flows));
        count += top->count;
    }
    qsort(flows, count, sizeof(*flows), by_octets);
    if (isatty(STDERR_FILENO))
        fputs("\033[H\033[J", stderr);
    fprintf(stderr, "%14s %11s %5s  %s\n", "octets", "packets", "proto", "flow");
    for (uint32_t i = 0; i < count && i < wanted; i++)
        print_flow(&flows[i]);
    free(flows);
}
