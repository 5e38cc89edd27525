/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NetFlow messages for collectors that know no IPFIX: version 9 (RFC 3954) with templates made from
 * the fields, version 5 with its one kind of record. Both know one direction a record, and times as
 * milliseconds since the exporter started. Messages go to `message`, whole, one at a time.
 */
#ifndef LEAT_FLOW_NETFLOW_H
#define LEAT_FLOW_NETFLOW_H

#include "field.h"
#include "sampling.h"
#include "tally.h"

#define LEAT_NETFLOW_PORT "2055"

struct leat_netflow_opts {
    uint32_t version;                 /* 5 or 9 */
    uint32_t domain;                  /* source id; of version 5 its low byte: engine id */
    const struct leat_fields *fields; /* of version 9 */
    uint32_t message_max;
    uint64_t refresh_ns;       /* templates and options again after so long; 0: 600 s */
    uint32_t refresh_messages; /* and after so many messages; 0: never by count */
    struct leat_flow_sampling sampling;
    uint64_t now_ns; /* CLOCK_REALTIME */
    /* The bytes are valid during the call. NULL: for want of memory there are none, and what was to
     * be in them is lost. */
    void (*message)(void *ctx, const uint8_t *bytes, uint32_t n, const struct leat_tally *tally);
    void *ctx;
};

struct leat_netflow;
int leat_netflow_create(struct leat_netflow **netflow, const struct leat_netflow_opts *opts);
void leat_netflow_destroy(struct leat_netflow *netflow);

/* Records of both directions become two. False: the version has no such records (IPv6 in 5). */
bool leat_netflow_record(struct leat_netflow *netflow, const struct leat_flow *flow);
/* Refreshes templates when due; sends a message that has waited for a second. */
void leat_netflow_tick(struct leat_netflow *netflow, uint64_t now_ns);
void leat_netflow_flush(struct leat_netflow *netflow);

/* Version 9: templates go out again before the next data, or at the next tick. */
void leat_netflow_repeat(struct leat_netflow *netflow);
/* Records made, and those of them in the message at hand. */
uint64_t leat_netflow_made(const struct leat_netflow *netflow);
uint64_t leat_netflow_held(const struct leat_netflow *netflow);

/* Whether a field can be in version 9: of IANA, of fixed length, of one direction, no time. */
bool leat_netflow_knows(const struct leat_field_choice *choice);

#endif
