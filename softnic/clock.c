/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's clocks, in nanoseconds. */
#include "clock.h"
#include <time.h>

static uint64_t now_ns(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic_ns(void) {
    return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_ns(void) {
    return now_ns(CLOCK_REALTIME);
}
