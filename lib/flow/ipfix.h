/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPFIX messages (RFC 7011) made of records: templates for each kind of record that there is (IPv4
 * and IPv6, biflow and uniflow), options templates with what a collector has to know, data sets.
 * Knows nothing of how messages travel: they go to `message`, whole, one at a time.
 */
#ifndef LEAT_FLOW_IPFIX_H
#define LEAT_FLOW_IPFIX_H

#include "field.h"
#include "sampling.h"
#include "span.h"

#define LEAT_IPFIX_VERSION 10
#define LEAT_IPFIX_PORT    4739

struct leat_ipfix_interface {
    uint32_t index;
    char name[64], about[64];
};

/* What the options records tell, asked for when they are due. */
struct leat_ipfix_facts {
    uint64_t observed_flows;                              /* 163 */
    uint64_t ignored_packets, ignored_octets;             /* 164, 165 */
    uint64_t unsent_flows, unsent_packets, unsent_octets; /* 166, 167, 168 */
    uint64_t selector_observed, selector_selected; /* 318, 319: packets before and after sampling */
    struct leat_span ignored, unsent;              /* when: 152 and 153 of the first and the last */
};

struct leat_ipfix_opts {
    uint32_t domain; /* observationDomainId */
    const struct leat_fields *fields;
    uint32_t pen;                /* of Leat's own elements; 0: LEAT_FLOW_PEN */
    uint32_t key;                /* LEAT_FLOW_KEY_*: what is in it beside the five-tuple */
    bool uniflow;                /* biflow records become two, with biflowDirection left out */
    uint32_t message_max;        /* bytes; within the path MTU over UDP; 0: 1,420 */
    bool withdraw;               /* TCP and SCTP: templates may be withdrawn, are not refreshed */
    uint64_t refresh_ns;         /* UDP: templates again after so long; 0: 600 s */
    uint32_t refresh_messages;   /* and after so many messages; 0: never by count */
    uint64_t options_ns;         /* statistics records; 0: 60 s */
    uint64_t active_ns, idle_ns; /* 36, 37 */
    struct leat_flow_sampling sampling;
    const struct leat_ipfix_interface *interfaces;
    uint32_t interface_count;
    uint32_t sequence;                                        /* to start from, for tests */
    void (*facts)(void *ctx, struct leat_ipfix_facts *facts); /* may be NULL */

    /* One whole message, with how many data records are in it (the sequence grows by that). The
     * bytes are valid during the call. `templates`: has to arrive before any other (SCTP, spool).
     * Returns 0, or a negative errno: the message's records are then lost, and the transport has
     * counted them. */
    int (*message)(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records, bool templates);
    void *ctx;
};

struct leat_ipfix;
int leat_ipfix_create(struct leat_ipfix **ipfix, const struct leat_ipfix_opts *opts);
void leat_ipfix_destroy(struct leat_ipfix *ipfix);

/* Adds a record to the message at hand, which is sent when it is full. `now_ns` is CLOCK_REALTIME.
 */
void leat_ipfix_record(struct leat_ipfix *ipfix, const struct leat_flow *flow, uint64_t now_ns);
/* Refreshes templates and options when due; sends a message that has waited for a second. */
void leat_ipfix_tick(struct leat_ipfix *ipfix, uint64_t now_ns);
/* The last of all: statistics as they are in the end, and the message at hand. */
void leat_ipfix_finish(struct leat_ipfix *ipfix, uint64_t now_ns);
/* Sends the message at hand now. */
void leat_ipfix_flush(struct leat_ipfix *ipfix, uint64_t now_ns);
/* A new transport session: sequence 0, all templates and options again before the next data. */
void leat_ipfix_restart(struct leat_ipfix *ipfix, uint64_t now_ns);
/* Records that went without their lists or strings, since they were too long for a message. */
uint64_t leat_ipfix_trimmed(const struct leat_ipfix *ipfix);
/* Withdraws all templates (TCP, SCTP), before an orderly end. */
void leat_ipfix_withdraw(struct leat_ipfix *ipfix, uint64_t now_ns);

#endif
