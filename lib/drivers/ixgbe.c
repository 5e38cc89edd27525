/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 82599, X540 and X550: from reset to the first packet and back, in the order of the
 * datasheet (82599, revision 3.3), whose sections are cited. Read from top to bottom:
 *
 *   reset, link, receive and transmit set-up    4.6.3 to 4.6.8
 *   queues: start, receive, transmit, stop      4.6.7.1, 7.1, 7.2, 4.6.8.1
 *
 * A ring is an array of descriptors in our memory. The device owns those from its head up to the
 * tail that we store to the doorbell; it reports each one that it is done with by writing over it.
 */
#include "ixgbe_ring.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS        100   /* for anything that the device does by itself */
#define FRAME_DEFAULT  1522  /* 1,514 bytes and two VLAN tags */
#define RX_BUFFER_MAX  15360 /* 8.2.3.8.7: what one descriptor receives */
#define CHECK_INTERVAL 4096  /* calls in vain between two looks whether the device is there */

static const struct ixgbe_model models[] = { IXGBE_MODELS };

const struct ixgbe_model *ixgbe_model(uint16_t vendor, uint16_t device) {
    for (uint32_t i = 0; vendor == 0x8086 && i < sizeof(models) / sizeof(models[0]); i++)
        if (models[i].device == device)
            return &models[i];
    return NULL;
}

static void sleep_us(long us) {
    nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

int ixgbe_check(struct ixgbe *nic, uint32_t value) {
    if (value != UINT32_MAX || reg_read(nic, REG_STATUS) != UINT32_MAX)
        return 0;
    nic->dev->gone = true;
    return leat_fail(ENODEV, "%s: the device is gone: STATUS reads all ones", nic->port->name);
}

/* Waits until the bits of `mask` are all set, or all clear. */
static int wait_for(struct ixgbe *nic, uint32_t reg, uint32_t mask, bool set, const char *what) {
    for (int waited_us = 0; waited_us <= WAIT_MS * 1000; waited_us += 100) {
        uint32_t now = reg_read(nic, reg);
        int err = ixgbe_check(nic, now);
        if (err || (now & mask) == (set ? mask : 0))
            return err;
        sleep_us(100);
    }
    return leat_fail(ETIMEDOUT, "%s: %s did not become %s within %d ms", nic->port->name, what,
                     set ? "1" : "0", WAIT_MS);
}

static int enable(struct ixgbe *nic, uint32_t reg, bool on, const char *what) {
    reg_change(nic, reg, QUEUE_ENABLE, on ? QUEUE_ENABLE : 0);
    return wait_for(nic, reg, QUEUE_ENABLE, on, what);
}

/* 4.6.3.1: interrupts stay off during set-up. */
static void disable_interrupts(struct ixgbe *nic) {
    reg_write(nic, REG_EIMC, 0x7fffffff);
    reg_write(nic, REG_EIMC_EX(0), UINT32_MAX);
    reg_write(nic, REG_EIMC_EX(1), UINT32_MAX);
}

/* 5.2.5.3.2: no new requests to memory. Where old ones do not end, two resets do it. */
static int disable_master(struct ixgbe *nic) {
    reg_change(nic, REG_CTRL, 0, CTRL_MASTER_DISABLE);
    return wait_for(nic, REG_STATUS, STATUS_MASTER_ENABLED, false, "STATUS.PCIe_Master_Enable");
}

/* 4.6.3.2: global reset; no register may be touched for 1 ms (8.2.3.1.1), 10 ms are sure. */
static int reset(struct ixgbe *nic) {
    for (int times = disable_master(nic) == 0 ? 1 : 2; times > 0; times--) {
        reg_change(nic, REG_CTRL, 0, CTRL_LRST | CTRL_RST);
        sleep_us(10000);
        int err = wait_for(nic, REG_CTRL, CTRL_LRST | CTRL_RST, false, "CTRL.RST");
        if (err)
            return err;
    }
    disable_interrupts(nic);
    return 0;
}

/* 4.6.4: backplanes as the EEPROM has them, SFP+ modules by SFI; PHYs see to it themselves. */
static void set_up_link(struct ixgbe *nic) {
    if (nic->model->link == LINK_SFP)
        reg_change(nic, REG_AUTOC, AUTOC_LMS, AUTOC_LMS_SFI);
    if (nic->model->link != LINK_PHY)
        reg_change(nic, REG_AUTOC, 0, AUTOC_RESTART_AN);
}

/* 4.6.7, with the values of 4.6.11.3.4 for a device without DCB and virtualization. */
static void set_up_receive(struct ixgbe *nic) {
    /* Reset gave the whole packet buffer to class 0: 512 KiB, on X540 and X550 384. 4.6.3.2 wants
     * its high water mark also without flow control. */
    uint32_t bytes = RXPBSIZE_BYTES(reg_read(nic, REG_RXPBSIZE(0)));
    reg_write(nic, REG_FCRTH(0), FCRTH_RTH(bytes - 0x6000));
    for (uint32_t i = 1; i < PACKET_BUFFERS; i++)
        reg_write(nic, REG_RXPBSIZE(i), 0);
    reg_change(nic, REG_HLREG0, 0, HLREG0_RXCRCSTRP | HLREG0_JUMBOEN);
    reg_write(nic, REG_MAXFRS, MAXFRS_MFS(nic->frame_max + 4));
    reg_change(nic, REG_RDRXCTL, RDRXCTL_RSCFRSTSIZE,
               RDRXCTL_CRC_STRIP | RDRXCTL_RSCACKC | RDRXCTL_FCOE_WRFIX);
    reg_write(nic, REG_FCTRL, FCTRL_BAM | (nic->port->opts.promisc ? FCTRL_UPE | FCTRL_MPE : 0));
    reg_write(nic, REG_MCSTCTRL, 0);
    reg_change(nic, REG_CTRL_EXT, 0, CTRL_EXT_NS_DIS); /* the last sentence of 4.6.7 */
}

/* 4.6.8, likewise. MTQC may change only while the arbiter is off. */
static void set_up_transmit(struct ixgbe *nic) {
    reg_change(nic, REG_HLREG0, 0, HLREG0_TXCRCEN | HLREG0_TXPADEN);
    reg_change(nic, REG_RTTDCS, 0, RTTDCS_ARBDIS);
    reg_write(nic, REG_DTXMXSZRQ, DTXMXSZRQ_MAX);
    for (uint32_t i = 0; i < PACKET_BUFFERS; i++) {
        reg_write(nic, REG_TXPBSIZE(i), i == 0 ? TXPBSIZE_160K : 0);
        reg_write(nic, REG_TXPBTHRESH(i), i == 0 ? 160 - 16 : 0); /* KiB: less the longest frame */
    }
    reg_write(nic, REG_MTQC, 0);
    reg_change(nic, REG_RTTDCS, RTTDCS_ARBDIS, 0);
    reg_change(nic, REG_DMATXCTL, 0, DMATXCTL_TE);
}

/* 4.6.7, end: RXEN changes only while the path before it is stopped and empty. Filters may only
 * be changed while it is off (8.2.3.7.1). */
int ixgbe_receive_path(struct ixgbe *nic, bool on) {
    reg_change(nic, REG_SECRXCTRL, 0, SECRXCTRL_RX_DIS);
    int err = wait_for(nic, REG_SECRXSTAT, SECRXSTAT_RDY, true, "SECRXSTAT.SECRX_RDY");
    reg_change(nic, REG_RXCTRL, RXCTRL_RXEN, on ? RXCTRL_RXEN : 0);
    reg_change(nic, REG_SECRXCTRL, SECRXCTRL_RX_DIS, 0);
    return err;
}

/* 4.6.3: the whole sequence. */
int ixgbe_set_up(struct ixgbe *nic) {
    int err = leat_device_bus_master(nic->dev, true);
    if (err || (err = ixgbe_check(nic, reg_read(nic, REG_STATUS))))
        return err;
    disable_interrupts(nic);
    if ((err = reset(nic)) || (err = wait_for(nic, REG_EEC, EEC_AUTO_RD, true, "EEC.AUTO_RD")) ||
        (err = wait_for(nic, REG_RDRXCTL, RDRXCTL_DMAIDONE, true, "RDRXCTL.DMAIDONE")) ||
        (err = leat_dma_map_pool(nic->dev, nic->port->pool, &nic->pool_map)))
        return err;
    set_up_link(nic);
    set_up_receive(nic);
    set_up_transmit(nic);
    reg_change(nic, REG_CTRL_EXT, 0, CTRL_EXT_DRV_LOAD);
    return 0;
}

/* --- Queues: 4.6.7.1 and 4.6.8 --- */

/* What was written to the ring before is seen by whoever sees the tail. */
static inline void ring_bell(struct ixgbe_queue *q, volatile uint32_t *bell, uint32_t reg,
                             uint32_t tail) {
    if (__builtin_expect(bell != NULL, 1))
        __atomic_store_n(bell, tail, __ATOMIC_RELEASE);
    else
        leat_write32(q->nic->dev, reg, tail);
}

static int fill_rx_ring(struct ixgbe_queue *q) {
    while (q->rx_given <= q->rx_mask) {
        const uint32_t *numbers = leat_cache_take(q->head.public.cache, IXGBE_RING_MIN);
        if (!numbers)
            return leat_fail(ENOMEM, "%s: the pool has not the %u buffers for the receive ring",
                             q->nic->port->name, q->rx_mask + 1);
        for (uint32_t i = 0; i < IXGBE_RING_MIN; i++) {
            leat_own(q->nic->port->pool, numbers[i], LEAT_OWNER_POOL, LEAT_OWNER_PORT, LEAT_PLACE);
            rx_arm(q, q->rx_given++, numbers[i]);
        }
    }
    return 0;
}

/* Both sides' registers lie alike, from the ring's address on (8.2.3.8 and 8.2.3.9). */
static void place_ring(struct ixgbe *nic, uint32_t base, uint64_t iova, uint32_t descriptors) {
    reg_write(nic, base + RING_BASE_LOW, (uint32_t)iova);
    reg_write(nic, base + RING_BASE_HIGH, (uint32_t)(iova >> 32));
    reg_write(nic, base + RING_LENGTH, descriptors * (uint32_t)sizeof(struct rx_descriptor));
    reg_write(nic, base + RING_HEAD, 0);
    reg_write(nic, base + RING_TAIL, 0);
}

static int start_receive(struct ixgbe_queue *q, uint32_t i) {
    struct ixgbe *nic = q->nic;
    place_ring(nic, REG_RDBAL(i), q->rings.iova, q->rx_mask + 1);
    /* With one queue, frames wait in the device's packet buffer; with more, a queue that is not
     * served must not hold up the others (4.6.7.1 and 7.1.9.4). */
    reg_write(nic, REG_SRRCTL(i),
              SRRCTL_PACKET_KB(q->rx_bytes_max / 1024) | SRRCTL_HEADER_256 | SRRCTL_ADVANCED |
                  (nic->port->opts.queues > 1 ? SRRCTL_DROP_EN : 0));
    reg_change(nic, REG_DCA_RXCTRL(i), DCA_RXCTRL_CLEAR, 0); /* the last sentence of 4.6.7 */
    int err = enable(nic, REG_RXDCTL(i), true, "RXDCTL.ENABLE");
    reg_write(nic, REG_RDT(i), q->rx_mask); /* after ENABLE; the last one stays ours: 7.1.9 */
    return err;
}

static int start_transmit(struct ixgbe_queue *q, uint32_t i) {
    struct ixgbe *nic = q->nic;
    /* Queue 0 may have been enabled along with DMATXCTL.TE (X550 datasheet, 4.6.8.1). */
    int err = enable(nic, REG_TXDCTL(i), false, "TXDCTL.ENABLE");
    if (err)
        return err;
    place_ring(nic, REG_TDBAL(i), q->rings.iova + (q->rx_mask + 1) * sizeof(*q->rx_ring),
               q->tx_mask + 1);
    /* WTHRESH 0, so that not every descriptor needs RS (7.2.3.5.1). */
    reg_write(nic, REG_TXDCTL(i), TXDCTL_PTHRESH(36) | TXDCTL_HTHRESH(8));
    return enable(nic, REG_TXDCTL(i), true, "TXDCTL.ENABLE");
}

/* --- Receive: 7.1 --- */

/* Drops the frame at hand, or the rest of one whose beginning was dropped: the device gets its
 * descriptors back with the buffers that they have, as far as they are there. */
uint32_t ixgbe_rx_drop(struct ixgbe_queue *q) {
    uint64_t status;
    LEAT_COUNT(q->head.stats.drops[LEAT_DROP_RX_BAD_DESCRIPTOR], !q->rx_skip);
    q->rx_skip = true;
    while (q->rx_skip && (status = rx_status(q, q->rx_next)) & RX_DD) {
        uint32_t slot = q->rx_next++ & q->rx_mask;
        rx_arm(q, slot, q->rx_numbers[slot]);
        q->rx_skip = !(status & RX_EOP);
    }
    return 0;
}

static int rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    struct ixgbe_queue *q = (struct ixgbe_queue *)queue;
    struct leat_cache *cache = queue->cache;
    if (__builtin_expect(q->nic->dev->gone, 0))
        return leat_device_check(q->nic->dev);
    uint32_t before = q->rx_next, got = 0, frames = 0;
    uint64_t bytes = 0;
    if (__builtin_expect(q->rx_skip, 0))
        ixgbe_rx_drop(q);
    uint64_t start = leat_profile_start(&q->head);
    uint32_t room = leat_cache_available(cache, n < LEAT_BATCH_MAX ? n : LEAT_BATCH_MAX);
    leat_profile_stop(&q->head, start);
    const uint32_t *fresh = &cache->numbers[cache->top]; /* the next ones to be taken */
    room = q->rx_skip ? 0 : room;
    while (got < room) {
        uint64_t status = rx_status(q, q->rx_next);
        uint32_t length = RX_LENGTH(status), next = q->rx_next, taken;
        if (__builtin_expect((status & (RX_DD | RX_EOP | RX_ERROR_RXE)) == (RX_DD | RX_EOP) &&
                                 length - 1 < q->rx_bytes_max,
                             1)) {
            rx_hand_out(q, q->rx_next++ & q->rx_mask, length, *--fresh, &pkts[got++]);
            bytes += length;
            frames++;
            continue;
        }
        if (!(status & RX_DD))
            break;
        taken = q->nic->rx_frame ? q->nic->rx_frame(q, &pkts[got], room - got, fresh)
                                 : ixgbe_rx_drop(q);
        if (q->rx_next == next || q->rx_skip) /* it is not all there, or there is no room */
            break;
        frames += taken > 0;
        for (fresh -= taken; taken > 0; taken--)
            bytes += pkts[got++].len;
    }
    if (q->rx_next != before)
        ring_bell(q, q->rx_doorbell, REG_RDT(queue->index), (q->rx_next - 1) & q->rx_mask);
    if (__builtin_expect(got == 0, 0))
        return ++q->idle % CHECK_INTERVAL == 0 ? leat_device_check(q->nic->dev) : 0;
    leat_cache_take(cache, got);
    LEAT_COUNT(q->head.stats.rx_packets, frames);
    LEAT_COUNT(q->head.stats.rx_bytes, bytes);
    return (int)got;
}

/* --- Transmit: 7.2 --- */

static inline bool tx_is_sent(const struct ixgbe_queue *q, const struct ixgbe_report *report) {
    const uint64_t *last = &q->tx_ring[(report->end - 1) & q->tx_mask].command;
    return __atomic_load_n(last, __ATOMIC_ACQUIRE) & TX_DD;
}

/* Takes back what the device reports as sent, a report at a time. */
static void tx_reclaim(struct ixgbe_queue *q) {
    for (; q->report_clean != q->report_next; q->report_clean++) {
        const struct ixgbe_report *report = &q->reports[q->report_clean & q->tx_mask];
        if (!tx_is_sent(q, report))
            break;
        uint32_t n = report->end - q->tx_clean;
        uint32_t *place = leat_cache_give(q->head.public.cache, n);
        for (uint32_t i = 0; i < n; i++) {
            place[i] = q->tx_numbers[q->tx_clean++ & q->tx_mask];
            leat_own(q->nic->port->pool, place[i], LEAT_OWNER_PORT, LEAT_OWNER_POOL, LEAT_PLACE);
        }
        LEAT_COUNT(q->head.stats.tx_packets, report->frames);
        LEAT_COUNT(q->head.stats.tx_bytes, report->bytes);
    }
}

/* Frees a frame that cannot be sent. */
uint32_t ixgbe_tx_drop(struct ixgbe_queue *q, const struct leat_pkt *pkts, uint32_t segments,
                       enum leat_drop reason) {
    leat_free(q->head.public.cache, pkts, segments);
    LEAT_COUNT(q->head.stats.drops[reason], segments > 0);
    return segments;
}

/* A frame of several buffers, one that asks for something, or one that cannot be sent. */
static uint32_t tx_other(struct ixgbe_queue *q, struct leat_pkt *pkts, uint32_t n, uint32_t room) {
    if (q->nic->tx_frame)
        return q->nic->tx_frame(q, pkts, n, room);
    return ixgbe_tx_drop(q, pkts, leat_frame_segments(pkts, n),
                         pkts->flags & IXGBE_WISHES ? LEAT_DROP_TX_OFFLOAD : LEAT_DROP_TX_LENGTH);
}

static int tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    struct ixgbe_queue *q = (struct ixgbe_queue *)queue;
    if (__builtin_expect(q->nic->dev->gone, 0))
        return leat_device_check(q->nic->dev);
    uint64_t start = leat_profile_start(&q->head);
    tx_reclaim(q);
    leat_profile_stop(&q->head, start);
    uint32_t before = q->tx_next, sent = 0, taken = 1;
    while (sent < n && taken > 0) {
        uint32_t frames = 0, room = q->tx_mask - (q->tx_next - q->tx_clean);
        uint64_t bytes = 0;
        uint32_t most = n - sent < room ? n - sent : room;
        most = most < IXGBE_REPORT ? most : IXGBE_REPORT;
        for (; frames < most; frames++) {
            const struct leat_pkt *pkt = &pkts[sent + frames];
            if (__builtin_expect(pkt->flags & (LEAT_PKT_MORE | IXGBE_WISHES) ||
                                     (uint32_t)pkt->len - IXGBE_FRAME_MIN >
                                         q->nic->frame_max - IXGBE_FRAME_MIN ||
                                     !tx_own(q, pkt),
                                 0))
                break;
            tx_place(q, pkt, TX_EOP, pkt->len);
            bytes += pkt->len;
        }
        tx_report(q, frames, bytes);
        sent += taken = frames;
        if (frames < most)
            sent += taken = tx_other(q, &pkts[sent], n - sent, room - frames);
    }
    if (q->tx_next != before)
        ring_bell(q, q->tx_doorbell, REG_TDT(queue->index), q->tx_next & q->tx_mask);
    if (__builtin_expect(sent == 0 && n > 0, 0))
        return ++q->idle % CHECK_INTERVAL == 0 ? leat_device_check(q->nic->dev) : 0;
    return (int)sent;
}

/* --- Start and stop --- */

/* 4.6.8.1.2 and 4.6.7.1.2: what was accepted is sent or given up, then each side is disabled; the
 * device clears ENABLE only when its last access to memory has ended. */
static int stop_queue(struct ixgbe_queue *q) {
    uint32_t i = q->head.public.index;
    for (int waited_us = 0; q->report_clean != q->report_next; waited_us += 100) {
        struct ixgbe_report *report = &q->reports[q->report_clean & q->tx_mask];
        bool sent = tx_is_sent(q, report);
        if (!sent && waited_us < WAIT_MS * 1000 && !q->nic->dev->gone) {
            sleep_us(100);
            continue;
        }
        q->report_clean++;
        q->head.stats.tx_packets += sent ? report->frames : 0;
        q->head.stats.tx_bytes += sent ? report->bytes : 0;
        q->head.stats.drops[LEAT_DROP_TX_ABORTED] += sent ? 0 : report->frames;
    }
    int tx_err = enable(q->nic, REG_TXDCTL(i), false, "TXDCTL.ENABLE");
    int rx_err = enable(q->nic, REG_RXDCTL(i), false, "RXDCTL.ENABLE");
    sleep_us(100);
    return tx_err ? tx_err : rx_err;
}

static void release_buffer(struct ixgbe_queue *q, uint32_t number, bool let_go) {
    struct leat_pool *pool = q->nic->port->pool;
    leat_own(pool, number, LEAT_OWNER_PORT, LEAT_OWNER_POOL, LEAT_PLACE);
    if (let_go)
        leat_pool_return(pool, &number, 1);
    else
        leat_pool_quarantine(pool, &number, 1);
}

static void release_queue(struct ixgbe_queue *q, bool let_go) {
    for (uint32_t i = 0; i < q->rx_given; i++)
        release_buffer(q, q->rx_numbers[i], let_go);
    for (; q->tx_clean != q->tx_next; q->tx_clean++)
        release_buffer(q, q->tx_numbers[q->tx_clean & q->tx_mask], let_go);
    leat_stats_add(&q->nic->port->lost, &q->head.stats);
    leat_dma_free(q->nic->dev, &q->rings);
    free(q);
}

static int start_queue(struct ixgbe_queue *q, uint32_t index) {
    struct ixgbe *nic = q->nic;
    uint32_t rx_size = q->rx_mask + 1, tx_size = q->tx_mask + 1;
    int err = leat_dma_alloc(nic->dev, &q->rings,
                             rx_size * sizeof(*q->rx_ring) + tx_size * sizeof(*q->tx_ring));
    if (err)
        return err;
    q->rx_ring = q->rings.memory;
    q->tx_ring = (struct tx_descriptor *)(q->rx_ring + rx_size);
    q->rx_doorbell = leat_doorbell(nic->dev, REG_RDT(index));
    q->tx_doorbell = leat_doorbell(nic->dev, REG_TDT(index));
    if ((err = fill_rx_ring(q)) || (err = start_transmit(q, index)))
        return err;
    return start_receive(q, index);
}

/* A queue is one piece: the structure, then its reports, then the buffers of both rings. */
int ixgbe_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                      struct leat_queue **queue) {
    struct ixgbe *nic = port->data;
    uint32_t rx_size = port->opts.rx_ring, tx_size = port->opts.tx_ring;
    size_t bytes = sizeof(struct ixgbe_queue) + tx_size * sizeof(struct ixgbe_report) +
                   (rx_size + tx_size) * sizeof(uint32_t);
    if (nic->queues[index])
        return leat_fail(EBUSY, "%s: queue %u failed to start and did not stop; close the port",
                         port->name, index);
    struct ixgbe_queue *q = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (!q)
        return leat_fail(ENOMEM, "%s: out of memory", port->name);
    uint32_t room = (port->pool->stride - LEAT_BUFFER_START) & ~1023u; /* 8.2.3.8.7: in KiB */
    *q = (struct ixgbe_queue){ .head.public = { rx, tx, port, cache, index },
                               .nic = nic,
                               .pool = port->pool,
                               .iova = nic->pool_map.segments[0],
                               .segments = nic->pool_map.segment_count > 1 ? &nic->pool_map : NULL,
                               .reports = (struct ixgbe_report *)(q + 1),
                               .rx_mask = rx_size - 1,
                               .tx_mask = tx_size - 1,
                               .rx_bytes_max = room < RX_BUFFER_MAX ? room : RX_BUFFER_MAX,
                               .event_fd = -1 };
    q->rx_numbers = (uint32_t *)(q->reports + tx_size);
    q->tx_numbers = q->rx_numbers + rx_size;
    int err = start_queue(q, index);
    if (err && stop_queue(q) == 0)
        release_queue(q, true);
    else
        nic->queues[index] = q; /* also one that does not stop: closing takes its memory back */
    *queue = err ? NULL : &q->head.public;
    return err;
}

/* --- Open and close --- */

int ixgbe_attach(struct leat_port *port, struct leat_device *dev, const struct leat_port_ops *ops) {
    const struct ixgbe_model *model = ixgbe_model(dev->vendor, dev->id);
    struct ixgbe *nic = calloc(1, sizeof(*nic));
    if (!nic || !model) {
        leat_device_close(dev);
        free(nic);
        return leat_fail(model ? ENOMEM : ENODEV, "%s: %s", port->name,
                         model ? "out of memory" : "no device of the 82599 family");
    }
    *nic = (struct ixgbe){ .port = port, .dev = dev, .model = model, .frame_max = FRAME_DEFAULT };
    port->data = nic;
    port->ops = ops;
    return 0;
}

/* The reverse of all the above. Buffers only go back to the pool when the device is sure to leave
 * them alone. */
void ixgbe_close(struct leat_port *port) {
    struct ixgbe *nic = port->data;
    bool stopped = true;
    ixgbe_receive_path(nic, false);
    for (uint32_t i = 0; i < LEAT_QUEUES_MAX; i++)
        if (nic->queues[i])
            stopped &= stop_queue(nic->queues[i]) == 0;
    reg_change(nic, REG_CTRL_EXT, CTRL_EXT_DRV_LOAD, 0);
    stopped &= reset(nic) == 0;
    leat_device_bus_master(nic->dev, false);
    bool let_go = leat_dma_unmap_pool(nic->dev, port->pool, &nic->pool_map) == 0 &&
                  (stopped || nic->dev->gone);
    for (uint32_t i = 0; i < LEAT_QUEUES_MAX; i++)
        if (nic->queues[i])
            release_queue(nic->queues[i], let_go);
    leat_device_close(nic->dev);
    free(nic);
}

static const struct leat_port_ops base_ops = {
    .queue_start = ixgbe_queue_start,
    .close = ixgbe_close,
};

int ixgbe_open_base(struct leat_port *port, struct leat_device *dev) {
    int err = ixgbe_attach(port, dev, &base_ops);
    err = err ? err : ixgbe_set_up(port->data);
    return err ? err : ixgbe_receive_path(port->data, true);
}
