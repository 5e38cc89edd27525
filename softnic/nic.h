/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model: what an 82599 does behind its registers, rings and wire. It knows nothing of sockets;
 * the server feeds it register accesses, the wire feeds it frames. One thread calls all of it.
 */
#ifndef SOFTNIC_NIC_H
#define SOFTNIC_NIC_H

#include "dma.h"
#include "wire.h"
#include <stdbool.h>
#include <stdint.h>

#define NIC_BAR0_BYTES 0x80000 /* 512 KiB, datasheet 9.3.6 */
#define NIC_VECTORS    64      /* MSI-X vectors, numbered 0..63 */

struct nic;

/* What the model asks of the world around it. */
struct nic_host {
    void *ctx;
    void (*interrupt)(void *ctx, uint32_t vector); /* MSI-X message */
    void (*legacy_interrupt)(void *ctx);           /* INTx assertion, when GPIE chose no MSI-X */
    /* Strict mode: the driver did what the datasheet forbids. A sentence with register, value and
     * datasheet page; the host stops the device. */
    void (*violation)(void *ctx, const char *sentence);
    uint64_t (*now_ns)(void *ctx); /* monotonic */
};

struct nic_config {
    uint16_t device_id; /* 0x10fb (SFP+) or 0x10f7 (KX4 backplane); 0: 0x10fb */
    uint8_t mac[6];     /* zero: made up from `port` */
    uint32_t port;      /* LAN id as STATUS tells it: 0 or 1 */
    bool strict;
    bool sfp_absent; /* no module in the cage: no link */
};

int nic_create(struct nic **nic, const struct nic_config *config, const struct nic_host *host,
               struct dma *dma);
void nic_destroy(struct nic *nic);

/* Register accesses of BAR 0: 4 bytes, aligned; the server refuses the rest. */
uint32_t nic_read(struct nic *nic, uint32_t offset);
void nic_write(struct nic *nic, uint32_t offset, uint32_t value);

/* Doorbell pages: 4 KiB each at BAR 0 offsets 0x1000 (receive queues 0-63) and 0x6000 (transmit
 * queues 0-63), which a client may map and store tails into. The model keeps these tails nowhere
 * else, and trusts nothing that it reads there. The fd is one memfd that holds each page at its
 * offset in BAR 0 (0x7000 bytes, sparse), because a vfio-user client maps an area at region offset
 * plus area offset; it is sealed against shrinking, or a client could truncate it under us. */
#define NIC_DOORBELL_RX 0x1000
#define NIC_DOORBELL_TX 0x6000
int nic_doorbell_fd(const struct nic *nic);

/* Reset of the function (PCI reset, DEVICE_RESET); CTRL.RST is the model's own business. */
void nic_reset(struct nic *nic);

/* PCI command register bit 2: without it the device touches no memory. */
void nic_set_bus_master(struct nic *nic, bool on);

/* The cable. */
void nic_set_link(struct nic *nic, bool up);
bool nic_link_up(const struct nic *nic); /* cable in, module in, driver restarted the link */

/* One turn: fetch transmit descriptors and give their frames to the wire, up to `budget`; throttled
 * interrupts whose time has come; flush write-backs. Returns frames moved. */
uint32_t nic_poll(struct nic *nic, uint32_t budget);

/* A frame arrives from the wire, without frame check sequence. As on a real wire it has 60 bytes at
 * least: what a sender did not pad is a runt, counted and dropped. */
enum nic_deliver {
    NIC_DELIVERED, /* written to a receive queue */
    NIC_DROPPED,   /* filtered, or lost and counted by the device: gone in any case */
    NIC_FULL, /* no descriptor, and the queue is not set to drop: offer the same frame again, or
                 call nic_missed() and forget it */
};
enum nic_deliver nic_deliver(struct nic *nic, const uint8_t *frame, uint32_t bytes);
void nic_missed(struct nic *nic); /* the frame last refused is lost: counted in RXMPC */

/* Writes back what receive descriptors and interrupts are pending after a burst of nic_deliver().
 */
void nic_deliver_done(struct nic *nic);

/* Which wire its frames leave by. */
void nic_attach_wire(struct nic *nic, struct wire *wire);

/* What happened since creation, never cleared by the driver. For reports. */
struct nic_stats {
    uint64_t tx_frames, tx_bytes, rx_frames, rx_bytes;
    uint64_t rx_missed;   /* no descriptor or queue disabled */
    uint64_t rx_filtered; /* address or VLAN filter */
    uint64_t rx_length;   /* too short or too long */
    uint64_t tx_errors;   /* descriptors that made no sense */
    uint64_t dma_faults;  /* addresses outside the client's mappings */
    uint64_t interrupts;
    uint64_t violations; /* what strict mode forbids, and this one only counts */
};
void nic_stats(const struct nic *nic, struct nic_stats *stats);

#endif
