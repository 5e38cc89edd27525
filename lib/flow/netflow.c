/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow: messages, their headers and clock. */
#include "netflow_private.h"

#include "lib/core/error.h"
#include "uniflow.h"
#include <errno.h>
#include <stdlib.h>

#define SECOND_NS  1000000000ull
#define REFRESH_NS (600 * SECOND_NS)
#define HOUR_MS    (3600 * 1000ull)
#define UPTIME_MAX (1ull << 31) /* ms, 24 days: far from where 32 bits wrap */

enum { COUNT_AT = 2, HEADER5_BYTES = 24, RECORD5_BYTES = 48 };

int leat_netflow_create(struct leat_netflow **result, const struct leat_netflow_opts *opts) {
    struct leat_netflow *netflow = calloc(1, sizeof(*netflow));
    if (!netflow)
        return leat_fail(ENOMEM, "NetFlow: out of memory");
    netflow->opts = *opts;
    netflow->now_ns = opts->now_ns;
    if (!netflow->opts.refresh_ns)
        netflow->opts.refresh_ns = REFRESH_NS;
    netflow->templates_due = opts->version == 9;
    for (uint32_t i = 0; opts->version == 9 && i < opts->fields->count; i++)
        if (leat_netflow_knows(&opts->fields->choice[i]))
            netflow->fields.choice[netflow->fields.count++] = opts->fields->choice[i];
    /* A template, the largest thing in a message of version 9, is sent whole. */
    uint32_t least = opts->version == 5 ? HEADER5_BYTES + RECORD5_BYTES
                                        : 64 + 4 * (netflow->fields.count + 2) +
                                              leat_netflow9_record_bytes(netflow, 6) +
                                              leat_netflow9_record_bytes(netflow, 4);
    if (opts->message_max < least) {
        free(netflow);
        return leat_fail(EINVAL,
                         "NetFlow: a message of %u bytes cannot hold these fields: choose fewer",
                         opts->message_max);
    }
    *result = netflow;
    return 0;
}

void leat_netflow_destroy(struct leat_netflow *netflow) {
    if (!netflow)
        return;
    leat_text_free(&netflow->text);
    free(netflow);
}

uint32_t leat_netflow_sampling_interval(const struct leat_flow_sampling *sampling) {
    uint64_t of = sampling->population, chosen = sampling->size;
    if (sampling->kind == LEAT_FLOW_SAMPLING_NONE)
        return 1;
    if (sampling->kind == LEAT_FLOW_SAMPLING_COUNT) {
        of = (uint64_t)sampling->interval + sampling->space;
        chosen = sampling->interval;
    }
    return chosen ? (uint32_t)((of + chosen / 2) / chosen) : 1;
}

/* The exporter's start is chosen so that 32 bits of milliseconds reach from it to every packet. It
 * may differ from message to message: collectors work it out from each header. A capture older than
 * they reach is exported as if now were its own time. */
static uint64_t set_clock(struct leat_netflow *netflow) {
    uint64_t now_ms = netflow->now_ns / 1000000;
    if (!netflow->boot_ms) {
        uint64_t first_ms = netflow->newest_ns ? netflow->newest_ns / 1000000 : now_ms;
        netflow->by_records = first_ms + UPTIME_MAX / 2 < now_ms;
        netflow->boot_ms = (netflow->by_records || first_ms < now_ms ? first_ms : now_ms) - HOUR_MS;
    }
    if (netflow->by_records)
        now_ms = netflow->newest_ns / 1000000;
    if (now_ms - netflow->boot_ms > UPTIME_MAX)
        netflow->boot_ms = now_ms - 24 * HOUR_MS;
    return now_ms;
}

void leat_netflow_begin(struct leat_netflow *netflow) {
    struct leat_text *text = &netflow->text;
    if (text->n > 0)
        return;
    uint64_t now_ms = set_clock(netflow), seconds = now_ms / 1000;
    netflow->begun_ns = netflow->now_ns;
    leat_netflow_put(text, netflow->opts.version, 2);
    leat_netflow_put(text, 0, 2); /* count */
    /* Both of the same instant, a whole second, as collectors subtract the one from the other. */
    leat_netflow_put(text, seconds * 1000 - netflow->boot_ms, 4);
    leat_netflow_put(text, seconds, 4);
    if (netflow->opts.version == 9) {
        leat_netflow_put(text, netflow->sequence, 4);
        leat_netflow_put(text, netflow->opts.domain, 4);
        return;
    }
    uint32_t interval = leat_netflow_sampling_interval(&netflow->opts.sampling);
    uint32_t mode = netflow->opts.sampling.kind == LEAT_FLOW_SAMPLING_NONE    ? 0
                    : netflow->opts.sampling.kind == LEAT_FLOW_SAMPLING_COUNT ? 1
                                                                              : 2;
    leat_netflow_put(text, 0, 4); /* nanoseconds */
    leat_netflow_put(text, netflow->sequence, 4);
    leat_netflow_put(text, 0, 1); /* engine type */
    leat_netflow_put(text, netflow->opts.domain, 1);
    leat_netflow_put(text, mode << 14 | (mode ? interval & 0x3fff : 0), 2);
}

void leat_netflow_flush(struct leat_netflow *netflow) {
    struct leat_text *text = &netflow->text;
    if (text->n == 0)
        return;
    if (netflow->opts.version == 9)
        leat_netflow9_end_set(netflow);
    if (!text->failed)
        leat_netflow_patch16(text, COUNT_AT, netflow->count);
    netflow->opts.message(netflow->opts.ctx, text->failed ? NULL : (const uint8_t *)text->bytes,
                          (uint32_t)text->n, &netflow->tally);
    netflow->sequence += netflow->opts.version == 9 ? 1 : netflow->count;
    netflow->messages_since++;
    text->n = 0;
    text->failed = false;
    netflow->count = 0;
    netflow->tally = (struct leat_tally){ 0 };
}

static bool refresh_due(const struct leat_netflow *netflow) {
    const struct leat_netflow_opts *opts = &netflow->opts;
    return netflow->templates_due || netflow->now_ns - netflow->templates_ns >= opts->refresh_ns ||
           (opts->refresh_messages && netflow->messages_since >= opts->refresh_messages);
}

static void one_direction(struct leat_netflow *netflow, const struct leat_flow *flow) {
    if (flow->side[0].last_ns > netflow->newest_ns)
        netflow->newest_ns = flow->side[0].last_ns;
    if (netflow->opts.version == 5) {
        leat_netflow5_record(netflow, flow);
        return;
    }
    if (netflow->text.n == 0 && refresh_due(netflow))
        leat_netflow9_templates(netflow);
    leat_netflow9_record(netflow, flow);
}

bool leat_netflow_record(struct leat_netflow *netflow, const struct leat_flow *flow) {
    struct leat_uniflows uniflows;
    if (netflow->opts.version == 5 && flow->version != 4)
        return false;
    uint32_t n = leat_uniflows(flow, &uniflows);
    for (uint32_t i = 0; i < n; i++)
        one_direction(netflow, &uniflows.flow[i]);
    return true;
}

void leat_netflow_tick(struct leat_netflow *netflow, uint64_t now_ns) {
    netflow->now_ns = now_ns;
    if (netflow->text.n > 0 && now_ns >= netflow->begun_ns + SECOND_NS)
        leat_netflow_flush(netflow);
    /* Before the first record there is no clock that fits them. */
    if (netflow->opts.version == 9 && netflow->boot_ms && netflow->text.n == 0 &&
        refresh_due(netflow)) {
        leat_netflow9_templates(netflow);
        leat_netflow_flush(netflow);
    }
}

void leat_netflow_repeat(struct leat_netflow *netflow) {
    netflow->templates_due = netflow->opts.version == 9;
}

uint64_t leat_netflow_made(const struct leat_netflow *netflow) {
    return netflow->made;
}

uint64_t leat_netflow_held(const struct leat_netflow *netflow) {
    return netflow->tally.records;
}
