/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of a sink that could not be opened: what it is given is lost, and counted so. */
#include "lib/core/error.h"
#include "sinks.h"
#include "tally.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct absent {
    struct leat_flow_sink sink;
    struct leat_tally lost;
    struct leat_span lost_when;
    uint64_t now_ns;
};

static void absent_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct absent *absent = (struct absent *)sink;
    const struct leat_tally tally = leat_tally_of(flow);
    leat_tally_add(&absent->lost, &tally);
    leat_span_add(&absent->lost_when, absent->now_ns);
}

static void absent_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    ((struct absent *)sink)->now_ns = now_ns;
}

static void absent_stats(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    const struct absent *absent = (const struct absent *)sink;
    *stats = (struct leat_flow_sink_stats){ .taken = absent->lost.records,
                                            .lost_when = absent->lost_when };
    leat_tally_lost(&absent->lost, stats);
    snprintf(stats->state, sizeof(stats->state), "not open");
}

static void absent_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                         struct leat_flow_sink_stats *final) {
    (void)timeout_ms;
    if (final)
        absent_stats(sink, final);
    free(sink);
}

static bool absent_away(const struct leat_flow_sink *sink) {
    (void)sink;
    return true;
}

int leat_flow_sink_absent(struct leat_flow_sink **sink, const char *name, uint64_t now_ns) {
    static const struct leat_flow_sink_ops ops = { .record = absent_record,
                                                   .tick = absent_tick,
                                                   .stats = absent_stats,
                                                   .close = absent_close,
                                                   .away = absent_away };
    struct absent *absent = calloc(1, sizeof(*absent));
    if (!absent)
        return leat_fail(ENOMEM, "%s: no memory", name);
    absent->sink.ops = &ops;
    absent->now_ns = now_ns;
    snprintf(absent->sink.name, sizeof(absent->sink.name), "%s", name);
    *sink = &absent->sink;
    return 0;
}
