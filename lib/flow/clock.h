/* SPDX-License-Identifier: BSD-2-Clause */
/* What time it is, in nanoseconds. */
#ifndef LEAT_FLOW_CLOCK_H
#define LEAT_FLOW_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t leat_flow_clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
