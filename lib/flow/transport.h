/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How messages reach a collector: UDP, TCP, SCTP, TLS over TCP, DTLS over UDP (RFC 7011, 10). Never
 * blocks; a stream connection that is away is tried again with growing pauses. Whole messages only:
 * a message is sent, or kept to be sent (TCP, TLS: in a bounded buffer), or refused.
 */
#ifndef LEAT_FLOW_TRANSPORT_H
#define LEAT_FLOW_TRANSPORT_H

#include "sinks.h"

struct leat_transport;

enum leat_transport_kind {
    LEAT_TRANSPORT_UDP,
    LEAT_TRANSPORT_TCP,
    LEAT_TRANSPORT_SCTP,
    LEAT_TRANSPORT_TLS,
    LEAT_TRANSPORT_DTLS,
};

enum leat_transport_state {
    LEAT_TRANSPORT_AWAY,       /* not connected; tried again later */
    LEAT_TRANSPORT_CONNECTING, /* or shaking hands */
    LEAT_TRANSPORT_READY,
};

int leat_transport_open(struct leat_transport **transport, enum leat_transport_kind kind,
                        const char *name, const char *host, const char *port,
                        const struct leat_flow_sink_opts *opts);
void leat_transport_close(struct leat_transport *transport, uint32_t timeout_ms);

/* Sends, connects, reads what the other side says (which is nothing: it is thrown away). */
enum leat_transport_state leat_transport_tick(struct leat_transport *transport, uint64_t now_ns);
enum leat_transport_state leat_transport_state(const struct leat_transport *transport);

/* 0: sent, or in the buffer; -EAGAIN: no room now; -ENOTCONN: away. */
int leat_transport_send(struct leat_transport *transport, const uint8_t *message, uint32_t n);

/* Grows with each new connection: its peer knows no templates. */
uint32_t leat_transport_session(const struct leat_transport *transport);

/* The largest message that fits the path. */
uint32_t leat_transport_message_max(const struct leat_transport *transport);

/* Why it is away, half a sentence. */
const char *leat_transport_reason(const struct leat_transport *transport);

#endif
