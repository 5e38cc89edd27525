/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs ask the driver for: what it is, link, promiscuous mode, lost frames. */
#include "ixgbe.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

void ixgbe_caps(struct leat_port *port, struct leat_caps *caps) {
    struct ixgbe *nic = port->data;
    caps->driver = "ixgbe";
    snprintf(caps->device, sizeof(caps->device), "%s (%04x:%04x) on %s", nic->model->name,
             nic->dev->vendor, nic->dev->id, nic->dev->bus);
    snprintf(caps->mode, sizeof(caps->mode), "polling, doorbells %s",
             leat_doorbell(nic->dev, REG_RDT(0)) ? "mapped" : "by message");
    memcpy(caps->mac, nic->mac, sizeof(caps->mac));
    caps->rx = caps->tx = true;
    caps->queues = port->opts.queues;
    caps->queues_max = LEAT_QUEUES_MAX;
    caps->rx_ring = port->opts.rx_ring;
    caps->tx_ring = port->opts.tx_ring;
    caps->ring_min = IXGBE_RING_MIN;
    caps->ring_max = IXGBE_RING_MAX;
    caps->frame_max = nic->frame_max;
    caps->segments_max = IXGBE_SEGMENTS_MAX;
    caps->promisc = port->opts.promisc;
}

/* 8.2.3.7.9: receive address 0 comes from the EEPROM. */
int ixgbe_read_mac(struct ixgbe *nic) {
    uint32_t low = reg_read(nic, REG_RAL(0)), high = reg_read(nic, REG_RAH(0));
    int err = ixgbe_check(nic, high);
    if (err)
        return err;
    memcpy(nic->mac, &low, 4);
    memcpy(nic->mac + 4, &high, 2);
    if (!(high & RAH_AV) || nic->mac[0] & 1)
        return leat_fail(ENODEV, "%s: the device has no valid MAC address in RAL(0) and RAH(0)",
                         nic->port->name);
    return 0;
}

int ixgbe_link(struct leat_port *port, struct leat_link *link) {
    static const uint32_t speeds_mbps[] = { 0, 100, 1000, 10000 };
    struct ixgbe *nic = port->data;
    uint32_t links = reg_read(nic, REG_LINKS);
    link->up = links & LINKS_UP;
    link->speed_mbps = link->up ? speeds_mbps[LINKS_SPEED(links)] : 0;
    return ixgbe_check(nic, links);
}

int ixgbe_set_promisc(struct leat_port *port, bool on) {
    struct ixgbe *nic = port->data;
    int err = ixgbe_receive_path(nic, false);
    reg_change(nic, REG_FCTRL, FCTRL_UPE | FCTRL_MPE, on ? FCTRL_UPE | FCTRL_MPE : 0);
    port->opts.promisc = on;
    return err ? err : ixgbe_receive_path(nic, true);
}

/* RXMPC counts what found no room in the packet buffer, QPRDC what found no descriptor in a queue
 * with DROP_EN: never the same frame. RLEC and RJC are left out, as CRCERRS has their frames. */
const struct ixgbe_loss ixgbe_losses[IXGBE_LOSSES] = {
    { "CRCERRS", REG_CRCERRS, LEAT_DROP_RX_CRC },
    { "RUC", REG_RUC, LEAT_DROP_RX_LENGTH },
    { "RFC", REG_RFC, LEAT_DROP_RX_LENGTH },
    { "ROC", REG_ROC, LEAT_DROP_RX_LENGTH },
    { "RXMPC0", REG_RXMPC(0), LEAT_DROP_RX_MISSED },
    { "QPRDC0", REG_QPRDC(0), LEAT_DROP_RX_MISSED },
};

/* 4.6.5: statistics are cleared by reading, so what is read is added up here, whichever thread
 * asks: of two that ask at once each has what it read to add. */
int ixgbe_stats(struct leat_port *port, struct leat_stats *stats) {
    struct ixgbe *nic = port->data;
    for (uint32_t i = 0; i < IXGBE_LOSSES; i++) {
        uint32_t value = reg_read(nic, ixgbe_losses[i].reg);
        stats->drops[ixgbe_losses[i].reason] +=
            __atomic_add_fetch(&nic->losses[i], nic->dev->gone ? 0 : value, __ATOMIC_RELAXED);
    }
    return ixgbe_check(nic, reg_read(nic, REG_STATUS));
}
