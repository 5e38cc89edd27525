/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of AF_XDP: one side produces, the other consumes; indices run free and are masked. This
 * process is the producer of fill and tx, the consumer of rx and completion.
 *
 * The other side's index and what it writes into entries is read once and believed only after a
 * check: more than `mask + 1` entries ready or free is nonsense.
 */
#ifndef LEAT_DRIVERS_XDP_RING_H
#define LEAT_DRIVERS_XDP_RING_H

#include "xdp_uapi.h"
#include <stdbool.h>
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

/* Consumer: entries that may be read. Looks at the other side's index only if those seen before
 * are fewer than `want`. */
static inline uint32_t xdp_ring_ready(struct xdp_ring *ring, uint32_t want) {
    if (ring->other - ring->own < want)
        ring->other = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
    return ring->other - ring->own;
}

/* Producer: entries that may be written. */
static inline uint32_t xdp_ring_room(struct xdp_ring *ring, uint32_t want) {
    if (ring->mask + 1 - (ring->own - ring->other) < want)
        ring->other = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
    return ring->mask + 1 - (ring->own - ring->other);
}

/* Whether an answer of the two above cannot be. */
static inline bool xdp_ring_broken(const struct xdp_ring *ring, uint32_t entries) {
    return __builtin_expect(entries > ring->mask + 1, 0);
}

/* What was written to the entries before is seen by whoever sees the index. */
static inline void xdp_ring_submit(struct xdp_ring *ring) {
    __atomic_store_n(ring->producer, ring->own, __ATOMIC_RELEASE);
}

static inline void xdp_ring_release(struct xdp_ring *ring) {
    __atomic_store_n(ring->consumer, ring->own, __ATOMIC_RELEASE);
}

/* Producer: whether the other side has not taken everything yet. */
static inline bool xdp_ring_pending(struct xdp_ring *ring) {
    ring->other = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
    return ring->other != ring->own;
}

static inline bool xdp_ring_needs_wakeup(const struct xdp_ring *ring) {
    return __atomic_load_n(ring->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP;
}

static inline uint64_t *xdp_ring_address(const struct xdp_ring *ring, uint32_t index) {
    return (uint64_t *)ring->entries + (index & ring->mask);
}

static inline struct xdp_desc *xdp_ring_descriptor(const struct xdp_ring *ring, uint32_t index) {
    return (struct xdp_desc *)ring->entries + (index & ring->mask);
}

#endif
