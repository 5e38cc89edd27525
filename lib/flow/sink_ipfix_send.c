/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of IPFIX messages to the collector: directly, or by way of the spool. */
#include "clock.h"
#include "lib/core/error.h"
#include "sink_ipfix.h"
#include <errno.h>
#include <stdlib.h>

#define DATAGRAMS_A_TICK 256 /* out of the spool, so that the collector can follow */
#define DATAGRAMS_A_TIME 2   /* likewise, beside each message that goes in */
#define NO_LIMIT         UINT32_MAX
#define STALLED_NS       UINT64_C(5000000000)

bool leat_ipfix_sink_datagrams(const struct leat_ipfix_sink *sink) {
    return sink->kind == LEAT_TRANSPORT_UDP || sink->kind == LEAT_TRANSPORT_DTLS;
}

static void lose(struct leat_ipfix_sink *sink, const struct leat_tally *tally) {
    leat_tally_add(&sink->lost, tally);
    if (tally->records)
        leat_span_add(&sink->lost_when, sink->now_ns);
}

static void into_spool(struct leat_ipfix_sink *sink, const uint8_t *message, uint32_t n,
                       const struct leat_sent *what) {
    const int err = leat_spool_append(sink->spool, message, n, what->records, &what->tally);
    if (!err)
        return;
    lose(sink, &what->tally);
    if (sink->told && !sink->spool_failed)
        sink->told(sink->told_ctx, leat_error());
    sink->spool_failed = true;
}

void leat_ipfix_sink_arrived(void *ctx, const struct leat_sent *what) {
    struct leat_ipfix_sink *sink = ctx;
    sink->stalled_ns = 0;
    if (!what->spooled || what->templates)
        return;
    if (leat_spool_drop(sink->spool) < 0)
        sink->taken += what->tally.records; /* it will be taken from there once more */
    sink->spool_failed = false;             /* there is room again */
}

static void came_back(void *ctx, const struct leat_sent *what, const uint8_t *bytes, uint32_t n) {
    struct leat_ipfix_sink *sink = ctx;
    if (what->spooled || what->templates)
        return;
    if (sink->spool && bytes)
        into_spool(sink, bytes, n, what);
    else
        lose(sink, &what->tally);
}

void leat_ipfix_sink_refused(void *ctx, const uint8_t *quoted, uint32_t n) {
    struct leat_ipfix_sink *sink = ctx;
    const struct leat_tally gone = leat_session_refused(&sink->session, quoted, n);
    lose(sink, &gone);
    sink->refused += gone.records;
    leat_repeat_ask(&sink->repeat, sink->now_ns);
}

void leat_ipfix_sink_broken(struct leat_ipfix_sink *sink) {
    leat_session_end(&sink->session, came_back);
    if (sink->away_ns == 0)
        sink->away_ns = sink->now_ns;
    sink->stalled_ns = 0;
    if (sink->spool)
        sink->direct = false;
    sink->held_n = 0;
}

/* 0, -EAGAIN or -ENOTCONN. */
static int transmit(struct leat_ipfix_sink *sink, const uint8_t *message, uint32_t n,
                    const struct leat_sent *what) {
    int err = leat_session_send(&sink->session, message, n, what);
    if (err && err != -EAGAIN)
        leat_ipfix_sink_broken(sink);
    else if (!err)
        sink->stalled_ns = 0;
    else if (sink->stalled_ns == 0)
        sink->stalled_ns = sink->now_ns;
    return err;
}

uint64_t leat_ipfix_sink_stalled(const struct leat_ipfix_sink *sink) {
    bool stalled = sink->stalled_ns && sink->now_ns > sink->stalled_ns &&
                   sink->now_ns - sink->stalled_ns >= STALLED_NS;
    return stalled ? sink->now_ns - sink->stalled_ns : 0;
}

/* With what tells of their elements (RFC 5610): records, too, whose count goes with them. */
static int keep_templates(struct leat_ipfix_sink *sink, const uint8_t *bytes, uint32_t n,
                          uint32_t records) {
    if (sink->templates_room - sink->templates_n < n) {
        const uint32_t room = 2 * sink->templates_room + n;
        uint8_t *more = realloc(sink->templates, room);
        if (!more)
            return -ENOMEM;
        sink->templates = more;
        sink->templates_room = room;
    }
    memcpy(sink->templates + sink->templates_n, bytes, n);
    leat_message_set_sequence(sink->templates + sink->templates_n, records);
    sink->templates_n += n;
    return -EAGAIN; /* it was not sent */
}

static bool replay(struct leat_ipfix_sink *sink, uint32_t limit);

int leat_ipfix_sink_message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records,
                            bool templates) {
    struct leat_ipfix_sink *sink = ctx;
    const struct leat_sent what = { sink->at_hand, records, false,
                                    templates && sink->at_hand.records == 0 };
    if (sink->capturing)
        return what.templates ? keep_templates(sink, bytes, n, records) : -EAGAIN;
    sink->at_hand = (struct leat_tally){ 0 };
    sink->templates_stale |= templates && !what.templates;
    if (sink->direct) {
        int err = transmit(sink, bytes, n, &what);
        if (!err)
            return 0;
        if (!sink->spool) {
            lose(sink, &what.tally);
            return err;
        }
        sink->direct = false;
    }
    if (!sink->spool) {
        lose(sink, &what.tally);
        return -ENOTCONN;
    }
    if (!what.templates)
        into_spool(sink, bytes, n, &what);
    replay(sink, leat_ipfix_sink_datagrams(sink) ? DATAGRAMS_A_TIME : NO_LIMIT);
    return 0;
}

/* Lets the encoder say its templates again. The flows in the message at hand stay there. */
static void repeat_templates(struct leat_ipfix_sink *sink, bool capture) {
    const struct leat_tally at_hand = sink->at_hand;
    sink->at_hand = (struct leat_tally){ 0 };
    sink->capturing = capture;
    if (capture)
        sink->templates_n = 0;
    leat_ipfix_restart(sink->encoder, sink->now_ns);
    sink->capturing = false;
    sink->at_hand = at_hand;
}

int leat_ipfix_sink_capture(struct leat_ipfix_sink *sink) {
    if (!sink->spool)
        return 0;
    repeat_templates(sink, true);
    sink->templates_stale = false;
    return leat_spool_templates(sink->spool, sink->templates, sink->templates_n);
}

void leat_ipfix_sink_mind_templates(struct leat_ipfix_sink *sink) {
    if (sink->templates_stale && leat_ipfix_sink_capture(sink) == 0 && sink->direct)
        leat_session_learn(&sink->session, sink->templates, sink->templates_n);
}

static void new_session_for_templates(struct leat_ipfix_sink *sink) {
    leat_transport_restart(sink->session.transport, "other templates take a session of their own");
    leat_ipfix_sink_broken(sink);
}

/* The spool was read to its end. */
static void go_direct(struct leat_ipfix_sink *sink) {
    const struct leat_session *session = &sink->session;
    const bool known = leat_session_knows(session, sink->templates, sink->templates_n);
    if (session->known_count == 0 || (leat_ipfix_sink_datagrams(sink) && !known)) {
        sink->direct = true;
        repeat_templates(sink, false);
    } else if (known) {
        sink->direct = true;
    } else if (leat_session_idle(session)) {
        new_session_for_templates(sink);
    }
}

/* Fetches the next message of the spool into `held`. False: there is none. */
static bool hold_next(struct leat_ipfix_sink *sink) {
    while (sink->held_n == 0) {
        struct leat_tally gone = leat_spool_tally(sink->spool);
        int n = leat_spool_read(sink->spool, sink->held, &sink->held_note);
        if (n == 0)
            return false;
        if (n < 0) {
            const struct leat_tally left = leat_spool_tally(sink->spool);
            leat_tally_subtract(&gone, &left);
            lose(sink, &gone);
            continue;
        }
        sink->held_n = (uint32_t)n;
    }
    return true;
}

/* Whether templates that the collector does not know may join those that it does. */
static bool templates_fit(const struct leat_ipfix_sink *sink) {
    return leat_ipfix_sink_datagrams(sink) || sink->in_head || sink->session.known_count == 0;
}

/* Sends up to `limit` messages out of the spool. True: all of it was read. */
static bool replay(struct leat_ipfix_sink *sink, uint32_t limit) {
    struct leat_session *session = &sink->session;
    while (limit && leat_transport_state(session->transport) == LEAT_TRANSPORT_READY &&
           !leat_session_due(session)) {
        if (!hold_next(sink))
            return true;
        const bool templates = sink->held_note.templates;
        if (templates && leat_session_knows(session, sink->held, sink->held_n)) {
            sink->held_n = 0;
            continue;
        }
        if (templates && !templates_fit(sink)) {
            if (leat_session_idle(session)) /* all that was sent has arrived */
                new_session_for_templates(sink);
            return false;
        }
        const struct leat_sent what = { sink->held_note.flows, sink->held_note.records, true,
                                        templates };
        if (transmit(sink, sink->held, sink->held_n, &what))
            return false;
        sink->in_head = templates;
        sink->held_n = 0;
        limit--;
    }
    return false;
}

static void repeat_refused(struct leat_ipfix_sink *sink) {
    if (!sink->direct || !leat_repeat_due(&sink->repeat, sink->now_ns))
        return;
    sink->repeat = (struct leat_repeat){ 0 };
    repeat_templates(sink, false);
}

static void begin_session(struct leat_ipfix_sink *sink) {
    leat_session_begin(&sink->session);
    sink->repeat = (struct leat_repeat){ 0 };
    sink->in_head = false;
    sink->away_ns = 0;
    sink->held_n = 0;
    if (sink->spool)
        leat_spool_rewind(sink->spool);
    if (sink->spool && leat_spool_messages(sink->spool))
        return;
    sink->direct = true;
    repeat_templates(sink, false);
}

void leat_ipfix_sink_run(struct leat_ipfix_sink *sink) {
    struct leat_transport *transport = sink->session.transport;
    const enum leat_transport_state before = leat_transport_state(transport);
    const enum leat_transport_state state =
        leat_transport_tick(transport, leat_flow_clock_ns(CLOCK_MONOTONIC));
    leat_session_collect(&sink->session);
    if (before == LEAT_TRANSPORT_READY && state != LEAT_TRANSPORT_READY)
        leat_ipfix_sink_broken(sink);
    if (leat_session_due(&sink->session))
        begin_session(sink);
    if (sink->spool && !sink->direct &&
        replay(sink, leat_ipfix_sink_datagrams(sink) ? DATAGRAMS_A_TICK : NO_LIMIT))
        go_direct(sink);
    repeat_refused(sink);
}
