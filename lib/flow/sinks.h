/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sinks that there are, by name:
 *
 *   ipfix://host[:4739]       IPFIX over UDP; ipfix+tcp, ipfix+sctp, ipfix+tls, ipfix+dtls
 *   netflow9://host[:2055]    NetFlow version 9; netflow5://host[:2055]
 *   file:flows.ipfix          IPFIX file (RFC 5655); file:flows.json, .csv by their endings
 *   json:- csv:- text:-       to standard output
 *   kafka://broker[:9092]/topic        a JSON object a message; kafka+protobuf: leat_flow.proto
 *   clickhouse://host[:8123]/table
 *
 * Each file sink_NAME.c has one sink and is told in sink.c's list.
 */
#ifndef LEAT_FLOW_SINKS_H
#define LEAT_FLOW_SINKS_H

#include "field.h"
#include "flow.h"
#include "ipfix.h"

struct leat_flow_tls {
    const char *certificate, *key, *ca; /* PEM files */
    const char *name;                   /* of the collector in its certificate; NULL: the host's */
};

struct leat_flow_rotation {
    uint64_t seconds, octets; /* a new file after so long or so much; 0: never */
};

struct leat_flow_sink_opts {
    size_t size;
    const struct leat_fields *fields;
    uint32_t domain, pen;
    uint32_t key; /* LEAT_FLOW_KEY_* of the meters */
    bool uniflow;
    uint32_t mtu; /* of the path; 0: the route's, as the kernel tells, else 1,500 */
    uint64_t refresh_ns, options_ns;
    uint32_t refresh_messages;
    uint64_t active_ns, idle_ns;
    struct leat_flow_sampling sampling;
    const struct leat_ipfix_interface *interfaces;
    uint32_t interface_count;
    void (*facts)(void *ctx, struct leat_ipfix_facts *facts);
    void *facts_ctx;
    struct leat_flow_tls tls;
    const char *spool;     /* directory; NULL: no store and forward, what cannot be sent is lost */
    uint64_t spool_octets; /* 0: 1 GiB */
    uint32_t spool_user, spool_group; /* who goes on with it, after root opened it; 0: root */
    struct leat_flow_rotation rotation;
    /* What happens, in a sentence: connected, collector away, back. May be NULL. */
    void (*told)(void *ctx, const char *sentence);
    void *told_ctx;
};

/* Opens the sink that `name` names. A collector that is away is no error where there is a spool or
 * the transport reconnects: it is tried again. -EINVAL: no such kind, or wrong; -ENOTSUP: not in
 * this build, with the library that is missing; -EACCES, ... */
int leat_flow_sink_open(struct leat_flow_sink **sink, const char *name,
                        const struct leat_flow_sink_opts *opts);

/* Several in one: each record goes to the first of them that is not away. */
int leat_flow_sink_failover(struct leat_flow_sink **sink, struct leat_flow_sink **members,
                            uint32_t n);

/* In the place of one that could not be opened: all that it is given is lost, and counted.
 * `now_ns`: CLOCK_REALTIME. */
int leat_flow_sink_absent(struct leat_flow_sink **sink, const char *name, uint64_t now_ns);

/* A kind's constructor. `rest` is the name behind "kind:". */
struct leat_flow_sink_kind {
    const char *name;    /* "ipfix+tcp" */
    const char *summary; /* for help */
    int (*open)(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                const char *name, const char *rest, const struct leat_flow_sink_opts *opts);
};
const struct leat_flow_sink_kind *leat_flow_sink_kind(uint32_t i); /* NULL beyond the last */

/* "host[:port]" or "[v6]:port" of a sink's name. -EINVAL, sentence. */
int leat_flow_sink_address(const char *name, const char *rest, const char *default_port,
                           char host[256], char port[32]);

#endif
