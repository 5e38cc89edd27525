/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX to a collector: opening, closing, and what it tells. sink_ipfix.h has the plan. */
#include "sink_ipfix.h"
#include "clock.h"
#include "lib/core/error.h"
#include "sink_kinds.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPOOL_OCTETS    (UINT64_C(1) << 30)
#define CONNECT_WAIT_NS 3000000000ull

static void add_facts(void *ctx, struct leat_ipfix_facts *facts) {
    const struct leat_ipfix_sink *sink = ctx;
    if (sink->facts)
        sink->facts(sink->facts_ctx, facts);
    facts->unsent_flows += sink->lost.records;
    facts->unsent_packets += sink->lost.packets;
    facts->unsent_octets += sink->lost.octets;
    leat_span_join(&facts->unsent, &sink->lost_when);
}

static void record(struct leat_flow_sink *base, const struct leat_flow *flow) {
    struct leat_ipfix_sink *sink = (struct leat_ipfix_sink *)base;
    const struct leat_tally tally = leat_tally_of(flow);
    leat_ipfix_record(sink->encoder, flow, sink->now_ns);
    leat_tally_add(&sink->at_hand, &tally);
    sink->taken++;
    leat_ipfix_sink_mind_templates(sink);
}

static void tick(struct leat_flow_sink *base, uint64_t now_ns) {
    struct leat_ipfix_sink *sink = (struct leat_ipfix_sink *)base;
    sink->now_ns = now_ns;
    leat_ipfix_sink_run(sink);
    leat_ipfix_tick(sink->encoder, now_ns);
    leat_ipfix_sink_mind_templates(sink);
    leat_session_collect(&sink->session);
}

static void stats(struct leat_flow_sink *base, struct leat_flow_sink_stats *stats) {
    const struct leat_ipfix_sink *sink = (const struct leat_ipfix_sink *)base;
    const uint64_t spooled = sink->spool ? leat_spool_flows(sink->spool) : 0;
    char rest[48] = "";
    *stats = (struct leat_flow_sink_stats){
        .taken = sink->taken,
        .records = sink->session.records,
        .octets = sink->session.octets,
        .messages = sink->session.messages,
        .held = spooled + sink->at_hand.records + leat_session_held(&sink->session),
        .failures = leat_transport_failures(sink->session.transport),
    };
    leat_tally_lost(&sink->lost, stats);
    stats->lost_when = sink->lost_when;
    stats->refused = sink->refused;
    stats->trimmed = leat_ipfix_trimmed(sink->encoder);
    if (spooled)
        snprintf(rest, sizeof(rest), ", %" PRIu64 " records in the spool", spooled);
    const uint64_t stalled_ns = leat_ipfix_sink_stalled(sink);
    if (stalled_ns)
        snprintf(stats->state, sizeof(stats->state),
                 "connected, but takes nothing since %" PRIu64 " s%s", stalled_ns / 1000000000,
                 rest);
    else if (leat_transport_state(sink->session.transport) == LEAT_TRANSPORT_READY)
        snprintf(stats->state, sizeof(stats->state), "connected%s", rest);
    else
        snprintf(stats->state, sizeof(stats->state), "away since %" PRIu64 " s%s",
                 sink->away_ns && sink->now_ns > sink->away_ns
                     ? (sink->now_ns - sink->away_ns) / 1000000000
                     : 0,
                 rest);
}

static bool is_away(const struct leat_flow_sink *base) {
    const struct leat_ipfix_sink *sink = (const struct leat_ipfix_sink *)base;
    return leat_transport_state(sink->session.transport) != LEAT_TRANSPORT_READY ||
           leat_ipfix_sink_stalled(sink);
}

static void release(struct leat_ipfix_sink *sink) {
    leat_ipfix_destroy(sink->encoder);
    if (sink->session.transport)
        leat_transport_close(sink->session.transport);
    if (sink->spool)
        leat_spool_close(sink->spool);
    free(sink->templates);
    free(sink);
}

/* Until `until_ns` what is in the spool goes on to a collector that is there. */
static void empty_spool(struct leat_ipfix_sink *sink, uint64_t until_ns) {
    const struct timespec pause = { .tv_nsec = 5000000 };
    while (sink->spool && leat_spool_messages(sink->spool) && !is_away(&sink->sink) &&
           leat_flow_clock_ns(CLOCK_MONOTONIC) < until_ns) {
        nanosleep(&pause, NULL);
        leat_ipfix_sink_run(sink);
    }
}

/* Templates end with their session (RFC 7011, 8), so they are not withdrawn first: ipfixDump,
 * python3-ipfix and tshark take the withdrawal of all templates for a mistake. */
static void close_sink(struct leat_flow_sink *base, uint32_t timeout_ms,
                       struct leat_flow_sink_stats *final) {
    struct leat_ipfix_sink *sink = (struct leat_ipfix_sink *)base;
    const uint64_t begun_ns = leat_flow_clock_ns(CLOCK_MONOTONIC);
    leat_ipfix_sink_run(sink);
    leat_ipfix_finish(sink->encoder, sink->now_ns);
    empty_spool(sink, begun_ns + timeout_ms * UINT64_C(1000000));
    const uint64_t taken_ms = (leat_flow_clock_ns(CLOCK_MONOTONIC) - begun_ns) / 1000000;
    bool ready = leat_transport_state(sink->session.transport) == LEAT_TRANSPORT_READY;
    leat_transport_finish(sink->session.transport,
                          taken_ms < timeout_ms ? timeout_ms - (uint32_t)taken_ms : 0);
    leat_ipfix_sink_broken(sink);
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
static int open_spool(struct leat_ipfix_sink *sink, const struct leat_flow_sink_opts *opts) {
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/", opts->spool);
    if (n < 0 || (size_t)n + strlen(sink->sink.name) >= sizeof(path))
        return leat_fail(ENAMETOOLONG, "%s: the spool's name is too long", sink->sink.name);
    const bool made = mkdir(opts->spool, 0750) == 0;
    if (!made && errno != EEXIST)
        return leat_fail(errno, "%s: cannot make the spool %s: %s", sink->sink.name, opts->spool,
                         strerror(errno));
    for (const char *c = sink->sink.name; *c; c++)
        path[n++] = isalnum((unsigned char)*c) ? *c : '_';
    path[n] = '\0';
    int err =
        leat_spool_open(&sink->spool, path, opts->spool_octets ? opts->spool_octets : SPOOL_OCTETS);
    if (!err && opts->spool_user)
        err = leat_spool_give(sink->spool, opts->spool_user, opts->spool_group);
    if (err)
        return leat_fail_in(err, sink->sink.name);
    if (made && opts->spool_user && lchown(opts->spool, opts->spool_user, opts->spool_group) < 0)
        return leat_fail(errno, "%s: cannot give the spool %s to user %u: %s", sink->sink.name,
                         opts->spool, opts->spool_user, strerror(errno));
    sink->taken = leat_spool_flows(sink->spool);
    return 0;
}

static int open_encoder(struct leat_ipfix_sink *sink, const struct leat_flow_sink_opts *opts) {
    struct leat_ipfix_opts encoder = leat_flow_sink_encoder(opts);
    encoder.message_max = leat_transport_message_max(sink->session.transport);
    encoder.withdraw = !leat_ipfix_sink_datagrams(sink);
    encoder.facts = add_facts;
    encoder.message = leat_ipfix_sink_message;
    encoder.ctx = sink;
    int err = leat_ipfix_create(&sink->encoder, &encoder);
    return err ? leat_fail_in(err, sink->sink.name) : leat_ipfix_sink_capture(sink);
}

/* A moment for the connection, so that a short run, too, finds its collector. */
static void wait_for_collector(struct leat_ipfix_sink *sink) {
    const struct timespec pause = { .tv_nsec = 5000000 };
    const uint64_t until_ns = leat_flow_clock_ns(CLOCK_MONOTONIC) + CONNECT_WAIT_NS;
    while (leat_transport_tick(sink->session.transport, leat_flow_clock_ns(CLOCK_MONOTONIC)) ==
               LEAT_TRANSPORT_CONNECTING &&
           leat_flow_clock_ns(CLOCK_MONOTONIC) < until_ns)
        nanosleep(&pause, NULL);
    if (leat_transport_state(sink->session.transport) != LEAT_TRANSPORT_READY)
        sink->away_ns = sink->now_ns;
}

static int open_sink(struct leat_flow_sink **opened, enum leat_transport_kind kind,
                     const char *name, const char *rest, const char *port_default,
                     const struct leat_flow_sink_opts *opts) {
    char host[256], port[32];
    int err = leat_flow_sink_address(name, rest, port_default, host, port);
    if (err)
        return err;
    struct leat_ipfix_sink *sink = calloc(1, sizeof(*sink));
    if (!sink)
        return leat_fail(ENOMEM, "%s: no memory", name);
    sink->sink.ops = &ops;
    snprintf(sink->sink.name, sizeof(sink->sink.name), "%s", name);
    sink->kind = kind;
    sink->facts = opts->facts;
    sink->facts_ctx = opts->facts_ctx;
    sink->told = opts->told;
    sink->told_ctx = opts->told_ctx;
    sink->now_ns = leat_flow_clock_ns(CLOCK_REALTIME);
    sink->session.arrived = leat_ipfix_sink_arrived;
    sink->session.ctx = sink;
    if (opts->spool)
        err = open_spool(sink, opts);
    if (!err)
        err = leat_transport_open(&sink->session.transport, kind, name, host, port, opts);
    if (!err) {
        leat_transport_on_refused(sink->session.transport, leat_ipfix_sink_refused, sink);
        err = open_encoder(sink, opts);
    }
    if (err) {
        release(sink);
        return err;
    }
    wait_for_collector(sink);
    leat_ipfix_sink_run(sink);
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
