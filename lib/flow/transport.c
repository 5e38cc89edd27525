/* SPDX-License-Identifier: BSD-2-Clause */
/* Connecting, reconnecting and sending, whatever the protocol. */
#include "lib/core/error.h"
#include "transport_kind.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MIN_NS       100000000ull
#define PAUSE_MAX_NS       10000000000ull
#define CONNECT_TIMEOUT_NS 10000000000ull
#define STREAM_MESSAGE_MAX 16384 /* one record of TLS */
#define READS_A_TICK       16    /* of what the collector says */
#define READ_OCTETS        4096

/* Without a library its kind has no entry; sink_ipfix.c says so before it comes here. */
static const struct leat_transport_ops *const kinds[] = {
    [LEAT_TRANSPORT_UDP] = &leat_transport_udp,   [LEAT_TRANSPORT_TCP] = &leat_transport_tcp,
#ifdef LEAT_WITH_SCTP
    [LEAT_TRANSPORT_SCTP] = &leat_transport_sctp,
#endif
#ifdef LEAT_WITH_OPENSSL
    [LEAT_TRANSPORT_TLS] = &leat_transport_tls,   [LEAT_TRANSPORT_DTLS] = &leat_transport_dtls,
#endif
};

int leat_transport_because(struct leat_transport *transport, int err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(transport->reason, sizeof(transport->reason), format, args);
    va_end(args);
    return -err;
}

static void tell(const struct leat_transport *transport, const char *what) {
    char sentence[LEAT_SENTENCE_BYTES];
    if (!transport->told)
        return;
    snprintf(sentence, sizeof(sentence), "%s: %s%s%s", transport->name, what,
             transport->reason[0] ? ": " : "", transport->reason);
    transport->told(transport->told_ctx, sentence);
}

ssize_t leat_socket_write(struct leat_transport *transport, const uint8_t *bytes, uint32_t n) {
    ssize_t sent;
    do
        sent = send(transport->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == ENOBUFS)
        return -EAGAIN;
    return leat_transport_because(transport, errno, "%s", strerror(errno));
}

ssize_t leat_socket_read(struct leat_transport *transport, uint8_t *bytes, uint32_t n) {
    ssize_t got;
    do
        got = recv(transport->fd, bytes, n, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        return got;
    if (errno == EAGAIN)
        return -EAGAIN;
    return leat_transport_because(transport, errno, "%s", strerror(errno));
}

static void enter(struct leat_transport *transport, enum leat_transport_state state) {
    transport->state = state;
    transport->since_ns = transport->now_ns;
}

static void hang_up(struct leat_transport *transport, bool orderly) {
    if (transport->fd < 0)
        return;
    if (transport->ops->end)
        transport->ops->end(transport, orderly);
    close(transport->fd);
    transport->fd = -1;
    transport->connected = false;
}

static void pause_first(struct leat_transport *transport) {
    transport->retry_ns = transport->now_ns + transport->pause_ns;
    transport->pause_ns *= 2;
    if (transport->pause_ns > PAUSE_MAX_NS)
        transport->pause_ns = PAUSE_MAX_NS;
}

static void tell_ready(struct leat_transport *transport) {
    transport->reason[0] = transport->told_reason[0] = '\0';
    transport->told_ready = true;
    tell(transport, "connected");
}

/* However often it is tried, that it is away is told once, and again when the reason is another. */
static void tell_away(struct leat_transport *transport) {
    if (transport->told_ready)
        tell(transport, "the collector is away");
    else if (strcmp(transport->reason, transport->told_reason) != 0)
        tell(transport, "the collector cannot be reached");
    transport->told_ready = false;
    memcpy(transport->told_reason, transport->reason, sizeof(transport->told_reason));
}

/* The session is over, or did not come about; the reason is there. The next address comes at once,
 * all of them again after a pause. */
static void away(struct leat_transport *transport) {
    const bool was_ready = transport->state == LEAT_TRANSPORT_READY;
    transport->failures++;
    hang_up(transport, false);
    if (was_ready || !transport->address || !transport->address->ai_next) {
        tell_away(transport);
        transport->address = NULL;
        pause_first(transport);
    } else {
        transport->address = transport->address->ai_next;
        transport->retry_ns = transport->now_ns;
    }
    enter(transport, LEAT_TRANSPORT_AWAY);
}

static void ready(struct leat_transport *transport) {
    if (transport->stream)
        leat_stream_reset(transport->stream);
    transport->sent = 0;
    transport->session++;
    transport->trial_sent = false;
    enter(transport, LEAT_TRANSPORT_READY);
    if (!transport->trial) /* else it is to be seen */
        tell_ready(transport);
}

static void handshake(struct leat_transport *transport) {
    int err = 0;
    socklen_t length = sizeof(err);
    if (!transport->connected) {
        struct pollfd poller = { .fd = transport->fd, .events = POLLOUT };
        if (poll(&poller, 1, 0) == 0)
            err = EAGAIN;
        else if (getsockopt(transport->fd, SOL_SOCKET, SO_ERROR, &err, &length) < 0)
            err = errno;
        if (err && err != EAGAIN)
            leat_transport_because(transport, err, "%s", strerror(err));
        transport->connected = !err;
        err = -err;
    }
    if (!err && transport->ops->handshake)
        err = transport->ops->handshake(transport);
    if (!err) {
        ready(transport);
    } else if (err != -EAGAIN) {
        away(transport);
    } else if (transport->now_ns - transport->since_ns > CONNECT_TIMEOUT_NS) {
        leat_transport_because(transport, ETIMEDOUT, "no answer");
        away(transport);
    }
}

static void begin(struct leat_transport *transport) {
    const struct leat_transport_ops *ops = transport->ops;
    const struct addrinfo *address = transport->address;
    transport->fd =
        socket(address->ai_family, ops->socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, ops->protocol);
    if (transport->fd < 0) {
        leat_transport_because(transport, errno, "cannot make a socket: %s%s", strerror(errno),
                               errno == EPROTONOSUPPORT ? "; is the kernel's module loaded?" : "");
        away(transport);
        return;
    }
    if (ops->prepare)
        ops->prepare(transport);
    if (connect(transport->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS) {
        leat_transport_because(transport, errno, "%s", strerror(errno));
        away(transport);
        return;
    }
    enter(transport, LEAT_TRANSPORT_CONNECTING);
    handshake(transport);
}

static void resolved(struct leat_transport *transport, int err) {
    transport->address = transport->addresses;
    if (transport->addresses)
        return;
    leat_transport_because(transport, EHOSTUNREACH, "cannot find the address of '%s': %s",
                           transport->host, gai_strerror(err));
    away(transport);
}

/* All addresses were tried: ask for them anew, in the background. */
static void resolve(struct leat_transport *transport) {
    struct addrinfo *addresses;
    int err;
    if (!transport->resolving)
        transport->resolving =
            leat_resolve_start(transport->host, transport->port, transport->ops->socket_type);
    if (!transport->resolving) {
        leat_transport_because(transport, ENOMEM, "cannot start a thread to resolve its name");
        away(transport);
        return;
    }
    if (!leat_resolve_done(transport->resolving, &addresses, &err))
        return;
    leat_resolve_drop(transport->resolving);
    transport->resolving = NULL;
    if (transport->addresses)
        freeaddrinfo(transport->addresses);
    transport->addresses = addresses;
    resolved(transport, err);
}

int leat_transport_open(struct leat_transport **opened, enum leat_transport_kind kind,
                        const char *name, const char *host, const char *port,
                        const struct leat_flow_sink_opts *opts) {
    struct leat_transport *transport = calloc(1, sizeof(*transport));
    struct timespec now;
    int err;
    if (!transport)
        return leat_fail(ENOMEM, "%s: no memory", name);
    *transport = (struct leat_transport){ .ops = kinds[kind],
                                          .fd = -1,
                                          .spooled = opts->spool != NULL,
                                          .mtu = opts->mtu,
                                          .message_max = STREAM_MESSAGE_MAX,
                                          .pause_ns = PAUSE_MIN_NS,
                                          .told = opts->told,
                                          .told_ctx = opts->told_ctx };
    snprintf(transport->name, sizeof(transport->name), "%s", name);
    snprintf(transport->host, sizeof(transport->host), "%s", host);
    snprintf(transport->port, sizeof(transport->port), "%s", port);
    err = transport->ops->open ? transport->ops->open(transport, opts) : 0;
    if (err) {
        leat_transport_close(transport);
        return err;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    transport->now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    err = leat_resolve(host, port, transport->ops->socket_type, &transport->addresses);
    resolved(transport, err);
    if (transport->address)
        begin(transport);
    *opened = transport;
    return 0;
}

void leat_transport_close(struct leat_transport *transport) {
    hang_up(transport, false);
    if (transport->ops->close)
        transport->ops->close(transport);
    if (transport->resolving)
        leat_resolve_drop(transport->resolving);
    if (transport->addresses)
        freeaddrinfo(transport->addresses);
    free(transport);
}

/* What a collector says is thrown away, a bounded amount at a time. 0, or why it is over. */
static int listen_to(struct leat_transport *transport) {
    uint8_t bytes[READ_OCTETS];
    for (uint32_t i = 0; i < READS_A_TICK; i++) {
        ssize_t got = transport->ops->read(transport, bytes, sizeof(bytes));
        if (got == -EAGAIN)
            return 0;
        if (got < 0)
            return (int)got;
        if (got == 0 && transport->ops->socket_type != SOCK_DGRAM)
            return leat_transport_because(transport, ECONNRESET, "it closed the connection");
    }
    return 0;
}

enum leat_transport_state leat_transport_tick(struct leat_transport *transport, uint64_t now_ns) {
    int err;
    transport->now_ns = now_ns;
    switch (transport->state) {
    case LEAT_TRANSPORT_AWAY:
        if (now_ns < transport->retry_ns)
            break;
        if (!transport->address)
            resolve(transport);
        if (transport->address)
            begin(transport);
        break;
    case LEAT_TRANSPORT_CONNECTING:
        handshake(transport);
        break;
    case LEAT_TRANSPORT_READY:
        err = listen_to(transport);
        if (!err && transport->stream)
            err = leat_stream_flush(transport->stream, transport);
        if (err) {
            away(transport);
            break;
        }
        if (transport->trial_sent) {
            transport->trial = transport->trial_sent = false;
            tell_ready(transport);
        }
        if (now_ns - transport->since_ns > PAUSE_MAX_NS) /* it holds */
            transport->pause_ns = PAUSE_MIN_NS;
        break;
    }
    return transport->state;
}

static int send_stream(struct leat_transport *transport, const uint8_t *message, uint32_t n) {
    int err = leat_stream_put(transport->stream, message, n);
    if (err == -EAGAIN) {
        err = leat_stream_flush(transport->stream, transport);
        if (!err)
            err = leat_stream_put(transport->stream, message, n);
    }
    return err ? err : leat_stream_flush(transport->stream, transport);
}

int leat_transport_send(struct leat_transport *transport, const uint8_t *message, uint32_t n) {
    ssize_t err;
    if (transport->state != LEAT_TRANSPORT_READY)
        return -ENOTCONN;
    if (transport->trial && transport->trial_sent)
        return -EAGAIN;
    if (transport->stream) {
        err = send_stream(transport, message, n);
    } else {
        err = transport->ops->write(transport, message, n);
        err = err < 0 ? err : 0;
    }
    if (!err) {
        transport->sent++;
        transport->trial_sent = transport->trial;
    } else if (err != -EAGAIN) {
        away(transport);
        return -ENOTCONN;
    }
    return (int)err;
}

void leat_transport_on_refused(struct leat_transport *transport,
                               void (*refused)(void *ctx, const uint8_t *bytes, uint32_t n),
                               void *ctx) {
    transport->refused = refused;
    transport->refused_ctx = ctx;
}

void leat_transport_take_back(struct leat_transport *transport,
                              void (*message)(void *ctx, const uint8_t *bytes, uint32_t n),
                              void *ctx) {
    if (transport->stream)
        leat_stream_take_back(transport->stream, message, ctx);
}

void leat_transport_restart(struct leat_transport *transport, const char *reason) {
    hang_up(transport, true);
    leat_transport_because(transport, 0, "%s", reason);
    transport->address = transport->addresses;
    transport->retry_ns = transport->now_ns;
    enter(transport, LEAT_TRANSPORT_AWAY);
}

void leat_transport_finish(struct leat_transport *transport, uint32_t timeout_ms) {
    const uint64_t until_ns = transport->now_ns + timeout_ms * 1000000ull;
    while (transport->state == LEAT_TRANSPORT_READY && transport->stream &&
           !leat_stream_empty(transport->stream)) {
        struct pollfd poller = { .fd = transport->fd, .events = POLLIN };
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        const uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        if (now_ns >= until_ns)
            return;
        poll(&poller, 1, 10); /* no event tells of acknowledgements */
        leat_transport_tick(transport, now_ns);
    }
    if (transport->state == LEAT_TRANSPORT_READY)
        leat_transport_restart(transport, "closed");
}

enum leat_transport_state leat_transport_state(const struct leat_transport *transport) {
    return transport->state;
}

uint32_t leat_transport_session(const struct leat_transport *transport) {
    return transport->session;
}

uint64_t leat_transport_acknowledged(const struct leat_transport *transport) {
    return transport->stream ? leat_stream_acknowledged(transport->stream)
                             : transport->sent - transport->trial_sent;
}

uint64_t leat_transport_failures(const struct leat_transport *transport) {
    return transport->failures;
}

uint32_t leat_transport_message_max(const struct leat_transport *transport) {
    return transport->message_max;
}

const char *leat_transport_reason(const struct leat_transport *transport) {
    return transport->reason;
}
