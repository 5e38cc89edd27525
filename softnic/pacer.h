/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paces frames by the clock, without drift: how many are due follows from the time since the start,
 * not from the time since the last one. Frames that are late because nobody polled are made up
 * for; while the NIC refuses frames the schedule stands still instead.
 */
#ifndef SOFTNIC_PACER_H
#define SOFTNIC_PACER_H

#include <stdint.h>

#define PACER_BURST_MAX 32
#define PACER_RATE_MAX  1000000000

struct pacer {
    uint64_t rate_pps; /* 0: flat out */
    uint64_t start_ns;
    uint64_t sent;       /* since start_ns */
    uint64_t refused_ns; /* since when the NIC refuses; 0: it does not */
};

static inline void pacer_start(struct pacer *pacer, uint64_t now_ns) {
    pacer->start_ns = now_ns;
    pacer->sent = 0;
    pacer->refused_ns = 0;
}

/* How many frames are due, at most a burst; the caller adds those that it makes to `sent`. */
static inline uint32_t pacer_due(const struct pacer *pacer, uint64_t now_ns) {
    if (!pacer->rate_pps)
        return PACER_BURST_MAX;
    uint64_t elapsed_ns = now_ns - pacer->start_ns;
    uint64_t due = elapsed_ns / 1000000000 * pacer->rate_pps +
                   elapsed_ns % 1000000000 * pacer->rate_pps / 1000000000 - pacer->sent;
    return due < PACER_BURST_MAX ? (uint32_t)due : PACER_BURST_MAX;
}

/* When the NIC refuses frames, and when it may take them again. */
static inline void pacer_stand_still(struct pacer *pacer, uint64_t now_ns) {
    if (!pacer->refused_ns)
        pacer->refused_ns = now_ns;
}

static inline void pacer_go_on(struct pacer *pacer, uint64_t now_ns) {
    if (!pacer->refused_ns)
        return;
    pacer->start_ns += now_ns - pacer->refused_ns;
    pacer->refused_ns = 0;
}

#endif
