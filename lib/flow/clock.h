/* SPDX-License-Identifier: BSD-2-Clause */
/* What time it is, in nanoseconds, and how much of it is left. */
#ifndef LEAT_FLOW_CLOCK_H
#define LEAT_FLOW_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t leat_flow_clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Of the time until `until_ns`, what the next of `left` may take that close one after the other, in
 * milliseconds: an equal share, or all but half a second for each of the others if that is more. */
static inline uint32_t leat_flow_turn_ms(uint64_t now_ns, uint64_t until_ns, uint32_t left) {
    uint64_t ms = until_ns > now_ns ? (until_ns - now_ns) / 1000000 : 0;
    uint64_t others_ms = (left - 1) * UINT64_C(500), share_ms = ms / left;
    return (uint32_t)(ms > others_ms + share_ms ? ms - others_ms : share_ms);
}

#endif
