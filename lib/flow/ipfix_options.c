/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options templates and records: what a collector has to know beside the flows. Counters come in
 * time; what does not change comes with the templates.
 */
#include "decode.h"
#include "ipfix_private.h"
#include "lib/core/error.h"
#include <errno.h>
#include <string.h>

#define NS_SECOND  UINT64_C(1000000000)
#define KEY_BITS   64 /* of flowKeyIndicator */
#define VALUES_MAX 8
#define SELECTOR   1
#define PROCESS    1 /* meteringProcessId, exportingProcessId: there is one of each */

/* IANA's elements of each template; the first `scope_count` of them are its scope. */
struct options_layout {
    uint8_t scope_count;
    uint16_t ids[VALUES_MAX]; /* up to a 0 */
};

static const struct options_layout layouts[IPFIX_OPTIONS_COUNT] = {
    /* RFC 7011, 4.1 */
    [IPFIX_OPTIONS_METERING] = { 2, { 149, 143, 41, 42, 40, 163 } },
    /* RFC 7011, 4.2 */
    [IPFIX_OPTIONS_METERING_RELIABILITY] = { 2, { 149, 143, 164, 165, 152, 153 } },
    /* RFC 7011, 4.3 */
    [IPFIX_OPTIONS_EXPORTING_RELIABILITY] = { 1, { 144, 166, 167, 168, 152, 153 } },
    /* RFC 5476, 6.5.3, by selector: there is one */
    [IPFIX_OPTIONS_SELECTION] = { 1, { 302, 318, 319 } },
    [IPFIX_OPTIONS_TIMEOUTS] = { 2, { 149, 143, 36, 37 } },
    [IPFIX_OPTIONS_INTERFACES] = { 1, { 10, 82, 83 } },
    /* RFC 7011, 4.4 */
    [IPFIX_OPTIONS_KEYS] = { 1, { 145, 173 } },
    /* RFC 5610, 3.9 */
    [IPFIX_OPTIONS_TYPES] = { 2, { 346, 303, 339, 344, 341, 340 } },
};

/* What each kind of sampling is announced as (RFC 5476, 6.5.2). The registry of selectorAlgorithm
 * has hash functions, too, but not ours, and by a keyed hash each packet has the same probability,
 * which collectors can scale by. */
static const struct {
    uint16_t algorithm; /* IANA's registry of PSAMP; RFC 5477, 8.2.1 says what goes with it */
    struct options_layout layout;
} samplings[] = {
    [LEAT_FLOW_SAMPLING_NONE] = { 0, { 1, { 302, 304 } } },
    [LEAT_FLOW_SAMPLING_COUNT] = { 1, { 1, { 302, 304, 305, 306 } } },
    [LEAT_FLOW_SAMPLING_RANDOM] = { 3, { 1, { 302, 304, 309, 310 } } },
    [LEAT_FLOW_SAMPLING_UNIFORM] = { 4, { 1, { 302, 304, 311 } } },
    [LEAT_FLOW_SAMPLING_HASH] = { 4, { 1, { 302, 304, 311 } } },
};

static bool is_wanted(const struct leat_ipfix *ipfix, enum ipfix_options_kind kind) {
    switch (kind) {
    case IPFIX_OPTIONS_SAMPLING:
    case IPFIX_OPTIONS_SELECTION:
        return ipfix->opts.sampling.kind != LEAT_FLOW_SAMPLING_NONE;
    case IPFIX_OPTIONS_INTERFACES:
        return ipfix->opts.interface_count > 0;
    case IPFIX_OPTIONS_TYPES:
        for (uint32_t i = 0; i < ipfix->fields.count; i++)
            if (ipfix->fields.choice[i].field->pen)
                return true;
        return false;
    default:
        return true;
    }
}

int ipfix_options_make(struct leat_ipfix *ipfix) {
    for (uint32_t kind = 0; kind < IPFIX_OPTIONS_COUNT; kind++) {
        struct ipfix_template *template = &ipfix->options[kind];
        const struct options_layout *layout = kind == IPFIX_OPTIONS_SAMPLING
                                                  ? &samplings[ipfix->opts.sampling.kind].layout
                                                  : &layouts[kind];
        template->id = ipfix_template_id();
        template->scope_count = layout->scope_count;
        template->wanted = is_wanted(ipfix, kind);
        for (uint32_t i = 0; i < VALUES_MAX && layout->ids[i]; i++) {
            uint32_t side;
            const struct leat_field *field =
                leat_field_by_id(0, layout->ids[i], LEAT_FLOW_PEN, &side);
            ipfix_template_add(template, ipfix_item(field, 0, field->length, 0));
        }
        if (ipfix_template_bytes(template) >
            ipfix->opts.message_max - IPFIX_HEADER_BYTES - IPFIX_SET_BYTES)
            return leat_fail(EINVAL, "messages of %u bytes are too short for IPFIX",
                             ipfix->opts.message_max);
    }
    return 0;
}

static struct leat_field_value number(uint64_t number) {
    return (struct leat_field_value){ .number = number };
}

static struct leat_field_value text(const char *bytes) {
    return (struct leat_field_value){ .bytes = bytes, .length = (uint32_t)strlen(bytes) };
}

void ipfix_options_statistics(struct leat_ipfix *ipfix, uint64_t now_ns) {
    const struct leat_ipfix_opts *opts = &ipfix->opts;
    struct leat_ipfix_facts facts = { 0 };
    if (opts->facts)
        opts->facts(opts->ctx, &facts);

    ipfix_put_options(
        ipfix, &ipfix->options[IPFIX_OPTIONS_METERING],
        (struct leat_field_value[]){ number(opts->domain), number(PROCESS),
                                     number(ipfix->messages_total), number(ipfix->flows_total),
                                     number(ipfix->octets_total), number(facts.observed_flows) },
        now_ns);
    ipfix_put_options(ipfix, &ipfix->options[IPFIX_OPTIONS_METERING_RELIABILITY],
                      (struct leat_field_value[]){
                          number(opts->domain), number(PROCESS), number(facts.ignored_packets),
                          number(facts.ignored_octets), number(facts.ignored.first_ns),
                          number(facts.ignored.last_ns) },
                      now_ns);
    ipfix_put_options(
        ipfix, &ipfix->options[IPFIX_OPTIONS_EXPORTING_RELIABILITY],
        (struct leat_field_value[]){ number(PROCESS), number(facts.unsent_flows),
                                     number(facts.unsent_packets), number(facts.unsent_octets),
                                     number(facts.unsent.first_ns), number(facts.unsent.last_ns) },
        now_ns);
    if (ipfix->options[IPFIX_OPTIONS_SELECTION].wanted)
        ipfix_put_options(ipfix, &ipfix->options[IPFIX_OPTIONS_SELECTION],
                          (struct leat_field_value[]){ number(SELECTOR),
                                                       number(facts.selector_observed),
                                                       number(facts.selector_selected) },
                          now_ns);
}

static uint64_t seconds(uint64_t ns) {
    uint64_t seconds = ns / NS_SECOND;
    return seconds < UINT16_MAX ? seconds : UINT16_MAX;
}

static void put_sampling(struct leat_ipfix *ipfix, uint64_t now_ns) {
    const struct leat_flow_sampling *sampling = &ipfix->opts.sampling;
    struct leat_field_value values[VALUES_MAX] = { number(SELECTOR),
                                                   number(samplings[sampling->kind].algorithm) };
    switch (sampling->kind) {
    case LEAT_FLOW_SAMPLING_NONE:
        return;
    case LEAT_FLOW_SAMPLING_COUNT:
        values[2] = number(sampling->interval);
        values[3] = number(sampling->space);
        break;
    case LEAT_FLOW_SAMPLING_RANDOM:
        values[2] = number(sampling->size);
        values[3] = number(sampling->population);
        break;
    case LEAT_FLOW_SAMPLING_UNIFORM:
    case LEAT_FLOW_SAMPLING_HASH:
        values[2].real = (double)sampling->size / sampling->population;
        break;
    }
    ipfix_put_options(ipfix, &ipfix->options[IPFIX_OPTIONS_SAMPLING], values, now_ns);
}

static void put_type(struct leat_ipfix *ipfix, const struct leat_field *field, uint32_t side,
                     uint64_t now_ns) {
    char reverse[80] = "reverse";
    if (side) {
        strncat(reverse, field->name, sizeof(reverse) - sizeof("reverse"));
        reverse[7] = (char)(reverse[7] - 'a' + 'A');
    }
    ipfix_put_options(
        ipfix, &ipfix->options[IPFIX_OPTIONS_TYPES],
        (struct leat_field_value[]){ number(ipfix->opts.pen),
                                     number(field->id | (side ? LEAT_FIELD_REVERSE : 0)),
                                     number(field->type), number(field->semantics),
                                     text(side ? reverse : field->name), text(field->about) },
        now_ns);
}

/* Leat's own elements that are in the templates, and those that their lists are made of. */
void ipfix_options_types(struct leat_ipfix *ipfix, uint64_t now_ns) {
    for (uint32_t i = 0; i < ipfix->fields.count; i++) {
        const struct leat_field_choice *choice = &ipfix->fields.choice[i];
        const struct leat_field *element = choice->field->element;
        if (choice->field->pen)
            put_type(ipfix, choice->field, choice->side, now_ns);
        if (element && element->pen && !choice->side)
            put_type(ipfix, element, 0, now_ns);
    }
}

void ipfix_options_static(struct leat_ipfix *ipfix, uint64_t now_ns) {
    const struct leat_ipfix_opts *opts = &ipfix->opts;
    ipfix_put_options(ipfix, &ipfix->options[IPFIX_OPTIONS_TIMEOUTS],
                      (struct leat_field_value[]){ number(opts->domain), number(PROCESS),
                                                   number(seconds(opts->active_ns)),
                                                   number(seconds(opts->idle_ns)) },
                      now_ns);
    put_sampling(ipfix, now_ns);
    for (uint32_t i = 0; i < opts->interface_count; i++)
        ipfix_put_options(ipfix, &ipfix->options[IPFIX_OPTIONS_INTERFACES],
                          (struct leat_field_value[]){ number(ipfix->interfaces[i].index),
                                                       text(ipfix->interfaces[i].name),
                                                       text(ipfix->interfaces[i].about) },
                          now_ns);
}

static bool is_own_key(uint16_t id, uint32_t key) {
    switch (id) {
    case 25 ... 30: /* kind, id and addresses of a tunnel */
    case 32:        /* PPPoE session */
        return key & LEAT_FLOW_KEY_TUNNEL;
    case 35: /* stack of VLAN tags */
        return key & LEAT_FLOW_KEY_VLAN;
    default:
        return false;
    }
}

/* Whether the value tells flows apart. What lies in one element with it, as priorities do, does not
 * matter. */
static bool is_key(const struct ipfix_item *item, uint32_t key, uint32_t own_pen) {
    if (item->side)
        return false;
    if (item->pen)
        return item->pen == own_pen && is_own_key(item->id, key);
    switch (item->id) {
    case 4: /* protocol */
    case 7: /* ports */
    case 11:
    case 8: /* addresses */
    case 12:
    case 27:
    case 28:
    case 60: /* version of IP */
    case 32: /* type and code of ICMP, which has no ports */
    case 139:
    case 176 ... 179:
        return true;
    case 58: /* VLAN ids */
    case 59:
    case 243:
    case 245:
        return key & LEAT_FLOW_KEY_VLAN;
    case 70 ... 73: /* MPLS labels */
        return key & LEAT_FLOW_KEY_MPLS;
    case 5:
        return key & LEAT_FLOW_KEY_TOS;
    case 10:
        return key & LEAT_FLOW_KEY_INTERFACE;
    case 296: /* GRE key, VNI */
    case 351:
        return key & LEAT_FLOW_KEY_TUNNEL;
    default:
        return false;
    }
}

void ipfix_options_keys(struct leat_ipfix *ipfix, const struct ipfix_template *template,
                        uint64_t now_ns) {
    uint64_t keys = 0;
    for (uint32_t i = 0; i < template->count && i < KEY_BITS; i++)
        keys |= (uint64_t)is_key(&template->items[i], ipfix->opts.key, ipfix->opts.pen) << i;
    ipfix_put_options(ipfix, &ipfix->options[IPFIX_OPTIONS_KEYS],
                      (struct leat_field_value[]){ number(template->id), number(keys) }, now_ns);
}
