/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of several buffers, those that ask for something, and nonsense: all that the fast path of
 * xdp_frames.c leaves over. */
#include "xdp_buffers.h"

#define RX_SEGMENTS_MAX 32 /* buffers of a received frame, the default batch of a program */

/* Takes the buffers of `n` descriptors that the kernel really had over as packets; of those that it
 * made up nothing is touched. Returns how many there are: all `n` when the frame is well. */
static uint32_t take_over(struct xdp_queue *q, const struct xdp_desc *frame, uint32_t n,
                          struct leat_pkt *pkts, bool *well) {
    const struct xdp_memory memory = xdp_memory(q);
    uint32_t taken = 0;
    *well = true;
    for (uint32_t i = 0; i < n; i++) {
        struct xdp_buffer buffer = xdp_find_buffer(&memory, frame[i].addr);
        bool fits = xdp_received_well(&memory, &buffer, frame[i].len);
        *well &= fits;
        if (fits || (buffer.known && q->held[buffer.number] == XDP_HELD_FILL))
            xdp_hand_out(&memory, &buffer, frame[i].len, i < n - 1 ? LEAT_PKT_MORE : 0,
                         &pkts[taken++]);
    }
    q->rx.own += n;
    return taken;
}

static void give_back(struct xdp_queue *q, const struct leat_pkt *pkts, uint32_t n) {
    leat_free(q->head.public.cache, pkts, n);
    q->fill_missing += n;
}

/* Reads the next frame's descriptors once; `ready` is 1 at least. Returns how many it has; `ready`
 * + 1 when its end is not there yet, or RX_SEGMENTS_MAX + 1 when it has more than that. */
static uint32_t read_frame(const struct xdp_queue *q, struct xdp_desc *frame, uint32_t ready) {
    uint32_t n = 0, more;
    do {
        const struct xdp_desc *desc = xdp_ring_descriptor(&q->rx, q->rx.own + n);
        frame[n].addr = XDP_READ(desc->addr);
        frame[n].len = XDP_READ(desc->len);
        more = XDP_READ(desc->options) & XDP_PKT_CONTD;
        n++;
    } while (more && n < RX_SEGMENTS_MAX && n < ready);
    return more ? n + 1 : n;
}

/* Drops the rest, as far as it is there, of a frame that has too many buffers. */
static uint32_t drop_rest(struct xdp_queue *q, uint32_t ready) {
    struct xdp_desc desc;
    struct leat_pkt pkt;
    uint32_t dropped = 0;
    bool well;
    for (; q->rx_skip && dropped < ready; dropped++) {
        q->rx_skip = read_frame(q, &desc, 1) > 1;
        give_back(q, &pkt, take_over(q, &desc, 1, &pkt, &well));
    }
    return dropped;
}

/* Hands out the next frame once all its descriptors are there and `room` is enough for them: `got`
 * packets, or none if it is dropped. Returns how many descriptors it took, 0: the frame stays. */
uint32_t xdp_rx_frame(struct xdp_queue *q, struct leat_pkt *pkts, uint32_t room, uint32_t ready,
                      uint32_t *got) {
    struct xdp_desc frame[RX_SEGMENTS_MAX];
    bool well;
    if (q->rx_skip)
        return drop_rest(q, ready);
    uint32_t n = read_frame(q, frame, ready);
    if (n > RX_SEGMENTS_MAX) {
        q->rx_skip = true;
        LEAT_COUNT(q->head.stats.drops[LEAT_DROP_RX_LENGTH], 1);
        return drop_rest(q, ready);
    }
    if (n > ready || n > room)
        return 0;
    *got = take_over(q, frame, n, pkts, &well);
    if (!well) {
        give_back(q, pkts, *got);
        LEAT_COUNT(q->head.stats.drops[LEAT_DROP_RX_BAD_DESCRIPTOR], 1);
        *got = 0;
    }
    return n;
}

static uint32_t drop_sending(struct xdp_queue *q, const struct leat_pkt *pkts, uint32_t segments,
                             enum leat_drop reason) {
    leat_free(q->head.public.cache, pkts, segments);
    LEAT_COUNT(q->head.stats.drops[reason], 1);
    return segments;
}

/* Why a frame can never be sent; LEAT_DROP_COUNT: it can. */
static enum leat_drop refusal(const struct xdp_queue *q, const struct leat_pkt *pkts,
                              uint32_t segments) {
    const struct xdp_memory memory = xdp_memory(q);
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < segments; i++) {
        struct xdp_buffer buffer = xdp_buffer_of(&memory, &pkts[i]);
        bytes += pkts[i].len;
        if (!buffer.known)
            return LEAT_DROP_TX_REFUSED;
        if (!xdp_can_send(&memory, &buffer, pkts[i].len, 1, q->chunk - q->tx_reserve,
                          q->tx_reserve))
            return LEAT_DROP_TX_LENGTH;
    }
    return segments <= q->segments_max && bytes >= XDP_FRAME_MIN && bytes <= q->frame_max
               ? LEAT_DROP_COUNT
               : LEAT_DROP_TX_LENGTH;
}

/* All or nothing: a buffer that is not the program's takes the frame with it, and is not freed. */
static bool own_all(const struct xdp_queue *q, const struct leat_pkt *pkts, uint32_t segments) {
    const struct xdp_memory memory = xdp_memory(q);
    bool owned = true;
    for (uint32_t i = 0; i < segments; i++) {
        struct xdp_buffer buffer = xdp_buffer_of(&memory, &pkts[i]);
        owned &= xdp_own(&memory, &buffer);
    }
    return owned;
}

/* Returns how many packets it took, 0 when there is no room for them or their end is missing. */
uint32_t xdp_tx_frame(struct xdp_queue *q, struct leat_pkt *pkts, uint32_t n, uint32_t room) {
    uint32_t segments = leat_frame_segments(pkts, n), options = 0;
    if (segments == 0)
        return 0;
    enum leat_drop reason = refusal(q, pkts, segments);
    if (reason == LEAT_DROP_TX_LENGTH)
        return drop_sending(q, pkts, segments, reason);
    if (segments > room)
        return 0;
    if (reason == LEAT_DROP_COUNT && pkts->flags & XDP_ASKS &&
        !xdp_write_metadata(q, pkts, segments, &options))
        return drop_sending(q, pkts, segments, LEAT_DROP_TX_OFFLOAD);
    if (reason == LEAT_DROP_TX_REFUSED || !own_all(q, pkts, segments)) {
        LEAT_COUNT(q->head.stats.drops[LEAT_DROP_TX_REFUSED], 1);
        return segments;
    }
    const struct xdp_memory memory = xdp_memory(q);
    for (uint32_t i = 0; i < segments; i++) {
        struct xdp_buffer buffer = xdp_buffer_of(&memory, &pkts[i]);
        bool last = i == segments - 1;
        xdp_place(&memory, &buffer, xdp_ring_descriptor(&q->tx, q->tx.own++), pkts[i].len,
                  last ? XDP_HELD_END : 0, (i == 0 ? options : 0) | (last ? 0 : XDP_PKT_CONTD));
    }
    return segments;
}
