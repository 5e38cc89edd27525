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

struct xdp_buffer {
    uint64_t offset; /* in the pool */
    uint32_t number;
    uint32_t start; /* of the data in the buffer */
    bool known;     /* it is one of the pool's */
};

static inline struct xdp_buffer xdp_find_buffer(const struct xdp_queue *q, uint64_t address) {
    const struct leat_pool *pool = q->pool;
    uint64_t offset =
        (address & XSK_UNALIGNED_BUF_ADDR_MASK) + (address >> XSK_UNALIGNED_BUF_OFFSET_SHIFT);
    uint64_t number = (uint64_t)(((unsigned __int128)offset * pool->reciprocal) >> 64);
    return (struct xdp_buffer){
        .offset = offset,
        .number = (uint32_t)number,
        .start = (uint32_t)(offset - number * pool->stride),
        .known = number < pool->buffers,
    };
}

/* Whether a descriptor speaks of a buffer that the kernel had to receive into. */
static inline bool xdp_received_well(const struct xdp_queue *q, const struct xdp_buffer *buffer,
                                     uint32_t length) {
    return buffer->known && q->held[buffer->number] == XDP_HELD_FILL &&
           length - 1 < q->pool->stride - buffer->start;
}

static inline void xdp_hand_out(struct xdp_queue *q, const struct xdp_buffer *buffer,
                                uint32_t bytes, uint16_t flags, struct leat_pkt *pkt) {
    q->held[buffer->number] = XDP_HELD_NOT;
    leat_own(q->pool, buffer->number, LEAT_OWNER_PORT, LEAT_OWNER_PROGRAM, LEAT_PLACE);
    *pkt = (struct leat_pkt){ .data = q->base + buffer->offset,
                              .len = (uint16_t)bytes,
                              .flags = flags };
}

/* Whether these bytes can be a part of a frame: the kernel takes none of length 0. */
static inline bool xdp_fits(const struct xdp_queue *q, const struct xdp_buffer *buffer,
                            uint32_t length) {
    return length - 1 < q->chunk - q->tx_reserve && buffer->start >= q->tx_reserve &&
           length <= q->pool->stride - buffer->start;
}

/* Whether these bytes can be a frame. */
static inline bool xdp_can_send(const struct xdp_queue *q, const struct xdp_buffer *buffer,
                                uint32_t length) {
    return length - XDP_FRAME_MIN <= q->single_max - XDP_FRAME_MIN &&
           buffer->start >= q->tx_reserve && length <= q->pool->stride - buffer->start;
}

/* Takes a buffer over from the program; false: it is not the program's. */
static inline bool xdp_own(struct xdp_queue *q, const struct xdp_buffer *buffer) {
    return buffer->known && q->held[buffer->number] == XDP_HELD_NOT &&
           leat_own(q->pool, buffer->number, LEAT_OWNER_PROGRAM, LEAT_OWNER_PORT, LEAT_PLACE);
}

static inline void xdp_place(struct xdp_queue *q, const struct xdp_buffer *buffer, uint32_t length,
                             uint32_t end, uint32_t options) {
    q->held[buffer->number] = (uint16_t)(length | end);
    *xdp_ring_descriptor(&q->tx, q->tx.own++) =
        (struct xdp_desc){ .addr = buffer->offset, .len = length, .options = options };
}

#endif
