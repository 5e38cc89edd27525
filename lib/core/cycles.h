/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU's own clock, for costs in cycles: constant rate, the same on all cores, no system call.
 */
#ifndef LEAT_CORE_CYCLES_H
#define LEAT_CORE_CYCLES_H

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>

static inline uint64_t leat_cycles(void) {
    return __rdtsc();
}
#elif defined(__aarch64__)
/* The generic timer: slower than the core's clock, but the only one that user space may read. */
static inline uint64_t leat_cycles(void) {
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#else
#error "leat_cycles() is not written for this processor"
#endif

#endif
