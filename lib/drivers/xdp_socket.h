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
#include <sys/types.h>

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

/* The part of a frame's sending that packets may ask the device for: XDP_TXMD_FLAGS_*. */
#define XDP_SOCKET_TX_METADATA \
    (XDP_TXMD_FLAGS_TIMESTAMP | XDP_TXMD_FLAGS_CHECKSUM | XDP_TXMD_FLAGS_LAUNCH_TIME)

#define XDP_RING_MIN 64
#define XDP_RING_MAX (1u << 16)

struct xdp_socket_opts {
    const char *name; /* of the port, for sentences */
    uint32_t ifindex, queue;
    enum xdp_zerocopy zerocopy;
    enum xdp_wait wait;
    bool need_wakeup;
    bool segments;        /* frames of several buffers (XDP_USE_SG, kernel 6.6) */
    uint32_t frame_bytes; /* of each buffer, that the kernel may use; 0: the pool's stride */
    uint32_t frame_max;   /* bytes of the longest frame to send; 0: what buffers hold */
    uint32_t zerocopy_segments_max; /* buffers of a frame that the device takes; 0: unknown, 1 */
    uint32_t rx_ring, tx_ring;      /* powers of two from XDP_RING_MIN to XDP_RING_MAX */
    uint32_t rx_metadata;           /* LEAT_XDP_META_* that the program puts before frames */
    uint32_t tx_metadata; /* XDP_SOCKET_TX_METADATA that packets may ask for (kernel 6.11 on) */
};

/* Who has a buffer, two bytes a buffer: what the kernel gives back is believed only if it has it.
 * Of buffers in the tx ring this is their length, and whether a frame ends there. */
enum {
    XDP_HELD_NOT = 0,           /* the kernel does not have it */
    XDP_HELD_FILL = UINT16_MAX, /* to receive into */
    XDP_HELD_END = 0x8000,
    XDP_HELD_BYTES = 0x7fff,
};

/* The queue of a port: public head first. Fields that a batch touches come first. */
struct xdp_queue {
    struct leat_queue_head head;
    struct xdp_ring fill, rx, tx, completion;
    uint8_t *base;         /* of the pool */
    uint16_t *held;        /* an entry a buffer: XDP_HELD_* */
    struct xdp_sent *sent; /* of frames whose time of sending is asked for; NULL: never */
    struct leat_pool *pool;
    uint32_t chunk;        /* bytes of each buffer that the kernel uses */
    uint32_t tx_reserve;   /* bytes before a frame that the kernel reads when it sends it */
    uint32_t single_max;   /* bytes of the longest frame of one buffer that can be sent */
    uint32_t frame_max;    /* ... and of any frame */
    uint32_t segments_max; /* buffers of a frame that can be sent */
    uint32_t fill_missing; /* buffers that the fill ring should have had by now */
    uint32_t tx_budget;    /* frames that a system call sends at most, in copy mode */
    uint32_t undelivered;  /* frames that completed, but were not sent */
    uint32_t idle;         /* calls in vain */
    int fd;
    pid_t process; /* whose rings these are; a child of its has them, too */
    bool need_wakeup, busy_poll, zerocopy, unaligned, gone;
    bool rx_skip; /* what follows belongs to a frame that was dropped */
    struct xdp_socket_opts opts;
    char copies[128]; /* with PREFER: why zero-copy is not in force; or "" */
};

/* Each undoes its own half-done work when it fails. Sentences name the interface, the queue and
 * the mend; kernels answer EINVAL, EOPNOTSUPP, EBUSY and ENOBUFS without saying why. */
int xdp_socket_create(struct xdp_queue *queue, struct leat_pool *pool,
                      const struct xdp_socket_opts *opts);

/* Instead of create: takes over a socket that another process created with the same options. */
int xdp_socket_adopt(struct xdp_queue *queue, int fd, struct leat_pool *pool,
                     const struct xdp_socket_opts *opts);

int xdp_socket_map(struct xdp_queue *queue);

/* Binds, waiting at most a second while an earlier socket of the queue is being torn down. With
 * PREFER zero-copy is tried first; queue->zerocopy tells what is in force (XDP_OPTIONS). */
int xdp_socket_bind(struct xdp_queue *queue);

/* Sets the public head up, all but its index, and hands the fill ring its buffers from `cache`:
 * XDP_FILL_SPARE more than the rx ring has places, so that a program that does not keep up shows
 * as a full rx ring, and only an empty pool as an empty fill ring. */
#define XDP_FILL_SPARE 64
int xdp_socket_start(struct xdp_queue *queue, struct leat_port *port, struct leat_cache *cache);

/* Sends or counts what was accepted (100 ms at most), closes the socket, makes sure that the kernel
 * let go of the buffers, and returns or quarantines them. Adds all counts of the queue to `lost`.
 * Works after any of the steps above, failed or not; the program must not redirect to the socket
 * any more. */
void xdp_socket_close(struct xdp_queue *queue, struct leat_stats *lost);

/* Adds what the kernel counted (XDP_STATISTICS) to `stats`, under the common reasons. */
int xdp_socket_stats(struct xdp_queue *queue, struct leat_stats *stats);

/* The kernel's six counters by name. */
#define XDP_SOCKET_COUNTERS 6
void xdp_socket_counters(struct xdp_queue *queue,
                         struct leat_counter counters[XDP_SOCKET_COUNTERS]);

/* xdp_wakeup.c: the system calls of a running queue. Waiting: */
int xdp_queue_fd(struct leat_queue *queue);
int xdp_queue_arm(struct leat_queue *queue);
void xdp_queue_disarm(struct leat_queue *queue);

/* Makes the driver look at the fill or the tx ring. Their answers show in queue->gone. */
void xdp_wake_rx(struct xdp_queue *queue);
void xdp_wake_tx(struct xdp_queue *queue);

/* Whether the interface is still there: 0 or -ENODEV. */
int xdp_socket_check(struct xdp_queue *queue);

/* xdp_frames.c: the fast path. */
int xdp_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);
int xdp_tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);

/* Takes back what was sent: 0, or -EIO for an index that cannot be. */
int xdp_reclaim(struct xdp_queue *queue);

/* Gives the fill ring what it misses, as far as the pool has it. */
void xdp_refill(struct xdp_queue *queue);

/* xdp_segments.c: frames of several buffers, and those that ask for something. */
uint32_t xdp_rx_frame(struct xdp_queue *queue, struct leat_pkt *pkts, uint32_t room, uint32_t ready,
                      uint32_t *got);
uint32_t xdp_tx_frame(struct xdp_queue *queue, struct leat_pkt *pkts, uint32_t n, uint32_t room);

/* xdp_sent.c: when frames were sent. */
int xdp_sent_create(struct xdp_queue *queue);
void xdp_sent_destroy(struct xdp_queue *queue);
void xdp_sent_ask(struct xdp_queue *queue, uint32_t number);
void xdp_sent_note(struct xdp_queue *queue, uint32_t number, uint64_t offset);
int xdp_sent(struct leat_queue *queue, struct leat_sent *sent, uint32_t n);

/* xdp_metadata.c: what stands before a frame. */
void xdp_read_metadata(struct xdp_queue *queue, struct leat_pkt *pkt);
bool xdp_write_metadata(struct xdp_queue *queue, struct leat_pkt *pkts, uint32_t segments,
                        uint32_t *options);

#endif
