/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPFIX messages: header, sets, and the sequence number, RFC 7011, 3.
 *
 *   | header 16 | set header 4 | records ... padding | set header 4 | records ...
 *   0                          ^ set_at + 4                           ^ used
 */
#include "ipfix_private.h"
#include "lib/core/error.h"
#include "uniflow.h"
#include <errno.h>
#include <leat/parse.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_DEFAULT 1420 /* 1,500 less IPv6, UDP, and what a tunnel may take */
#define MESSAGE_MIN     128
#define NS_SECOND       UINT64_C(1000000000)
#define REFRESH_NS      (600 * NS_SECOND)
#define OPTIONS_NS      (60 * NS_SECOND)
#define WAIT_NS         NS_SECOND
#define NO_PADDING      0

static int check_options(struct leat_ipfix_opts *opts) {
    if (!opts->fields || opts->fields->count == 0 || !opts->message)
        return leat_fail(EINVAL, "ipfix: no fields, or nobody to take messages");
    if (opts->message_max == 0)
        opts->message_max = MESSAGE_DEFAULT;
    if (opts->message_max < MESSAGE_MIN || opts->message_max > IPFIX_MESSAGE_MAX)
        return leat_fail(EINVAL, "ipfix: messages of %u bytes; %u to %u can be", opts->message_max,
                         MESSAGE_MIN, IPFIX_MESSAGE_MAX);
    opts->message_max &= ~UINT32_C(3); /* so that there is always room for padding */
    opts->pen = opts->pen ? opts->pen : LEAT_FLOW_PEN;
    opts->refresh_ns = opts->refresh_ns ? opts->refresh_ns : REFRESH_NS;
    opts->options_ns = opts->options_ns ? opts->options_ns : OPTIONS_NS;
    return 0;
}

int leat_ipfix_create(struct leat_ipfix **created, const struct leat_ipfix_opts *opts) {
    struct leat_ipfix *ipfix = calloc(1, sizeof(*ipfix));
    if (!ipfix)
        return leat_fail(ENOMEM, "ipfix: no memory");
    ipfix->opts = *opts;
    int err = check_options(&ipfix->opts);
    if (err < 0)
        goto failed;
    ipfix->fields = *opts->fields;
    ipfix->sequence = opts->sequence;
    ipfix->used = IPFIX_HEADER_BYTES;
    ipfix->narrow = calloc(IPFIX_KINDS, sizeof(*ipfix->narrow));
    ipfix->wide = calloc(IPFIX_KINDS, sizeof(*ipfix->wide));
    ipfix->options = calloc(IPFIX_OPTIONS_COUNT, sizeof(*ipfix->options));
    ipfix->message = calloc(1, ipfix->opts.message_max + IPFIX_SLACK);
    ipfix->aside = calloc(1, ipfix->opts.message_max + IPFIX_SLACK);
    ipfix->interfaces = calloc(opts->interface_count + 1, sizeof(*ipfix->interfaces));
    if (!ipfix->narrow || !ipfix->wide || !ipfix->options || !ipfix->message || !ipfix->aside ||
        !ipfix->interfaces) {
        err = leat_fail(ENOMEM, "ipfix: no memory");
        goto failed;
    }
    if (opts->interface_count)
        memcpy(ipfix->interfaces, opts->interfaces,
               opts->interface_count * sizeof(*ipfix->interfaces));
    err = ipfix_templates_make(ipfix);
    if (err == 0)
        err = ipfix_options_make(ipfix);
    if (err < 0)
        goto failed;
    *created = ipfix;
    return 0;

failed:
    leat_ipfix_destroy(ipfix);
    return err;
}

void leat_ipfix_destroy(struct leat_ipfix *ipfix) {
    if (!ipfix)
        return;
    free(ipfix->interfaces);
    free(ipfix->aside);
    free(ipfix->message);
    free(ipfix->options);
    free(ipfix->wide);
    free(ipfix->narrow);
    free(ipfix);
}

/* Padding to four bytes must be shorter than any record of the set, or it would be read as one
 * (RFC 7011, 3.3.1). Sets of templates have none: there are readers that take it for a template. */
static void close_set(struct leat_ipfix *ipfix) {
    uint32_t padding = -ipfix->used & 3;
    if (!ipfix->set_at)
        return;
    if (padding < ipfix->set_shortest) {
        memset(ipfix->message + ipfix->used, 0, padding);
        ipfix->used += padding;
    }
    leat_put_be16(ipfix->message + ipfix->set_at + 2, ipfix->used - ipfix->set_at);
    ipfix->set_at = 0;
}

/* The sequence number counts data records of all messages before this one, options records as well
 * (RFC 7011, 3.1). A message that did not get through stays counted: the collector is to see it. */
static void send_message(struct leat_ipfix *ipfix, uint64_t now_ns) {
    uint8_t *message = ipfix->message;
    close_set(ipfix);
    if (ipfix->used == IPFIX_HEADER_BYTES)
        return;
    leat_put_be16(message, LEAT_IPFIX_VERSION);
    leat_put_be16(message + 2, ipfix->used);
    leat_put_be32(message + 4, (uint32_t)(now_ns / NS_SECOND));
    leat_put_be32(message + 8, ipfix->sequence);
    leat_put_be32(message + 12, ipfix->opts.domain);
    if (ipfix->opts.message(ipfix->opts.ctx, message, ipfix->used, ipfix->records,
                            ipfix->templates) == 0) {
        ipfix->octets_total += ipfix->used;
        ipfix->messages_total++;
    }
    ipfix->sequence += ipfix->records;
    ipfix->messages_since++;
    ipfix->used = IPFIX_HEADER_BYTES;
    ipfix->records = 0;
    ipfix->templates = false;
}

/* Where the next record of set `id` goes; a set of that id is open then. NULL: the message is full.
 */
static uint8_t *open_set(struct leat_ipfix *ipfix, uint16_t id, uint32_t shortest,
                         uint64_t now_ns) {
    if (!ipfix->message)
        __builtin_unreachable(); /* the analyser takes the NULL below for it */
    if (ipfix->set_at && leat_be16(ipfix->message + ipfix->set_at) == id)
        return ipfix->message + ipfix->used;
    close_set(ipfix);
    if (ipfix->used + IPFIX_SET_BYTES > ipfix->opts.message_max)
        return NULL;
    if (ipfix->used == IPFIX_HEADER_BYTES)
        ipfix->begun_ns = now_ns;
    ipfix->set_at = ipfix->used;
    ipfix->set_shortest = shortest;
    leat_put_be16(ipfix->message + ipfix->set_at, id);
    ipfix->used += IPFIX_SET_BYTES;
    return ipfix->message + ipfix->used;
}

/* A set without a record must not be (RFC 7011, 3.3). */
static void drop_empty_set(struct leat_ipfix *ipfix) {
    if (ipfix->set_at && ipfix->used == ipfix->set_at + IPFIX_SET_BYTES) {
        ipfix->used = ipfix->set_at;
        ipfix->set_at = 0;
    }
}

static const uint8_t *message_end(const struct leat_ipfix *ipfix) {
    return ipfix->message + ipfix->opts.message_max;
}

static void put_template(struct leat_ipfix *ipfix, const struct ipfix_template *template,
                         uint64_t now_ns) {
    uint32_t bytes = ipfix_template_bytes(template);
    uint16_t set = template->scope_count ? IPFIX_SET_OPTIONS_TEMPLATES : IPFIX_SET_TEMPLATES;
    uint8_t *at = open_set(ipfix, set, NO_PADDING, now_ns);
    if (!at || bytes > (size_t)(message_end(ipfix) - at)) {
        drop_empty_set(ipfix);
        send_message(ipfix, now_ns);
        at = open_set(ipfix, set, NO_PADDING, now_ns);
    }
    ipfix_template_put(at, template);
    ipfix->used += bytes;
    ipfix->templates = true;
}

void ipfix_put_options(struct leat_ipfix *ipfix, const struct ipfix_template *template,
                       const struct leat_field_value *values, uint64_t now_ns) {
    bool wide = false;
    for (int try = 0; try < 2; try++) {
        uint8_t *at = open_set(ipfix, template->id, template->shortest, now_ns);
        for (uint32_t i = 0; at && i < template->count; i++)
            at = ipfix_put(at, message_end(ipfix), &template->items[i], &values[i],
                           IPFIX_TRIM_NOTHING, &wide);
        if (at) {
            ipfix->used = (uint32_t)(at - ipfix->message);
            ipfix->records++;
            return;
        }
        drop_empty_set(ipfix);
        send_message(ipfix, now_ns);
    }
}

void ipfix_announce(struct leat_ipfix *ipfix, struct ipfix_template *template, uint64_t now_ns) {
    template->wanted = true;
    put_template(ipfix, template, now_ns);
    ipfix_options_keys(ipfix, template, now_ns);
}

/* Template i of flow records, the narrow ones first. NULL: not in use. */
static const struct ipfix_template *flow_template(const struct leat_ipfix *ipfix, uint32_t i) {
    const struct ipfix_template *template =
        i < IPFIX_KINDS ? &ipfix->narrow[i] : &ipfix->wide[i - IPFIX_KINDS];
    return template->wanted ? template : NULL;
}

/* All templates, then what belongs to them, in messages without flow records. What tells of Leat's
 * own elements comes before the templates that they are in. */
static void announce_all(struct leat_ipfix *ipfix, uint64_t now_ns) {
    send_message(ipfix, now_ns);
    for (uint32_t i = 0; i < IPFIX_OPTIONS_COUNT; i++)
        if (ipfix->options[i].wanted)
            put_template(ipfix, &ipfix->options[i], now_ns);
    ipfix_options_types(ipfix, now_ns);
    for (uint32_t i = 0; i < 2 * IPFIX_KINDS; i++)
        if (flow_template(ipfix, i))
            put_template(ipfix, flow_template(ipfix, i), now_ns);
    send_message(ipfix, now_ns);

    for (uint32_t i = 0; i < 2 * IPFIX_KINDS; i++)
        if (flow_template(ipfix, i))
            ipfix_options_keys(ipfix, flow_template(ipfix, i), now_ns);
    ipfix_options_static(ipfix, now_ns);
    ipfix_options_statistics(ipfix, now_ns);
    send_message(ipfix, now_ns);
    ipfix->announced = true;
    ipfix->refreshed_ns = ipfix->told_ns = now_ns;
    ipfix->messages_since = 0;
}

static bool refresh_due(const struct leat_ipfix *ipfix, uint64_t now_ns) {
    const struct leat_ipfix_opts *opts = &ipfix->opts;
    if (!ipfix->announced)
        return true;
    if (opts->withdraw)
        return false;
    return now_ns - ipfix->refreshed_ns >= opts->refresh_ns ||
           (opts->refresh_messages && ipfix->messages_since >= opts->refresh_messages);
}

static bool is_wide(const struct leat_ipfix *ipfix, const struct ipfix_template *template) {
    return template >= ipfix->wide && template <ipfix->wide + IPFIX_KINDS;
}

enum written { WRITTEN, NO_ROOM, TOO_WIDE };

static enum written put_flow(struct leat_ipfix *ipfix, const struct ipfix_template *template,
                             const struct leat_flow *flow, enum ipfix_trim trim, uint64_t now_ns) {
    const uint8_t *end = message_end(ipfix);
    uint8_t *at = open_set(ipfix, template->id, template->shortest, now_ns);
    bool wide = false;
    struct leat_field_value value;

    for (uint32_t i = 0; at && i < template->count; i++) {
        const struct ipfix_item *item = &template->items[i];
        item->get(flow, item->side, &value);
        at = ipfix_put(at, end, item, &value, trim, &wide);
    }
    wide = wide && !is_wide(ipfix, template);
    if (!at || wide) {
        drop_empty_set(ipfix);
        return wide ? TOO_WIDE : NO_ROOM;
    }
    ipfix->used = (uint32_t)(at - ipfix->message);
    ipfix->records++;
    ipfix->flows_total++;
    return WRITTEN;
}

/* A flow that nobody answered has no reverse elements: times of packets that never were would read
 * as 1970, and nfcapd 1.7.1 takes them for those of the whole flow. */
static uint32_t kind_of(const struct leat_ipfix *ipfix, const struct leat_flow *flow) {
    bool both = flow->biflow && flow->side[1].packets && !ipfix->opts.uniflow;
    return (flow->version == 6 ? IPFIX_KIND_IP6 : 0) | (both ? IPFIX_KIND_BIFLOW : 0);
}

/* What is too long for a message of its own goes without its lists, then without its strings; with
 * neither it always fits: ipfix_templates_make() saw to that. */
static void put_record(struct leat_ipfix *ipfix, const struct leat_flow *flow, uint64_t now_ns) {
    uint32_t kind = kind_of(ipfix, flow);
    struct ipfix_template *template = &ipfix->narrow[kind];

    for (enum ipfix_trim trim = IPFIX_TRIM_NOTHING; trim < IPFIX_TRIM_TOO_LONG;) {
        switch (put_flow(ipfix, template, flow, trim, now_ns)) {
        case WRITTEN:
            ipfix->trimmed += trim != IPFIX_TRIM_NOTHING;
            return;
        case TOO_WIDE:
            template = &ipfix->wide[kind];
            if (!template->wanted)
                ipfix_announce(ipfix, template, now_ns);
            break;
        case NO_ROOM:
            if (ipfix->used == IPFIX_HEADER_BYTES)
                trim++;
            else
                send_message(ipfix, now_ns);
        }
    }
}

void leat_ipfix_record(struct leat_ipfix *ipfix, const struct leat_flow *flow, uint64_t now_ns) {
    if (refresh_due(ipfix, now_ns))
        announce_all(ipfix, now_ns);
    if (!ipfix->opts.uniflow || !flow->biflow) {
        put_record(ipfix, flow, now_ns);
        return;
    }
    struct leat_uniflows uniflows;
    uint32_t n = leat_uniflows(flow, &uniflows);
    for (uint32_t i = 0; i < n; i++)
        put_record(ipfix, &uniflows.flow[i], now_ns);
}

void leat_ipfix_tick(struct leat_ipfix *ipfix, uint64_t now_ns) {
    if (refresh_due(ipfix, now_ns))
        announce_all(ipfix, now_ns);
    if (now_ns - ipfix->told_ns >= ipfix->opts.options_ns) {
        ipfix_options_statistics(ipfix, now_ns);
        ipfix->told_ns = now_ns;
    }
    if (ipfix->used > IPFIX_HEADER_BYTES && now_ns - ipfix->begun_ns >= WAIT_NS)
        send_message(ipfix, now_ns);
}

void leat_ipfix_flush(struct leat_ipfix *ipfix, uint64_t now_ns) {
    send_message(ipfix, now_ns);
}

void leat_ipfix_finish(struct leat_ipfix *ipfix, uint64_t now_ns) {
    if (ipfix->announced)
        ipfix_options_statistics(ipfix, now_ns);
    send_message(ipfix, now_ns);
}

/* The message at hand belongs to the new session now, behind the templates. */
void leat_ipfix_restart(struct leat_ipfix *ipfix, uint64_t now_ns) {
    uint32_t used, records = ipfix->records;
    const uint64_t begun_ns = ipfix->begun_ns;
    bool templates = ipfix->templates;
    uint8_t *message = ipfix->message;

    close_set(ipfix);
    used = ipfix->used;
    ipfix->message = ipfix->aside;
    ipfix->used = IPFIX_HEADER_BYTES;
    ipfix->records = 0;
    ipfix->templates = false;
    ipfix->sequence = 0;
    announce_all(ipfix, now_ns);

    ipfix->aside = ipfix->message;
    ipfix->message = message;
    ipfix->used = used;
    ipfix->records = records;
    ipfix->begun_ns = begun_ns;
    ipfix->templates = templates;
}

uint64_t leat_ipfix_trimmed(const struct leat_ipfix *ipfix) {
    return ipfix->trimmed;
}

/* RFC 7011, 8.1: the sets' own ids with no field stand for all templates of their kind. */
void leat_ipfix_withdraw(struct leat_ipfix *ipfix, uint64_t now_ns) {
    static const uint16_t sets[] = { IPFIX_SET_TEMPLATES, IPFIX_SET_OPTIONS_TEMPLATES };
    send_message(ipfix, now_ns);
    if (!ipfix->opts.withdraw || !ipfix->announced)
        return;
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t *at = open_set(ipfix, sets[i], NO_PADDING, now_ns);
        leat_put_be16(at, sets[i]);
        leat_put_be16(at + 2, 0);
        ipfix->used += 4;
    }
    ipfix->templates = true;
    send_message(ipfix, now_ns);
    ipfix->announced = false;
}
