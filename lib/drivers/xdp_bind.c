/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding an AF_XDP socket to a queue of an interface, in copy mode or with zero-copy, and telling
 * why not: the kernel's answers have many causes each (xsk_bind() and xp_assign_dev()). */
#include "xdp_bind.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 1000 /* for an earlier socket's deferred end */

/* In copy mode a buffer becomes a fragment of an sk_buff; devices that want no linear part
 * (virtio_net) take each page of it for one: xsk_build_skb() and its zero-copy twin. */
#define MAX_SKB_FRAGS 17

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int try_bind(int fd, const struct xdp_socket_opts *opts, uint32_t flags) {
    const struct sockaddr_xdp address = {
        .sxdp_family = AF_XDP,
        .sxdp_flags = (uint16_t)flags,
        .sxdp_ifindex = opts->ifindex,
        .sxdp_queue_id = opts->queue,
    };
    return bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

/* The kernel ends sockets in work that it defers: the queue stays busy for some time. */
int xdp_bind_patiently(int fd, const struct xdp_socket_opts *opts, uint32_t flags) {
    uint64_t end = now_ms() + PATIENCE_MS;
    int err;
    for (long ms = 1; (err = try_bind(fd, opts, flags)) == EBUSY && now_ms() < end;
         ms += ms < 16 ? ms : 0)
        nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
    return err;
}

/* Flags are looked at before the interface, and there is none of index 0. */
static bool kernel_has_segments(void) {
    const struct xdp_socket_opts nowhere = { 0 };
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    bool has = fd < 0 || try_bind(fd, &nowhere, XDP_USE_SG) != EINVAL;
    if (fd >= 0)
        close(fd);
    return has;
}

static bool lacks_segments(const struct xdp_queue *q, int err) {
    return err == EINVAL && q->opts.segments && !kernel_has_segments();
}

/* Why binding failed, without the mode in mind. */
static int explain(const struct xdp_queue *q, int err) {
    const char *name = q->opts.name;
    uint32_t queue = q->opts.queue;
    switch (err) {
    case EBUSY:
        return leat_fail(EBUSY, "%s: another process has queue %u; 'ss -f xdp -p' tells which",
                         name, queue);
    case ENODEV:
        return leat_fail(ENODEV, "%s: the interface is gone", name);
    case ENETDOWN:
        return leat_fail(ENETDOWN, "%s: the interface is down; 'ip link set IFACE up'", name);
    case EINVAL:
        if (lacks_segments(q, err))
            return leat_fail(ENOTSUP,
                             "%s: this kernel has no frames of several buffers; they need Linux "
                             "6.6, or an MTU that fits into one buffer of %u bytes",
                             name, q->chunk - LEAT_BUFFER_START);
        return leat_fail(EINVAL,
                         "%s: there is no queue %u, or the socket is tied to another interface; "
                         "'ethtool -l IFACE' tells the queues, counted from 0",
                         name, queue);
    default:
        return leat_fail(err, "%s: cannot bind to queue %u: %s", name, queue, strerror(err));
    }
}

/* A chunk that crosses into a page which is not its neighbour for the device is no buffer for it
 * (xp_desc_crosses_non_contig_pg()). */
static bool pages_allow_zerocopy(const struct xdp_queue *q) {
    return !q->unaligned || leat_pool_page_bytes(q->pool) > 4096;
}

static void say_why_copying(struct xdp_queue *q, int err) {
    if (!pages_allow_zerocopy(q))
        snprintf(q->copies, sizeof(q->copies),
                 "buffers of %u bytes on ordinary pages: a stride of 4096, or huge pages",
                 q->pool->stride);
    else if (err == EOPNOTSUPP)
        snprintf(q->copies, sizeof(q->copies), "the driver has no zero-copy%s",
                 q->opts.segments ? " for frames of several buffers" : "");
    else
        snprintf(q->copies, sizeof(q->copies), "the driver refused zero-copy%s: %s",
                 err == EINVAL ? ", or has no such queue" : "", strerror(err));
}

static int require_zerocopy(struct xdp_queue *q, uint32_t flags) {
    int err = pages_allow_zerocopy(q) ? xdp_bind_patiently(q->fd, &q->opts, flags | XDP_ZEROCOPY)
                                      : EOPNOTSUPP;
    if (err == 0)
        return 0;
    if (err == EBUSY || err == ENODEV || err == ENETDOWN || lacks_segments(q, err))
        return explain(q, err);
    say_why_copying(q, err);
    return leat_fail(ENOTSUP,
                     "%s: queue %u: zerocopy=require cannot be had: %s; 'zerocopy=prefer' copies",
                     q->opts.name, q->opts.queue, q->copies);
}

/* The kernel would fall back by itself, but not say why. */
static int prefer_zerocopy(struct xdp_queue *q, uint32_t flags) {
    int err = pages_allow_zerocopy(q) ? xdp_bind_patiently(q->fd, &q->opts, flags | XDP_ZEROCOPY)
                                      : EOPNOTSUPP;
    if (err == 0)
        return 0;
    if (err == EBUSY)
        return explain(q, err);
    say_why_copying(q, err);
    err = xdp_bind_patiently(q->fd, &q->opts, flags | XDP_COPY);
    return err ? explain(q, err) : 0;
}

/* What the kernel takes as one frame; above that it drops without completing. */
static uint32_t segments_limit(const struct xdp_queue *q) {
    if (!q->opts.segments)
        return 1;
    if (q->zerocopy)
        return q->opts.zerocopy_segments_max ? q->opts.zerocopy_segments_max : 1;
    return q->unaligned ? MAX_SKB_FRAGS / 2 : MAX_SKB_FRAGS;
}

int xdp_socket_bind(struct xdp_queue *q) {
    uint32_t flags =
        (q->opts.need_wakeup ? XDP_USE_NEED_WAKEUP : 0) | (q->opts.segments ? XDP_USE_SG : 0);
    struct xdp_options in_force = { 0 };
    socklen_t bytes = sizeof(in_force);
    int err;
    if (q->opts.zerocopy == XDP_ZEROCOPY_REQUIRE)
        err = require_zerocopy(q, flags);
    else if (q->opts.zerocopy == XDP_ZEROCOPY_PREFER)
        err = prefer_zerocopy(q, flags);
    else if ((err = xdp_bind_patiently(q->fd, &q->opts, flags | XDP_COPY)))
        err = explain(q, err);
    if (err)
        return err;
    if (getsockopt(q->fd, SOL_XDP, XDP_OPTIONS, &in_force, &bytes) < 0)
        return leat_fail(errno, "%s: queue %u: cannot ask for the mode in force: %s", q->opts.name,
                         q->opts.queue, strerror(errno));
    q->zerocopy = in_force.flags & XDP_OPTIONS_ZEROCOPY;
    q->segments_max = segments_limit(q);
    xdp_set_limits(q);
    return 0;
}
