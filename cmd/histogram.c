/* SPDX-License-Identifier: BSD-2-Clause */
#include "histogram.h"
#include <math.h>

uint64_t histogram_bucket_last(uint32_t bucket) {
    uint32_t above = bucket >> HISTOGRAM_BITS;
    if (above <= 1)
        return bucket;
    uint32_t shift = above - 1;
    uint64_t first = (uint64_t)(bucket - (shift << HISTOGRAM_BITS)) << shift;
    return first + (((uint64_t)1 << shift) - 1);
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile) {
    uint64_t rank = (uint64_t)ceil(quantile * (double)histogram->count);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen && seen >= rank) {
            uint64_t last = histogram_bucket_last(i);
            return last < histogram->max ? last : histogram->max;
        }
    }
    return histogram->max;
}
