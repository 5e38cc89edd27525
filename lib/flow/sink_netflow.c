/* SPDX-License-Identifier: BSD-2-Clause */
/* netflow9: and netflow5: over UDP. */
#include "sink_kinds.h"

#include "clock.h"
#include "history.h"
#include "lib/core/error.h"
#include "netflow.h"
#include "repeat.h"
#include "transport.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Collectors of old have no larger buffers, whatever the path takes. */
#define MESSAGE_MAX 1472

struct netflow_sink {
    struct leat_flow_sink sink;
    struct leat_transport *transport;
    struct leat_netflow *netflow;
    struct leat_tally sent, lost;
    struct leat_history history;
    struct leat_repeat repeat; /* of the templates */
    uint64_t unfit;            /* records that the version has no place for */
    uint64_t now_ns, octets, messages, refused;
    bool told_ip6;
    void (*told)(void *ctx, const char *sentence);
    void *told_ctx;
};

static void tell(const struct netflow_sink *netflow, const char *what) {
    char sentence[LEAT_SENTENCE_BYTES];
    snprintf(sentence, sizeof(sentence), "%s: %.220s", netflow->sink.name, what);
    if (netflow->told)
        netflow->told(netflow->told_ctx, sentence);
}

static void send_message(void *ctx, const uint8_t *bytes, uint32_t n,
                         const struct leat_tally *tally) {
    struct netflow_sink *netflow = ctx;
    if (!bytes || leat_transport_send(netflow->transport, bytes, n)) {
        leat_tally_add(&netflow->lost, tally);
        return;
    }
    leat_tally_add(&netflow->sent, tally);
    leat_history_add(&netflow->history, leat_history_print(bytes, n), tally);
    netflow->octets += n;
    netflow->messages++;
}

static void take_refusal(void *ctx, const uint8_t *quoted, uint32_t n) {
    struct netflow_sink *netflow = ctx;
    const struct leat_tally gone =
        leat_history_take(&netflow->history, leat_history_print(quoted, n));
    leat_tally_subtract(&netflow->sent, &gone);
    leat_tally_add(&netflow->lost, &gone);
    netflow->refused += gone.records;
    leat_repeat_ask(&netflow->repeat, netflow->now_ns);
}

static void netflow_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct netflow_sink *netflow = (struct netflow_sink *)sink;
    if (leat_netflow_record(netflow->netflow, flow))
        return;
    struct leat_tally tally = leat_tally_of(flow);
    leat_tally_add(&netflow->lost, &tally);
    netflow->unfit++;
    if (!netflow->told_ip6)
        tell(netflow, "NetFlow version 5 has no IPv6: such flows are counted as lost; "
                      "use netflow9: or ipfix:");
    netflow->told_ip6 = true;
}

static void netflow_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    struct netflow_sink *netflow = (struct netflow_sink *)sink;
    netflow->now_ns = now_ns;
    leat_transport_tick(netflow->transport, leat_flow_clock_ns(CLOCK_MONOTONIC));
    if (leat_repeat_due(&netflow->repeat, now_ns)) {
        netflow->repeat = (struct leat_repeat){ 0 };
        leat_netflow_repeat(netflow->netflow);
    }
    leat_netflow_tick(netflow->netflow, now_ns);
}

static bool netflow_away(const struct leat_flow_sink *sink) {
    const struct netflow_sink *netflow = (const struct netflow_sink *)sink;
    return leat_transport_state(netflow->transport) != LEAT_TRANSPORT_READY;
}

static void netflow_stats(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    const struct netflow_sink *netflow = (const struct netflow_sink *)sink;
    *stats = (struct leat_flow_sink_stats){
        .taken = leat_netflow_made(netflow->netflow) + netflow->unfit,
        .records = netflow->sent.records,
        .octets = netflow->octets,
        .messages = netflow->messages,
        .held = leat_netflow_held(netflow->netflow),
        .failures = leat_transport_failures(netflow->transport),
    };
    leat_tally_lost(&netflow->lost, stats);
    stats->refused = netflow->refused;
    snprintf(stats->state, sizeof(stats->state), "%s",
             netflow_away(sink) ? leat_transport_reason(netflow->transport) : "sending");
}

static void netflow_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                          struct leat_flow_sink_stats *final) {
    struct netflow_sink *netflow = (struct netflow_sink *)sink;
    (void)timeout_ms;
    leat_netflow_flush(netflow->netflow);
    leat_transport_tick(netflow->transport, leat_flow_clock_ns(CLOCK_MONOTONIC)); /* refusals */
    if (final)
        netflow_stats(sink, final);
    if (final && !netflow_away(sink))
        strcpy(final->state, "closed");
    leat_netflow_destroy(netflow->netflow);
    leat_transport_close(netflow->transport);
    free(netflow);
}

static const struct leat_flow_sink_ops netflow_ops = {
    .record = netflow_record,
    .tick = netflow_tick,
    .stats = netflow_stats,
    .close = netflow_close,
    .away = netflow_away,
};

/* Fields that were asked for and that the protocol has no place for. */
static void tell_left_out(const struct netflow_sink *netflow, const struct leat_fields *fields) {
    char list[LEAT_SENTENCE_BYTES] = "NetFlow version 9 has no place for";
    size_t n = strlen(list);
    uint32_t left_out = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct leat_field_choice *choice = &fields->choice[i];
        enum leat_field_type type = choice->field->type;
        bool time = type >= LEAT_FIELD_SECONDS && type <= LEAT_FIELD_NANOSECONDS;
        /* Times and the way back are there, in another form. */
        if (leat_netflow_knows(choice) || time || choice->side)
            continue;
        if (left_out < 3)
            n += (size_t)snprintf(list + n, sizeof(list) - n, " %.60s", choice->field->name);
        left_out++;
    }
    if (left_out > 3)
        snprintf(list + n, sizeof(list) - n, " and %u other fields", left_out - 3);
    if (left_out)
        tell(netflow, list);
}

static int open_parts(struct netflow_sink *netflow, uint32_t version, const char *rest,
                      const struct leat_flow_sink_opts *opts) {
    const char *name = netflow->sink.name;
    char host[256], port[32];
    struct leat_flow_sink_opts transport_opts = *opts;
    transport_opts.spool = NULL; /* of IPFIX messages only */
    int err = leat_flow_sink_address(name, rest, LEAT_NETFLOW_PORT, host, port);
    if (!err)
        err = leat_transport_open(&netflow->transport, LEAT_TRANSPORT_UDP, name, host, port,
                                  &transport_opts);
    if (err)
        return err;
    leat_transport_on_refused(netflow->transport, take_refusal, netflow);
    netflow->now_ns = leat_flow_clock_ns(CLOCK_REALTIME);
    const uint32_t room = leat_transport_message_max(netflow->transport);
    const struct leat_netflow_opts netflow_opts = {
        .version = version,
        .domain = opts->domain,
        .fields = opts->fields,
        .message_max = room > MESSAGE_MAX && !opts->mtu ? MESSAGE_MAX : room,
        .refresh_ns = opts->refresh_ns,
        .refresh_messages = opts->refresh_messages,
        .sampling = opts->sampling,
        .now_ns = netflow->now_ns,
        .message = send_message,
        .ctx = netflow,
    };
    err = leat_netflow_create(&netflow->netflow, &netflow_opts);
    if (err) {
        leat_transport_close(netflow->transport);
        return leat_fail_in(err, name);
    }
    return 0;
}

static int netflow_open(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                        const char *name, const char *rest,
                        const struct leat_flow_sink_opts *opts) {
    uint32_t version = kind == &leat_sink_netflow9 ? 9 : 5;
    struct netflow_sink *netflow = calloc(1, sizeof(*netflow));
    if (!netflow)
        return leat_fail(ENOMEM, "%s: cannot open the sink: out of memory", name);
    netflow->sink.ops = &netflow_ops;
    snprintf(netflow->sink.name, sizeof(netflow->sink.name), "%s", name);
    netflow->told = opts->told;
    netflow->told_ctx = opts->told_ctx;
    int err = open_parts(netflow, version, rest, opts);
    if (err) {
        free(netflow);
        return err;
    }
    if (version == 9)
        tell_left_out(netflow, opts->fields);
    *sink = &netflow->sink;
    return 0;
}

const struct leat_flow_sink_kind leat_sink_netflow9 = {
    .name = "netflow9",
    .summary = "netflow9://host[:2055], NetFlow version 9 over UDP",
    .open = netflow_open,
};

const struct leat_flow_sink_kind leat_sink_netflow5 = {
    .name = "netflow5",
    .summary = "netflow5://host[:2055], NetFlow version 5 over UDP: IPv4 only",
    .open = netflow_open,
};
