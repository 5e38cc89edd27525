/* SPDX-License-Identifier: BSD-2-Clause */
/* Percentiles of a histogram. */
#include "histogram.h"

static uint64_t highest_of_bucket(uint32_t bucket) {
    if (bucket < 2 * HISTOGRAM_STEPS)
        return bucket;
    uint32_t shift = bucket / HISTOGRAM_STEPS - 1;
    uint64_t lowest = (uint64_t)(bucket - shift * HISTOGRAM_STEPS) << shift;
    return lowest + ((1ull << shift) - 1);
}

uint64_t histogram_per_mille(const struct histogram *h, uint32_t per_mille) {
    /* Of the nearest rank: the ceiling of count * per_mille / 1000, in two parts lest it wraps. */
    uint64_t rank = h->count / 1000 * per_mille + (h->count % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (uint32_t bucket = 0; rank && bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += h->buckets[bucket];
        if (seen >= rank) {
            uint64_t bound = highest_of_bucket(bucket);
            return bound < h->max ? bound : h->max;
        }
    }
    return 0;
}
