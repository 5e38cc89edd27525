/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server that opens AF_XDP sockets for programs without privilege: who is connected and may
 * what (xdp_server.c), and what the connected are given (xdp_grant.c).
 */
#ifndef LEAT_DRIVERS_XDP_SERVER_H
#define LEAT_DRIVERS_XDP_SERVER_H

#include "lib/bpf/stage.h"
#include "lib/bus/netdev.h"
#include "xdp_message.h"
#include "xdp_socket.h"
#include <leat/xdp.h>
#include <sys/socket.h>

#define XDP_CLIENTS_MAX         64
#define XDP_CLIENTS_OF_USER_MAX 16
#define XDP_SERVED_MAX          32

/* An interface that is served. */
struct xdp_served {
    char interface[IFNAMSIZ];
    uint32_t first, count;  /* its queues; count 0: all from the first on */
    uint32_t grants;        /* that are in force */
    struct leat_netdev dev; /* while there are any: holds the settings that they need */
};

/* What a connected program was given. */
struct xdp_grant {
    struct xdp_served *served; /* NULL: nothing */
    struct leat_stage *stage;
    uint32_t queue, queues; /* its queues: the first, and how many */
    int memory;             /* its pool, a memfd */
    uint64_t memory_bytes;
    uint32_t stride;
    int sockets[LEAT_QUEUES_MAX]; /* handed over, but not started yet; -1: none */
    bool given[LEAT_QUEUES_MAX];  /* one each: their rings are the kernel's memory */
};

struct xdp_client {
    int socket;
    uint32_t uid;
    bool allowed;
    short events;         /* of the last poll() */
    uint64_t deadline_ns; /* to have asked for something; 0: it has been given something */
    char name[64];        /* "user 1000, process 4711" */
    struct xdp_grant grant;
};

struct leat_xdp_server {
    struct leat_xdp_server_opts opts; /* with copies of what it points to: */
    char *path, *match;
    struct xdp_served served[XDP_SERVED_MAX];
    uint32_t *uids, *gids;
    int listener, stop; /* stop: an eventfd */
    bool resting;       /* from accepting, which failed and would fail again at once */
    struct xdp_client *clients[XDP_CLIENTS_MAX];
    uint32_t client_count;
};

/* Does what a request asks and fills the answer but for its head. What it returns is a descriptor
 * to send along, borrowed, or -1. Takes `memory`, which came with the request or is -1. */
int xdp_grant_answer(struct leat_xdp_server *server, struct xdp_client *client,
                     const struct xdp_request *request, int memory, struct xdp_answer *answer);

void xdp_grant_begin(struct xdp_grant *grant);

/* Takes everything back: the frames go to the kernel again. */
void xdp_grant_end(struct xdp_grant *grant);

void xdp_server_tell(const struct leat_xdp_server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
