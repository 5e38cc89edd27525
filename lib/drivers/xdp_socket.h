/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One AF_XDP socket: one queue of an interface, with its four rings in memory shared with the
 * kernel and the port's whole pool as a UMEM of its own (Documentation/networking/af_xdp.rst).
 *
 *            to the kernel            from the kernel
 *   receive  fill: empty buffers      rx: descriptors of frames
 *   send     tx: descriptors          completion: buffers that are sent
 *
 * Made in steps, so that a privileged process can do the first for another one (xdp serve):
 * create (socket, UMEM, ring sizes), map (the rings), bind (to a queue), start (a worker's cache).
 */
#ifndef LEAT_DRIVERS_XDP_SOCKET_H
#define LEAT_DRIVERS_XDP_SOCKET_H

#include "lib/core/driver.h"
#include "xdp_ring.h"

enum xdp_zerocopy {
    XDP_ZEROCOPY_PREFER,
    XDP_ZEROCOPY_REQUIRE,
    XDP_ZEROCOPY_NEVER,
};

enum xdp_wait {
    XDP_WAIT_POLL,      /* the queue has a descriptor to sleep on */
    XDP_WAIT_SPIN,      /* it can only be polled */
    XDP_WAIT_BUSY_POLL, /* receiving runs the driver's NAPI in the worker (SO_PREFER_BUSY_POLL) */
};

struct xdp_socket_opts {
    const char *name; /* of the port, for sentences */
    uint32_t ifindex, queue;
    enum xdp_zerocopy zerocopy;
    enum xdp_wait wait;
    bool need_wakeup;
    bool segments;        /* frames of several buffers (XDP_USE_SG, kernel 6.6) */
    uint32_t frame_bytes; /* of each buffer, that the kernel may use; 0: the pool's stride */
    uint32_t rx_ring, tx_ring;
    uint32_t rx_metadata; /* LEAT_XDP_META_* that the program puts before frames */
    uint32_t tx_metadata; /* XDP_TXMD_FLAGS_* that packets may ask for (kernel 6.8 on) */
};

/* The queue of a port: public head first. Fields that a batch touches come first. */
struct xdp_queue {
    struct leat_queue_head head;
    struct xdp_ring fill, rx, tx, completion;
    uint8_t *base; /* of the pool */
    uint8_t *held; /* a byte a buffer: HELD_* of what the kernel has of us */
    int fd;
    bool need_wakeup, busy_poll, zerocopy, unaligned, gone;
    struct xdp_socket_opts opts;
    struct leat_pool *pool;
};

/* Each undoes its own half-done work when it fails. Sentences name the interface, the queue and
 * the mend; kernels answer EINVAL, EOPNOTSUPP, EBUSY and ENOBUFS without saying why. */
int xdp_socket_create(struct xdp_queue *queue, struct leat_pool *pool,
                      const struct xdp_socket_opts *opts);
int xdp_socket_map(struct xdp_queue *queue);

/* The two halves of create. A privileged process does the first for another one: a socket with the
 * pool as its UMEM and with its rings' sizes set; returns the descriptor. The other one does the
 * second: the queue's own state around such a socket, which it owns from then on. */
int xdp_socket_register(const struct leat_pool *pool, const struct xdp_socket_opts *opts);
int xdp_socket_adopt(struct xdp_queue *queue, struct leat_pool *pool,
                     const struct xdp_socket_opts *opts, int fd);

/* Binds, waiting at most a second while an earlier socket of the queue is being torn down. With
 * PREFER zero-copy is tried first; queue->zerocopy tells what is in force (XDP_OPTIONS). */
int xdp_socket_bind(struct xdp_queue *queue);

/* Hands the fill ring its buffers from `cache`. */
int xdp_socket_start(struct xdp_queue *queue, struct leat_port *port, struct leat_cache *cache);

/* Sends or counts what was accepted (100 ms at most), closes the socket, makes sure that the kernel
 * let go of the buffers, and returns or quarantines them. Adds the last counts to `lost`. */
void xdp_socket_close(struct xdp_queue *queue, struct leat_stats *lost);

/* Adds what the kernel counted (XDP_STATISTICS) to `stats`, under the common reasons. */
int xdp_socket_stats(struct xdp_queue *queue, struct leat_stats *stats);

/* The kernel's six counters by name. */
#define XDP_SOCKET_COUNTERS 6
void xdp_socket_counters(struct xdp_queue *queue,
                         struct leat_counter counters[XDP_SOCKET_COUNTERS]);

/* Waiting. */
int xdp_queue_fd(struct leat_queue *queue);
int xdp_queue_arm(struct leat_queue *queue);
void xdp_queue_disarm(struct leat_queue *queue);

/* xdp_frames.c: the fast path. */
int xdp_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);
int xdp_tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);

#endif
