/* SPDX-License-Identifier: BSD-2-Clause */
/* The biggest flows, by what they are measured by, biggest first. */
#ifndef LEAT_FLOW_TOP_H
#define LEAT_FLOW_TOP_H

#include "flow.h"
#include <stddef.h>

enum leat_flow_top { LEAT_FLOW_TOP_OCTETS, LEAT_FLOW_TOP_PACKETS, LEAT_FLOW_TOP_DURATION };

/* From its first packet to its last, records before this one included. */
static inline uint64_t leat_flow_duration_ns(const struct leat_flow *flow) {
    uint64_t last_ns = flow->side[0].last_ns;
    if (flow->side[1].packets && flow->side[1].last_ns > last_ns)
        last_ns = flow->side[1].last_ns;
    return last_ns > flow->start_ns ? last_ns - flow->start_ns : 0;
}

/* Never 0: that is what is no flow. */
static inline uint64_t leat_flow_top_measure(const struct leat_flow *flow, enum leat_flow_top by) {
    switch (by) {
    case LEAT_FLOW_TOP_PACKETS:
        return flow->side[0].packets + flow->side[1].packets;
    case LEAT_FLOW_TOP_DURATION:
        return leat_flow_duration_ns(flow) + 1;
    default:
        return flow->side[0].octets + flow->side[1].octets;
    }
}

/* Where among the `*count` of at most `n` one of such a measure is to be written; the smaller ones
 * have made way. NULL: it is none of the biggest. */
static inline struct leat_flow *leat_flow_top_place(struct leat_flow *flows, uint32_t *count,
                                                    uint32_t n, enum leat_flow_top by,
                                                    uint64_t measure) {
    if (!flows || measure == 0 || n == 0 ||
        (*count == n && measure <= leat_flow_top_measure(&flows[n - 1], by)))
        return NULL;
    uint32_t place = *count < n ? (*count)++ : n - 1;
    for (; place > 0 && leat_flow_top_measure(&flows[place - 1], by) < measure; place--)
        flows[place] = flows[place - 1];
    return &flows[place];
}

#endif
