/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of drop reasons, and sums. */
#include <leat/stats.h>
#include <stddef.h>

static const struct {
    const char *name, *meaning;
} reasons[] = {
#define REASON(id, name, meaning) { name, meaning },
    LEAT_DROP_REASONS(REASON)
#undef REASON
};

const char *leat_drop_name(enum leat_drop reason) {
    return reason < LEAT_DROP_COUNT ? reasons[reason].name : NULL;
}

const char *leat_drop_meaning(enum leat_drop reason) {
    return reason < LEAT_DROP_COUNT ? reasons[reason].meaning : NULL;
}

/* Each counter is read once and whole while its owner may be counting on. */
static void add(uint64_t *to, const uint64_t *from) {
    *to += __atomic_load_n(from, __ATOMIC_RELAXED);
}

void leat_stats_add(struct leat_stats *to, const struct leat_stats *from) {
    add(&to->rx_packets, &from->rx_packets);
    add(&to->rx_bytes, &from->rx_bytes);
    add(&to->tx_packets, &from->tx_packets);
    add(&to->tx_bytes, &from->tx_bytes);
    for (int i = 0; i < LEAT_DROP_COUNT; i++)
        add(&to->drops[i], &from->drops[i]);
}
