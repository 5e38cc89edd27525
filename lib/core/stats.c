/* SPDX-License-Identifier: BSD-2-Clause */
#include <leat/stats.h>
#include <stddef.h>

/* The structure is counters only; each is read once and whole while its owner may be counting on.
 */
void leat_stats_add(struct leat_stats *to, const struct leat_stats *from) {
    uint64_t *sums = (uint64_t *)to;
    for (size_t i = 0; i < sizeof(*to) / sizeof(*sums); i++)
        sums[i] += __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);
}
