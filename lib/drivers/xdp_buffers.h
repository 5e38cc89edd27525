/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers of an AF_XDP queue, one at a time: for the fast path (xdp_frames.c) and for frames of
 * several buffers (xdp_segments.c). */
#ifndef LEAT_DRIVERS_XDP_BUFFERS_H
#define LEAT_DRIVERS_XDP_BUFFERS_H

#include "xdp_socket.h"

/* What a plain descriptor does not do. */
#define XDP_ASKS   (LEAT_PKT_REQUESTS | LEAT_PKT_FROM_META)
#define XDP_WISHES (LEAT_PKT_MORE | XDP_ASKS)

#define XDP_FRAME_MIN 14 /* bytes: an Ethernet header */

/* Reads what the kernel may change behind our back, once. */
#define XDP_READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

/* The queue's memory, copied for a batch: what is stored through pointers cannot change a copy, so
 * that a loop keeps it in registers. */
struct xdp_memory {
    struct leat_pool *pool;
    uint8_t *base;
    uint16_t *held;
    uint64_t reciprocal;
    uint32_t stride, buffers;
};

static inline struct xdp_memory xdp_memory(const struct xdp_queue *q) {
    return (struct xdp_memory){ q->pool,         q->base,         q->held, q->pool->reciprocal,
                                q->pool->stride, q->pool->buffers };
}

struct xdp_buffer {
    uint64_t offset; /* in the pool */
    uint32_t number;
    uint32_t start; /* of the data in the buffer */
    bool known;     /* it is one of the pool's */
};

static inline struct xdp_buffer xdp_find_buffer(const struct xdp_memory *m, uint64_t address) {
    uint64_t offset =
        (address & XSK_UNALIGNED_BUF_ADDR_MASK) + (address >> XSK_UNALIGNED_BUF_OFFSET_SHIFT);
    uint64_t number = (uint64_t)(((unsigned __int128)offset * m->reciprocal) >> 64);
    return (struct xdp_buffer){
        .offset = offset,
        .number = (uint32_t)number,
        .start = (uint32_t)(offset - number * m->stride),
        .known = number < m->buffers,
    };
}

static inline struct xdp_buffer xdp_buffer_of(const struct xdp_memory *m,
                                              const struct leat_pkt *pkt) {
    return xdp_find_buffer(m, (uint64_t)(pkt->data - m->base));
}

/* Whether a descriptor speaks of a buffer that the kernel had to receive into. */
static inline bool xdp_received_well(const struct xdp_memory *m, const struct xdp_buffer *buffer,
                                     uint32_t length) {
    return buffer->known && m->held[buffer->number] == XDP_HELD_FILL &&
           length - 1 < m->stride - buffer->start;
}

static inline void xdp_hand_out(const struct xdp_memory *m, const struct xdp_buffer *buffer,
                                uint32_t bytes, uint16_t flags, struct leat_pkt *pkt) {
    m->held[buffer->number] = XDP_HELD_NOT;
    leat_own(m->pool, buffer->number, LEAT_OWNER_PORT, LEAT_OWNER_PROGRAM, LEAT_PLACE);
    *pkt = (struct leat_pkt){ .data = m->base + buffer->offset,
                              .len = (uint16_t)bytes,
                              .flags = flags };
}

/* Whether these bytes lie in their buffer, with room before them for what the kernel reads there:
 * they are at least `min`, at most `max`. */
static inline bool xdp_can_send(const struct xdp_memory *m, const struct xdp_buffer *buffer,
                                uint32_t length, uint32_t min, uint32_t max, uint32_t reserve) {
    return length - min <= max - min && buffer->start >= reserve &&
           length <= m->stride - buffer->start;
}

/* Takes a buffer over from the program; false: it is not the program's. */
static inline bool xdp_own(const struct xdp_memory *m, const struct xdp_buffer *buffer) {
    return buffer->known && m->held[buffer->number] == XDP_HELD_NOT &&
           leat_own(m->pool, buffer->number, LEAT_OWNER_PROGRAM, LEAT_OWNER_PORT, LEAT_PLACE);
}

/* Puts a buffer into a place of the tx ring; `end` is XDP_HELD_END where a frame ends. */
static inline void xdp_place(const struct xdp_memory *m, const struct xdp_buffer *buffer,
                             struct xdp_desc *place, uint32_t length, uint32_t end,
                             uint32_t options) {
    m->held[buffer->number] = (uint16_t)(length | end);
    *place = (struct xdp_desc){ .addr = buffer->offset, .len = length, .options = options };
}

#endif
