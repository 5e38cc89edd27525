/* SPDX-License-Identifier: BSD-2-Clause */
/* Values, objects and lines of the fields that were chosen. */
#include "record_text.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>

const char *leat_record_protocol(uint8_t protocol, char number[4]) {
    static const struct {
        uint8_t protocol;
        const char *name;
    } known[] = {
        { IPPROTO_TCP, "TCP" },   { IPPROTO_UDP, "UDP" },      { IPPROTO_ICMP, "ICMP" },
        { IPPROTO_IGMP, "IGMP" }, { IPPROTO_ICMPV6, "ICMP6" }, { IPPROTO_SCTP, "SCTP" },
        { IPPROTO_GRE, "GRE" },   { IPPROTO_ESP, "ESP" },
    };
    for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].protocol == protocol)
            return known[i].name;
    snprintf(number, 4, "%u", protocol);
    return number;
}

void leat_record_end_point(struct leat_text *line, const struct leat_flow *flow, uint32_t side) {
    bool ports = flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP ||
                 flow->protocol == IPPROTO_SCTP;
    if (flow->version == 4)
        leat_text_ip4(line, flow->address[side]);
    else {
        if (ports)
            leat_text_char(line, '[');
        leat_text_ip6(line, flow->address[side]);
        if (ports)
            leat_text_char(line, ']');
    }
    if (ports) {
        leat_text_char(line, ':');
        leat_text_number(line, flow->port[side]);
    }
}

bool leat_record_has(const struct leat_flow *flow, const struct leat_field_choice *choice) {
    uint8_t version = flow->version == 4 ? 1 : 2;
    return (choice->field->versions & version) && (choice->side == 0 || flow->side[1].packets);
}

void leat_record_name(struct leat_text *text, const struct leat_field *field, uint32_t side) {
    const char *name = field->name;
    if (side) {
        leat_text_string(text, "reverse");
        leat_text_char(text, (char)toupper((unsigned char)*name++));
    }
    leat_text_string(text, name);
}

static void put_time(struct leat_text *text, enum leat_field_type type, uint64_t time_ns,
                     enum leat_record_times times) {
    uint32_t digits = 3 * ((uint32_t)type - LEAT_FIELD_SECONDS);
    if (times == LEAT_RECORD_TIMES_TEXT) {
        leat_text_time(text, time_ns, digits);
        return;
    }
    for (; digits < 9; digits += 3)
        time_ns /= 1000;
    leat_text_number(text, time_ns);
}

/* In hexadecimal, without the octets before it that are zero. */
static void put_u256(struct leat_text *text, const struct leat_field_value *value) {
    const uint8_t *bytes = value->bytes;
    uint32_t length = value->length;
    for (; length > 1 && *bytes == 0; length--)
        bytes++;
    leat_text_hex(text, bytes, length);
}

/* One that is neither a list nor a string, without quotes. */
static void put_value(struct leat_text *text, enum leat_field_type type,
                      const struct leat_field_value *value, enum leat_record_times times) {
    switch (type) {
    case LEAT_FIELD_BOOLEAN:
        leat_text_string(text, value->number ? "true" : "false");
        break;
    case LEAT_FIELD_FLOAT64:
        leat_text_real(text, value->real);
        break;
    case LEAT_FIELD_OCTETS:
        leat_text_hex(text, value->bytes, value->length);
        break;
    case LEAT_FIELD_U256:
        put_u256(text, value);
        break;
    case LEAT_FIELD_MAC:
        leat_text_mac(text, value->bytes);
        break;
    case LEAT_FIELD_IP4:
        leat_text_ip4(text, value->bytes);
        break;
    case LEAT_FIELD_IP6:
        leat_text_ip6(text, value->bytes);
        break;
    case LEAT_FIELD_SECONDS:
    case LEAT_FIELD_MILLISECONDS:
    case LEAT_FIELD_MICROSECONDS:
    case LEAT_FIELD_NANOSECONDS:
        put_time(text, type, value->number, times);
        break;
    default:
        leat_text_number(text, value->number);
    }
}

static bool in_quotes(enum leat_field_type type, enum leat_record_times times) {
    if (type >= LEAT_FIELD_SECONDS && type <= LEAT_FIELD_NANOSECONDS)
        return times == LEAT_RECORD_TIMES_TEXT;
    return type == LEAT_FIELD_OCTETS || type == LEAT_FIELD_MAC || type == LEAT_FIELD_IP4 ||
           type == LEAT_FIELD_IP6 || type == LEAT_FIELD_U256;
}

static void put_json_list(struct leat_text *text, enum leat_field_type of,
                          const struct leat_field_value *list, enum leat_record_times times) {
    const char *quote = in_quotes(of, times) ? "\"" : "";
    leat_text_char(text, '[');
    for (uint32_t i = 0; i < list->length; i++) {
        const struct leat_field_value element = { .number = leat_field_element(list, i) };
        if (i > 0)
            leat_text_char(text, ',');
        leat_text_string(text, quote);
        put_value(text, of, &element, times);
        leat_text_string(text, quote);
    }
    leat_text_char(text, ']');
}

void leat_record_json_value(struct leat_text *text, const struct leat_field *field,
                            const struct leat_field_value *value, enum leat_record_times times) {
    if (field->type == LEAT_FIELD_BASIC_LIST) {
        put_json_list(text, field->element->type, value, times);
        return;
    }
    const char *quote =
        field->type == LEAT_FIELD_STRING || in_quotes(field->type, times) ? "\"" : "";
    leat_text_string(text, quote);
    if (field->type == LEAT_FIELD_STRING)
        leat_text_json_string(text, value->bytes, value->length);
    else
        put_value(text, field->type, value, times);
    leat_text_string(text, quote);
}

bool leat_record_empty(const struct leat_field *field, const struct leat_field_value *value) {
    return value->length == 0 &&
           (field->type == LEAT_FIELD_STRING || field->type == LEAT_FIELD_OCTETS);
}

void leat_record_json(struct leat_text *text, const struct leat_fields *fields,
                      const struct leat_flow *flow, enum leat_record_times times) {
    char before = '{';
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct leat_field_choice *choice = &fields->choice[i];
        struct leat_field_value value = { 0 };
        if (!leat_record_has(flow, choice))
            continue;
        choice->field->get(flow, choice->side, &value);
        if (leat_record_empty(choice->field, &value))
            continue;
        leat_text_char(text, before);
        leat_text_char(text, '"');
        leat_record_name(text, choice->field, choice->side);
        leat_text_put(text, "\":", 2);
        leat_record_json_value(text, choice->field, &value, times);
        before = ',';
    }
    if (before == '{')
        leat_text_char(text, '{');
    leat_text_char(text, '}');
}

void leat_record_csv_names(struct leat_text *text, const struct leat_fields *fields) {
    for (uint32_t i = 0; i < fields->count; i++) {
        if (i > 0)
            leat_text_char(text, ',');
        leat_record_name(text, fields->choice[i].field, fields->choice[i].side);
    }
    leat_text_put(text, "\r\n", 2);
}

static void put_csv_list(struct leat_text *text, enum leat_field_type of,
                         const struct leat_field_value *list) {
    for (uint32_t i = 0; i < list->length; i++) {
        const struct leat_field_value element = { .number = leat_field_element(list, i) };
        if (i > 0)
            leat_text_char(text, ' ');
        put_value(text, of, &element, LEAT_RECORD_TIMES_TEXT);
    }
}

void leat_record_csv(struct leat_text *text, const struct leat_fields *fields,
                     const struct leat_flow *flow) {
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct leat_field_choice *choice = &fields->choice[i];
        const struct leat_field *field = choice->field;
        struct leat_field_value value = { 0 };
        if (i > 0)
            leat_text_char(text, ',');
        if (!leat_record_has(flow, choice))
            continue;
        field->get(flow, choice->side, &value);
        if (field->type == LEAT_FIELD_STRING)
            leat_text_csv_string(text, value.bytes, value.length);
        else if (field->type == LEAT_FIELD_BASIC_LIST)
            put_csv_list(text, field->element->type, &value);
        else
            put_value(text, field->type, &value, LEAT_RECORD_TIMES_TEXT);
    }
    leat_text_put(text, "\r\n", 2);
}
