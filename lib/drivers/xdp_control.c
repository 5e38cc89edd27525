/* SPDX-License-Identifier: BSD-2-Clause */
/* What an xdp: port tells of itself, and the settings of its interface that a program may change.
 */
#include "xdp.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- What is in force --- */

static void describe_stage(const struct xdp_port *xdp, char *to, size_t bytes) {
    if (xdp->mode == LEAT_XDP_NATIVE)
        snprintf(to, bytes, "native");
    else if (xdp->options.stage.mode == LEAT_XDP_GENERIC)
        snprintf(to, bytes, "generic");
    else if (xdp->native_error == EOPNOTSUPP)
        snprintf(to, bytes, "generic (no native XDP here)");
    else if (xdp->native_error)
        snprintf(to, bytes, "generic (native: %s)", strerror(xdp->native_error));
    else
        snprintf(to, bytes, "generic (chosen by another program)");
}

static uint32_t zerocopy_queues(const struct leat_port *port, const struct xdp_port *xdp) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < port->opts.queues; i++)
        count += xdp->queues[i]->zerocopy;
    return count;
}

/* Why a port that would rather not copy does. */
static void describe_copying(const struct xdp_port *xdp, char *to, size_t bytes) {
    const struct leat_netdev *netdev = &xdp->netdev;
    if (xdp->options.socket.zerocopy == XDP_ZEROCOPY_NEVER)
        snprintf(to, bytes, "copy");
    else if (xdp_lacks_zerocopy(netdev))
        snprintf(to, bytes, "copy (%s has no zero-copy)", netdev->driver);
    else
        snprintf(to, bytes, "copy (%.80s)", xdp->queues[0]->copies);
}

static void describe_metadata(const struct xdp_port *xdp, char *to, size_t bytes) {
    static const char *const kinds[] = { "time", "hash", "vlan" }; /* enum leat_xdp_metadata */
    size_t at = 0;
    *to = '\0';
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (xdp->rx_metadata & 1u << i)
            at += (size_t)snprintf(to + at, bytes - at, "%s%s", at ? "+" : ", rx-metadata ",
                                   kinds[i]);
}

/* "native, copy (veth has no zero-copy), need-wakeup, poll, rx-metadata time+hash" */
static void describe_mode(const struct leat_port *port, const struct xdp_port *xdp, char *to,
                          size_t bytes) {
    static const char *const waits[] = {
        [XDP_WAIT_POLL] = "poll", [XDP_WAIT_SPIN] = "spin", [XDP_WAIT_BUSY_POLL] = "busy-poll"
    };
    uint32_t zerocopy = zerocopy_queues(port, xdp);
    const struct xdp_queue *first = xdp->queues[0];
    char stage[64], copy[96] = "zero-copy", metadata[40];
    describe_stage(xdp, stage, sizeof(stage));
    if (zerocopy == 0)
        describe_copying(xdp, copy, sizeof(copy));
    else if (zerocopy < port->opts.queues)
        snprintf(copy, sizeof(copy), "zero-copy on %u of %u queues", zerocopy, port->opts.queues);
    describe_metadata(xdp, metadata, sizeof(metadata));
    snprintf(to, bytes, "%s, %s, %s%s%s", stage, copy, first->need_wakeup ? "need-wakeup, " : "",
             waits[first->opts.wait], metadata);
}

static uint32_t received_flags(uint32_t metadata) {
    return (metadata & LEAT_XDP_META_HASH ? LEAT_PKT_HASH : 0) |
           (metadata & LEAT_XDP_META_TIME ? LEAT_PKT_TIME : 0) |
           (metadata & LEAT_XDP_META_VLAN ? LEAT_PKT_VLAN : 0);
}

void xdp_caps(struct leat_port *port, struct leat_caps *caps) {
    const struct xdp_port *xdp = port->data;
    const struct leat_netdev *netdev = &xdp->netdev;
    const struct xdp_queue *first = xdp->queues[0];
    snprintf(caps->device, sizeof(caps->device), "interface %s (%s)", netdev->name,
             *netdev->driver ? netdev->driver : "driver unknown");
    describe_mode(port, xdp, caps->mode, sizeof(caps->mode));
    memcpy(caps->mac, netdev->mac, sizeof(caps->mac));
    caps->rx = caps->tx = true;
    caps->wait = first->opts.wait == XDP_WAIT_POLL;
    caps->queues = port->opts.queues;
    caps->queues_max = netdev->queues_max > caps->queues ? netdev->queues_max : caps->queues;
    caps->rx_ring = first->opts.rx_ring;
    caps->tx_ring = first->opts.tx_ring;
    caps->ring_min = XDP_RING_MIN;
    caps->ring_max = XDP_RING_MAX;
    caps->frame_max = first->frame_max;
    caps->segments_max = first->segments_max;
    caps->rx_flags = received_flags(xdp->rx_metadata);
    caps->tx_flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM | LEAT_PKT_VLAN |
                     (first->opts.tx_metadata & XDP_TXMD_FLAGS_LAUNCH_TIME ? LEAT_PKT_LAUNCH : 0) |
                     (first->opts.tx_metadata & XDP_TXMD_FLAGS_TIMESTAMP ? LEAT_PKT_SENT : 0);
    caps->promisc = netdev->promisc;
    caps->rss_symmetric |= xdp->rss_symmetric;
}

int xdp_link(struct leat_port *port, struct leat_link *link) {
    struct xdp_port *xdp = port->data;
    int err = leat_netdev_refresh(&xdp->netdev);
    if (err < 0)
        return err;
    link->up = xdp->netdev.up && xdp->netdev.carrier;
    link->speed_mbps = xdp->netdev.speed_mbps;
    return 0;
}

/* --- Settings, put back when the port is closed --- */

int xdp_set_promisc(struct leat_port *port, bool on) {
    return leat_netdev_set_promisc(&((struct xdp_port *)port->data)->netdev, on);
}

int xdp_set_mac(struct leat_port *port, const uint8_t mac[6]) {
    return leat_netdev_set_mac(&((struct xdp_port *)port->data)->netdev, mac);
}

int xdp_set_multicast(struct leat_port *port, const uint8_t (*groups)[6], uint32_t n) {
    return leat_netdev_set_multicast(&((struct xdp_port *)port->data)->netdev, groups, n);
}

/* --- Counters --- */

int xdp_stats(struct leat_port *port, struct leat_stats *stats) {
    struct xdp_port *xdp = port->data;
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < port->opts.queues; i++)
        err = xdp_socket_stats(xdp->queues[i], stats);
    return err;
}

/* The sums over the sockets. */
int xdp_counters(struct leat_port *port, struct leat_counter *counters, uint32_t n) {
    struct xdp_port *xdp = port->data;
    struct leat_counter sums[XDP_SOCKET_COUNTERS];
    xdp_socket_counters(xdp->queues[0], sums);
    for (uint32_t i = 1; i < port->opts.queues; i++) {
        struct leat_counter of_queue[XDP_SOCKET_COUNTERS];
        xdp_socket_counters(xdp->queues[i], of_queue);
        for (uint32_t c = 0; c < XDP_SOCKET_COUNTERS; c++)
            sums[c].value += of_queue[c].value;
    }
    memcpy(counters, sums, (n < XDP_SOCKET_COUNTERS ? n : XDP_SOCKET_COUNTERS) * sizeof(*sums));
    return XDP_SOCKET_COUNTERS;
}
