/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transport session with a collector of IPFIX (RFC 7011, 2): its sequence number, the messages on
 * their way, and the templates that the collector knows. All of that begins anew with each session.
 */
#ifndef LEAT_FLOW_SESSION_H
#define LEAT_FLOW_SESSION_H

#include "history.h"
#include "message.h"
#include "tally.h"
#include "transport.h"

#define LEAT_SESSION_MESSAGES 4096 /* on their way; a power of two */
#define LEAT_SESSION_KNOWN    64   /* template messages */

/* A message that was sent, until it is known to have arrived. */
struct leat_sent {
    struct leat_tally tally;
    uint32_t records; /* by which the sequence number grows */
    bool spooled, templates;
    uint64_t print; /* for the history */
};

struct leat_session {
    struct leat_transport *transport;
    uint32_t number, sequence;
    uint64_t acknowledged;              /* messages that left `on_their_way` */
    uint64_t known[LEAT_SESSION_KNOWN]; /* hashes of the template messages that were sent */
    uint32_t known_count;
    struct leat_sent on_their_way[LEAT_SESSION_MESSAGES];
    uint32_t oldest, next; /* in it */
    uint8_t outgoing[LEAT_MESSAGE_MAX];
    struct leat_history history;        /* of what arrived, as far as is known */
    uint64_t records, octets, messages; /* of all sessions: flow records that arrived; sent */
    void (*arrived)(void *ctx, const struct leat_sent *what);
    void *ctx; /* of `arrived`, and of what leat_session_end() calls */
};

/* The transport has connected anew since leat_session_begin(). */
bool leat_session_due(const struct leat_session *session);
void leat_session_begin(struct leat_session *session);

/* Sends a message under the session's sequence number: 0, -EAGAIN or -ENOTCONN. */
int leat_session_send(struct leat_session *session, const uint8_t *message, uint32_t n,
                      const struct leat_sent *what);
/* What has arrived is done with: `arrived` is called for it. */
void leat_session_collect(struct leat_session *session);
/* What was taken to have arrived, and did not: an ICMP error quotes it. */
struct leat_tally leat_session_refused(struct leat_session *session, const uint8_t *quoted,
                                       uint32_t n);
/* The session is over: what was on its way comes back, oldest first; NULL: it cannot be had. */
void leat_session_end(struct leat_session *session,
                      void (*back)(void *ctx, const struct leat_sent *what, const uint8_t *message,
                                   uint32_t n));
/* Nothing is on its way. */
bool leat_session_idle(const struct leat_session *session);
/* Flow records on their way that are in no spool. */
uint64_t leat_session_held(const struct leat_session *session);

/* Of template messages, one after the other. */
bool leat_session_knows(const struct leat_session *session, const uint8_t *messages, uint32_t n);
void leat_session_learn(struct leat_session *session, const uint8_t *messages, uint32_t n);

#endif
