/* SPDX-License-Identifier: BSD-2-Clause */
/* Several sinks as one: each record goes to the first of them that is not away. */
#include "clock.h"
#include "lib/core/error.h"
#include "sinks.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct failover {
    struct leat_flow_sink sink;
    uint32_t count, used; /* `used`: the member of the last record */
    struct leat_flow_sink *members[];
};

static struct failover *failover_of(const struct leat_flow_sink *sink) {
    return (struct failover *)sink;
}

static bool is_away(const struct leat_flow_sink *member) {
    return member->ops->away && member->ops->away(member);
}

/* With all of them away it is the first one's, which may have a spool. */
static uint32_t choose(const struct failover *failover) {
    for (uint32_t i = 0; i < failover->count; i++)
        if (!is_away(failover->members[i]))
            return i;
    return 0;
}

static void failover_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct failover *failover = failover_of(sink);
    failover->used = choose(failover);
    struct leat_flow_sink *member = failover->members[failover->used];
    member->ops->record(member, flow);
}

static void failover_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    const struct failover *failover = failover_of(sink);
    for (uint32_t i = 0; i < failover->count; i++)
        failover->members[i]->ops->tick(failover->members[i], now_ns);
}

static void tell_used(const struct failover *failover, struct leat_flow_sink_stats *sum) {
    snprintf(sum->state, sizeof(sum->state), "%u of %u in use", failover->used + 1,
             failover->count);
}

static void failover_stats(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    const struct failover *failover = failover_of(sink);
    memset(stats, 0, sizeof(*stats));
    for (uint32_t i = 0; i < failover->count; i++) {
        struct leat_flow_sink_stats of_member;
        failover->members[i]->ops->stats(failover->members[i], &of_member);
        leat_flow_sink_stats_add(stats, &of_member);
    }
    tell_used(failover, stats);
}

static void failover_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                           struct leat_flow_sink_stats *final) {
    struct failover *failover = failover_of(sink);
    struct leat_flow_sink_stats sum = { 0 };
    const uint64_t until_ns = leat_flow_clock_ns(CLOCK_MONOTONIC) + timeout_ms * UINT64_C(1000000);
    for (uint32_t i = 0; i < failover->count; i++) {
        struct leat_flow_sink_stats of_member = { 0 };
        const uint64_t now_ns = leat_flow_clock_ns(CLOCK_MONOTONIC);
        failover->members[i]->ops->close(failover->members[i],
                                         leat_flow_turn_ms(now_ns, until_ns, failover->count - i),
                                         &of_member);
        leat_flow_sink_stats_add(&sum, &of_member);
    }
    tell_used(failover, &sum);
    if (final)
        *final = sum;
    free(failover);
}

static bool failover_away(const struct leat_flow_sink *sink) {
    const struct failover *failover = failover_of(sink);
    return is_away(failover->members[choose(failover)]);
}

int leat_flow_sink_failover(struct leat_flow_sink **sink, struct leat_flow_sink **members,
                            uint32_t n) {
    static const struct leat_flow_sink_ops ops = { .record = failover_record,
                                                   .tick = failover_tick,
                                                   .stats = failover_stats,
                                                   .close = failover_close,
                                                   .away = failover_away };
    if (n == 0)
        return leat_fail(EINVAL, "fail-over: there is no sink to go to");
    struct failover *failover = calloc(1, sizeof(*failover) + n * sizeof(*members));
    if (!failover)
        return leat_fail(ENOMEM, "fail-over: no memory for %u sinks", n);
    failover->sink.ops = &ops;
    snprintf(failover->sink.name, sizeof(failover->sink.name), "%.200s and %u more",
             members[0]->name, n - 1);
    failover->count = n;
    memcpy(failover->members, members, n * sizeof(*members));
    *sink = &failover->sink;
    return 0;
}
