/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session with a collector has to remember. */
#include "session.h"
#include <errno.h>

bool leat_session_due(const struct leat_session *session) {
    return leat_transport_state(session->transport) == LEAT_TRANSPORT_READY &&
           session->number != leat_transport_session(session->transport);
}

void leat_session_begin(struct leat_session *session) {
    session->number = leat_transport_session(session->transport);
    session->sequence = 0;
    session->acknowledged = 0;
    session->known_count = 0;
}

bool leat_session_idle(const struct leat_session *session) {
    return session->oldest == session->next;
}

static struct leat_sent *pop(struct leat_session *session) {
    return &session->on_their_way[session->oldest++ % LEAT_SESSION_MESSAGES];
}

void leat_session_collect(struct leat_session *session) {
    const uint64_t acknowledged = leat_transport_acknowledged(session->transport);
    while (session->acknowledged < acknowledged && !leat_session_idle(session)) {
        const struct leat_sent *what = pop(session);
        session->acknowledged++;
        session->records += what->tally.records;
        leat_history_add(&session->history, what->print, &what->tally);
        session->arrived(session->ctx, what);
    }
}

struct leat_tally leat_session_refused(struct leat_session *session, const uint8_t *quoted,
                                       uint32_t n) {
    leat_session_collect(session);
    const struct leat_tally gone =
        leat_history_take(&session->history, leat_history_print(quoted, n));
    session->records -= gone.records;
    return gone;
}

struct returning {
    struct leat_session *session;
    void (*back)(void *ctx, const struct leat_sent *what, const uint8_t *message, uint32_t n);
};

static void take_back(void *ctx, const uint8_t *message, uint32_t n) {
    const struct returning *returning = ctx;
    struct leat_session *session = returning->session;
    if (!leat_session_idle(session))
        returning->back(session->ctx, pop(session), message, n);
}

void leat_session_end(struct leat_session *session,
                      void (*back)(void *ctx, const struct leat_sent *what, const uint8_t *message,
                                   uint32_t n)) {
    struct returning returning = { session, back };
    leat_session_collect(session);
    leat_transport_take_back(session->transport, take_back, &returning);
    while (!leat_session_idle(session))
        back(session->ctx, pop(session), NULL, 0);
}

int leat_session_send(struct leat_session *session, const uint8_t *message, uint32_t n,
                      const struct leat_sent *what) {
    if (session->next - session->oldest == LEAT_SESSION_MESSAGES)
        leat_session_collect(session);
    if (session->next - session->oldest == LEAT_SESSION_MESSAGES)
        return -EAGAIN;
    memcpy(session->outgoing, message, n);
    leat_message_set_sequence(session->outgoing, session->sequence);
    int err = leat_transport_send(session->transport, session->outgoing, n);
    if (err)
        return err;
    struct leat_sent *sent = &session->on_their_way[session->next++ % LEAT_SESSION_MESSAGES];
    *sent = *what;
    sent->print = leat_history_print(session->outgoing, n);
    session->sequence += what->records;
    session->octets += n;
    session->messages++;
    if (what->templates)
        leat_session_learn(session, message, n);
    return 0;
}

uint64_t leat_session_held(const struct leat_session *session) {
    uint64_t held = 0;
    for (uint32_t i = session->oldest; i != session->next; i++) {
        const struct leat_sent *what = &session->on_their_way[i % LEAT_SESSION_MESSAGES];
        held += what->spooled ? 0 : what->tally.records;
    }
    return held;
}

/* FNV-1a of what a message of templates says, without its header. */
static uint64_t hash_of(const uint8_t *message, uint32_t n) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = LEAT_MESSAGE_HEADER; i < n; i++)
        hash = (hash ^ message[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static bool is_known(const struct leat_session *session, uint64_t hash) {
    for (uint32_t i = 0; i < session->known_count; i++)
        if (session->known[i] == hash)
            return true;
    return false;
}

bool leat_session_knows(const struct leat_session *session, const uint8_t *messages, uint32_t n) {
    for (uint32_t at = 0; at < n; at += leat_message_length(messages + at))
        if (!is_known(session, hash_of(messages + at, leat_message_length(messages + at))))
            return false;
    return true;
}

void leat_session_learn(struct leat_session *session, const uint8_t *messages, uint32_t n) {
    for (uint32_t at = 0; at < n; at += leat_message_length(messages + at)) {
        const uint64_t hash = hash_of(messages + at, leat_message_length(messages + at));
        if (!is_known(session, hash) && session->known_count < LEAT_SESSION_KNOWN)
            session->known[session->known_count++] = hash;
    }
}
