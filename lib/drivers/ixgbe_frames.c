/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of several buffers, and those that ask for something: all that the fast path of ixgbe.c
 * leaves over. */
#include "ixgbe_ring.h"

/* Hands out the next frame once all its descriptors are there and `room` is enough for them;
 * `fresh` points behind the buffers that replace its own. Nonsense is dropped. */
uint32_t ixgbe_rx_frame(struct ixgbe_queue *q, struct leat_pkt *pkts, uint32_t room,
                        const uint32_t *fresh) {
    uint32_t bytes[IXGBE_SEGMENTS_MAX], n = 0;
    for (uint64_t status = 0; !(status & RX_EOP);) {
        status = rx_status(q, q->rx_next + n);
        if (!(status & RX_DD))
            return 0;
        if (n == IXGBE_SEGMENTS_MAX || status & RX_ERROR_RXE ||
            RX_LENGTH(status) - 1 >= q->rx_bytes_max)
            return ixgbe_rx_drop(q);
        bytes[n++] = RX_LENGTH(status);
    }
    if (n > room)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        rx_hand_out(q, q->rx_next++ & q->rx_mask, bytes[i], *--fresh, &pkts[i]);
        pkts[i].flags |= i < n - 1 ? LEAT_PKT_MORE : 0;
    }
    return n;
}

/* Returns how many packets it took, 0 when there is not room for them. */
uint32_t ixgbe_tx_frame(struct ixgbe_queue *q, struct leat_pkt *pkts, uint32_t n, uint32_t room) {
    uint32_t segments = leat_frame_segments(pkts, n), bytes = 0;
    bool fits = segments <= IXGBE_SEGMENTS_MAX, owned = true;
    for (uint32_t i = 0; i < segments; i++) {
        bytes += pkts[i].len;
        fits &= pkts[i].len > 0;
    }
    if (!fits || bytes < IXGBE_FRAME_MIN || bytes > q->nic->frame_max)
        return ixgbe_tx_drop(q, pkts, segments, LEAT_DROP_TX_LENGTH);
    if (segments > room)
        return 0;
    if (pkts->flags & LEAT_PKT_FROM_META ||
        (pkts->flags & LEAT_PKT_REQUESTS && q->nic->complete(pkts, segments) != 0))
        return ixgbe_tx_drop(q, pkts, segments, LEAT_DROP_TX_OFFLOAD);
    for (uint32_t i = 0; i < segments; i++)
        owned &= tx_own(q, &pkts[i]);
    for (uint32_t i = 0; i < segments && owned; i++)
        tx_place(q, &pkts[i], i == segments - 1 ? TX_EOP : 0, bytes);
    tx_report(q, owned, bytes);
    LEAT_COUNT(q->head.stats.drops[LEAT_DROP_TX_REFUSED], !owned);
    return segments;
}
