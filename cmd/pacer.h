/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paces frames without drift: what may be sent follows from the time since the start, never from
 * the time since the last frame, so that neither rounding nor a late look adds up. What was missed
 * while the sender was held up is made up for at once.
 *
 * Units are packets, or bits on the line, as the rate is given.
 */
#ifndef CMD_PACER_H
#define CMD_PACER_H

#include "clock.h"
#include <stdbool.h>
#include <stdint.h>

#define PACER_RATE_MAX 18000000000 /* units a second: the product below stays within 64 bits */

struct pacer {
    uint64_t rate; /* units a second; 0: flat out */
    uint64_t start_ns, earned, spent;
};

static inline void pacer_start(struct pacer *pacer, uint64_t rate, uint64_t now_ns) {
    *pacer = (struct pacer){ .rate = rate, .start_ns = now_ns };
}

/* To be told the time once a batch. */
static inline void pacer_look(struct pacer *pacer, uint64_t now_ns) {
    uint64_t elapsed = now_ns - pacer->start_ns;
    pacer->earned = elapsed / NS_PER_S * pacer->rate + elapsed % NS_PER_S * pacer->rate / NS_PER_S;
}

/* Whether a frame of `cost` units is due. */
static inline bool pacer_due(const struct pacer *pacer, uint64_t cost) {
    return !pacer->rate || pacer->spent + cost <= pacer->earned;
}

/* The same; if it is, it is taken as sent. */
static inline bool pacer_take(struct pacer *pacer, uint64_t cost) {
    if (!pacer_due(pacer, cost))
        return false;
    pacer->spent += cost;
    return true;
}

#endif
