/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram of durations with buckets of one relative width: exact below 64, then 32 buckets in
 * each power of two, so that a percentile is at most 1/32 above the truth over the whole range.
 */
#ifndef SOFTNIC_HISTOGRAM_H
#define SOFTNIC_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 5
#define HISTOGRAM_STEPS     (1u << HISTOGRAM_STEP_BITS)
#define HISTOGRAM_BUCKETS   ((64 - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
    uint64_t count, max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The bucket is the position of the highest bit and the HISTOGRAM_STEP_BITS bits below it. */
static inline uint32_t histogram_bucket(uint64_t value) {
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(value | HISTOGRAM_STEPS) - HISTOGRAM_STEP_BITS;
    return shift * HISTOGRAM_STEPS + (uint32_t)(value >> shift);
}

static inline void histogram_add(struct histogram *h, uint64_t value) {
    h->count++;
    h->buckets[histogram_bucket(value)]++;
    if (value > h->max)
        h->max = value;
}

/* The smallest bucket bound that `per_mille` of the values do not exceed; 0 when it is empty. */
uint64_t histogram_per_mille(const struct histogram *h, uint32_t per_mille);

#endif
