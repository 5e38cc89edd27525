/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How messages reach a collector: UDP, TCP, SCTP, TLS over TCP, DTLS over UDP (RFC 7011, 10). Never
 * blocks; a connection that is away is tried again with growing pauses, 0.1 to 10 seconds. Whole
 * messages only: a message is sent, or kept to be sent (TCP, TLS: in a bounded buffer), or refused.
 *
 * Names are resolved at open, which may wait for the name server, and again in a thread of their
 * own when all addresses were tried in vain.
 *
 * UDP cannot know whether a collector is there; but an ICMP error quotes the datagram that did not
 * arrive, of which `refused` tells. Where messages are lost for want of a spool that is all, and
 * sending goes on. With a spool the collector is away when there is no route or an error came (port
 * or host unreachable); after the pause one message goes ahead, and the others follow when no error
 * came back. DTLS has a session, which an ICMP error ends.
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
void leat_transport_close(struct leat_transport *transport);

/* Waits, at most `timeout_ms`, until all that was taken is acknowledged; then ends in order. */
void leat_transport_finish(struct leat_transport *transport, uint32_t timeout_ms);

/* `now_ns` is CLOCK_MONOTONIC. Sends, connects, reads what the other side says (which is nothing:
 * it is thrown away). */
enum leat_transport_state leat_transport_tick(struct leat_transport *transport, uint64_t now_ns);
enum leat_transport_state leat_transport_state(const struct leat_transport *transport);

/* 0: sent, or in the buffer; -EAGAIN: no room now; -ENOTCONN: away. */
int leat_transport_send(struct leat_transport *transport, const uint8_t *message, uint32_t n);

/* UDP: called with what an ICMP error quotes of a message that was sent, from its start. */
void leat_transport_on_refused(struct leat_transport *transport,
                               void (*refused)(void *ctx, const uint8_t *bytes, uint32_t n),
                               void *ctx);

/* Grows with each new connection: its peer knows no templates. */
uint32_t leat_transport_session(const struct leat_transport *transport);

/* Messages of this session that need not be kept any longer: with TCP and TLS those that the other
 * host has acknowledged, else those that were sent; the one that goes ahead, once no error came. */
uint64_t leat_transport_acknowledged(const struct leat_transport *transport);

/* While away: hands over the messages of the last session that were taken, but not acknowledged,
 * oldest first. They may have arrived all the same. */
void leat_transport_take_back(struct leat_transport *transport,
                              void (*message)(void *ctx, const uint8_t *bytes, uint32_t n),
                              void *ctx);

/* Ends the session: the next one begins at the next tick. */
void leat_transport_restart(struct leat_transport *transport, const char *reason);

/* Connections that broke or did not come about, ICMP errors, failed sends. */
uint64_t leat_transport_failures(const struct leat_transport *transport);

/* The largest message that fits the path. */
uint32_t leat_transport_message_max(const struct leat_transport *transport);

/* Why it is away, half a sentence. */
const char *leat_transport_reason(const struct leat_transport *transport);

#endif
