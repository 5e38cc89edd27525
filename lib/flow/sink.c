/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks by name: which there are, and the parts of a name. */
#include "sink_kinds.h"

#include "lib/core/error.h"
#include <errno.h>
#include <string.h>

#ifndef LEAT_WITH_KAFKA
const struct leat_flow_sink_kind leat_sink_kafka = {
    .name = "kafka",
    .summary = "this build lacks it: librdkafka was not found",
};
#endif

#if !defined(LEAT_WITH_KAFKA) || !defined(LEAT_WITH_PROTOBUF)
const struct leat_flow_sink_kind leat_sink_kafka_protobuf = {
    .name = "kafka+protobuf",
    .summary = "this build lacks it: librdkafka or libprotobuf-c was not found",
};
#endif

#ifndef LEAT_WITH_CURL
const struct leat_flow_sink_kind leat_sink_clickhouse = {
    .name = "clickhouse",
    .summary = "this build lacks it: libcurl was not found",
};
#endif

static const struct leat_flow_sink_kind *const kinds[] = {
    &leat_sink_text,       &leat_sink_json,      &leat_sink_csv,        &leat_sink_file,
    &leat_sink_netflow9,   &leat_sink_netflow5,  &leat_sink_kafka,      &leat_sink_kafka_protobuf,
    &leat_sink_clickhouse, &leat_sink_ipfix,     &leat_sink_ipfix_udp,  &leat_sink_ipfix_tcp,
    &leat_sink_ipfix_sctp, &leat_sink_ipfix_tls, &leat_sink_ipfix_dtls,
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const struct leat_flow_sink_kind *leat_flow_sink_kind(uint32_t i) {
    return i < KINDS ? kinds[i] : NULL;
}

/* For the sentence about a kind that there is not: "text, json ...". */
static void list_kinds(char list[LEAT_SENTENCE_BYTES]) {
    size_t n = 0;
    list[0] = '\0';
    for (uint32_t i = 0; i < KINDS; i++) {
        size_t bytes = strlen(kinds[i]->name);
        if (n + bytes + 3 > LEAT_SENTENCE_BYTES)
            return;
        if (i > 0) {
            memcpy(list + n, ", ", 2);
            n += 2;
        }
        memcpy(list + n, kinds[i]->name, bytes + 1);
        n += bytes;
    }
}

int leat_flow_sink_open(struct leat_flow_sink **sink, const char *name,
                        const struct leat_flow_sink_opts *opts) {
    if (opts->size != sizeof(*opts))
        return leat_fail(EINVAL, "%s: cannot open the sink: its options are of another version",
                         name);
    if (strlen(name) >= sizeof((*sink)->name))
        return leat_fail(EINVAL, "%.40s...: cannot open the sink: names have at most %zu bytes",
                         name, sizeof((*sink)->name) - 1);
    const char *colon = strchr(name, ':');
    size_t n = colon ? (size_t)(colon - name) : strlen(name);
    for (uint32_t i = 0; colon && i < KINDS; i++) {
        if (strlen(kinds[i]->name) != n || memcmp(kinds[i]->name, name, n) != 0)
            continue;
        if (!kinds[i]->open)
            return leat_fail(ENOTSUP, "%s: cannot open the sink: %s", name, kinds[i]->summary);
        return kinds[i]->open(sink, kinds[i], name, colon + 1, opts);
    }
    char list[LEAT_SENTENCE_BYTES];
    list_kinds(list);
    return leat_fail(EINVAL, "%s: cannot open the sink: it has to begin with one of %s, and ':'",
                     name, list);
}

static int bad_address(const char *name, const char *why) {
    return leat_fail(EINVAL, "%s: cannot read the address: %s; write host, host:port or [v6]:port",
                     name, why);
}

static int copy_part(const char *name, const char *what, char *to, size_t room, const char *from,
                     size_t n) {
    if (n == 0)
        return bad_address(name, what);
    if (n >= room)
        return bad_address(name, "it is too long");
    memcpy(to, from, n);
    to[n] = '\0';
    return 0;
}

int leat_flow_sink_address(const char *name, const char *rest, const char *default_port,
                           char host[256], char port[32]) {
    if (strncmp(rest, "//", 2) == 0)
        rest += 2;
    size_t n = strcspn(rest, "/");
    const char *host_from = rest, *after;
    size_t host_n;
    if (n > 0 && rest[0] == '[') {
        const char *end = memchr(rest, ']', n);
        if (!end)
            return bad_address(name, "']' is missing");
        host_from = rest + 1;
        host_n = (size_t)(end - host_from);
        after = end + 1;
    } else {
        host_n = strcspn(rest, ":/");
        after = rest + host_n;
        if (host_n < n && memchr(after + 1, ':', n - host_n - 1))
            return bad_address(name, "an IPv6 address stands in brackets");
    }
    int err = copy_part(name, "there is no host", host, 256, host_from, host_n);
    if (err)
        return err;
    if (after == rest + n)
        return copy_part(name, "there is no port", port, 32, default_port, strlen(default_port));
    if (*after != ':')
        return bad_address(name, "something else than ':' follows ']'");
    return copy_part(name, "there is no port behind ':'", port, 32, after + 1,
                     (size_t)(rest + n - after - 1));
}
