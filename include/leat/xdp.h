/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_XDP without privilege. A server that may do everything opens sockets for programs that may do
 * nothing, and hands them over (`leat xdp serve`); their ports are named xdp-fd:SOCKET/eth0.
 *
 *   program                          server
 *   its pool, a memfd        --->    registers it, ties the socket to the interface
 *   binds it, maps its rings <---    the socket, not yet bound
 *   "started"                --->    gives the queue's frames to it
 *
 * Frames never pass the server. What it granted ends with the connection.
 */
#ifndef LEAT_XDP_H
#define LEAT_XDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the program that takes frames is attached to an interface. */
enum leat_xdp_attach {
    LEAT_XDP_ATTACH_AUTO,    /* native where the driver has it, else generic */
    LEAT_XDP_ATTACH_NATIVE,  /* in the driver */
    LEAT_XDP_ATTACH_GENERIC, /* behind it, for any interface */
};

/* An interface that is served. */
struct leat_xdp_served {
    const char *interface;
    uint32_t queue_first,
        queue_count; /* which of its queues; count 0: from the first to the last */
};

/* Zeroed members mean the default. */
struct leat_xdp_server_opts {
    size_t size;          /* sizeof(struct leat_xdp_server_opts) */
    const char *socket;   /* path of the unix socket; made by the server, removed when it closes */
    uint32_t socket_mode; /* permissions of the socket's file; 0: 0666, as users decides */
    const struct leat_xdp_served *served; /* nothing else is */
    uint32_t served_count;
    const uint32_t *uids; /* who may: these users, members of these groups, and the server's user */
    uint32_t uid_count;
    const uint32_t *gids;
    uint32_t gid_count;
    const char *match; /* frames that programs may take at all, in tcpdump's language; NULL: all */
    enum leat_xdp_attach attach;
    uint64_t memory_bytes; /* of all programs' pools together, pinned; 0: 1 GiB */
    bool force;            /* serves the interface of the default route without `match`, too */

    /* Told what happens: who was given what, who was refused. May be NULL. */
    void (*told)(void *ctx, const char *sentence);
    void *ctx;
};

struct leat_xdp_server; /* opaque */

/* Makes the socket. -EPERM: a capability is missing, which the sentence names; -ENOTSUP: this
 * kernel does not hold a socket to the interface that it is tied to; -EADDRINUSE: another server
 * listens there; -ENODEV: no such interface; -EINVAL: a wrong option; -EBUSY: taking all frames of
 * the interface with the default route needs `force`. */
int leat_xdp_server_open(struct leat_xdp_server **server, const struct leat_xdp_server_opts *opts);

/* Serves until leat_xdp_server_stop(). 0, or a negative errno. */
int leat_xdp_server_run(struct leat_xdp_server *server);

/* Makes run() return. For signal handlers and other threads. */
void leat_xdp_server_stop(struct leat_xdp_server *server);

/* Ends all connections, and with them what they were granted. NULL is allowed. */
void leat_xdp_server_close(struct leat_xdp_server *server);

/* Removes what programs that died left on an interface, and puts back the settings that they
 * changed; with `force` takes off any XDP program, Leat's or not. Tells each removal to `told` (may
 * be NULL). Returns how many things it removed, or a negative errno. */
int leat_xdp_clean(const char *interface, bool force, void (*told)(void *ctx, const char *sentence),
                   void *ctx);

#endif
