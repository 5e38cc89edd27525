/* SPDX-License-Identifier: BSD-2-Clause */
/* leat_flow.proto has each field that there is, by its name, number and type, and nothing else;
 * what stands in it is there, zeros too, and the rest is not. Values: tests/stories/kafka.sh. */
#include "flow_records.h"
#include "leat_flow.pb-c.h"
#include "lib/flow/record_protobuf.h"
#include <leat/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static ProtobufCType type_of(enum leat_field_type type) {
    switch (type) {
    case LEAT_FIELD_U8:
    case LEAT_FIELD_U16:
    case LEAT_FIELD_U32:
        return PROTOBUF_C_TYPE_UINT32;
    case LEAT_FIELD_BOOLEAN:
        return PROTOBUF_C_TYPE_BOOL;
    case LEAT_FIELD_FLOAT64:
        return PROTOBUF_C_TYPE_DOUBLE;
    case LEAT_FIELD_STRING:
        return PROTOBUF_C_TYPE_STRING;
    case LEAT_FIELD_OCTETS:
    case LEAT_FIELD_U256:
    case LEAT_FIELD_MAC:
    case LEAT_FIELD_IP4:
    case LEAT_FIELD_IP6:
        return PROTOBUF_C_TYPE_BYTES;
    default:
        return PROTOBUF_C_TYPE_UINT64;
    }
}

static void check_field(const struct leat_field *field, uint32_t side) {
    const ProtobufCFieldDescriptor *there = protobuf_c_message_descriptor_get_field(
        &leat__flow__descriptor, leat_protobuf_number(field, side));
    const bool list = field->type == LEAT_FIELD_BASIC_LIST;
    char name[80];
    uint32_t found;
    snprintf(name, sizeof(name), "%s%s", side ? "reverse" : "", field->name);
    if (side)
        name[7] = (char)(name[7] - 'a' + 'A');
    if (!there)
        fail_msg("%s = %u is missing", name, leat_protobuf_number(field, side));
    assert_string_equal(there->name, name);
    assert_ptr_equal(leat_field_find(name, &found), field);
    assert_int_equal(there->label, list ? PROTOBUF_C_LABEL_REPEATED : PROTOBUF_C_LABEL_OPTIONAL);
    assert_int_equal(there->type, type_of(list ? field->element->type : field->type));
}

static void test_every_field(void **state) {
    uint32_t count, fields = 0;
    const struct leat_field *table = leat_field_table(&count);
    (void)state;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t side = 0; side <= table[i].reversible; side++, fields++)
            check_field(&table[i], side);
    assert_int_equal(leat__flow__descriptor.n_fields, fields);
}

static Leat__Flow *round_trip(const char *chosen, const struct leat_flow *flow, uint32_t again) {
    struct leat_fields fields;
    struct leat_protobuf *protobuf;
    struct leat_text text = { 0 };
    assert_int_equal(leat_fields_parse(&fields, chosen, false), 0);
    assert_int_equal(leat_protobuf_create(&protobuf, &fields), 0);
    for (uint32_t i = 0; i <= again; i++) {
        text.n = 0;
        leat_protobuf_record(protobuf, &text, flow);
    }
    Leat__Flow *message = leat__flow__unpack(NULL, text.n, (const uint8_t *)text.bytes);
    assert_non_null(message);
    leat_protobuf_destroy(protobuf);
    leat_text_free(&text);
    return message;
}

/* What of the record there is not must not be left from the record before. */
static void test_presence(void **state) {
    struct flow_record record;
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        flow_record_make(&record, i, 1700000000000000000);
        Leat__Flow *message = round_trip("full,payloadByteHistogram", &record.flow, i);
        assert_int_equal(message->has_sourceipv4address, record.flow.version == 4);
        assert_int_equal(message->has_sourceipv6address, record.flow.version == 6);
        assert_int_equal(message->has_reverseoctetdeltacount, record.flow.biflow);
        assert_true(message->has_vlanid && message->vlanid == 0);
        assert_int_equal(message->octetdeltacount, 100 + i);
        assert_int_equal(message->n_payloadbytehistogram, 256);
        assert_int_equal(message->payloadbytehistogram['a'], 10 + i);
        assert_int_equal(message->n_firstpackettimes, 3);
        assert_int_equal(message->firstpackettimes[2], record.packets.time_ns[2]);
        assert_int_equal(message->flowstartmilliseconds, record.flow.side[0].first_ns / 1000000);
        leat__flow__free_unpacked(message, NULL);
    }
}

static void test_nothing_chosen_is_there(void **state) {
    struct flow_record record;
    (void)state;
    flow_record_make(&record, 1, 0);
    Leat__Flow *message = round_trip("sourceIPv6Address", &record.flow, 0);
    assert_int_equal(leat__flow__get_packed_size(message), 0);
    leat__flow__free_unpacked(message, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_presence),
        cmocka_unit_test(test_nothing_chosen_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
