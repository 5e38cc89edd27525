/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program without privilege (xdp_fd.c) and the server that opens sockets for it
 * (xdp_server.c) say to each other: requests and answers, one packet of fixed size each, over a
 * unix socket of type SOCK_SEQPACKET. At most one descriptor travels with each.
 *
 *   OPEN    interface, queues, + pool         the interface's facts
 *   SOCKET  a queue, options                  + its AF_XDP socket, not yet bound
 *   START   a queue, bound by now             its frames go to the socket
 *   LINK                                      whether the interface is up
 *   CLOSE                                     frames go to the kernel again, all is free
 */
#ifndef LEAT_DRIVERS_XDP_MESSAGE_H
#define LEAT_DRIVERS_XDP_MESSAGE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define XDP_MESSAGE_MAGIC   0x1ea7fd01u
#define XDP_MESSAGE_VERSION 1
#define XDP_MESSAGE_TEXT    512
#define XDP_MESSAGE_ANY     UINT32_MAX /* queue: from the first one served */

enum xdp_message_kind {
    XDP_MESSAGE_OPEN = 1,
    XDP_MESSAGE_SOCKET,
    XDP_MESSAGE_START,
    XDP_MESSAGE_LINK,
    XDP_MESSAGE_CLOSE,
};

/* Both begin with it, in every version. */
struct xdp_message_head {
    uint32_t magic;
    uint16_t version;
    uint16_t kind; /* of an answer: that of its request */
};

struct xdp_request {
    struct xdp_message_head head;
    uint32_t queue; /* OPEN: the first, or XDP_MESSAGE_ANY; SOCKET, START: which */
    /* OPEN: */
    uint32_t queues; /* how many; 0: all that are served */
    uint64_t pool_bytes;
    uint32_t stride;
    uint32_t attach;      /* enum leat_xdp_mode */
    uint32_t promisc;     /* 0 or 1, like all that is a bool elsewhere */
    uint32_t rx_metadata; /* SOCKET: too */
    uint32_t wait;        /* enum xdp_wait; SOCKET: too */
    /* SOCKET: struct xdp_socket_opts. */
    uint32_t zerocopy, need_wakeup, segments, frame_bytes, frame_max;
    uint32_t rx_ring, tx_ring, tx_metadata;
    uint32_t reserved;
    /* OPEN: */
    char interface[IFNAMSIZ];
    char match[XDP_MESSAGE_TEXT]; /* empty: all that the server allows */
};

struct xdp_answer {
    struct xdp_message_head head;
    int32_t error; /* negative errno, `text` says why; 0: the rest is valid */
    uint32_t ifindex;
    uint64_t xdp_features, xsk_features; /* struct leat_netdev */
    uint32_t mtu;
    uint32_t queue, queues; /* granted: the first, and how many */
    uint32_t attach;        /* enum leat_xdp_mode, in force */
    uint32_t rx_metadata;
    uint32_t zerocopy_segments_max; /* struct leat_netdev */
    uint32_t speed_mbps;
    uint8_t mac[6];
    uint8_t up;
    uint8_t features_known; /* whether xdp_features are */
    char driver[32];
    char text[XDP_MESSAGE_TEXT];
};

/* Sends `bytes` with a descriptor (-1: none), without waiting. 0 or a negative errno. */
int xdp_message_send(int socket, const void *message, uint32_t bytes, int fd);

/* Takes one message, at most `bytes` long, and the descriptor that came with it (-1: none; further
 * ones are closed). Returns its length, 0: the other side is gone, or a negative errno; -EMSGSIZE:
 * it was longer. */
int xdp_message_receive(int socket, void *message, uint32_t bytes, int *fd);

/* Whether it may be used: 0, or leat_fail() with what is wrong with it. Numbers are in their ranges
 * and strings end, then. */
int xdp_request_check(const struct xdp_request *request, uint32_t bytes);
int xdp_answer_check(const struct xdp_answer *answer, uint32_t bytes, uint16_t kind);

#endif
