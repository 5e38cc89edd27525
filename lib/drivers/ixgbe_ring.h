/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors of the 82599 family, one at a time, for the fast path (ixgbe.c) and for frames of
 * several buffers (ixgbe_frames.c): received ones in 7.1.5 and 7.1.6, sent ones in 7.2.3.2.4. */
#ifndef LEAT_DRIVERS_IXGBE_RING_H
#define LEAT_DRIVERS_IXGBE_RING_H

#include "ixgbe.h"

/* What a descriptor of plain data does not do. */
#define IXGBE_WISHES (LEAT_PKT_REQUESTS | LEAT_PKT_FROM_META)

/* A descriptor's status, read once: the device may change it behind our back. */
static inline uint64_t rx_status(const struct ixgbe_queue *q, uint32_t index) {
    return __atomic_load_n(&q->rx_ring[index & q->rx_mask].status, __ATOMIC_ACQUIRE);
}

static inline uint64_t iova_of(const struct ixgbe_queue *q, uint64_t offset) {
    return __builtin_expect(q->segments == NULL, 1) ? q->iova + offset
                                                    : leat_dma_pool_iova(q->segments, offset);
}

/* Makes descriptor `slot` receive into buffer `number`; a zero status also means "not done". */
static inline void rx_arm(struct ixgbe_queue *q, uint32_t slot, uint32_t number) {
    struct rx_descriptor *descriptor = &q->rx_ring[slot];
    uint64_t offset = (uint64_t)number * q->pool->stride + LEAT_BUFFER_START;
    q->rx_numbers[slot] = number;
    descriptor->address = iova_of(q, offset);
    descriptor->status = 0;
}

/* Hands out the frame's part in descriptor `slot`, whose place the fresh buffer takes. */
static inline void rx_hand_out(struct ixgbe_queue *q, uint32_t slot, uint32_t bytes, uint32_t fresh,
                               struct leat_pkt *pkt) {
    uint64_t hash = q->rx_ring[slot].address;
    uint32_t number = q->rx_numbers[slot];
    leat_own(q->nic->port->pool, number, LEAT_OWNER_PORT, LEAT_OWNER_PROGRAM, LEAT_PLACE);
    leat_own(q->nic->port->pool, fresh, LEAT_OWNER_POOL, LEAT_OWNER_PORT, LEAT_PLACE);
    *pkt = (struct leat_pkt){ .data = leat_buffer(q->pool, number) + LEAT_BUFFER_START,
                              .len = (uint16_t)bytes,
                              .flags = hash & RX_RSS_TYPE ? LEAT_PKT_HASH : 0,
                              .hash = RX_HASH(hash) };
    rx_arm(q, slot, fresh);
}

static inline void tx_place(struct ixgbe_queue *q, const struct leat_pkt *pkt, uint64_t command,
                            uint32_t bytes) {
    uint32_t slot = q->tx_next++ & q->tx_mask;
    q->tx_numbers[slot] = leat_buffer_number(q->pool, pkt->data);
    q->tx_ring[slot] = (struct tx_descriptor){
        .address = iova_of(q, (uint64_t)(pkt->data - q->pool->base)),
        .command = pkt->len | TX_DATA | TX_IFCS | TX_DEXT | TX_PAYLEN(bytes) | command,
    };
}

/* Asks for a report of the last descriptor, and with it of all since the report before. RS is only
 * allowed where a frame ends (7.2.3.2.4). */
static inline void tx_report(struct ixgbe_queue *q, uint32_t frames, uint64_t bytes) {
    if (frames == 0)
        return;
    q->tx_ring[(q->tx_next - 1) & q->tx_mask].command |= TX_RS;
    q->reports[q->report_next++ & q->tx_mask] = (struct ixgbe_report){ q->tx_next, frames, bytes };
}

static inline bool tx_own(struct ixgbe_queue *q, const struct leat_pkt *pkt) {
    return leat_own(q->nic->port->pool, leat_buffer_number(q->pool, pkt->data), LEAT_OWNER_PROGRAM,
                    LEAT_OWNER_PORT, LEAT_PLACE);
}

#endif
