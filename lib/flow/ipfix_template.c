/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Templates of flow records: one for each kind of record, with the fields that it has. Where the
 * user reduced integers (RFC 7011, 6.2) there is a second one at full width, for those records
 * whose values do not fit: no value is ever cut.
 */
#include "ipfix_private.h"
#include "lib/core/error.h"
#include <errno.h>
#include <leat/parse.h>
#include <stdatomic.h>

#define TEMPLATE_BYTES   4 /* id, count */
#define SPECIFIER_BYTES  4 /* id, length; 4 more with an enterprise number */
#define IDS              (65536 - IPFIX_SET_DATA)
#define BIFLOW_DIRECTION 239

/* Ids are taken from one row for the whole process, so that a reload's templates are none that a
 * collector, which may know sessions only by address and domain, has with another meaning. */
uint16_t ipfix_template_id(void) {
    static atomic_uint next;
    return (uint16_t)(IPFIX_SET_DATA +
                      atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % IDS);
}

static uint16_t shortest_value(const struct ipfix_item *item) {
    if (item->form == IPFIX_LIST)
        return item->element_pen ? 10 : 6; /* with no element */
    return item->form == IPFIX_VARIABLE ? 1 : item->length;
}

void ipfix_template_add(struct ipfix_template *template, struct ipfix_item item) {
    template->items[template->count++] = item;
    template->shortest += shortest_value(&item);
}

struct ipfix_item ipfix_item(const struct leat_field *field, uint32_t side, uint16_t length,
                             uint32_t pen) {
    struct ipfix_item item = {
        .get = field->get,
        .pen = field->pen ? pen : 0,
        .id = field->id,
        .length = length,
        .form = (uint8_t)ipfix_form(field->type, length),
        .side = (uint8_t)side,
    };
    if (side && field->pen)
        item.id |= LEAT_FIELD_REVERSE;
    else if (side)
        item.pen = LEAT_FLOW_PEN_REVERSE;
    if (field->element) {
        item.length = LEAT_FIELD_VARIABLE;
        item.element_pen = field->element->pen ? pen : 0;
        item.element_id = field->element->id;
        item.element_length = length;
        item.element_form = (uint8_t)ipfix_form(field->element->type, length);
    }
    return item;
}

/* The length of a choice in a template at full width. */
static uint16_t full_length(const struct leat_field_choice *choice) {
    const struct leat_field *field = choice->field;
    const struct leat_field *of = field->element ? field->element : field;
    return leat_field_is_integer(of->type) ? leat_field_width(of->type) : choice->length;
}

static bool is_of(const struct leat_field_choice *choice, uint32_t kind) {
    const struct leat_field *field = choice->field;
    if (!(kind & IPFIX_KIND_BIFLOW) &&
        (choice->side || (!field->pen && field->id == BIFLOW_DIRECTION)))
        return false;
    return field->versions & (kind & IPFIX_KIND_IP6 ? 2 : 1);
}

static void make(struct leat_ipfix *ipfix, struct ipfix_template *template, uint32_t kind,
                 bool wide) {
    template->id = ipfix_template_id();
    for (uint32_t i = 0; i < ipfix->fields.count; i++) {
        const struct leat_field_choice *choice = &ipfix->fields.choice[i];
        if (is_of(choice, kind))
            ipfix_template_add(template, ipfix_item(choice->field, choice->side,
                                                    wide ? full_length(choice) : choice->length,
                                                    ipfix->opts.pen));
    }
}

int ipfix_templates_make(struct leat_ipfix *ipfix) {
    uint32_t room = ipfix->opts.message_max - IPFIX_HEADER_BYTES - IPFIX_SET_BYTES;
    for (uint32_t kind = 0; kind < IPFIX_KINDS; kind++) {
        make(ipfix, &ipfix->narrow[kind], kind, false);
        make(ipfix, &ipfix->wide[kind], kind, true);
        if (ipfix->narrow[kind].count == 0)
            return leat_fail(EINVAL, "fields: none of them is in records of IPv%u",
                             kind & IPFIX_KIND_IP6 ? 6 : 4);
        if (ipfix_template_bytes(&ipfix->narrow[kind]) > room || ipfix->wide[kind].shortest > room)
            return leat_fail(EINVAL,
                             "fields: %u of them are too many for messages of %u bytes; choose "
                             "fewer, or a larger MTU",
                             ipfix->narrow[kind].count, ipfix->opts.message_max);
        ipfix->narrow[kind].wanted = !(kind & IPFIX_KIND_BIFLOW) || !ipfix->opts.uniflow;
    }
    return 0;
}

uint32_t ipfix_template_bytes(const struct ipfix_template *template) {
    uint32_t bytes = TEMPLATE_BYTES + (template->scope_count ? 2 : 0);
    for (uint32_t i = 0; i < template->count; i++)
        bytes += SPECIFIER_BYTES + (template->items[i].pen ? 4 : 0);
    return bytes;
}

void ipfix_template_put(uint8_t *at, const struct ipfix_template *template) {
    leat_put_be16(at, template->id);
    leat_put_be16(at + 2, template->count);
    at += TEMPLATE_BYTES;
    if (template->scope_count) {
        leat_put_be16(at, template->scope_count);
        at += 2;
    }
    for (uint32_t i = 0; i < template->count; i++) {
        const struct ipfix_item *item = &template->items[i];
        leat_put_be16(at, item->id | (item->pen ? IPFIX_ENTERPRISE : 0));
        leat_put_be16(at + 2, item->length);
        at += SPECIFIER_BYTES;
        if (item->pen) {
            leat_put_be32(at, item->pen);
            at += 4;
        }
    }
}
