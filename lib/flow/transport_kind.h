/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kinds of transport share, and what each has to provide. */
#ifndef LEAT_FLOW_TRANSPORT_KIND_H
#define LEAT_FLOW_TRANSPORT_KIND_H

#include "message.h"
#include "resolve.h"
#include "transport.h"
#include <sys/types.h>

struct leat_stream;
struct leat_tls;

struct leat_transport {
    const struct leat_transport_ops *ops;
    enum leat_transport_state state;
    char name[256], host[256], port[32];
    char reason[192], told_reason[192];
    bool told_ready; /* that it is connected, last */
    struct leat_resolving *resolving;
    struct addrinfo *addresses, *address; /* all, and the one that is tried or in use */
    int fd;                               /* -1: none */
    bool connected;                       /* the socket; what a kind shakes hands on */
    bool spooled;                         /* what is refused is kept */
    bool trial, trial_sent;               /* UDP: one message goes ahead, and is out */
    uint32_t session;
    uint32_t mtu; /* asked for; 0: the route's */
    uint32_t message_max;
    uint64_t now_ns, since_ns; /* of the last tick; since when in this state */
    uint64_t retry_ns, pause_ns;
    uint64_t sent; /* messages of this session; without a stream they count as acknowledged */
    uint64_t failures;
    struct leat_stream *stream;                                   /* TCP, SCTP, TLS */
    struct leat_tls *tls;                                         /* TLS, DTLS */
    void (*refused)(void *ctx, const uint8_t *bytes, uint32_t n); /* UDP */
    void *refused_ctx;
    void (*told)(void *ctx, const char *sentence);
    void *told_ctx;
};

struct leat_transport_ops {
    int socket_type, protocol;
    /* Its own state, e.g. files with keys; may be NULL, as each of the following. */
    int (*open)(struct leat_transport *transport, const struct leat_flow_sink_opts *opts);
    void (*close)(struct leat_transport *transport);
    /* Settings of a socket that is about to be connected. */
    void (*prepare)(struct leat_transport *transport);
    /* The socket is connected: 0 when messages may be sent, -EAGAIN: ask again, or an error. */
    int (*handshake)(struct leat_transport *transport);
    /* As send(2) and recv(2) on a socket that does not block, but -errno; with their reason. */
    ssize_t (*write)(struct leat_transport *transport, const uint8_t *bytes, uint32_t n);
    ssize_t (*read)(struct leat_transport *transport, uint8_t *bytes, uint32_t n);
    /* With a stream: at least as many octets as the socket was given and the other host has not
     * acknowledged, or an error. */
    int (*queued)(const struct leat_transport *transport);
    /* Says goodbye, if the session is `orderly`, and lets go of it. */
    void (*end)(struct leat_transport *transport, bool orderly);
};

extern const struct leat_transport_ops leat_transport_udp;
extern const struct leat_transport_ops leat_transport_tcp;
extern const struct leat_transport_ops leat_transport_sctp;
extern const struct leat_transport_ops leat_transport_tls;
extern const struct leat_transport_ops leat_transport_dtls;

/* Says why, and returns -err. */
int leat_transport_because(struct leat_transport *transport, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* send(2) and recv(2). */
ssize_t leat_socket_write(struct leat_transport *transport, const uint8_t *bytes, uint32_t n);
ssize_t leat_socket_read(struct leat_transport *transport, uint8_t *bytes, uint32_t n);

/* Octets for UDP's payload on the path to the address in use. */
uint32_t leat_udp_room(const struct leat_transport *transport);

/* Messages on their way over TCP, SCTP or TLS, kept until the other host has acknowledged them. */
#define LEAT_STREAM_OCTETS (1u << 20)
int leat_stream_create(struct leat_stream **stream);
void leat_stream_destroy(struct leat_stream *stream);
int leat_stream_open(struct leat_transport *transport, const struct leat_flow_sink_opts *opts);
void leat_stream_close(struct leat_transport *transport);
void leat_stream_reset(struct leat_stream *stream); /* for a new connection */
void leat_tcp_prepare(struct leat_transport *transport);
int leat_tcp_queued(const struct leat_transport *transport);
/* 0 or -EAGAIN: no room. */
int leat_stream_put(struct leat_stream *stream, const uint8_t *message, uint32_t n);
/* Writes what can be written, and looks what was acknowledged. 0, or why the connection broke. */
int leat_stream_flush(struct leat_stream *stream, struct leat_transport *transport);
uint64_t leat_stream_acknowledged(const struct leat_stream *stream); /* messages */
bool leat_stream_empty(const struct leat_stream *stream);
void leat_stream_take_back(struct leat_stream *stream,
                           void (*message)(void *ctx, const uint8_t *bytes, uint32_t n), void *ctx);
/* Of what was written to the socket; TLS writes more than it was given. */
void leat_stream_wrote(struct leat_stream *stream, uint32_t octets);

#endif
