/* SPDX-License-Identifier: BSD-2-Clause */
/* The tap: port: its interface (tap.c), and its queues' frames (tap_frames.c). */
#ifndef LEAT_DRIVERS_TAP_H
#define LEAT_DRIVERS_TAP_H

#include "copying.h"
#include <net/if.h>

struct tap_port {
    char name[IFNAMSIZ];
    int fds[LEAT_QUEUES_MAX]; /* one a queue */
    int control;              /* a socket to ask about the interface */
    int dropped;              /* the kernel's count of what it dropped for want of room; or -1 */
    uint64_t dropped_before;  /* when the port was opened */
    uint64_t dropped_last;    /* when it was last read: an interface that is gone tells no more */
    uint32_t mtu;
    uint32_t frame_max;
    uint32_t segments_max;
};

struct tap_queue {
    struct leat_queue_head head;
    const struct tap_port *tap;
    int fd;
    uint32_t buffer_count;                             /* of `buffers`, ready to be read into */
    uint32_t held;                                     /* the first of them hold a frame already */
    struct leat_pkt buffers[COPYING_SEGMENTS_MAX + 1]; /* the port's */
};

int tap_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);
int tap_tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);

/* Gives its buffers back. */
void tap_queue_release(struct tap_queue *queue);

#endif
