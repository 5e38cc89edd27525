/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tap: an interface of the kernel's whose other end is this port. It is made if it is not there,
 * brought up, and vanishes with the port unless somebody made it to stay (ip tuntap add).
 * Documentation/networking/tuntap.rst.
 */
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAGS_BYTES 8 /* two VLAN tags, which come on top of the MTU */

static int tap_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                           struct leat_queue **public) {
    const struct tap_port *tap = port->data;
    struct tap_queue *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return leat_fail(ENOMEM, "%s: no memory for queue %u", port->name, index);
    queue->tap = tap;
    queue->fd = tap->fds[index];
    queue->head.public = (struct leat_queue){ tap_rx, tap_tx, port, cache, index };
    *public = &queue->head.public;
    return 0;
}

/* Frames that the kernel dropped because nobody received them in time. */
static uint64_t read_dropped(struct tap_port *tap) {
    char text[32] = "";
    if (tap->dropped >= 0 && pread(tap->dropped, text, sizeof(text) - 1, 0) > 0)
        __atomic_store_n(&tap->dropped_last, strtoull(text, NULL, 10), __ATOMIC_RELAXED);
    return __atomic_load_n(&tap->dropped_last, __ATOMIC_RELAXED);
}

static int tap_stats(struct leat_port *port, struct leat_stats *stats) {
    struct tap_port *tap = port->data;
    stats->drops[LEAT_DROP_RX_MISSED] += read_dropped(tap) - tap->dropped_before;
    return 0;
}

static void tap_close(struct leat_port *port) {
    struct tap_port *tap = port->data;
    tap_stats(port, &port->lost);
    for (uint32_t i = 0; i < port->opts.queues; i++) {
        if (port->queues[i])
            tap_queue_release((struct tap_queue *)port->queues[i]);
        if (tap->fds[i] >= 0)
            close(tap->fds[i]);
    }
    copying_close_queues(port);
    if (tap->control >= 0)
        close(tap->control);
    if (tap->dropped >= 0)
        close(tap->dropped);
    free(tap);
}

static void tap_caps(struct leat_port *port, struct leat_caps *caps) {
    const struct tap_port *tap = port->data;
    snprintf(caps->device, sizeof(caps->device), "interface %s", tap->name);
    snprintf(caps->mode, sizeof(caps->mode), "a system call a frame, MTU %u", tap->mtu);
    caps->rx = caps->tx = caps->wait = caps->promisc = true;
    caps->queues = port->opts.queues;
    caps->queues_max = LEAT_QUEUES_MAX;
    caps->frame_max = tap->frame_max;
    caps->segments_max = COPYING_SEGMENTS_MAX;
    caps->rx_flags = LEAT_PKT_L4_OK | LEAT_PKT_L4_CSUM;
    caps->tx_flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM;
}

/* The descriptor outlives the interface; the question does not. */
static int tap_link(struct leat_port *port, struct leat_link *link) {
    const struct tap_port *tap = port->data;
    struct ifreq request = { 0 };
    if (ioctl(tap->fds[0], TUNGETIFF, &request) < 0)
        return leat_fail(ENODEV, "%s: the interface is gone", port->name);
    link->up = true;
    return 0;
}

static int tap_queue_fd(struct leat_queue *queue) {
    return ((const struct tap_queue *)queue)->fd;
}

/* The descriptor is readable as long as there is something, so that nothing can be missed. */
static int tap_queue_arm(struct leat_queue *queue) {
    return ((const struct tap_queue *)queue)->held > 0;
}

static const struct leat_port_ops tap_ops = {
    .queue_start = tap_queue_start,
    .close = tap_close,
    .caps = tap_caps,
    .link = tap_link,
    .stats = tap_stats,
    .queue_fd = tap_queue_fd,
    .queue_arm = tap_queue_arm,
};

static int attach_failed(struct leat_port *port, int err) {
    const char *mend = err == EPERM    ? "; it takes CAP_NET_ADMIN, or an interface made for you: "
                                         "ip tuntap add dev NAME mode tap user YOU"
                       : err == EBUSY  ? "; another program has it open"
                       : err == EINVAL ? "; is it of another kind, or of one queue only?"
                                       : "";
    return leat_fail(err, "%s: cannot attach to the interface: %s%s", port->name, strerror(err),
                     mend);
}

/* One descriptor is one queue. Frames come and go with a virtio header, by which checksums may be
 * left to be completed by whoever sends the frame on. */
static int attach(struct leat_port *port, struct tap_port *tap, uint32_t index) {
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    int header_bytes = sizeof(struct virtio_net_hdr);
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return leat_fail(errno, "%s: cannot open /dev/net/tun: %s; is module tun loaded?",
                         port->name, strerror(errno));
    tap->fds[index] = fd;
    if (port->opts.queues > 1)
        request.ifr_flags |= IFF_MULTI_QUEUE;
    memcpy(request.ifr_name, tap->name, sizeof(tap->name));
    if (ioctl(fd, TUNSETIFF, &request) < 0)
        return attach_failed(port, errno);
    if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0 || ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) < 0)
        return leat_fail(errno, "%s: cannot ask for checksum offload: %s", port->name,
                         strerror(errno));
    return 0;
}

static int set_mtu(struct leat_port *port, struct tap_port *tap, struct ifreq *request) {
    int given = leat_option_u32(port, "mtu", &tap->mtu, 68, 65521); /* the kernel's limits */
    if (given < 0)
        return given;
    request->ifr_mtu = (int)tap->mtu;
    if (ioctl(tap->control, given ? SIOCSIFMTU : SIOCGIFMTU, request) < 0)
        return leat_fail(errno, "%s: cannot %s its MTU: %s", port->name, given ? "set" : "read",
                         strerror(errno));
    tap->mtu = (uint32_t)request->ifr_mtu;
    tap->frame_max = ETH_HLEN + TAGS_BYTES + tap->mtu;
    /* At least a byte more than the longest frame, so that a longer one is noticed. */
    uint32_t room = port->pool->stride - LEAT_BUFFER_START;
    tap->segments_max = tap->frame_max / room + 1;
    if (tap->segments_max > COPYING_SEGMENTS_MAX)
        return leat_fail(ENOTSUP, "%s: an MTU of %u takes more than %u buffers of %u bytes",
                         port->name, tap->mtu, COPYING_SEGMENTS_MAX, room);
    return 0;
}

/* Somebody who may only attach to an interface leaves it as its owner set it. */
static int bring_up(struct leat_port *port, struct tap_port *tap, struct ifreq *request) {
    if (ioctl(tap->control, SIOCGIFFLAGS, request) < 0)
        return leat_fail(errno, "%s: cannot read its flags: %s", port->name, strerror(errno));
    if (request->ifr_flags & IFF_UP)
        return 0;
    request->ifr_flags |= IFF_UP;
    if (ioctl(tap->control, SIOCSIFFLAGS, request) == 0)
        return 0;
    if (errno != EPERM)
        return leat_fail(errno, "%s: cannot bring it up: %s", port->name, strerror(errno));
    leat_log(LEAT_LOG_NOTICE, "%s: is down, and bringing it up takes CAP_NET_ADMIN", port->name);
    return 0;
}

static int configure(struct leat_port *port, struct tap_port *tap) {
    struct ifreq request = { 0 };
    char path[96];
    memcpy(request.ifr_name, tap->name, sizeof(tap->name));
    tap->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (tap->control < 0)
        return leat_fail(errno, "%s: cannot open a socket: %s", port->name, strerror(errno));
    int err = set_mtu(port, tap, &request);
    if (err < 0 || (err = bring_up(port, tap, &request)) < 0)
        return err;
    /* Stays open: an interface that is moved into a namespace takes the file along. */
    snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/tx_dropped", tap->name);
    tap->dropped = open(path, O_RDONLY | O_CLOEXEC);
    tap->dropped_before = read_dropped(tap);
    return 0;
}

static int tap_open(struct leat_port *port) {
    struct tap_port *tap = calloc(1, sizeof(*tap));
    if (!tap)
        return leat_fail(ENOMEM, "%s: no memory", port->name);
    tap->control = tap->dropped = -1;
    memset(tap->fds, -1, sizeof(tap->fds));
    port->data = tap;
    port->ops = &tap_ops;
    size_t length = strlen(port->address);
    if (length == 0 || length >= sizeof(tap->name))
        return leat_fail(EINVAL, "%s: an interface's name has 1 to %zu characters", port->name,
                         sizeof(tap->name) - 1);
    memcpy(tap->name, port->address, length);
    int err = copying_check_options(port, LEAT_QUEUES_MAX);
    for (uint32_t i = 0; i < port->opts.queues && err == 0; i++)
        err = attach(port, tap, i);
    return err < 0 ? err : configure(port, tap);
}

const struct leat_driver leat_tap_driver = {
    .scheme = "tap",
    .summary = "a network interface of this machine, made on opening",
    .open = tap_open,
};
