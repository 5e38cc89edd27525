/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of rings and queues: what may be written when, enabling and disabling. */
#include "model.h"

static bool is_transmit(const struct access *a) {
    return a->offset >= R_TDBAL && a->offset < R_TDBAL + 0x40 * NIC_QUEUES;
}

static struct ring *ring_of(struct nic *nic, const struct access *a) {
    return is_transmit(a) ? &nic->tx[a->index].ring : &nic->rx[a->index].ring;
}

/* 7.1.9, 7.2.3.3: base, length and head belong to the device while the queue is enabled. */
void ring_configure(struct nic *nic, const struct access *a) {
    if (ring_of(nic, a)->enabled)
        register_violate(nic, a, "the queue is enabled (4.6.7.1.2, 4.6.8.1.2)");
    nic_put(nic, a->offset, a->value);
}

void ring_tail(struct nic *nic, const struct access *a) {
    const struct ring *ring = ring_of(nic, a);
    if (!ring->enabled && a->value)
        register_violate(nic, a,
                         "the tail moves only after the queue reads as enabled "
                         "(4.6.7.1, 4.6.8.1)");
    else if (ring->enabled && a->value >= ring->count)
        register_violate(nic, a, "the tail is outside the ring");
    else if (ring->enabled && !is_transmit(a) &&
             nic_get(nic, rx_register(a->index, R_DCA_RXCTRL)) & DCA_RXCTRL_CLEAR)
        register_violate(nic, a, "bit 12 of DCA_RXCTRL must be cleared before (4.6.7)");
    nic_put(nic, a->offset, a->value);
}

static void resolve(struct nic *nic, struct ring *ring) {
    uint64_t bytes = (uint64_t)ring->count * DESCRIPTOR_BYTES;
    ring->memory = ring->enabled ? dma_at(nic->dma, ring->base, bytes, true) : NULL;
}

void queues_resolve(struct nic *nic) {
    for (uint32_t i = 0; i < nic->rx_count; i++)
        resolve(nic, &nic->rx[nic->rx_list[i]].ring);
    for (uint32_t i = 0; i < nic->tx_count; i++)
        resolve(nic, &nic->tx[nic->tx_list[i]].ring);
    nic->dma_generation = nic->dma->generation;
}

static void list_enabled(struct nic *nic) {
    nic->rx_count = nic->tx_count = 0;
    for (uint32_t q = 0; q < NIC_QUEUES; q++) {
        if (nic->rx[q].ring.enabled)
            nic->rx_list[nic->rx_count++] = (uint8_t)q;
        if (nic->tx[q].ring.enabled)
            nic->tx_list[nic->tx_count++] = (uint8_t)q;
    }
    queues_resolve(nic);
}

/* 8.2.3.8.1, 8.2.3.9.5: bits 6:0 are ignored. The page of the tails, which clients write without
 * asking, holds the base as well. */
#define RING_BASE_LOW 0xffffff80u

/* `at`: the register that holds the ring's base, low half. */
static bool ring_enable(struct nic *nic, const struct access *a, struct ring *ring, uint32_t at) {
    uint32_t head = nic_get(nic, at + 0x10);
    ring->base = (nic_get(nic, at) & RING_BASE_LOW) | (uint64_t)nic_get(nic, at + 4) << 32;
    ring->count = nic_get(nic, at + 8) / DESCRIPTOR_BYTES;
    if (!ring->count) {
        register_violate(nic, a, "it enables a queue whose ring has no length");
        return false;
    }
    if (!ring->base)
        register_violate(nic, a, "it enables a queue whose ring has no base");
    if (head >= ring->count) {
        register_violate(nic, a, "it enables a queue whose head is outside the ring");
        head = 0;
    }
    ring->head = head;
    ring->head_register = nic_register(nic, at + 0x10);
    ring->tail_register = nic_register(nic, at + 0x18);
    ring->enabled = true;
    list_enabled(nic);
    if (!ring->memory)
        register_violate(nic, a, "it enables a queue whose ring lies outside the mapped memory");
    return true;
}

static void ring_disable(struct nic *nic, struct ring *ring) {
    ring->enabled = false;
    ring->memory = NULL;
    list_enabled(nic);
}

static void take_split_control(struct rx_queue *queue, uint32_t value) {
    queue->buffer_bytes = (value & SRRCTL_BUFFER_KIB) * 1024;
    queue->advanced = SRRCTL_TYPE(value) != SRRCTL_TYPE_LEGACY;
    queue->address_bits = queue->advanced ? ~1ull : ~0ull; /* 7.1.6.1: "no snoop" */
    queue->drop = value & SRRCTL_DROP;
}

void rx_split_control(struct nic *nic, const struct access *a) {
    if (SRRCTL_TYPE(a->value) > SRRCTL_TYPE_ADVANCED)
        register_violate(nic, a, "this model knows descriptors of one buffer only, type 0 and 1");
    if (!(a->value & SRRCTL_BUFFER_KIB))
        register_violate(nic, a, "BSIZEPACKET must not be 0");
    if (nic->rx[a->index].ring.enabled)
        register_violate(nic, a, "the queue is enabled (4.6.7)");
    nic_put(nic, a->offset, a->value);
}

void rx_control(struct nic *nic, const struct access *a) {
    struct rx_queue *queue = &nic->rx[a->index];
    uint32_t value = a->value;
    bool want = value & RXDCTL_ENABLE;
    if (want && !queue->ring.enabled) {
        take_split_control(queue, nic_get(nic, rx_register(a->index, R_SRRCTL)));
        queue->pending_count = 0;
        if (!ring_enable(nic, a, &queue->ring, rx_register(a->index, R_RDBAL)))
            value &= ~RXDCTL_ENABLE;
        queue->tail = queue->ring.head; /* no room: the first frame looks at RDT, and checks it */
    } else if (!want && queue->ring.enabled) {
        nic_deliver_done(nic);
        ring_disable(nic, &queue->ring);
    }
    queue->strip_vlan = value & RXDCTL_STRIP_VLAN;
    nic_put(nic, a->offset, value);
}

void tx_control(struct nic *nic, const struct access *a) {
    struct tx_queue *queue = &nic->tx[a->index];
    uint32_t value = a->value;
    bool want = value & TXDCTL_ENABLE;
    if (want && !queue->ring.enabled) {
        if (!nic->tx_on)
            register_violate(nic, a, "DMATXCTL.TE must be set before a queue is enabled (4.6.8)");
        memset(queue->contexts, 0, sizeof(queue->contexts));
        if (!ring_enable(nic, a, &queue->ring, tx_register(a->index, R_TDBAL)))
            value &= ~TXDCTL_ENABLE;
    } else if (!want && queue->ring.enabled) {
        ring_disable(nic, &queue->ring);
    }
    queue->write_back_threshold = TXDCTL_WTHRESH(value);
    nic_put(nic, a->offset, value);
}

void tx_head_write_back(struct nic *nic, const struct access *a) {
    if (a->value & TDWBAL_ENABLE)
        register_violate(nic, a, "this model writes descriptors back, not heads");
    nic_put(nic, a->offset, a->value);
}

/* 4.6.7: the receive data path is held by SECRXCTRL.RX_DIS while RXEN is set, and both places that
 * strip the frame check sequence must agree (8.2.3.8.8). */
void rx_enable(struct nic *nic, const struct access *a) {
    bool on = a->value & RXCTRL_ENABLE;
    if (on && !nic->rx_on) {
        bool dma_strips = nic_get(nic, R_RDRXCTL) & RDRXCTL_STRIP_CRC;
        if (!(nic_get(nic, R_SECRXCTRL) & SECRXCTRL_RX_DISABLE))
            register_violate(nic, a,
                             "SECRXCTRL.RX_DIS must be set while receiving is switched on "
                             "(4.6.7)");
        if (dma_strips != nic->strip_crc)
            register_violate(nic, a, "RDRXCTL.CRCSTRIP and HLREG0.RXCRCSTRP differ (8.2.3.8.8)");
    }
    if (!on)
        nic_deliver_done(nic);
    nic->rx_on = on;
    nic_put(nic, a->offset, a->value);
}

void tx_enable(struct nic *nic, const struct access *a) {
    nic->tx_on = a->value & DMATXCTL_ENABLE;
    nic_put(nic, a->offset, a->value);
}

void tx_queue_mode(struct nic *nic, const struct access *a) {
    if (!(nic_get(nic, R_RTTDCS) & RTTDCS_ARBITER_OFF))
        register_violate(nic, a, "RTTDCS.ARBDIS must be set while MTQC is written");
    nic_put(nic, a->offset, a->value);
}

void write_before_receive(struct nic *nic, const struct access *a) {
    if (nic->rx_on)
        register_violate(nic, a, "it may be written only while RXCTRL.RXEN is clear");
    nic_put(nic, a->offset, a->value);
}

void queue_statistics_map(struct nic *nic, const struct access *a) {
    bool transmit = a->offset != R_RQSMR + 4 * a->index;
    counters_fold(nic);
    nic_put(nic, a->offset, a->value);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t queue = 4 * a->index + i;
        struct ring *ring = transmit ? &nic->tx[queue].ring : &nic->rx[queue].ring;
        ring->counter = a->value >> (8 * i) & 0xf;
    }
}

void queues_reset(struct nic *nic) {
    for (uint32_t q = 0; q < NIC_QUEUES; q++) {
        memset(&nic->rx[q], 0, sizeof(nic->rx[q]));
        memset(&nic->tx[q], 0, sizeof(nic->tx[q]));
        nic->rx[q].ring.number = nic->tx[q].ring.number = (uint8_t)q;
        nic->rx[q].ring.vector = nic->tx[q].ring.vector = NO_VECTOR;
    }
    nic->rx_on = nic->tx_on = nic->rss_on = false;
    nic->rx_count = nic->tx_count = nic->rx_dirty_count = 0;
}
