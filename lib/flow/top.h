/* SPDX-License-Identifier: BSD-2-Clause */
/* The flows with most octets, largest first. */
#ifndef LEAT_FLOW_TOP_H
#define LEAT_FLOW_TOP_H

#include "flow.h"

static inline uint64_t leat_flow_top_octets(const struct leat_flow *flow) {
    return flow->side[0].octets + flow->side[1].octets;
}

/* Where among the `*count` of at most `n` one of so many octets is to be written; the smaller ones
 * have made way. NULL: it is none of the largest. */
static inline struct leat_flow *leat_flow_top_place(struct leat_flow *flows, uint32_t *count,
                                                    uint32_t n, uint64_t octets) {
    if (!flows || octets == 0 || n == 0 ||
        (*count == n && octets <= leat_flow_top_octets(&flows[n - 1])))
        return NULL;
    uint32_t place = *count < n ? (*count)++ : n - 1;
    for (; place > 0 && leat_flow_top_octets(&flows[place - 1]) < octets; place--)
        flows[place] = flows[place - 1];
    return &flows[place];
}

#endif
