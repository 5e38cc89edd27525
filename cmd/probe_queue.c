/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: one queue, whether this process meters its frames or the XDP program of --inline. */
#include "probe.h"

#define SWEEP_NS 1000000000

void probe_queue_stats(const struct probe_queue *queue, struct leat_flow_meter_stats *stats) {
    if (queue->passing)
        leat_flow_inline_stats(queue->passing, stats);
    else
        leat_flow_meter_stats(queue->meter, stats);
}

int probe_queue_look(struct probe_queue *queue) {
    return queue->passing ? leat_flow_inline_look(queue->passing) : 0;
}

int probe_queue_tick(struct probe_queue *queue, uint64_t now_ns) {
    if (!queue->passing) {
        leat_flow_meter_tick(queue->meter, now_ns);
        return 0;
    }
    if (now_ns - queue->swept_ns < SWEEP_NS)
        return 0;
    queue->swept_ns = now_ns;
    int ended = leat_flow_inline_sweep(queue->passing);
    return ended < 0 ? ended : 0;
}

int probe_queue_stop(struct probe_queue *queue) {
    return queue->passing ? leat_flow_inline_stop(queue->passing) : 0;
}

int probe_queue_flush(struct probe_queue *queue) {
    return queue->passing ? leat_flow_inline_flush(queue->passing, LEAT_FLOW_END_FORCED)
                          : (int)leat_flow_meter_flush(queue->meter, LEAT_FLOW_END_FORCED);
}

uint32_t probe_queue_top(struct probe_queue *queue, struct leat_flow *flows, uint32_t n,
                         enum leat_flow_top by) {
    return queue->passing ? leat_flow_inline_top(queue->passing, flows, n, by)
                          : leat_flow_meter_top(queue->meter, flows, n, by);
}

int probe_queue_reload(struct probe_queue *queue, const struct leat_flow_meter_opts *opts) {
    if (!queue->passing)
        return leat_flow_meter_reload(queue->meter, opts);
    leat_flow_inline_set_timeouts(queue->passing, opts->cache.active_ns, opts->cache.idle_ns);
    return 0;
}

void probe_queue_close(struct probe_queue *queue) {
    leat_flow_inline_close(queue->passing);
    leat_flow_meter_destroy(queue->meter);
    leat_flow_queue_destroy(queue->records);
}
