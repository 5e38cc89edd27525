/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP (RFC 7011, 10.4), and the buffer of what is on its way over a stream. A message stays in it
 * until the other host has acknowledged its octets, so that none is lost in the kernel's buffers
 * when the connection breaks.
 *
 *      0      front        sent          end          LEAT_STREAM_OCTETS
 *      | gone | on its way | not written | free       |
 */
#include "lib/core/error.h"
#include "transport_kind.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define MARKS       64 /* a power of two; with MARK_OCTETS more than the kernel's buffer */
#define MARK_OCTETS 16384

/* What had been sent when the socket had been given so much: when the other host has that, it has
 * all before. With TLS nothing else says which octets on the wire belong to which message. */
struct mark {
    uint64_t wire;
    uint32_t sent;
};

struct leat_stream {
    uint32_t front, sent, end; /* front and end are between messages */
    uint64_t acknowledged;     /* messages of this session */
    uint64_t wire;             /* octets given to the socket */
    struct mark marks[MARKS];  /* oldest at first_mark */
    uint32_t first_mark, next_mark;
    uint8_t octets[LEAT_STREAM_OCTETS];
};

int leat_stream_create(struct leat_stream **stream) {
    *stream = malloc(sizeof(**stream));
    if (!*stream)
        return leat_fail(ENOMEM, "no memory for messages on their way");
    leat_stream_reset(*stream);
    return 0;
}

void leat_stream_destroy(struct leat_stream *stream) {
    free(stream);
}

void leat_stream_reset(struct leat_stream *stream) {
    stream->front = stream->sent = stream->end = 0;
    stream->first_mark = stream->next_mark = 0;
    stream->acknowledged = stream->wire = 0;
}

/* Moves what is left to the start. */
static void compact(struct leat_stream *stream) {
    memmove(stream->octets, stream->octets + stream->front, stream->end - stream->front);
    for (uint32_t i = stream->first_mark; i != stream->next_mark; i++)
        stream->marks[i % MARKS].sent -= stream->front;
    stream->sent -= stream->front;
    stream->end -= stream->front;
    stream->front = 0;
}

int leat_stream_put(struct leat_stream *stream, const uint8_t *message, uint32_t n) {
    if (n > LEAT_STREAM_OCTETS - (stream->end - stream->front))
        return -EAGAIN;
    if (n > LEAT_STREAM_OCTETS - stream->end)
        compact(stream);
    memcpy(stream->octets + stream->end, message, n);
    stream->end += n;
    return 0;
}

void leat_stream_wrote(struct leat_stream *stream, uint32_t octets) {
    stream->wire += octets;
}

static void mark(struct leat_stream *stream) {
    const uint32_t marks = stream->next_mark - stream->first_mark;
    if (marks == MARKS ||
        (marks && stream->wire - stream->marks[(stream->next_mark - 1) % MARKS].wire < MARK_OCTETS))
        return;
    stream->marks[stream->next_mark++ % MARKS] = (struct mark){ stream->wire, stream->sent };
}

static void let_go(struct leat_stream *stream, uint32_t until) {
    while (stream->front < until) {
        const uint32_t n = leat_message_length(stream->octets + stream->front);
        if (n > until - stream->front)
            return;
        stream->front += n;
        stream->acknowledged++;
    }
}

static void acknowledge(struct leat_stream *stream, const struct leat_transport *transport) {
    if (stream->front == stream->end)
        return;
    const int queued = transport->ops->queued(transport);
    if (queued < 0)
        return;
    for (; stream->first_mark != stream->next_mark; stream->first_mark++) {
        const struct mark *oldest = &stream->marks[stream->first_mark % MARKS];
        if (oldest->wire + (uint64_t)queued > stream->wire)
            return;
        let_go(stream, oldest->sent);
    }
    mark(stream); /* of what was sent since */
}

int leat_stream_flush(struct leat_stream *stream, struct leat_transport *transport) {
    while (stream->sent < stream->end) {
        ssize_t n = transport->ops->write(transport, stream->octets + stream->sent,
                                          stream->end - stream->sent);
        if (n == -EAGAIN)
            break;
        if (n < 0)
            return (int)n;
        stream->sent += (uint32_t)n;
        mark(stream);
    }
    acknowledge(stream, transport);
    return 0;
}

uint64_t leat_stream_acknowledged(const struct leat_stream *stream) {
    return stream->acknowledged;
}

bool leat_stream_empty(const struct leat_stream *stream) {
    return stream->front == stream->end;
}

void leat_stream_take_back(struct leat_stream *stream,
                           void (*message)(void *ctx, const uint8_t *bytes, uint32_t n),
                           void *ctx) {
    while (stream->front < stream->end) {
        const uint8_t *bytes = stream->octets + stream->front;
        const uint32_t n = leat_message_length(bytes);
        stream->front += n;
        message(ctx, bytes, n);
    }
    stream->sent = stream->end;
}

int leat_stream_open(struct leat_transport *transport, const struct leat_flow_sink_opts *opts) {
    (void)opts;
    return leat_stream_create(&transport->stream);
}

void leat_stream_close(struct leat_transport *transport) {
    leat_stream_destroy(transport->stream);
}

/* A host that vanished is noticed in a minute also when there is nothing to send. */
void leat_tcp_prepare(struct leat_transport *transport) {
    static const struct {
        int level, name, value;
    } options[] = {
        { SOL_SOCKET, SO_SNDBUF, 256 << 10 }, /* the buffer here is the one that counts */
        { SOL_SOCKET, SO_KEEPALIVE, 1 },      { IPPROTO_TCP, TCP_KEEPIDLE, 30 },
        { IPPROTO_TCP, TCP_KEEPINTVL, 10 },   { IPPROTO_TCP, TCP_KEEPCNT, 3 },
    };
    for (uint32_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        setsockopt(transport->fd, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
}

int leat_tcp_queued(const struct leat_transport *transport) {
    int queued;
    return ioctl(transport->fd, SIOCOUTQ, &queued) < 0 ? -errno : queued;
}

static ssize_t write_tcp(struct leat_transport *transport, const uint8_t *bytes, uint32_t n) {
    ssize_t sent = leat_socket_write(transport, bytes, n);
    if (sent > 0)
        leat_stream_wrote(transport->stream, (uint32_t)sent);
    return sent;
}

const struct leat_transport_ops leat_transport_tcp = {
    .socket_type = SOCK_STREAM,
    .open = leat_stream_open,
    .close = leat_stream_close,
    .prepare = leat_tcp_prepare,
    .write = write_tcp,
    .read = leat_socket_read,
    .queued = leat_tcp_queued,
};
