/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port: anything that receives and sends frames, opened by name.
 *
 *   vfio-user:/run/nic.sock   xdp:eth0   tap:name   pcap:in.pcapng   pcap:>out.pcapng   null:
 *
 * A name without a kind is a capture's where it has a slash or ends in .pcap, .pcapng or .cap, else
 * an interface's: eth0 is xdp:eth0, in.pcap is pcap:in.pcap. Options follow a comma:
 * vfio-user:/run/nic.sock,queues=4,rx-ring=1024,promisc. An option that the port does not know, or
 * cannot do, is refused by name. A value goes on to the next comma; one that begins with ' or " to
 * the same sign again: it may hold commas, and that sign itself written twice.
 *
 * A port has queues, each a pair of a receive and a transmit side. A queue belongs to one worker,
 * which alone calls leat_rx() and leat_tx() on it, without locks. Everything else here may be
 * called by any thread, but by one at a time for a port.
 */
#ifndef LEAT_PORT_H
#define LEAT_PORT_H

#include <leat/packet.h>
#include <leat/pool.h>
#include <leat/stats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leat_port; /* opaque */

/* The public head of a queue, so that leat_rx() and leat_tx() are one indirect call. */
struct leat_queue {
    int (*rx)(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);
    int (*tx)(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);
    struct leat_port *port;
    struct leat_cache *cache; /* its worker's */
    uint32_t index;
};

/* How a device spreads what it receives over its queues. */
enum leat_rss {
    LEAT_RSS_DEFAULT,          /* as the driver, or whoever runs the interface, has set it */
    LEAT_RSS_SYMMETRIC,        /* both directions of a connection to one queue, or -ENOTSUP */
    LEAT_RSS_PREFER_SYMMETRIC, /* likewise, where the device can; leat_caps tells */
};

/* Zeroed members mean the default. An option in the port's name wins over its member here. */
struct leat_port_opts {
    size_t size;       /* sizeof(struct leat_port_opts) */
    uint32_t queues;   /* queues=; 0: 1, of xdp: all that the interface has */
    uint32_t rx_ring;  /* rx-ring=, descriptors a queue; 0: 512 */
    uint32_t tx_ring;  /* tx-ring=; 0: 512 */
    bool promisc;      /* promisc; receive frames that are not for this port's address, too */
    enum leat_rss rss; /* rss=default, symmetric or prefer-symmetric */
};

/* Opens a port on `pool`, which must outlive it. Nothing is received before leat_port_queue().
 * -EINVAL: the name or an option is wrong; -ENODEV: no such device; -ENOTSUP: it cannot do what an
 * option asks; -EINTR: a signal came while a pipe's capture had not begun; -EACCES, -EBUSY,
 * -ETIMEDOUT and others as leat_error() explains. */
int leat_port_open(struct leat_port **port, const char *name, struct leat_pool *pool,
                   const struct leat_port_opts *opts);

/* Starts queue `index` for the worker that owns `cache`, a cache on the port's pool. The port fills
 * its receive ring with buffers from there. All queues of a port share its incoming flows, so start
 * all: what the device gives to a queue that nobody started is lost as LEAT_DROP_RX_MISSED, or goes
 * to the kernel if the device is one of its interfaces (xdp:).
 * -EBUSY: started already; -EINVAL: no such queue, or a cache of another pool; -ENOMEM. */
int leat_port_queue(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                    struct leat_queue **queue);

/* Stops and closes: no thread may be in leat_rx() or leat_tx() of its queues. What was accepted for
 * sending is sent first, within a bound of 100 ms, or counted as LEAT_DROP_TX_ABORTED. All buffers
 * go back to the pool; should the device not confirm that it let go of them, they are set aside for
 * ever instead, with a log notice. Copies the final statistics to `final` if it is not NULL.
 * Always closes; NULL is allowed. In a child by fork() the close of an xdp: port lets go of the
 * child's descriptors and leaves queues, settings and the XDP program to the parent. */
void leat_port_close(struct leat_port *port, struct leat_stats *final);

/* Receives up to `n` packets (at most LEAT_BATCH_MAX) without waiting; they are the caller's. Never
 * part of a frame: with fewer than `n` places left than its buffers, a frame stays for the next
 * call. Returns how many packets (0 when there are none), -ENODEV once the device is gone, -EIO
 * when it is broken; `pcap:` returns -ENODATA at the end of its file. */
static inline int leat_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    return queue->rx(queue, pkts, n);
}

/* Hands over a prefix of the packets for sending, never part of a frame, and returns how long it is
 * (0 when the ring is full, or the first frame's end is not among them, so a frame has at most
 * LEAT_BATCH_MAX buffers); the rest stays the caller's, to be offered again or freed. A packet
 * that can never be sent is accepted, dropped and counted (LEAT_DROP_TX_LENGTH, _TX_OFFLOAD).
 * Sent buffers go back to the queue's cache in later calls; n = 0 only does that. -ENODEV and -EIO
 * as above, the packets then all stay the caller's. */
static inline int leat_tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    return queue->tx(queue, pkts, n);
}

/* When a frame that asked for it (LEAT_PKT_SENT) left, by the device's clock. */
struct leat_sent {
    uint64_t time_ns;
    uint32_t mark; /* of its struct leat_meta */
    uint32_t reserved;
};

/* The times of frames that were sent since the last call, in the order of their completion: fills
 * up to `n`, returns how many. By the queue's owner, after leat_tx(), which learns them. The queue
 * keeps 256; of more it forgets the oldest. A frame whose time the device did not tell is left out.
 * -ENOTSUP: the port's capabilities have no LEAT_PKT_SENT among tx_flags. */
int leat_queue_sent(struct leat_queue *queue, struct leat_sent *sent, uint32_t n);

/* Blocking. The descriptor becomes readable when an armed queue has something to receive; -ENOTSUP
 * when the port can only be polled. The port keeps it. */
int leat_queue_fd(struct leat_queue *queue);

/* Arms the wake-up: by the queue's owner, when leat_rx() returned 0. Returns 1 when something
 * arrived meanwhile (do not sleep, poll), 0 when it is armed, or a negative errno. */
int leat_queue_arm(struct leat_queue *queue);

/* Takes the wake-up back after sleeping, before polling again. */
void leat_queue_disarm(struct leat_queue *queue);

/* What the port can do and which modes are really in force. */
struct leat_caps {
    const char *driver; /* "ixgbe"; static storage */
    char device[64];    /* model and place: "82599ES (8086:10fb) on vfio-user" */
    char mode[128];     /* "polling, MSI-X wake-up, doorbells mapped" */
    uint8_t mac[6];     /* zero: it has none */
    bool rx, tx;        /* whether it receives and sends at all */
    bool wait;          /* leat_queue_fd() works */
    bool rx_lossless;   /* holds back its source instead of losing frames (files, pipes) */
    uint32_t queues, queues_max;
    uint32_t rx_ring, tx_ring, ring_min, ring_max;
    uint32_t frame_max;    /* bytes of the longest frame, without frame check sequence */
    uint32_t segments_max; /* buffers of a frame; 1: a frame is one buffer */
    uint32_t rx_flags;     /* received flags that it may set: HASH, IP_OK ... */
    uint32_t tx_flags;     /* requests that it honours: IP_CSUM, L4_CSUM ... */
    bool promisc;          /* in force */
    bool rss_symmetric;    /* both directions of a connection come to the same queue; so they do
                              with a single one */
};

/* Fills the first `size` bytes of the capabilities; pass sizeof(struct leat_caps). */
void leat_port_caps(struct leat_port *port, struct leat_caps *caps, size_t size);

struct leat_link {
    bool up;
    uint32_t speed_mbps; /* 0: unknown or meaningless */
};

/* Link state now. -ENODEV: the device is gone. */
int leat_port_link(struct leat_port *port, struct leat_link *link);

/* Waits for the link, at most `timeout_ms`. 0, -ETIMEDOUT or as leat_port_link(). */
int leat_port_wait_link(struct leat_port *port, uint32_t timeout_ms);

/* Address filters. -ENOTSUP where the port has none. */
int leat_port_set_promisc(struct leat_port *port, bool on);
int leat_port_set_mac(struct leat_port *port, const uint8_t mac[6]);

/* The multicast groups to receive, replacing those before; more than the device's exact filters
 * hold are taken by its hash filter, so that others may come along. */
int leat_port_set_multicast(struct leat_port *port, const uint8_t (*groups)[6], uint32_t n);

/* Sum over queues and device, since the port was opened; monotonic. `stats` is overwritten.
 * -ENODEV: the device is gone; `stats` then still holds what was counted before. */
int leat_port_stats(struct leat_port *port, struct leat_stats *stats);

/* One queue's part; what only the device counts is not in it. Never blocks, any thread. */
void leat_queue_stats(const struct leat_queue *queue, struct leat_stats *stats);

/* The device's own counters, all of them, by their datasheet's names. Fills up to `n`, returns how
 * many there are (0: none). */
struct leat_counter {
    const char *name; /* static storage */
    uint64_t value;
};
int leat_port_counters(struct leat_port *port, struct leat_counter *counters, uint32_t n);

/* TSC cycles that the queue's cache work took, for profiles: leat_queue_profile(queue, true) turns
 * counting on (one branch a batch otherwise). */
void leat_queue_profile(struct leat_queue *queue, bool on);
uint64_t leat_queue_buffer_cycles(const struct leat_queue *queue);

const char *leat_port_name(const struct leat_port *port); /* as opened, options included */
uint32_t leat_port_index(const struct leat_port *port); /* 0 for the first one opened, and so on */
struct leat_pool *leat_port_pool(const struct leat_port *port);

/* The kinds of ports that this build has, for help and completion. NULL beyond the last. */
const char *leat_port_kind(uint32_t i);         /* "vfio-user" */
const char *leat_port_kind_summary(uint32_t i); /* "PCI device behind a vfio-user socket" */

bool leat_port_is_capture(const char *name); /* whether a port's name is that of capture files */

/* What this machine has to open, told by those kinds that can look: of xdp: each interface. */
struct leat_port_found {
    const char *name;    /* as for leat_port_open() */
    const char *about;   /* what it is and can do: "veth, up, MTU 1500, 2 queues; native" */
    const char *warning; /* what a program should know before; NULL: nothing */
};
void leat_port_look(void (*found)(void *ctx, const struct leat_port_found *port), void *ctx);

#endif
