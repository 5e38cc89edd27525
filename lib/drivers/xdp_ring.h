/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of AF_XDP: one side produces, the other consumes; indices run free and are masked. This
 * process is the producer of fill and tx, the consumer of rx and completion.
 */
#ifndef LEAT_DRIVERS_XDP_RING_H
#define LEAT_DRIVERS_XDP_RING_H

#include <stdint.h>

struct xdp_ring {
    uint32_t *producer, *consumer; /* shared with the kernel */
    uint32_t *flags;               /* XDP_RING_NEED_WAKEUP */
    void *entries;                 /* uint64_t addresses, or struct xdp_desc */
    uint32_t mask;
    uint32_t own;   /* our index, not yet published or just read past */
    uint32_t other; /* the other side's index when we looked last */
    void *map;
    uint64_t map_bytes;
};

#endif
