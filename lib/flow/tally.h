/* SPDX-License-Identifier: BSD-2-Clause */
/* How many records, and the packets and octets of their flows: so that losses can be told whole. */
#ifndef LEAT_FLOW_TALLY_H
#define LEAT_FLOW_TALLY_H

#include "flow.h"

struct leat_tally {
    uint64_t records, packets, octets;
};

static inline void leat_tally_add(struct leat_tally *tally, const struct leat_tally *more) {
    tally->records += more->records;
    tally->packets += more->packets;
    tally->octets += more->octets;
}

static inline void leat_tally_subtract(struct leat_tally *tally, const struct leat_tally *less) {
    tally->records -= less->records;
    tally->packets -= less->packets;
    tally->octets -= less->octets;
}

static inline struct leat_tally leat_tally_of(const struct leat_flow *flow) {
    return (struct leat_tally){ .records = 1,
                                .packets = flow->side[0].packets + flow->side[1].packets,
                                .octets = flow->side[0].octets + flow->side[1].octets };
}

static inline void leat_tally_lost(const struct leat_tally *lost,
                                   struct leat_flow_sink_stats *stats) {
    stats->lost = lost->records;
    stats->lost_packets = lost->packets;
    stats->lost_octets = lost->octets;
}

#endif
