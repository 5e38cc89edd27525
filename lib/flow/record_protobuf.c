/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records as messages of Protocol Buffers. What protoc-c makes of leat_flow.proto tells for each
 * number where its value lies in the message that libprotobuf-c packs.
 */
#include "record_protobuf.h"

#include "leat_flow.pb-c.h"
#include "lib/core/error.h"
#include "record_text.h"
#include <errno.h>
#include <stdlib.h>

#define LIST_MAX 256 /* the byte histogram's length; no list is longer */

/* A field that was chosen, where it goes, and the elements of a list in the width that
 * libprotobuf-c wants them in. */
struct slot {
    const struct leat_field_choice *choice;
    const ProtobufCFieldDescriptor *to;
    union {
        uint32_t narrow[LIST_MAX];
        uint64_t wide[LIST_MAX];
    } * list;
};

struct leat_protobuf {
    Leat__Flow message;
    struct leat_fields fields;
    struct slot slots[LEAT_FIELDS_MAX];
};

static int fill_slot(struct slot *slot, const struct leat_field_choice *choice) {
    slot->choice = choice;
    slot->to = protobuf_c_message_descriptor_get_field(
        &leat__flow__descriptor, leat_protobuf_number(choice->field, choice->side));
    if (!slot->to)
        return leat_fail(EINVAL, "Protobuf has no field for %s", choice->field->name);
    if (choice->field->type != LEAT_FIELD_BASIC_LIST)
        return 0;
    slot->list = malloc(sizeof(*slot->list));
    return slot->list ? 0 : leat_fail(ENOMEM, "no memory for Protobuf's lists");
}

int leat_protobuf_create(struct leat_protobuf **created, const struct leat_fields *fields) {
    struct leat_protobuf *protobuf = calloc(1, sizeof(*protobuf));
    if (!protobuf)
        return leat_fail(ENOMEM, "no memory for Protobuf's messages");
    int err = 0;
    protobuf->fields = *fields;
    for (uint32_t i = 0; !err && i < fields->count; i++)
        err = fill_slot(&protobuf->slots[i], &protobuf->fields.choice[i]);
    if (err) {
        leat_protobuf_destroy(protobuf);
        return err;
    }
    *created = protobuf;
    return 0;
}

void leat_protobuf_destroy(struct leat_protobuf *protobuf) {
    for (uint32_t i = 0; protobuf && i < protobuf->fields.count; i++)
        free(protobuf->slots[i].list);
    free(protobuf);
}

/* A time in the unit that its field's name tells. */
static uint64_t in_unit(enum leat_field_type type, uint64_t time_ns) {
    switch (type) {
    case LEAT_FIELD_SECONDS:
        return time_ns / 1000000000;
    case LEAT_FIELD_MILLISECONDS:
        return time_ns / 1000000;
    case LEAT_FIELD_MICROSECONDS:
        return time_ns / 1000;
    default:
        return time_ns;
    }
}

static void put_list(struct slot *slot, void *at, size_t *count,
                     const struct leat_field_value *value) {
    const uint32_t n = value->length < LIST_MAX ? value->length : LIST_MAX;
    for (uint32_t i = 0; i < n; i++)
        if (slot->to->type == PROTOBUF_C_TYPE_UINT32)
            slot->list->narrow[i] = (uint32_t)leat_field_element(value, i);
        else
            slot->list->wide[i] = leat_field_element(value, i);
    *count = n;
    *(void **)at = slot->list;
}

/* Of numbers of 256 bits without the zeros before them, as in JSON. */
static ProtobufCBinaryData octets_of(const struct leat_field *field,
                                     const struct leat_field_value *value) {
    uint8_t *bytes = (uint8_t *)value->bytes;
    uint32_t n = leat_field_width(field->type);
    if (field->type == LEAT_FIELD_OCTETS || field->type == LEAT_FIELD_U256)
        n = value->length;
    for (; field->type == LEAT_FIELD_U256 && n > 1 && bytes[0] == 0; n--)
        bytes++;
    return (ProtobufCBinaryData){ n, bytes };
}

static void put(struct leat_protobuf *protobuf, struct slot *slot,
                const struct leat_field_value *value) {
    const struct leat_field *field = slot->choice->field;
    void *at = (uint8_t *)&protobuf->message + slot->to->offset;
    void *there = (uint8_t *)&protobuf->message + slot->to->quantifier_offset;
    if (slot->list) {
        put_list(slot, at, there, value);
        return;
    }
    switch (slot->to->type) {
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)at = (uint32_t)value->number;
        break;
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)at = in_unit(field->type, value->number);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = value->number != 0;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)at = value->real;
        break;
    case PROTOBUF_C_TYPE_STRING: /* there if it is not NULL */
        *(const char **)at = value->bytes;
        return;
    default:
        *(ProtobufCBinaryData *)at = octets_of(field, value);
    }
    *(protobuf_c_boolean *)there = true;
}

void leat_protobuf_record(struct leat_protobuf *protobuf, struct leat_text *text,
                          const struct leat_flow *flow) {
    struct leat_field_value values[LEAT_FIELDS_MAX];
    leat__flow__init(&protobuf->message);
    for (uint32_t i = 0; i < protobuf->fields.count; i++) {
        const struct leat_field_choice *choice = &protobuf->fields.choice[i];
        values[i] = (struct leat_field_value){ 0 };
        if (!leat_record_has(flow, choice))
            continue;
        choice->field->get(flow, choice->side, &values[i]);
        if (!leat_record_empty(choice->field, &values[i]))
            put(protobuf, &protobuf->slots[i], &values[i]);
    }
    const size_t n = leat__flow__get_packed_size(&protobuf->message);
    if (leat_text_room(text, n))
        text->n += leat__flow__pack(&protobuf->message, (uint8_t *)text->bytes + text->n);
}
