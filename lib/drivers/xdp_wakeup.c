/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls of a running AF_XDP queue: waking the driver, sleeping until it wakes us, and
 * seeing that the interface is gone.
 *
 * A queue without a socket (fd -1) makes none: its rings have another partner than the kernel.
 */
#include "xdp_socket.h"
#include <errno.h>
#include <string.h>

#define SENDS_MAX 64 /* system calls for one batch */

/* The kernel reports an interface that was unregistered as an error of the socket, once
 * (xsk_notifier() in net/xdp/xsk.c). One that is only down makes none. */
int xdp_socket_check(struct xdp_queue *q) {
    int error = 0;
    socklen_t bytes = sizeof(error);
    if (!q->gone && q->fd >= 0 && getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 &&
        error == ENETDOWN)
        q->gone = true;
    return q->gone ? leat_fail(ENODEV, "%s: the interface is gone", q->opts.name) : 0;
}

/* With SO_PREFER_BUSY_POLL this runs the driver's NAPI. */
void xdp_wake_rx(struct xdp_queue *q) {
    if (q->fd >= 0 && recvfrom(q->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 && errno == ENXIO)
        xdp_socket_check(q);
}

/*
 * In copy mode this sends the frames (__xsk_generic_xmit()). It ends early with EAGAIN when the
 * budget is used up, or when the completion ring, the socket's send buffer or the device has no
 * room: another call goes on with what is left, if the last one got on. Before 6.17 the tx ring may
 * show late how far it got: once all is taken that the kernel saw when it last looked.
 *
 * With EBUSY the stack dropped a frame, because the interface has no carrier: it completes all the
 * same, and what follows waits for another call. Anything else passes, or shows when the interface
 * is looked at: frames wait in the ring.
 */
void xdp_wake_tx(struct xdp_queue *q) {
    uint32_t unseen = 0; /* frames that may have been sent and do not show */
    for (uint32_t sends = 0; q->fd >= 0 && sends < SENDS_MAX; sends++) {
        uint32_t before = q->tx.other;
        if (sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
            return;
        if (errno == ENXIO)
            xdp_socket_check(q);
        bool dropped = errno == EBUSY && !q->zerocopy;
        q->undelivered += dropped;
        if ((errno != EAGAIN && !dropped) || !xdp_ring_pending(&q->tx))
            return;
        unseen = q->tx.other == before ? unseen + q->tx_budget : 0;
        if (!dropped && unseen >= q->tx.own - q->tx.other)
            return;
    }
}

int xdp_queue_fd(struct leat_queue *queue) {
    struct xdp_queue *q = (struct xdp_queue *)queue;
    if (q->opts.wait == XDP_WAIT_POLL)
        return q->fd;
    return leat_fail(ENOTSUP, "%s: queue %u can only be polled: it was opened with wait=%s",
                     q->opts.name, q->opts.queue,
                     q->opts.wait == XDP_WAIT_SPIN ? "spin" : "busy-poll");
}

/* poll() on the socket would wake the driver (xsk_poll()), but a sleeper in epoll has done that
 * long ago. */
int xdp_queue_arm(struct leat_queue *queue) {
    struct xdp_queue *q = (struct xdp_queue *)queue;
    int err = xdp_socket_check(q);
    if (err < 0)
        return err;
    if (q->fill_missing > 0)
        xdp_refill(q);
    if (q->need_wakeup && xdp_ring_needs_wakeup(&q->fill))
        xdp_wake_rx(q);
    if (xdp_ring_pending(&q->tx))
        xdp_wake_tx(q);
    return xdp_ring_ready(&q->rx, UINT32_MAX) > 0;
}

/* The socket is readable for as long as a frame waits, and says nothing afterwards. */
void xdp_queue_disarm(struct leat_queue *queue) {
    (void)queue;
}
