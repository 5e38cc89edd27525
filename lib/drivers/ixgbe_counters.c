/* SPDX-License-Identifier: BSD-2-Clause */
/* All statistics registers, by their datasheet's names (8.2.3.23). Reading clears them, so their
 * values are added up here; ixgbe_control.c does the same for those that count lost frames. */
#include "ixgbe.h"
#include <errno.h>
#include <stdlib.h>

struct counter {
    const char *name;
    uint32_t reg;
    bool wide; /* 36 bits: the high half follows, and reading it clears both */
    bool lost; /* frames that no queue had a descriptor for */
};

#define ONE(name, reg)          { #name, reg, false, false },
#define WIDE(name, reg)         { #name, reg, true, false },
#define NTH(name, n, reg, wide) { #name #n, reg, wide, false },
#define EIGHT(name, reg)        FOUR(name, reg, 4, false, 0, 1, 2, 3) FOUR(name, reg, 4, false, 4, 5, 6, 7)
#define FOUR(name, reg, step, wide, a, b, c, d) \
    NTH(name, a, reg + a * step, wide)          \
    NTH(name, b, reg + b * step, wide)          \
    NTH(name, c, reg + c * step, wide) NTH(name, d, reg + d * step, wide)
#define SIXTEEN(name, reg, step, wide)      \
    FOUR(name, reg, step, wide, 0, 1, 2, 3) \
    FOUR(name, reg, step, wide, 4, 5, 6, 7) \
    FOUR(name, reg, step, wide, 8, 9, 10, 11) FOUR(name, reg, step, wide, 12, 13, 14, 15)
#define SETS(name, reg, step)      SIXTEEN(name, reg, step, false)
#define SETS_WIDE(name, reg, step) SIXTEEN(name, reg, step, true)
#define DROPS(n) \
    { "QPRDC" #n, REG_QPRDC(n), false, true }

static const struct counter counters[] = {
    IXGBE_COUNTERS(ONE, WIDE, EIGHT, SETS, SETS_WIDE)
    /* QPRDC0 and the other losses are in ixgbe_losses[]. */
    DROPS(1),
    DROPS(2),
    DROPS(3),
    DROPS(4),
    DROPS(5),
    DROPS(6),
    DROPS(7),
    DROPS(8),
    DROPS(9),
    DROPS(10),
    DROPS(11),
    DROPS(12),
    DROPS(13),
    DROPS(14),
    DROPS(15),
};

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static void add_up(struct ixgbe *nic, size_t i) {
    uint64_t value = reg_read(nic, counters[i].reg);
    if (counters[i].wide)
        value |= (uint64_t)reg_read(nic, counters[i].reg + 4) << 32;
    nic->counters[i] += nic->dev->gone ? 0 : value;
}

/* Queue n counts in set n % 16 (8.2.3.23.71 and 8.2.3.23.73): a byte a queue, four in a register.
 */
int ixgbe_set_up_counters(struct ixgbe *nic) {
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t sets = 0x03020100 + i % 4 * 0x04040404;
        reg_write(nic, REG_RQSMR(i), sets);
        reg_write(nic, REG_TQSM(i), sets);
    }
    nic->counters = calloc(COUNTERS, sizeof(*nic->counters));
    if (!nic->counters)
        return leat_fail(ENOMEM, "%s: out of memory", nic->port->name);
    for (uint32_t i = 0; i < IXGBE_LOSSES; i++)
        reg_read(nic, ixgbe_losses[i].reg); /* 4.6.5: statistics are cleared by reading */
    for (size_t i = 0; i < COUNTERS; i++)
        add_up(nic, i);
    for (size_t i = 0; i < COUNTERS; i++)
        nic->counters[i] = 0;
    return 0;
}

int ixgbe_all_stats(struct leat_port *port, struct leat_stats *stats) {
    struct ixgbe *nic = port->data;
    for (size_t i = 0; i < COUNTERS && nic->counters; i++) {
        if (!counters[i].lost)
            continue;
        if (port->opts.queues > 1)
            add_up(nic, i);
        stats->drops[LEAT_DROP_RX_MISSED] += nic->counters[i];
    }
    return ixgbe_stats(port, stats);
}

int ixgbe_counters(struct leat_port *port, struct leat_counter *list, uint32_t n) {
    struct ixgbe *nic = port->data;
    struct leat_stats unused = { 0 };
    int err = ixgbe_stats(port, &unused);
    if (err)
        return err;
    for (uint32_t i = 0; i < IXGBE_LOSSES + COUNTERS; i++) {
        size_t other = i - IXGBE_LOSSES;
        if (i >= IXGBE_LOSSES)
            add_up(nic, other);
        if (i < n)
            list[i] =
                i < IXGBE_LOSSES
                    ? (struct leat_counter){ ixgbe_losses[i].name,
                                             __atomic_load_n(&nic->losses[i], __ATOMIC_RELAXED) }
                    : (struct leat_counter){ counters[other].name, nic->counters[other] };
    }
    return (int)(IXGBE_LOSSES + COUNTERS);
}
