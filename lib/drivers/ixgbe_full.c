/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole driver: ixgbe.c with RSS, address filters, interrupts, counters, checksums and
 * frames of several buffers. */
#include "ixgbe.h"
#include <leat/checksum.h>
#include <stdio.h>

static void caps(struct leat_port *port, struct leat_caps *caps) {
    struct ixgbe *nic = port->data;
    uint32_t queues = port->opts.queues;
    ixgbe_caps(port, caps);
    caps->wait = nic->dev->vectors >= queues;
    caps->rx_flags = LEAT_PKT_HASH;
    caps->tx_flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM;
    snprintf(caps->mode, sizeof(caps->mode), "polling%s, doorbells %s, RSS over %u queue%s",
             caps->wait ? ", MSI-X wake-up" : "",
             leat_doorbell(nic->dev, REG_RDT(0)) ? "mapped" : "by message",
             queues < nic->model->rss_queues ? queues : nic->model->rss_queues,
             queues > 1 ? "s" : "");
}

static const struct leat_port_ops full_ops = {
    .queue_start = ixgbe_queue_start,
    .close = ixgbe_close,
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

static int open_full(struct leat_port *port, struct leat_device *dev, const char *model) {
    (void)model;
    int err = ixgbe_attach(port, dev, &full_ops);
    if (err)
        return err;
    struct ixgbe *nic = port->data;
    nic->rx_frame = ixgbe_rx_frame;
    nic->tx_frame = ixgbe_tx_frame;
    nic->forget_wait = ixgbe_forget_wait;
    nic->complete = leat_complete_checksum; /* who asks for TSO calls leat_segment() first */
    if ((err = ixgbe_set_up_counters(nic)) || (err = ixgbe_set_up_interrupts(nic)))
        return err;
    ixgbe_set_up_rss(nic);
    return ixgbe_receive_path(nic, true);
}

const struct leat_pci_driver leat_ixgbe = { "ixgbe", ixgbe_match, open_full };
