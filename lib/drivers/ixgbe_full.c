/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole driver: ixgbe.c with options, RSS, address filters, interrupts, counters, checksums and
 * frames of several buffers. */
#include "ixgbe.h"
#include <errno.h>
#include <leat/checksum.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_MAX 15868 /* 8.2.3.22.13: 15,872 with frame check sequence */

static void caps(struct leat_port *port, struct leat_caps *caps) {
    struct ixgbe *nic = port->data;
    uint32_t queues = port->opts.queues;
    ixgbe_caps(port, caps);
    caps->wait = nic->dev->vectors >= queues;
    caps->rx_flags = LEAT_PKT_HASH;
    caps->tx_flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM;
    caps->rss_symmetric |= port->opts.rss != LEAT_RSS_DEFAULT;
    snprintf(caps->mode, sizeof(caps->mode), "polling%s, doorbells %s, %sRSS over %u queue%s",
             caps->wait ? ", MSI-X wake-up" : "",
             leat_doorbell(nic->dev, REG_RDT(0)) ? "mapped" : "by message",
             port->opts.rss != LEAT_RSS_DEFAULT ? "symmetric " : "",
             queues < nic->model->rss_queues ? queues : nic->model->rss_queues,
             queues > 1 ? "s" : "");
}

/* Queues are there until the base closes them; reset clears the device's counters. */
static void close_full(struct leat_port *port) {
    struct ixgbe *nic = port->data;
    ixgbe_receive_path(nic, false);
    ixgbe_all_stats(port, &port->lost);
    for (uint32_t i = 0; i < LEAT_QUEUES_MAX; i++)
        if (nic->queues[i])
            ixgbe_forget_wait(nic->queues[i]);
    free(nic->counters);
    ixgbe_close(port);
}

static const struct leat_port_ops full_ops = {
    .queue_start = ixgbe_queue_start,
    .close = close_full,
    .caps = caps,
    .link = ixgbe_link,
    .set_promisc = ixgbe_set_promisc,
    .set_mac = ixgbe_set_mac,
    .set_multicast = ixgbe_set_multicast,
    .stats = ixgbe_all_stats,
    .counters = ixgbe_counters,
    .queue_fd = ixgbe_queue_fd,
    .queue_arm = ixgbe_queue_arm,
    .queue_disarm = ixgbe_queue_disarm,
};

static int read_options(struct ixgbe *nic) {
    struct leat_port *port = nic->port;
    const uint32_t rings[] = { port->opts.rx_ring, port->opts.tx_ring };
    for (int i = 0; i < 2; i++)
        if (rings[i] < IXGBE_RING_MIN || rings[i] > IXGBE_RING_MAX || rings[i] & (rings[i] - 1))
            return leat_fail(EINVAL, "%s: a ring of %u descriptors; it must be 64, 128 ... 4096",
                             port->name, rings[i]);
    if (port->pool->stride < LEAT_BUFFER_START + 1024)
        return leat_fail(EINVAL, "%s: the pool's buffers of %u bytes are too small: 1,280 at least",
                         port->name, port->pool->stride);
    int err = leat_option_u32(port, "frame-max", &nic->frame_max, 64, FRAME_MAX);
    return err < 0 ? err : 0;
}

static int open_full(struct leat_port *port, struct leat_device *dev, const char *model) {
    (void)model;
    int err = ixgbe_attach(port, dev, &full_ops);
    if (err)
        return err;
    struct ixgbe *nic = port->data;
    nic->rx_frame = ixgbe_rx_frame;
    nic->tx_frame = ixgbe_tx_frame;
    nic->complete = leat_complete_checksum; /* who asks for TSO calls leat_segment() first */
    if ((err = read_options(nic)) || (err = ixgbe_set_up(nic)) || (err = ixgbe_read_mac(nic)) ||
        (err = ixgbe_set_up_counters(nic)) || (err = ixgbe_set_up_interrupts(nic)))
        return err;
    ixgbe_set_up_rss(nic);
    return ixgbe_receive_path(nic, true);
}

static const char *match(uint16_t vendor, uint16_t device) {
    const struct ixgbe_model *model = ixgbe_model(vendor, device);
    return model ? model->name : NULL;
}

const struct leat_pci_driver leat_ixgbe = { "ixgbe", match, open_full };
