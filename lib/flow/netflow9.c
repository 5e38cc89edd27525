/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow version 9 (RFC 3954): templates, and the records that they describe. */
#include "netflow_private.h"

enum {
    SET_TEMPLATES = 0,
    SET_OPTIONS_TEMPLATES = 1,
    SCOPE_SYSTEM = 1,
    SAMPLING_INTERVAL = 34,
    SAMPLING_ALGORITHM = 35,
    LAST_SWITCHED = 21,
    FIRST_SWITCHED = 22,
    ALIGNMENT = 4,
};

bool leat_netflow_knows(const struct leat_field_choice *choice) {
    const struct leat_field *field = choice->field;
    if (field->pen != 0 || choice->side != 0 || choice->length == LEAT_FIELD_VARIABLE ||
        choice->length > 64)
        return false;
    switch ((enum leat_field_type)field->type) {
    case LEAT_FIELD_U8:
    case LEAT_FIELD_U16:
    case LEAT_FIELD_U32:
    case LEAT_FIELD_U64:
    case LEAT_FIELD_BOOLEAN:
    case LEAT_FIELD_OCTETS:
    case LEAT_FIELD_MAC:
    case LEAT_FIELD_IP4:
    case LEAT_FIELD_IP6:
        return true;
    case LEAT_FIELD_FLOAT64:
    case LEAT_FIELD_STRING:
    case LEAT_FIELD_SECONDS:
    case LEAT_FIELD_MILLISECONDS:
    case LEAT_FIELD_MICROSECONDS:
    case LEAT_FIELD_NANOSECONDS:
    case LEAT_FIELD_BASIC_LIST:
    case LEAT_FIELD_U256:
        break;
    }
    return false;
}

static bool has(const struct leat_field_choice *choice, uint32_t version) {
    return choice->field->versions & (version == 4 ? 1 : 2);
}

uint32_t leat_netflow9_record_bytes(const struct leat_netflow *netflow, uint32_t version) {
    uint32_t bytes = 8; /* first and last */
    for (uint32_t i = 0; i < netflow->fields.count; i++)
        if (has(&netflow->fields.choice[i], version))
            bytes += netflow->fields.choice[i].length;
    return bytes;
}

static void begin_set(struct leat_netflow *netflow, uint16_t id) {
    leat_netflow_begin(netflow);
    if (netflow->set_at && netflow->set == id)
        return;
    leat_netflow9_end_set(netflow);
    netflow->set = id;
    netflow->set_at = netflow->text.n;
    leat_netflow_put(&netflow->text, id, 2);
    leat_netflow_put(&netflow->text, 0, 2);
}

/* RFC 3954, 5.3: padded so that the next one is aligned; the length includes that. */
void leat_netflow9_end_set(struct leat_netflow *netflow) {
    struct leat_text *text = &netflow->text;
    if (!netflow->set_at)
        return;
    size_t bytes = text->n - netflow->set_at;
    size_t padding = (ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT;
    leat_netflow_put(text, 0, (uint32_t)padding);
    if (!text->failed)
        leat_netflow_patch16(text, netflow->set_at + 2, bytes + padding);
    netflow->set_at = 0;
}

static void put_template(struct leat_netflow *netflow, uint16_t id, uint32_t version) {
    struct leat_text *text = &netflow->text;
    begin_set(netflow, SET_TEMPLATES);
    leat_netflow_put(text, id, 2);
    size_t count_at = text->n;
    uint32_t count = 2;
    leat_netflow_put(text, 0, 2);
    leat_netflow_put(text, FIRST_SWITCHED << 16 | 4, 4);
    leat_netflow_put(text, LAST_SWITCHED << 16 | 4, 4);
    for (uint32_t i = 0; i < netflow->fields.count; i++) {
        const struct leat_field_choice *choice = &netflow->fields.choice[i];
        if (!has(choice, version))
            continue;
        leat_netflow_put(text, choice->field->id, 2);
        leat_netflow_put(text, choice->length, 2);
        count++;
    }
    if (!text->failed)
        leat_netflow_patch16(text, count_at, count);
    netflow->count++;
}

/* RFC 3954, 6.1: what was sampled, told of the whole exporter. */
static void put_sampling(struct leat_netflow *netflow) {
    const struct leat_flow_sampling *sampling = &netflow->opts.sampling;
    struct leat_text *text = &netflow->text;
    begin_set(netflow, SET_OPTIONS_TEMPLATES);
    leat_netflow_put(text, LEAT_NETFLOW_TEMPLATE_SAMPLING, 2);
    leat_netflow_put(text, 4, 2); /* bytes of scope fields */
    leat_netflow_put(text, 8, 2); /* and of the others */
    leat_netflow_put(text, SCOPE_SYSTEM << 16 | 4, 4);
    leat_netflow_put(text, SAMPLING_INTERVAL << 16 | 4, 4);
    leat_netflow_put(text, SAMPLING_ALGORITHM << 16 | 1, 4);
    netflow->count++;

    begin_set(netflow, LEAT_NETFLOW_TEMPLATE_SAMPLING);
    leat_netflow_put(text, 0, 4);
    leat_netflow_put(text, leat_netflow_sampling_interval(sampling), 4);
    leat_netflow_put(text, sampling->kind == LEAT_FLOW_SAMPLING_COUNT ? 1 : 2, 1);
    netflow->count++;
}

void leat_netflow9_templates(struct leat_netflow *netflow) {
    put_template(netflow, LEAT_NETFLOW_TEMPLATE_IP4, 4);
    if (netflow->text.n + 64 + 4 * (netflow->fields.count + 2) > netflow->opts.message_max)
        leat_netflow_flush(netflow);
    put_template(netflow, LEAT_NETFLOW_TEMPLATE_IP6, 6);
    if (netflow->opts.sampling.kind != LEAT_FLOW_SAMPLING_NONE)
        put_sampling(netflow);
    netflow->templates_due = false;
    netflow->templates_ns = netflow->now_ns;
    netflow->messages_since = 0;
}

static void put_value(struct leat_text *text, const struct leat_field_choice *choice,
                      const struct leat_flow *flow) {
    static const uint8_t zeros[64];
    struct leat_field_value value = { 0 };
    uint32_t room = choice->length;
    choice->field->get(flow, 0, &value);
    if (choice->field->type == LEAT_FIELD_OCTETS || choice->field->type >= LEAT_FIELD_MAC) {
        uint32_t n = !value.bytes ? 0 : value.length < room ? value.length : room;
        leat_text_put(text, value.bytes, n);
        leat_text_put(text, zeros, room - n);
        return;
    }
    if (choice->field->type == LEAT_FIELD_BOOLEAN) /* as in IPFIX: RFC 7011, 6.1.5 */
        value.number = value.number ? 1 : 2;
    /* A counter that was given fewer bytes than it needs says so by being at its end. */
    bool counter = choice->field->semantics == 2 || choice->field->semantics == 3;
    if (counter && room < 8 && value.number >> (8 * room))
        value.number = UINT64_MAX;
    leat_netflow_put(text, value.number, room);
}

void leat_netflow9_record(struct leat_netflow *netflow, const struct leat_flow *flow) {
    struct leat_text *text = &netflow->text;
    uint32_t bytes = leat_netflow9_record_bytes(netflow, flow->version);
    /* A set's header, and padding of this one and of the one before. */
    if (text->n + bytes + 4 + 2 * ALIGNMENT > netflow->opts.message_max)
        leat_netflow_flush(netflow);
    begin_set(netflow, flow->version == 4 ? LEAT_NETFLOW_TEMPLATE_IP4 : LEAT_NETFLOW_TEMPLATE_IP6);
    leat_netflow_put(text, leat_netflow_uptime(netflow, flow->side[0].first_ns), 4);
    leat_netflow_put(text, leat_netflow_uptime(netflow, flow->side[0].last_ns), 4);
    for (uint32_t i = 0; i < netflow->fields.count; i++)
        if (has(&netflow->fields.choice[i], flow->version))
            put_value(text, &netflow->fields.choice[i], flow);
    netflow->count++;
    netflow->made++;
    struct leat_tally tally = leat_tally_of(flow);
    leat_tally_add(&netflow->tally, &tally);
}
