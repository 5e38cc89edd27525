/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of both directions as two of one each, for what knows only those. */
#ifndef LEAT_FLOW_UNIFLOW_H
#define LEAT_FLOW_UNIFLOW_H

#include "flow.h"

/* What was taken from a biflow, with the parts that are turned round. Histogram and list of packets
 * are of both directions and stay with the first. */
struct leat_uniflows {
    struct leat_flow flow[2];
    struct leat_flow_notes notes;
    struct leat_flow_sizes sizes;
};

/* Returns how many: 1 when all packets went one way. */
uint32_t leat_uniflows(const struct leat_flow *flow, struct leat_uniflows *uniflows);

#endif
