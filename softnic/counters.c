/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics: the hot paths' tallies folded into registers that a read clears (8.2.3.23). */
#include "model.h"

static uint64_t frames(const struct tally *t) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 6; i++)
        sum += t->sizes[i];
    return sum;
}

static void fold_receive(struct nic *nic) {
    struct tally *t = &nic->rx_tally;
    uint64_t *c = nic->counters;
    c[COUNT_GPRC] += frames(t);
    c[COUNT_TPR] += frames(t);
    c[COUNT_RXNFGPC] += frames(t);
    c[COUNT_GORC] += t->bytes;
    c[COUNT_TOR] += t->bytes;
    c[COUNT_RXNFGBC] += t->bytes;
    c[COUNT_MPRC] += t->multicast;
    c[COUNT_BPRC] += t->broadcast;
    for (uint32_t i = 0; i < 6; i++)
        c[COUNT_PRC64 + i] += t->sizes[i];
    memset(t, 0, sizeof(*t));
}

static void fold_transmit(struct nic *nic) {
    struct tally *t = &nic->tx_tally;
    uint64_t *c = nic->counters;
    c[COUNT_GPTC] += frames(t);
    c[COUNT_TPT] += frames(t);
    c[COUNT_TXDGPC] += frames(t);
    c[COUNT_GOTC] += t->bytes;
    c[COUNT_TXDGBC] += t->bytes;
    c[COUNT_MPTC] += t->multicast;
    c[COUNT_BPTC] += t->broadcast;
    for (uint32_t i = 0; i < 6; i++)
        c[COUNT_PTC64 + i] += t->sizes[i];
    memset(t, 0, sizeof(*t));
}

static void fold_queues(struct nic *nic) {
    for (uint32_t q = 0; q < NIC_QUEUES; q++) {
        struct rx_queue *rx = &nic->rx[q];
        nic->counters[COUNT_QPRC + rx->ring.counter] += rx->frames;
        nic->counters[COUNT_QBRC + rx->ring.counter] += rx->bytes;
        nic->counters[COUNT_RXDGPC] += rx->frames;
        nic->counters[COUNT_RXDGBC] += rx->bytes;
        struct tx_queue *tx = &nic->tx[q];
        nic->counters[COUNT_QPTC + tx->ring.counter] += tx->frames;
        nic->counters[COUNT_QBTC + tx->ring.counter] += tx->bytes;
        nic->stats.rx_frames += rx->frames;
        nic->stats.rx_bytes += rx->bytes;
        nic->stats.tx_frames += tx->frames;
        nic->stats.tx_bytes += tx->bytes;
        rx->frames = rx->bytes = tx->frames = tx->bytes = 0;
    }
}

void counters_fold(struct nic *nic) {
    fold_receive(nic);
    fold_transmit(nic);
    fold_queues(nic);
}

/* Each half of a 64-bit counter clears itself alone, so that a carry between the two reads is not
 * lost. */
uint32_t counter_read(struct nic *nic, const struct access *a) {
    if (a->reg->counter == COUNT_NONE)
        return 0;
    counters_fold(nic);
    uint64_t *count = &nic->counters[a->reg->counter + a->index];
    uint32_t value = a->reg->high ? *count >> 32 & 0xf : (uint32_t)*count;
    *count &= a->reg->high ? 0xffffffff : ~0xffffffffull;
    return value;
}

void nic_stats(const struct nic *nic, struct nic_stats *stats) {
    *stats = nic->stats;
    stats->dma_faults = nic->dma->faults;
    for (uint32_t q = 0; q < NIC_QUEUES; q++) {
        stats->rx_frames += nic->rx[q].frames;
        stats->rx_bytes += nic->rx[q].bytes;
        stats->tx_frames += nic->tx[q].frames;
        stats->tx_bytes += nic->tx[q].bytes;
    }
}
