/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two versions of NetFlow share: the message at hand, and its clock. */
#ifndef LEAT_FLOW_NETFLOW_PRIVATE_H
#define LEAT_FLOW_NETFLOW_PRIVATE_H

#include "netflow.h"
#include "text.h"

enum {
    LEAT_NETFLOW_TEMPLATE_IP4 = 256, /* RFC 3954, 5.2: the first that data may have */
    LEAT_NETFLOW_TEMPLATE_IP6,
    LEAT_NETFLOW_TEMPLATE_SAMPLING,
};

struct leat_netflow {
    struct leat_netflow_opts opts;
    struct leat_fields fields; /* those that version 9 knows */
    struct leat_text text;     /* the message at hand; empty: none */
    uint16_t count;            /* records in it, templates too */
    uint16_t set;              /* id of the set at hand; 0: none */
    size_t set_at;
    struct leat_tally tally; /* of the flows in it */
    uint64_t made;           /* records, since it was created */
    uint32_t sequence;       /* version 9: messages; version 5: flows */
    uint64_t boot_ms;        /* since 1970: what times in the message at hand count from */
    uint64_t now_ns, newest_ns, begun_ns, templates_ns;
    uint32_t messages_since; /* templates were sent */
    bool by_records;         /* a capture of long ago: its time is the exporter's */
    bool templates_due;
};

static inline void leat_netflow_put(struct leat_text *text, uint64_t number, uint32_t bytes) {
    if (!leat_text_room(text, bytes))
        return;
    for (uint32_t i = bytes; i-- > 0; number >>= 8)
        text->bytes[text->n + i] = (char)number;
    text->n += bytes;
}

static inline void leat_netflow_patch16(struct leat_text *text, size_t at, size_t number) {
    text->bytes[at] = (char)(number >> 8);
    text->bytes[at + 1] = (char)number;
}

/* Milliseconds from the exporter's start to a packet. */
static inline uint32_t leat_netflow_uptime(const struct leat_netflow *netflow, uint64_t time_ns) {
    uint64_t ms = time_ns / 1000000;
    return ms > netflow->boot_ms ? (uint32_t)(ms - netflow->boot_ms) : 0;
}

/* One packet of how many is metered. */
uint32_t leat_netflow_sampling_interval(const struct leat_flow_sampling *sampling);

/* Begins a message if there is none: its header, with the count still 0. */
void leat_netflow_begin(struct leat_netflow *netflow);

void leat_netflow9_record(struct leat_netflow *netflow, const struct leat_flow *flow);
void leat_netflow9_templates(struct leat_netflow *netflow);
void leat_netflow9_end_set(struct leat_netflow *netflow);
uint32_t leat_netflow9_record_bytes(const struct leat_netflow *netflow, uint32_t version);
void leat_netflow5_record(struct leat_netflow *netflow, const struct leat_flow *flow);

#endif
