/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82599 family's driver, between its files. ixgbe.c is the whole way from reset to the last
 * packet and a driver by itself (ixgbe_open_base()); ixgbe_full.c adds to it what a forwarding
 * program can do without: options, frames of several buffers, RSS, address filters, link,
 * interrupts, what the device itself counts (leat_ixgbe).
 */
#ifndef LEAT_DRIVERS_IXGBE_H
#define LEAT_DRIVERS_IXGBE_H

#include "ixgbe_registers.h"
#include "pci.h"

#define IXGBE_LOSSES       6
#define IXGBE_RING_MIN     64
#define IXGBE_RING_MAX     4096
#define IXGBE_FRAME_MIN    17 /* 7.2.3.2.4: the shortest that the transmit path takes */
#define IXGBE_SEGMENTS_MAX 32 /* buffers of a frame: half of the smallest ring */
#define IXGBE_REPORT       32 /* descriptors between two with RS set */

/* Consecutive descriptors whose sending the device reports by the last one's DD. */
struct ixgbe_report {
    uint32_t end; /* index after the last one */
    uint32_t frames;
    uint64_t bytes;
};

/* Indexes run freely; `& mask` gives the place in the ring. */
struct ixgbe_queue {
    struct leat_queue_head head; /* first */
    struct ixgbe *nic;
    const struct leat_pool *pool;
    uint64_t iova;                        /* of the pool's first byte, where it is one segment */
    const struct leat_dma_pool *segments; /* where it is several, else NULL */

    struct rx_descriptor *rx_ring;
    uint32_t *rx_numbers; /* buffer of each descriptor */
    volatile uint32_t *rx_doorbell;
    uint32_t rx_mask, rx_next, rx_bytes_max;
    bool rx_skip; /* what follows belongs to a frame that was dropped */

    struct tx_descriptor *tx_ring;
    uint32_t *tx_numbers;
    volatile uint32_t *tx_doorbell;
    uint32_t tx_mask, tx_next, tx_clean;
    struct ixgbe_report *reports;
    uint32_t report_next, report_clean;
    uint32_t idle; /* calls in vain */

    struct leat_dma rings; /* receive, then transmit */
    uint32_t rx_given;     /* buffers in the receive ring */

    /* ixgbe_interrupts.c */
    int event_fd;                     /* of its vector; -1: nobody asked for it */
    int wait_fd;                      /* epoll: that, and the device's going away */
    uint64_t packets_at_arm, average; /* packets a wake-up, times 8 */
    uint32_t throttle_us;             /* in force */
};

struct ixgbe_model {
    uint16_t device;
    const char *name;
    enum { LINK_SFP, LINK_BACKPLANE, LINK_PHY } link;
    uint32_t rss_queues; /* that an entry of RETA can name */
};

struct ixgbe {
    struct leat_port *port;
    struct leat_device *dev;
    const struct ixgbe_model *model;
    uint32_t frame_max;
    struct leat_dma_pool pool_map;
    struct ixgbe_queue *queues[LEAT_QUEUES_MAX];

    /* The rest is set by ixgbe_full.c. Without the first two, frames are one buffer. */
    uint32_t (*rx_frame)(struct ixgbe_queue *q, struct leat_pkt *pkts, uint32_t room,
                         const uint32_t *fresh);
    uint32_t (*tx_frame)(struct ixgbe_queue *q, struct leat_pkt *pkts, uint32_t n, uint32_t room);
    int (*complete)(struct leat_pkt *pkts, uint32_t n); /* does what a frame requests */
    uint8_t mac[6];
    uint64_t losses[IXGBE_LOSSES]; /* ixgbe_control.c */
    uint64_t *counters;            /* ixgbe_counters.c */
    uint32_t throttle_us;          /* of itr=; 0: adaptive */
    uint32_t groups;               /* exact multicast filters in use */
};

/* The model of those ids, or NULL. */
const struct ixgbe_model *ixgbe_model(uint16_t vendor, uint16_t device);

/* Opening: attach takes over the device, also when it fails; set_up resets it and sets it up, all
 * but the receive path, which is the last step. Ring sizes are checked already. */
int ixgbe_attach(struct leat_port *port, struct leat_device *dev, const struct leat_port_ops *ops);
int ixgbe_set_up(struct ixgbe *nic);
int ixgbe_receive_path(struct ixgbe *nic, bool on);

/* All of opening, for the driver by itself: one queue, and the default options or better ones. */
int ixgbe_open_base(struct leat_port *port, struct leat_device *dev);

/* ixgbe_control.c; statistics registers that count lost frames (8.2.3.23). */
struct ixgbe_loss {
    const char *name;
    uint32_t reg;
    enum leat_drop reason;
};
extern const struct ixgbe_loss ixgbe_losses[IXGBE_LOSSES];
void ixgbe_caps(struct leat_port *port, struct leat_caps *caps);
int ixgbe_link(struct leat_port *port, struct leat_link *link);
int ixgbe_read_mac(struct ixgbe *nic);
int ixgbe_set_promisc(struct leat_port *port, bool on);
int ixgbe_stats(struct leat_port *port, struct leat_stats *stats);

int ixgbe_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                      struct leat_queue **queue);
void ixgbe_close(struct leat_port *port);

/* Drop a frame, count it, and return how many packets it was: of received ones, none. */
uint32_t ixgbe_rx_drop(struct ixgbe_queue *q);
uint32_t ixgbe_tx_drop(struct ixgbe_queue *q, const struct leat_pkt *pkts, uint32_t segments,
                       enum leat_drop reason);

/* A value of all ones, just read, may mean that the device is gone: then -ENODEV. */
int ixgbe_check(struct ixgbe *nic, uint32_t value);

/* ixgbe_frames.c: rx_frame and tx_frame */
uint32_t ixgbe_rx_frame(struct ixgbe_queue *q, struct leat_pkt *pkts, uint32_t room,
                        const uint32_t *fresh);
uint32_t ixgbe_tx_frame(struct ixgbe_queue *q, struct leat_pkt *pkts, uint32_t n, uint32_t room);

/* ixgbe_filters.c */
void ixgbe_set_up_rss(struct ixgbe *nic);
int ixgbe_set_mac(struct leat_port *port, const uint8_t mac[6]);
int ixgbe_set_multicast(struct leat_port *port, const uint8_t (*groups)[6], uint32_t n);

/* ixgbe_interrupts.c */
int ixgbe_set_up_interrupts(struct ixgbe *nic);
int ixgbe_queue_fd(struct leat_queue *queue);
int ixgbe_queue_arm(struct leat_queue *queue);
void ixgbe_queue_disarm(struct leat_queue *queue);
void ixgbe_forget_wait(struct ixgbe_queue *q);

/* ixgbe_counters.c */
int ixgbe_set_up_counters(struct ixgbe *nic);
int ixgbe_counters(struct leat_port *port, struct leat_counter *counters, uint32_t n);
int ixgbe_all_stats(struct leat_port *port, struct leat_stats *stats);

static inline uint32_t reg_read(struct ixgbe *nic, uint32_t reg) {
    return leat_read32(nic->dev, reg);
}

static inline void reg_write(struct ixgbe *nic, uint32_t reg, uint32_t value) {
    leat_write32(nic->dev, reg, value);
}

static inline void reg_change(struct ixgbe *nic, uint32_t reg, uint32_t clear, uint32_t bits) {
    reg_write(nic, reg, (reg_read(nic, reg) & ~clear) | bits);
}

#endif
