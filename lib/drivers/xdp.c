/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp: an interface of the kernel's, whose frames are taken before its stack sees them (AF_XDP) and
 * which stays the kernel's for everything else. docs/af-xdp.md tells how a frame travels.
 *
 * Opened in this order and closed in reverse: the interface's settings, a socket bound to each
 * queue, the program on the interface; a queue that is started gets its frames last of all.
 */
#include "xdp.h"
#include "lib/bpf/permission.h"
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

static int xdp_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                           struct leat_queue **public) {
    struct xdp_port *xdp = port->data;
    struct xdp_queue *queue = xdp->queues[index];
    int err = xdp_socket_start(queue, port, cache);
    if (err < 0)
        return err;
    queue->head.public.index = index;
    err = leat_stage_set_socket(xdp->stage, xdp->options.first_queue + index, queue->fd);
    if (err == 0)
        *public = &queue->head.public;
    return err;
}

/* The program goes first, so that nothing is redirected to a socket that is being closed. */
static void xdp_close(struct leat_port *port) {
    struct xdp_port *xdp = port->data;
    leat_stage_close(xdp->stage);
    for (uint32_t i = LEAT_QUEUES_MAX; i-- > 0;) {
        if (!xdp->queues[i])
            continue;
        xdp_socket_close(xdp->queues[i], &port->lost);
        free(xdp->queues[i]);
    }
    if (xdp->netdev.index)
        leat_netdev_restore(&xdp->netdev);
    free(xdp);
}

static const struct leat_port_ops xdp_ops = {
    .queue_start = xdp_queue_start,
    .close = xdp_close,
    .caps = xdp_caps,
    .link = xdp_link,
    .set_promisc = xdp_set_promisc,
    .set_mac = xdp_set_mac,
    .set_multicast = xdp_set_multicast,
    .stats = xdp_stats,
    .counters = xdp_counters,
    .queue_sent = xdp_sent,
    .queue_fd = xdp_queue_fd,
    .queue_arm = xdp_queue_arm,
    .queue_disarm = xdp_queue_disarm,
};

/* The kernel hands such a request to the driver, which may never look at it. The bits of enum
 * netdev_xsk_flags, by which it tells what it takes, are those of the requests. */
static int check_request(const struct leat_port *port, const struct xdp_port *xdp, uint32_t request,
                         const char *name) {
    const struct leat_netdev *netdev = &xdp->netdev;
    if (!(xdp->options.socket.tx_metadata & request) || netdev->xsk_features & request)
        return 0;
    return leat_fail(ENOTSUP, "%s: tx-metadata=%s: the driver of %s, %s, does not take it",
                     port->name, name, netdev->name, netdev->driver);
}

/* A function that the driver lacks fails for each frame, which nobody sees. Kernels before 6.7 do
 * not tell which there are; then none is known to lack. */
static int check_received(const struct leat_port *port, const struct xdp_port *xdp) {
    const struct leat_netdev *netdev = &xdp->netdev;
    uint64_t lacks = xdp->options.stage.metadata & ~netdev->rx_metadata;
    if (!netdev->rx_metadata || !lacks)
        return 0;
    return leat_fail(ENOTSUP, "%s: rx-metadata=%s: the driver of %s, %s, does not tell it",
                     port->name,
                     lacks & LEAT_XDP_META_TIME   ? "time"
                     : lacks & LEAT_XDP_META_HASH ? "hash"
                                                  : "vlan",
                     netdev->name, netdev->driver);
}

int xdp_check_driver(const struct leat_port *port, const struct xdp_port *xdp) {
    const struct leat_netdev *netdev = &xdp->netdev;
    int err = check_received(port, xdp);
    if (err < 0)
        return err;
    if (xdp->options.socket.zerocopy == XDP_ZEROCOPY_REQUIRE && xdp_lacks_zerocopy(netdev))
        return leat_fail(ENOTSUP,
                         "%s: zerocopy=require cannot be had: the driver of %s, %s, has no "
                         "zero-copy; 'zerocopy=prefer' copies",
                         port->name, netdev->name, netdev->driver);
    err = check_request(port, xdp, XDP_TXMD_FLAGS_TIMESTAMP, "time");
    return err < 0 ? err : check_request(port, xdp, XDP_TXMD_FLAGS_LAUNCH_TIME, "launch");
}

/* What cannot work, or would do harm, is refused before anything is changed. */
static int check(struct leat_port *port, const struct xdp_port *xdp) {
    const struct leat_netdev *netdev = &xdp->netdev;
    const struct xdp_port_options *options = &xdp->options;
    if (!netdev->up)
        return leat_fail(ENETDOWN, "%s: the interface is down; 'ip link set %s up'", port->name,
                         netdev->name);
    if (netdev->default_route && !options->stage.match && !options->force)
        return leat_fail(EPERM,
                         "%s: interface %s carries the default route: without its frames this "
                         "machine is cut off, an SSH session included; say with match= which to "
                         "take, or 'force'",
                         port->name, netdev->name);
    if (options->stage.metadata && options->stage.mode == LEAT_XDP_GENERIC)
        return leat_fail(ENOTSUP, "%s: rx-metadata comes from the driver: not with mode=generic",
                         port->name);
    return xdp_check_driver(port, xdp);
}

/* What only a preference asks for may fail; who takes one queue has nothing to prefer. */
static int steer(struct leat_port *port, struct xdp_port *xdp) {
    bool prefer = port->opts.rss == LEAT_RSS_PREFER_SYMMETRIC;
    bool one = xdp->netdev.rx_queues == 1 || xdp->options.one_queue;
    if (port->opts.rss == LEAT_RSS_DEFAULT || (prefer && one))
        return 0;
    int err = leat_netdev_set_symmetric_rss(&xdp->netdev);
    xdp->rss_symmetric = err == 0;
    return err == -ENOTSUP && prefer ? 0 : err;
}

static int change_settings(struct leat_port *port, struct xdp_port *xdp) {
    struct leat_netdev *netdev = &xdp->netdev;
    const struct xdp_port_options *options = &xdp->options;
    int err = 0;
    if (port->queues_given && !options->one_queue && port->opts.queues != netdev->rx_queues)
        err = leat_netdev_set_queues(netdev, port->opts.queues);
    if (err == 0)
        err = steer(port, xdp);
    if (err == 0 && options->mtu && options->mtu != netdev->mtu)
        err = leat_netdev_set_mtu(netdev, options->mtu);
    if (err == 0 && options->socket.wait == XDP_WAIT_BUSY_POLL)
        err = leat_netdev_defer_interrupts(netdev);
    if (err == 0 && port->opts.promisc)
        err = leat_netdev_set_promisc(netdev, true);
    return err < 0 ? err : leat_netdev_refresh(netdev);
}

/* How many queues the port has, now that the interface is as it was asked for. */
static int count_queues(struct leat_port *port, struct xdp_port *xdp) {
    uint32_t queues = xdp->netdev.rx_queues;
    if (xdp->options.one_queue) {
        if (xdp->options.first_queue >= queues)
            return leat_fail(EINVAL, "%s: interface %s has no queue %u: its last one is %u",
                             port->name, xdp->netdev.name, xdp->options.first_queue, queues - 1);
        queues = 1;
    }
    if (queues == 0 || queues > LEAT_QUEUES_MAX)
        return leat_fail(
            ENOTSUP, "%s: the interface has %u queues; a port has 1 to %d: say queues=", port->name,
            queues, LEAT_QUEUES_MAX);
    port->opts.queues = queues;
    return 0;
}

/* Without XDP_USE_SG the kernel drops a frame that is longer than a buffer, wherever it can. */
void xdp_size_frames(const struct leat_port *port, struct xdp_port *xdp) {
    struct xdp_socket_opts *socket = &xdp->options.socket;
    uint32_t buffer = socket->frame_bytes ? socket->frame_bytes : port->pool->stride;
    socket->frame_max = xdp->netdev.mtu + ETH_HLEN + XDP_TAGS_BYTES;
    socket->segments = socket->frame_max > buffer - LEAT_BUFFER_START;
    socket->zerocopy_segments_max = xdp->netdev.zerocopy_segments_max;
    socket->ifindex = xdp->netdev.index;
}

static int open_socket(struct leat_port *port, struct xdp_port *xdp, uint32_t index) {
    struct xdp_queue *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return leat_fail(ENOMEM, "%s: no memory for queue %u", port->name, index);
    struct xdp_socket_opts opts = xdp->options.socket;
    opts.queue = xdp->options.first_queue + index;
    int err = xdp_socket_create(queue, port->pool, &opts);
    if (err < 0) {
        free(queue);
        return err;
    }
    xdp->queues[index] = queue;
    err = xdp_socket_map(queue);
    if (err == 0)
        err = xdp_socket_bind(queue);
    if (err == 0 && queue->zerocopy) /* in copy mode the kernel completes checksums itself */
        err = check_request(port, xdp, XDP_TXMD_FLAGS_CHECKSUM, "checksum");
    return err;
}

/* An MTU that was asked for has to hold for sending too; one that was there is taken as it is. */
static int check_frames(const struct leat_port *port, const struct xdp_port *xdp) {
    const struct xdp_queue *first = xdp->queues[0];
    if (!xdp->options.mtu || first->frame_max >= xdp->options.socket.frame_max)
        return 0;
    return leat_fail(ENOTSUP,
                     "%s: an MTU of %u is too large for this mode: a frame has at most %u buffers "
                     "of %u bytes; take mtu=%u or larger buffers",
                     port->name, xdp->options.mtu, first->segments_max, first->single_max,
                     first->frame_max - ETH_HLEN - XDP_TAGS_BYTES);
}

static int open_stage(struct leat_port *port, struct xdp_port *xdp) {
    xdp->options.stage.queues = xdp->netdev.rx_queues;
    int err = leat_stage_open(&xdp->stage, port->name, xdp->netdev.index, &xdp->options.stage);
    if (err < 0)
        return err;
    xdp->mode = leat_stage_mode(xdp->stage);
    xdp->native_error = leat_stage_native_error(xdp->stage);
    xdp->rx_metadata = leat_stage_metadata(xdp->stage);
    return 0;
}

static int open_interface(struct leat_port *port, struct xdp_port *xdp) {
    int err = leat_permission_check(port->name, "open it");
    if (err < 0)
        return err;
    leat_netdev_replay();
    err = leat_netdev_open(&xdp->netdev, xdp->options.interface);
    if (err < 0)
        return leat_fail_in(err, port->name);
    err = check(port, xdp);
    if (err < 0)
        return err;
    err = change_settings(port, xdp);
    return err < 0 ? leat_fail_in(err, port->name) : 0;
}

/* What a program's user should know, though nothing is wrong. */
static void warn(const struct leat_port *port, const struct xdp_port *xdp) {
    char warning[XDP_WARNING_BYTES];
    if (xdp_warning(&xdp->netdev, warning))
        leat_log(LEAT_LOG_NOTICE, "%s: %s", port->name, warning);
    if (xdp->netdev.addressed && !xdp->options.stage.match)
        leat_log(
            LEAT_LOG_NOTICE,
            "%s: takes all frames: the addresses of %s are not reached meanwhile; match= leaves "
            "the rest to the kernel",
            port->name, xdp->netdev.name);
}

static int xdp_open(struct leat_port *port) {
    struct xdp_port *xdp = calloc(1, sizeof(*xdp));
    if (!xdp)
        return leat_fail(ENOMEM, "%s: no memory", port->name);
    port->data = xdp;
    port->ops = &xdp_ops;
    int err = xdp_read_options(port, &xdp->options);
    if (err == 0)
        err = open_interface(port, xdp);
    if (err == 0)
        err = count_queues(port, xdp);
    if (err == 0)
        xdp_size_frames(port, xdp);
    for (uint32_t i = 0; err == 0 && i < port->opts.queues; i++)
        err = open_socket(port, xdp, i);
    if (err == 0)
        err = check_frames(port, xdp);
    if (err == 0)
        err = open_stage(port, xdp);
    if (err == 0)
        warn(port, xdp);
    return err;
}

const struct leat_driver leat_xdp_driver = {
    .scheme = "xdp",
    .summary = "a network interface, whose frames go past the kernel's stack (AF_XDP)",
    .open = xdp_open,
    .look = xdp_look,
};
