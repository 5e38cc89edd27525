/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of one flow that several workers made become the record that one worker would have made
 * of all the packets.
 */
#ifndef LEAT_FLOW_JOIN_MERGE_H
#define LEAT_FLOW_JOIN_MERGE_H

#include "flow.h"

/* What a record's parts are copied to. */
struct leat_flow_room {
    struct leat_flow_notes notes;
    struct leat_flow_histogram histogram;
    struct leat_flow_packet_list packets;
    struct leat_flow_sizes sizes;
    struct leat_flow_application application;
};

/* Copies a record with its parts. */
void leat_flow_keep(struct leat_flow *to, struct leat_flow_room *room,
                    const struct leat_flow *from);

/* Whether the sources of two records of one flow are its two ends, not the same one. */
bool leat_flow_opposite(const struct leat_flow *one, const struct leat_flow *other);

/* When the record's first and last packet were seen, of either side. */
uint64_t leat_flow_first_ns(const struct leat_flow *flow);
uint64_t leat_flow_last_ns(const struct leat_flow *flow);

/* Adds another record of the same flow to one that leat_flow_keep() has made. Gaps in histograms
 * stay those that a worker saw; all else is as of one worker. */
void leat_flow_merge(struct leat_flow *flow, const struct leat_flow *other);

#endif
