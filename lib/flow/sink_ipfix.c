/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPFIX to a collector: encoder, transport, and the spool for while the collector is away.
 *
 * Directly, what the encoder makes goes to the transport. Otherwise it goes into the spool, and
 * what is in the spool goes to the transport in order, until nothing is left to be read; then
 * directly again. Both can be on their way at a time: when the session breaks the spool is read
 * again from the oldest message that had not arrived, and what had been sent directly, which is
 * younger, is appended to it.
 *
 * Sequence numbers are those of the session, so they are written into messages as they are sent.
 * Templates are kept aside, for the heads of the spool's segments. A segment of another process may
 * mean other things by the same numbers: where that can be, a session of its own is begun for it.
 */
#include "lib/core/error.h"
#include "message.h"
#include "sink_kinds.h"
#include "spool.h"
#include "tally.h"
#include "transport.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define SPOOL_OCTETS     (UINT64_C(1) << 30)
#define ON_THEIR_WAY_MAX 4096 /* messages; a power of two */
#define KNOWN_MAX        64   /* template messages of a session */
#define DATAGRAMS_A_TICK 256  /* out of the spool, so that the collector can follow */
#define DATAGRAMS_A_TIME 2    /* likewise, beside each message that goes in */
#define CONNECT_WAIT_NS  3000000000ull
#define NO_LIMIT         UINT32_MAX

/* A message that was sent, until it is known to have arrived. */
struct sent_message {
    struct leat_tally tally;
    uint32_t records;
    bool spooled, templates;
};

struct ipfix_sink {
    struct leat_flow_sink sink;
    enum leat_transport_kind kind;
    struct leat_transport *transport;
    struct leat_ipfix *encoder;
    struct leat_spool *spool;
    void (*facts)(void *ctx, struct leat_ipfix_facts *facts);
    void *facts_ctx;
    uint64_t now_ns;           /* CLOCK_REALTIME */
    struct leat_tally at_hand; /* in the message that the encoder fills */

    bool direct;
    bool capturing;       /* the encoder repeats its templates to be kept, not to be sent */
    bool templates_stale; /* it has made a new one */
    uint8_t *templates;   /* its template messages, one after the other */
    uint32_t templates_n, templates_room;

    uint32_t session, sequence;
    uint64_t acknowledged;     /* messages of the session that left `on_their_way` */
    uint64_t known[KNOWN_MAX]; /* hashes of the template messages that the collector has */
    uint32_t known_count;
    bool in_head; /* the last message out of the spool was of templates */
    struct sent_message on_their_way[ON_THEIR_WAY_MAX];
    uint32_t oldest, next; /* in it */
    uint64_t on_their_way_records;

    uint8_t held[LEAT_MESSAGE_MAX]; /* out of the spool, not sent yet */
    uint32_t held_n;
    struct leat_spool_note held_note;
    uint8_t outgoing[LEAT_MESSAGE_MAX];

    uint64_t away_ns; /* since when; 0: it is there */
    uint64_t records, octets, messages;
    struct leat_tally lost;
};

/* Over UDP, and DTLS, templates may change and come again at any time (RFC 7011, 8.4). */
static bool is_datagram(const struct ipfix_sink *sink) {
    return sink->kind == LEAT_TRANSPORT_UDP || sink->kind == LEAT_TRANSPORT_DTLS;
}

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void lose(struct ipfix_sink *sink, const struct leat_tally *tally) {
    leat_tally_add(&sink->lost, tally);
}

/* FNV-1a of what a message of templates says, without its header. */
static uint64_t hash_of(const uint8_t *message, uint32_t n) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = LEAT_MESSAGE_HEADER; i < n; i++)
        hash = (hash ^ message[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static bool is_known(const struct ipfix_sink *sink, uint64_t hash) {
    for (uint32_t i = 0; i < sink->known_count; i++)
        if (sink->known[i] == hash)
            return true;
    return false;
}

static void learn(struct ipfix_sink *sink, uint64_t hash) {
    if (!is_known(sink, hash) && sink->known_count < KNOWN_MAX)
        sink->known[sink->known_count++] = hash;
}

static void into_spool(struct ipfix_sink *sink, const uint8_t *message, uint32_t n,
                       const struct sent_message *what) {
    if (leat_spool_append(sink->spool, message, n, what->records, (uint32_t)what->tally.records))
        lose(sink, &what->tally);
}

static struct sent_message *pop(struct ipfix_sink *sink) {
    struct sent_message *what = &sink->on_their_way[sink->oldest++ % ON_THEIR_WAY_MAX];
    sink->on_their_way_records -= what->tally.records;
    return what;
}

/* What has arrived is done with. */
static void collect(struct ipfix_sink *sink) {
    const uint64_t acknowledged = leat_transport_acknowledged(sink->transport);
    while (sink->acknowledged < acknowledged && sink->oldest != sink->next) {
        const struct sent_message *what = pop(sink);
        sink->acknowledged++;
        sink->records += what->tally.records;
        if (what->spooled && !what->templates)
            leat_spool_drop(sink->spool);
    }
}

static void came_back(void *ctx, const uint8_t *bytes, uint32_t n) {
    struct ipfix_sink *sink = ctx;
    if (sink->oldest == sink->next)
        return;
    const struct sent_message *what = pop(sink);
    if (what->spooled || what->templates)
        return;
    if (sink->spool)
        into_spool(sink, bytes, n, what);
    else
        lose(sink, &what->tally);
}

/* The session is over. */
static void broken(struct ipfix_sink *sink) {
    collect(sink);
    leat_transport_take_back(sink->transport, came_back, sink);
    while (sink->oldest != sink->next)
        pop(sink);
    if (sink->away_ns == 0)
        sink->away_ns = sink->now_ns;
    if (sink->spool)
        sink->direct = false;
    sink->held_n = 0;
}

/* 0, -EAGAIN or -ENOTCONN. */
static int transmit(struct ipfix_sink *sink, const uint8_t *message, uint32_t n,
                    const struct sent_message *what) {
    if (sink->next - sink->oldest == ON_THEIR_WAY_MAX)
        collect(sink);
    if (sink->next - sink->oldest == ON_THEIR_WAY_MAX)
        return -EAGAIN;
    memcpy(sink->outgoing, message, n);
    leat_message_set_sequence(sink->outgoing, sink->sequence);
    int err = leat_transport_send(sink->transport, sink->outgoing, n);
    if (err) {
        if (err != -EAGAIN)
            broken(sink);
        return err;
    }
    sink->on_their_way[sink->next++ % ON_THEIR_WAY_MAX] = *what;
    sink->on_their_way_records += what->tally.records;
    sink->sequence += what->records;
    sink->octets += n;
    sink->messages++;
    if (what->templates)
        learn(sink, hash_of(message, n));
    return 0;
}

/* With what tells of their elements (RFC 5610): records, too, whose count goes with them. */
static int keep_templates(struct ipfix_sink *sink, const uint8_t *bytes, uint32_t n,
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

static bool replay(struct ipfix_sink *sink, uint32_t limit);

/* Of the encoder. */
static int take_message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records,
                        bool templates) {
    struct ipfix_sink *sink = ctx;
    const struct sent_message what = { sink->at_hand, records, false,
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
    replay(sink, is_datagram(sink) ? DATAGRAMS_A_TIME : NO_LIMIT);
    return 0;
}

/* Lets the encoder say its templates again. The flows in the message at hand stay there. */
static void repeat_templates(struct ipfix_sink *sink, bool capture) {
    const struct leat_tally at_hand = sink->at_hand;
    sink->at_hand = (struct leat_tally){ 0 };
    sink->capturing = capture;
    if (capture)
        sink->templates_n = 0;
    leat_ipfix_restart(sink->encoder, sink->now_ns);
    sink->capturing = false;
    sink->at_hand = at_hand;
}

/* Keeps the encoder's templates for the heads of segments. */
static int capture_templates(struct ipfix_sink *sink) {
    if (!sink->spool)
        return 0;
    repeat_templates(sink, true);
    sink->templates_stale = false;
    return leat_spool_templates(sink->spool, sink->templates, sink->templates_n);
}

static bool collector_knows_templates(const struct ipfix_sink *sink) {
    for (uint32_t at = 0; at < sink->templates_n;) {
        const uint32_t n = leat_message_length(sink->templates + at);
        if (!is_known(sink, hash_of(sink->templates + at, n)))
            return false;
        at += n;
    }
    return true;
}

static void new_session_for_templates(struct ipfix_sink *sink) {
    leat_transport_restart(sink->transport, "other templates take a session of their own");
    broken(sink);
}

/* The spool was read to its end. */
static void go_direct(struct ipfix_sink *sink) {
    if (sink->known_count == 0 || (is_datagram(sink) && !collector_knows_templates(sink))) {
        sink->direct = true;
        repeat_templates(sink, false);
    } else if (collector_knows_templates(sink)) {
        sink->direct = true;
    } else if (sink->oldest == sink->next) {
        new_session_for_templates(sink);
    }
}

/* Fetches the next message of the spool into `held`. False: there is none. */
static bool hold_next(struct ipfix_sink *sink) {
    while (sink->held_n == 0) {
        const uint64_t before = leat_spool_flows(sink->spool);
        int n = leat_spool_read(sink->spool, sink->held, &sink->held_note);
        if (n == 0)
            return false;
        if (n < 0) {
            const struct leat_tally gone = { .records = before - leat_spool_flows(sink->spool) };
            lose(sink, &gone);
            continue;
        }
        sink->held_n = (uint32_t)n;
    }
    return true;
}

/* Whether templates that the collector does not know may join those that it does. */
static bool templates_fit(struct ipfix_sink *sink) {
    return is_datagram(sink) || sink->in_head || sink->known_count == 0;
}

/* Sends up to `limit` messages out of the spool. True: all of it was read. */
static bool replay(struct ipfix_sink *sink, uint32_t limit) {
    while (limit && leat_transport_state(sink->transport) == LEAT_TRANSPORT_READY &&
           sink->session == leat_transport_session(sink->transport)) {
        if (!hold_next(sink))
            return true;
        const bool templates = sink->held_note.templates;
        if (templates && is_known(sink, hash_of(sink->held, sink->held_n))) {
            sink->held_n = 0;
            continue;
        }
        if (templates && !templates_fit(sink)) {
            if (sink->oldest == sink->next) /* all that was sent has arrived */
                new_session_for_templates(sink);
            return false;
        }
        const struct sent_message what = {
            { .records = sink->held_note.flows }, sink->held_note.records, true, templates
        };
        if (transmit(sink, sink->held, sink->held_n, &what))
            return false;
        sink->in_head = templates;
        sink->held_n = 0;
        limit--;
    }
    return false;
}

static void begin_session(struct ipfix_sink *sink) {
    sink->session = leat_transport_session(sink->transport);
    sink->sequence = 0;
    sink->acknowledged = 0;
    sink->known_count = 0;
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

static void run_transport(struct ipfix_sink *sink) {
    const enum leat_transport_state before = leat_transport_state(sink->transport);
    const enum leat_transport_state state = leat_transport_tick(sink->transport, monotonic_ns());
    collect(sink);
    if (before == LEAT_TRANSPORT_READY && state != LEAT_TRANSPORT_READY)
        broken(sink);
    if (state == LEAT_TRANSPORT_READY && sink->session != leat_transport_session(sink->transport))
        begin_session(sink);
    if (sink->spool && !sink->direct &&
        replay(sink, is_datagram(sink) ? DATAGRAMS_A_TICK : NO_LIMIT))
        go_direct(sink);
}

static void add_facts(void *ctx, struct leat_ipfix_facts *facts) {
    const struct ipfix_sink *sink = ctx;
    if (sink->facts)
        sink->facts(sink->facts_ctx, facts);
    facts->unsent_flows += sink->lost.records;
    facts->unsent_packets += sink->lost.packets;
    facts->unsent_octets += sink->lost.octets;
}

static void mind_templates(struct ipfix_sink *sink) {
    if (sink->templates_stale && capture_templates(sink) == 0 && sink->direct)
        for (uint32_t at = 0; at < sink->templates_n;) {
            const uint32_t n = leat_message_length(sink->templates + at);
            learn(sink, hash_of(sink->templates + at, n));
            at += n;
        }
}

static void record(struct leat_flow_sink *base, const struct leat_flow *flow) {
    struct ipfix_sink *sink = (struct ipfix_sink *)base;
    const struct leat_tally tally = leat_tally_of(flow);
    leat_ipfix_record(sink->encoder, flow, sink->now_ns);
    leat_tally_add(&sink->at_hand, &tally);
    mind_templates(sink);
}

static void tick(struct leat_flow_sink *base, uint64_t now_ns) {
    struct ipfix_sink *sink = (struct ipfix_sink *)base;
    sink->now_ns = now_ns;
    run_transport(sink);
    leat_ipfix_tick(sink->encoder, now_ns);
    mind_templates(sink);
    collect(sink);
}

static void stats(struct leat_flow_sink *base, struct leat_flow_sink_stats *stats) {
    const struct ipfix_sink *sink = (const struct ipfix_sink *)base;
    const uint64_t spooled = sink->spool ? leat_spool_flows(sink->spool) : 0;
    char rest[48] = "";
    *stats = (struct leat_flow_sink_stats){
        .records = sink->records,
        .octets = sink->octets,
        .messages = sink->messages,
        .held = spooled + sink->at_hand.records,
        .failures = leat_transport_failures(sink->transport),
    };
    for (uint32_t i = sink->oldest; i != sink->next; i++)
        if (!sink->on_their_way[i % ON_THEIR_WAY_MAX].spooled)
            stats->held += sink->on_their_way[i % ON_THEIR_WAY_MAX].tally.records;
    leat_tally_lost(&sink->lost, stats);
    if (spooled)
        snprintf(rest, sizeof(rest), ", %" PRIu64 " records in the spool", spooled);
    if (leat_transport_state(sink->transport) == LEAT_TRANSPORT_READY)
        snprintf(stats->state, sizeof(stats->state), "connected%s", rest);
    else
        snprintf(stats->state, sizeof(stats->state), "away since %" PRIu64 " s%s",
                 sink->away_ns ? (sink->now_ns - sink->away_ns) / 1000000000 : 0, rest);
}

static bool is_away(const struct leat_flow_sink *base) {
    const struct ipfix_sink *sink = (const struct ipfix_sink *)base;
    return leat_transport_state(sink->transport) != LEAT_TRANSPORT_READY;
}

static void release(struct ipfix_sink *sink) {
    leat_ipfix_destroy(sink->encoder);
    if (sink->transport)
        leat_transport_close(sink->transport);
    if (sink->spool)
        leat_spool_close(sink->spool);
    free(sink->templates);
    free(sink);
}

/* Templates end with their session (RFC 7011, 8), so they are not withdrawn first: ipfixDump,
 * python3-ipfix and tshark take the withdrawal of all templates for a mistake. */
static void close_sink(struct leat_flow_sink *base, uint32_t timeout_ms,
                       struct leat_flow_sink_stats *final) {
    struct ipfix_sink *sink = (struct ipfix_sink *)base;
    run_transport(sink);
    leat_ipfix_flush(sink->encoder, sink->now_ns);
    bool ready = leat_transport_state(sink->transport) == LEAT_TRANSPORT_READY;
    leat_transport_finish(sink->transport, timeout_ms);
    broken(sink);
    if (final)
        stats(base, final);
    if (final && ready && !final->held)
        strcpy(final->state, "closed");
    release(sink);
}

static const struct leat_flow_sink_ops ops = {
    .record = record,
    .tick = tick,
    .stats = stats,
    .close = close_sink,
    .away = is_away,
};

/* Each sink has a directory of its own in the one that was given, called after it. */
static int open_spool(struct ipfix_sink *sink, const struct leat_flow_sink_opts *opts) {
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/", opts->spool);
    if (n < 0 || (size_t)n + strlen(sink->sink.name) >= sizeof(path))
        return leat_fail(ENAMETOOLONG, "%s: the spool's name is too long", sink->sink.name);
    if (mkdir(opts->spool, 0750) < 0 && errno != EEXIST)
        return leat_fail(errno, "%s: cannot make the spool %s: %s", sink->sink.name, opts->spool,
                         strerror(errno));
    for (const char *c = sink->sink.name; *c; c++)
        path[n++] = isalnum((unsigned char)*c) ? *c : '_';
    path[n] = '\0';
    int err =
        leat_spool_open(&sink->spool, path, opts->spool_octets ? opts->spool_octets : SPOOL_OCTETS);
    return err ? leat_fail_in(err, sink->sink.name) : 0;
}

static int open_encoder(struct ipfix_sink *sink, const struct leat_flow_sink_opts *opts) {
    const struct leat_ipfix_opts encoder = {
        .domain = opts->domain,
        .fields = opts->fields,
        .pen = opts->pen,
        .uniflow = opts->uniflow,
        .message_max = leat_transport_message_max(sink->transport),
        .withdraw = !is_datagram(sink),
        .refresh_ns = opts->refresh_ns,
        .refresh_messages = opts->refresh_messages,
        .options_ns = opts->options_ns,
        .active_ns = opts->active_ns,
        .idle_ns = opts->idle_ns,
        .sampling = opts->sampling,
        .interfaces = opts->interfaces,
        .interface_count = opts->interface_count,
        .facts = add_facts,
        .message = take_message,
        .ctx = sink,
    };
    int err = leat_ipfix_create(&sink->encoder, &encoder);
    return err ? leat_fail_in(err, sink->sink.name) : capture_templates(sink);
}

/* A moment for the connection, so that a short run, too, finds its collector. */
static void wait_for_collector(struct ipfix_sink *sink) {
    const struct timespec pause = { .tv_nsec = 5000000 };
    const uint64_t until_ns = monotonic_ns() + CONNECT_WAIT_NS;
    while (leat_transport_tick(sink->transport, monotonic_ns()) == LEAT_TRANSPORT_CONNECTING &&
           monotonic_ns() < until_ns)
        nanosleep(&pause, NULL);
    if (leat_transport_state(sink->transport) != LEAT_TRANSPORT_READY)
        sink->away_ns = sink->now_ns;
}

static int open_sink(struct leat_flow_sink **opened, enum leat_transport_kind kind,
                     const char *name, const char *rest, const char *port_default,
                     const struct leat_flow_sink_opts *opts) {
    char host[256], port[32];
    struct timespec now;
    int err = leat_flow_sink_address(name, rest, port_default, host, port);
    if (err)
        return err;
    struct ipfix_sink *sink = calloc(1, sizeof(*sink));
    if (!sink)
        return leat_fail(ENOMEM, "%s: no memory", name);
    sink->sink.ops = &ops;
    snprintf(sink->sink.name, sizeof(sink->sink.name), "%s", name);
    sink->kind = kind;
    sink->facts = opts->facts;
    sink->facts_ctx = opts->facts_ctx;
    clock_gettime(CLOCK_REALTIME, &now);
    sink->now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    if (opts->spool)
        err = open_spool(sink, opts);
    if (!err)
        err = leat_transport_open(&sink->transport, kind, name, host, port, opts);
    if (!err)
        err = open_encoder(sink, opts);
    if (err) {
        release(sink);
        return err;
    }
    wait_for_collector(sink);
    run_transport(sink);
    *opened = &sink->sink;
    return 0;
}

#define KIND(NAME, TRANSPORT, PORT)                                                              \
    static int open_##NAME(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind, \
                           const char *name, const char *rest,                                   \
                           const struct leat_flow_sink_opts *opts) {                             \
        (void)kind;                                                                              \
        return open_sink(sink, LEAT_TRANSPORT_##TRANSPORT, name, rest, PORT, opts);              \
    }

/* Ports: RFC 7011, 10.3.4, 10.4.4 and 11. */
KIND(udp, UDP, "4739")
KIND(tcp, TCP, "4739")
#ifdef LEAT_WITH_SCTP
KIND(sctp, SCTP, "4739")
#else
#define open_sctp NULL
#endif
#ifdef LEAT_WITH_OPENSSL
KIND(tls, TLS, "4740")
KIND(dtls, DTLS, "4740")
#else
#define open_tls  NULL
#define open_dtls NULL
#endif

const struct leat_flow_sink_kind leat_sink_ipfix = { "ipfix", "IPFIX over UDP", open_udp };
const struct leat_flow_sink_kind leat_sink_ipfix_udp = { "ipfix+udp", "the same", open_udp };
const struct leat_flow_sink_kind leat_sink_ipfix_tcp = { "ipfix+tcp", "IPFIX over TCP", open_tcp };
const struct leat_flow_sink_kind leat_sink_ipfix_sctp = {
    "ipfix+sctp",
#ifdef LEAT_WITH_SCTP
    "IPFIX over SCTP",
#else
    "this build has no SCTP, for want of libsctp-dev",
#endif
    open_sctp,
};
#ifdef LEAT_WITH_OPENSSL
const struct leat_flow_sink_kind leat_sink_ipfix_tls = { "ipfix+tls", "IPFIX over TLS", open_tls };
const struct leat_flow_sink_kind leat_sink_ipfix_dtls = { "ipfix+dtls", "IPFIX over DTLS",
                                                          open_dtls };
#else
const struct leat_flow_sink_kind leat_sink_ipfix_tls = {
    "ipfix+tls", "this build has no TLS, for want of OpenSSL 3", open_tls
};
const struct leat_flow_sink_kind leat_sink_ipfix_dtls = {
    "ipfix+dtls", "this build has no DTLS, for want of OpenSSL 3", open_dtls
};
#endif
