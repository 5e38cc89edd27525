/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of sinks that this build has. A file that needs a library is compiled where there is
 * one, and LEAT_WITH_... is defined then (meson.build); without it sink.c has the kind by name
 * only, so that asking for it is answered with what is missing.
 */
#ifndef LEAT_FLOW_SINK_KINDS_H
#define LEAT_FLOW_SINK_KINDS_H

#include "sinks.h"

extern const struct leat_flow_sink_kind leat_sink_ipfix, leat_sink_ipfix_udp, leat_sink_ipfix_tcp,
    leat_sink_ipfix_sctp, leat_sink_ipfix_tls, leat_sink_ipfix_dtls;
extern const struct leat_flow_sink_kind leat_sink_csv, leat_sink_file, leat_sink_json,
    leat_sink_text;
extern const struct leat_flow_sink_kind leat_sink_clickhouse, leat_sink_kafka,
    leat_sink_kafka_protobuf;
extern const struct leat_flow_sink_kind leat_sink_netflow5, leat_sink_netflow9;

/* What the options say of messages of IPFIX, whichever way they go. */
static inline struct leat_ipfix_opts
leat_flow_sink_encoder(const struct leat_flow_sink_opts *opts) {
    return (struct leat_ipfix_opts){
        .domain = opts->domain,
        .fields = opts->fields,
        .pen = opts->pen,
        .key = opts->key,
        .uniflow = opts->uniflow,
        .refresh_ns = opts->refresh_ns,
        .refresh_messages = opts->refresh_messages,
        .options_ns = opts->options_ns,
        .active_ns = opts->active_ns,
        .idle_ns = opts->idle_ns,
        .sampling = opts->sampling,
        .interfaces = opts->interfaces,
        .interface_count = opts->interface_count,
    };
}

#endif
