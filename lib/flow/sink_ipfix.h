/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPFIX to a collector: encoder, session, and the spool for while the collector is away.
 *
 *   sink_ipfix.c        the sink: opening, closing, what it tells
 *   sink_ipfix_send.c   the way of messages: directly, or by way of the spool
 *   session.c           what belongs to one session over the transport
 *
 * Directly, what the encoder makes goes to the session. Otherwise it goes into the spool, and
 * what is in the spool goes to the session in order, until nothing is left to be read; then
 * directly again. Both can be on their way at a time: when the session breaks the spool is read
 * again from the oldest message that had not arrived, and what had been sent directly, which is
 * younger, is appended to it.
 *
 * Sequence numbers are those of the session, so they are written into messages as they are sent.
 * Templates are kept aside, for the heads of the spool's segments. A segment of another process may
 * mean other things by the same numbers: where that can be, a session of its own is begun for it.
 */
#ifndef LEAT_FLOW_SINK_IPFIX_H
#define LEAT_FLOW_SINK_IPFIX_H

#include "repeat.h"
#include "session.h"
#include "spool.h"

struct leat_ipfix_sink {
    struct leat_flow_sink sink;
    enum leat_transport_kind kind;
    struct leat_session session;
    struct leat_ipfix *encoder;
    struct leat_spool *spool; /* NULL: what cannot be sent is lost */
    bool spool_failed;        /* it took no more, which was told */
    void (*told)(void *ctx, const char *sentence);
    void *told_ctx;
    void (*facts)(void *ctx, struct leat_ipfix_facts *facts);
    void *facts_ctx;
    uint64_t now_ns;           /* CLOCK_REALTIME */
    struct leat_tally at_hand; /* in the message that the encoder fills */

    bool direct;
    bool capturing;       /* the encoder repeats its templates to be kept, not to be sent */
    bool templates_stale; /* it has made a new one */
    uint8_t *templates;   /* its template messages, one after the other */
    uint32_t templates_n, templates_room;

    bool in_head;                   /* the last message out of the spool was of templates */
    uint8_t held[LEAT_MESSAGE_MAX]; /* out of the spool, not sent yet */
    uint32_t held_n;
    struct leat_spool_note held_note;

    uint64_t taken;      /* records given, or found in the spool */
    uint64_t away_ns;    /* since when; 0: it is there */
    uint64_t stalled_ns; /* since when it takes nothing more; 0: it does */
    struct leat_tally lost;
    struct leat_span lost_when;
    struct leat_repeat repeat; /* of the templates, over UDP */
    uint64_t refused;          /* of the lost: sent, and an ICMP error came back */
};

/* Over UDP, and DTLS, templates may change and come again at any time (RFC 7011, 8.4). */
bool leat_ipfix_sink_datagrams(const struct leat_ipfix_sink *sink);

/* Of the encoder (struct leat_ipfix_opts). */
int leat_ipfix_sink_message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records,
                            bool templates);
/* Of the transport. */
void leat_ipfix_sink_refused(void *ctx, const uint8_t *quoted, uint32_t n);
/* Of the session. */
void leat_ipfix_sink_arrived(void *ctx, const struct leat_sent *what);

/* Keeps the encoder's templates for the heads of segments. */
int leat_ipfix_sink_capture(struct leat_ipfix_sink *sink);
/* The encoder may have made templates since. */
void leat_ipfix_sink_mind_templates(struct leat_ipfix_sink *sink);
/* Connects, begins sessions, sends what is in the spool. */
void leat_ipfix_sink_run(struct leat_ipfix_sink *sink);
/* For so long it has been there, but has taken nothing; 0: it takes what comes, or has only just
 * stopped. A collector that stops reading answers the probes of its window for ever (RFC 9293,
 * 3.8.6.1), so that no connection breaks. */
uint64_t leat_ipfix_sink_stalled(const struct leat_ipfix_sink *sink);
/* The session is over. */
void leat_ipfix_sink_broken(struct leat_ipfix_sink *sink);

#endif
