/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of fields: that it says of each what IANA says, takes the right value out of a record
 * from both sides, and that what the user writes is read or refused by name. */
#include "lib/flow/field.h"
#include <errno.h>
#include <leat/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct leat_field_value value_of(const char *name, const struct leat_flow *flow) {
    struct leat_field_value value = { 0 };
    uint32_t side;
    const struct leat_field *field = leat_field_find(name, &side);
    assert_non_null(field);
    field->get(flow, side, &value);
    return value;
}

static uint64_t number_of(const char *name, const struct leat_flow *flow) {
    return value_of(name, flow).number;
}

static void assert_text(const char *name, const struct leat_flow *flow, const char *text) {
    struct leat_field_value value = value_of(name, flow);
    assert_int_equal(value.length, strlen(text));
    assert_memory_equal(value.bytes, text, value.length);
}

static void names_and_numbers_are_unique(void **state) {
    uint32_t count, side;
    const struct leat_field *table = leat_field_table(&count);
    (void)state;
    assert_true(count > 60);
    for (uint32_t i = 0; i < count; i++) {
        const struct leat_field *field = &table[i];
        assert_ptr_equal(leat_field_find(field->name, &side), field);
        assert_int_equal(side, 0);
        assert_ptr_equal(leat_field_by_id(field->pen, field->id, LEAT_FLOW_PEN, &side), field);
        assert_int_equal(side, 0);
        assert_non_null(field->get);
        assert_true(field->about[0] && (field->versions & 3));
        assert_int_equal(field->element != NULL, field->type == LEAT_FIELD_BASIC_LIST);
        if (leat_field_width(field->type) != LEAT_FIELD_VARIABLE)
            assert_true(field->length <= leat_field_width(field->type));
    }
}

static void numbers_are_those_of_iana(void **state) {
    static const struct {
        const char *name;
        uint16_t id;
        uint8_t type;
    } known[] = {
        { "octetDeltaCount", 1, LEAT_FIELD_U64 },
        { "tcpControlBits", 6, LEAT_FIELD_U16 },
        { "sourceIPv4Address", 8, LEAT_FIELD_IP4 },
        { "destinationIPv6Address", 28, LEAT_FIELD_IP6 },
        { "flowEndReason", 136, LEAT_FIELD_U8 },
        { "flowStartMilliseconds", 152, LEAT_FIELD_MILLISECONDS },
        { "flowEndNanoseconds", 157, LEAT_FIELD_NANOSECONDS },
        { "dot1qCustomerVlanId", 245, LEAT_FIELD_U16 },
        { "layer2OctetDeltaCount", 352, LEAT_FIELD_U64 },
        { "transportOctetDeltaCount", 401, LEAT_FIELD_U64 },
        { "httpRequestHost", 460, LEAT_FIELD_STRING },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint32_t side;
        const struct leat_field *field = leat_field_find(known[i].name, &side);
        assert_non_null(field);
        assert_int_equal(field->id, known[i].id);
        assert_int_equal(field->type, known[i].type);
        assert_int_equal(field->pen, 0);
    }
}

static void reverse_fields(void **state) {
    uint32_t side;
    (void)state;
    const struct leat_field *octets = leat_field_find("reverseOctetDeltaCount", &side);
    assert_non_null(octets);
    assert_string_equal(octets->name, "octetDeltaCount");
    assert_int_equal(side, 1);
    assert_null(leat_field_find("reverseSourceIPv4Address", &side));
    assert_null(leat_field_find("reverseoctetDeltaCount", &side));
    assert_null(leat_field_find("reverse", &side));
    assert_null(leat_field_find("reverseReverseOctetDeltaCount", &side));

    assert_ptr_equal(leat_field_by_id(LEAT_FLOW_PEN_REVERSE, 1, LEAT_FLOW_PEN, &side), octets);
    assert_int_equal(side, 1);
    assert_null(leat_field_by_id(LEAT_FLOW_PEN_REVERSE, 8, LEAT_FLOW_PEN, &side));
    assert_null(leat_field_by_id(9, 1, LEAT_FLOW_PEN, &side));
    const struct leat_field *initial = leat_field_find("initialTcpFlags", &side);
    assert_ptr_equal(leat_field_by_id(77, initial->id | LEAT_FIELD_REVERSE, 77, &side), initial);
    assert_int_equal(side, 1);
    assert_null(leat_field_by_id(LEAT_FLOW_PEN, initial->id, 77, &side));
    assert_string_equal(leat_field_by_id(0, 145, LEAT_FLOW_PEN, &side)->name, "templateId");
    assert_string_equal(leat_field_by_id(77, 3, 77, &side)->name, "payloadByteCount");
}

static void values_of_both_sides(void **state) {
    struct leat_flow flow = {
        .version = 4,
        .protocol = 6,
        .end = LEAT_FLOW_END_ACTIVE,
        .biflow = 1,
        .port = { 40000, 443 },
        .address = { { 192, 0, 2, 1 }, { 198, 51, 100, 2 } },
        .side = { { .packets = 3,
                    .octets = 1500,
                    .frame_octets = 1542,
                    .payload_octets = 1380,
                    .first_ns = 10,
                    .last_ns = 20,
                    .tcp_flags = 0x11b,
                    .tcp_flags_first = 2,
                    .ttl_min = 63,
                    .ttl_max = 64,
                    .tos = 8,
                    .fragment_flags = 0x40 },
                  { .packets = 2, .octets = 80, .first_ns = 11, .tcp_flags = 0x12 } },
        .id = 99,
        .worker = 5,
        .scope = { .interface = 7 },
    };
    (void)state;
    assert_memory_equal(value_of("sourceIPv4Address", &flow).bytes, flow.address[0], 4);
    assert_memory_equal(value_of("destinationIPv4Address", &flow).bytes, flow.address[1], 4);
    assert_int_equal(value_of("sourceIPv4Address", &flow).length, 4);
    assert_int_equal(number_of("sourceTransportPort", &flow), 40000);
    assert_int_equal(number_of("destinationTransportPort", &flow), 443);
    assert_int_equal(number_of("protocolIdentifier", &flow), 6);
    assert_int_equal(number_of("ipVersion", &flow), 4);
    assert_int_equal(number_of("packetDeltaCount", &flow), 3);
    assert_int_equal(number_of("reversePacketDeltaCount", &flow), 2);
    assert_int_equal(number_of("octetDeltaCount", &flow), 1500);
    assert_int_equal(number_of("reverseOctetDeltaCount", &flow), 80);
    assert_int_equal(number_of("layer2OctetDeltaCount", &flow), 1542);
    assert_int_equal(number_of("transportOctetDeltaCount", &flow), 1380);
    assert_int_equal(number_of("flowStartMilliseconds", &flow), 10);
    assert_int_equal(number_of("flowEndNanoseconds", &flow), 20);
    assert_int_equal(number_of("reverseFlowStartSeconds", &flow), 11);
    assert_int_equal(number_of("tcpControlBits", &flow), 0x11b);
    assert_int_equal(number_of("reverseTcpControlBits", &flow), 0x12);
    assert_int_equal(number_of("initialTcpFlags", &flow), 2);
    assert_int_equal(number_of("minimumTTL", &flow), 63);
    assert_int_equal(number_of("maximumTTL", &flow), 64);
    assert_int_equal(number_of("ipClassOfService", &flow), 8);
    assert_int_equal(number_of("fragmentFlags", &flow), 0x40);
    assert_int_equal(number_of("flowEndReason", &flow), 2);
    assert_int_equal(number_of("biflowDirection", &flow), 1);
    assert_int_equal(number_of("flowId", &flow), 99);
    assert_int_equal(number_of("meteringWorker", &flow), 5);
    assert_int_equal(number_of("ingressInterface", &flow), 7);
    assert_int_equal(number_of("icmpTypeCodeIPv4", &flow), 0);

    /* The record as its other side would tell it. */
    struct leat_field_value value;
    uint32_t side;
    leat_field_find("sourceIPv4Address", &side)->get(&flow, 1, &value);
    assert_memory_equal(value.bytes, flow.address[1], 4);
    leat_field_find("destinationTransportPort", &side)->get(&flow, 1, &value);
    assert_int_equal(value.number, 40000);
}

static void values_of_the_parts(void **state) {
    struct leat_flow_notes notes = { .tcp_options = { 1 << 2 | 1 << 8 },
                                     .ip_options = { 5, 6 },
                                     .flow_label = { 0xabcde },
                                     .tcp_window = { 1000, 2000 },
                                     .icmp_type_code = { 0x800, 0 },
                                     .ip_id = { 77 },
                                     .mac = { { 2, 1 }, { 2, 2 } } };
    struct leat_flow_histogram histogram = { .bytes = { [0] = 10, [255] = 10 } };
    struct leat_flow_packet_list packets = { .count = 2,
                                             .side = { 0, 1 },
                                             .tcp_flags = { 2, 0x12 },
                                             .length = { 100, 1400 },
                                             .time_ns = { 5, 6 } };
    struct leat_flow_sizes sizes = { .size = { { 1, 2 }, { 3 } }, .gap = { { 4 }, { 5, 6 } } };
    struct leat_flow_application application = {
        .kind = LEAT_FLOW_APPLICATION_DNS, .dns_type = 28, .dns_rcode = 3, .name = "example.net"
    };
    struct leat_flow flow = {
        .version = 4,
        .protocol = 1,
        .parts = { &notes, &histogram, &packets, &sizes, &application },
    };
    struct leat_field_value list;
    (void)state;
    /* Kind 2 is in the first byte of IANA's figure, kind 8 in the second. */
    assert_int_equal(number_of("tcpOptions", &flow), 0x0401000000000000);
    assert_int_equal(number_of("ipv4Options", &flow), 5);
    assert_int_equal(number_of("reverseIpv4Options", &flow), 6);
    assert_int_equal(number_of("tcpWindowSize", &flow), 1000);
    assert_int_equal(number_of("reverseTcpWindowSize", &flow), 2000);
    assert_int_equal(number_of("icmpTypeCodeIPv4", &flow), 0x800);
    assert_int_equal(number_of("icmpTypeIPv4", &flow), 8);
    assert_int_equal(number_of("fragmentIdentification", &flow), 77);
    assert_memory_equal(value_of("destinationMacAddress", &flow).bytes, notes.mac[1], 6);

    list = value_of("payloadByteHistogram", &flow);
    assert_int_equal(list.length, 256);
    assert_int_equal(leat_field_element(&list, 255), 10);
    assert_true(value_of("payloadEntropy", &flow).real == 1.0);
    list = value_of("firstPacketLengths", &flow);
    assert_int_equal(list.length, 2);
    assert_int_equal(leat_field_element(&list, 1), 1400);
    list = value_of("firstPacketTimes", &flow);
    assert_int_equal(leat_field_element(&list, 1), 6);
    list = value_of("firstPacketSides", &flow);
    assert_int_equal(leat_field_element(&list, 1), 1);
    list = value_of("firstPacketTcpFlags", &flow);
    assert_int_equal(leat_field_element(&list, 1), 0x12);
    list = value_of("reversePacketSizeHistogram", &flow);
    assert_int_equal(leat_field_element(&list, 0), 3);
    list = value_of("reversePacketGapHistogram", &flow);
    assert_int_equal(leat_field_element(&list, 1), 6);

    assert_text("applicationName", &flow, "dns");
    assert_text("dnsQueryName", &flow, "example.net");
    assert_text("tlsServerName", &flow, "");
    assert_int_equal(number_of("dnsQueryType", &flow), 28);
    assert_int_equal(number_of("dnsResponseCode", &flow), 3);

    /* Without the parts there is nothing, and nothing breaks. */
    memset(&flow.parts, 0, sizeof(flow.parts));
    assert_int_equal(value_of("payloadByteHistogram", &flow).length, 0);
    assert_int_equal(value_of("firstPacketTimes", &flow).length, 0);
    assert_int_equal(value_of("packetSizeHistogram", &flow).length, 0);
    assert_true(value_of("payloadEntropy", &flow).real == 0);
    assert_text("dnsQueryName", &flow, "");
    assert_int_equal(number_of("tcpOptions", &flow), 0);
    flow.port[1] = 0x303;
    assert_int_equal(number_of("icmpTypeCodeIPv4", &flow), 0x303);

    /* A query and its answer: each side's type is the port that it goes to, and it comes from none.
     */
    flow.port[0] = 0xe00;
    flow.port[1] = 0xd00;
    assert_int_equal(number_of("icmpTypeIPv4", &flow), 13);
    assert_int_equal(number_of("reverseIcmpTypeIPv4", &flow), 14);
    assert_int_equal(number_of("destinationTransportPort", &flow), 0xd00);
    assert_int_equal(number_of("sourceTransportPort", &flow), 0);
}

static void values_of_the_scope(void **state) {
    struct leat_flow flow = {
        .version = 6,
        .scope = { .vlan_tci = { 0x6064, 0xa0c8, 3 },
                   .vlan_count = 3,
                   .label_count = 2,
                   .label = { 0x123456, 0xabcdef },
                   .tunnel = LEAT_FLOW_TUNNEL_VXLAN,
                   .tunnel_id = 0x10203,
                   .outer_version = 4,
                   .outer = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } },
                   .pppoe_session = 17 },
    };
    static const uint8_t label[] = { 0xab, 0xcd, 0xef }, none[16];
    struct leat_field_value list;
    (void)state;
    assert_int_equal(number_of("vlanId", &flow), 100);
    assert_int_equal(number_of("dot1qVlanId", &flow), 100);
    assert_int_equal(number_of("dot1qPriority", &flow), 3);
    assert_int_equal(number_of("dot1qCustomerVlanId", &flow), 200);
    assert_int_equal(number_of("dot1qCustomerPriority", &flow), 5);
    list = value_of("vlanStack", &flow);
    assert_int_equal(list.length, 3);
    assert_int_equal(leat_field_element(&list, 2), 3);
    struct leat_field_value value;
    uint32_t side;
    leat_field_find("mplsLabelStackSection2", &side)->get(&flow, 0, &value);
    assert_int_equal(value.length, 3);
    assert_memory_equal(value.bytes, label, 3);
    leat_field_find("mplsLabelStackSection3", &side)->get(&flow, 0, &value);
    assert_int_equal(value.length, 0);
    assert_int_equal(number_of("mplsLabelStackDepth", &flow), 2);
    assert_int_equal(number_of("layer2SegmentId", &flow), 0x0100000000010203);
    assert_int_equal(number_of("greKey", &flow), 0);
    assert_int_equal(number_of("tunnelId", &flow), 0x10203);
    assert_memory_equal(value_of("tunnelDestinationIPv4Address", &flow).bytes, flow.scope.outer[1],
                        4);
    assert_memory_equal(value_of("tunnelSourceIPv6Address", &flow).bytes, none, 16);
    assert_int_equal(number_of("pppoeSession", &flow), 17);
}

static void choices(void **state) {
    struct leat_fields fields;
    (void)state;
    assert_int_equal(
        leat_fields_parse(&fields, "octetDeltaCount/4,octetDeltaCount,tlsServerName", false), 0);
    assert_int_equal(fields.count, 3); /* T10: the same one twice, in order */
    assert_int_equal(fields.choice[0].length, 4);
    assert_int_equal(fields.choice[1].length, 8);
    assert_int_equal(fields.choice[2].length, LEAT_FIELD_VARIABLE);
    assert_int_equal(leat_fields_features(&fields), LEAT_FLOW_APPLICATION);

    assert_int_equal(leat_fields_parse(&fields, "payloadByteHistogram/2", false), 0);
    assert_int_equal(fields.choice[0].length, 2);
    assert_int_equal(leat_fields_parse(&fields, "tcpControlBits/2,payloadEntropy/4", false), 0);
}

static void sets(void **state) {
    struct leat_fields basic, normal, full, joined, uniflow;
    (void)state;
    assert_int_equal(leat_fields_parse(&basic, "basic", false), 0);
    assert_int_equal(leat_fields_parse(&normal, "default", false), 0);
    assert_int_equal(leat_fields_parse(&full, "full", false), 0);
    assert_int_equal(leat_fields_parse(&joined, "default,full", false), 0);
    assert_int_equal(leat_fields_parse(&uniflow, "full", true), 0);
    assert_true(basic.count < normal.count && normal.count < full.count);
    assert_int_equal(joined.count, full.count);
    assert_int_equal(leat_fields_features(&normal), 0);
    assert_int_equal(leat_fields_features(&full), LEAT_FLOW_NOTES | LEAT_FLOW_HISTOGRAM |
                                                      LEAT_FLOW_PACKETS | LEAT_FLOW_SIZES |
                                                      LEAT_FLOW_APPLICATION);
    for (uint32_t i = 0; i < uniflow.count; i++) {
        assert_int_equal(uniflow.choice[i].side, 0);
        assert_string_not_equal(uniflow.choice[i].field->name, "biflowDirection");
    }
    assert_int_equal(leat_fields_parse(&joined, "basic,dnsQueryName", false), 0);
    assert_int_equal(joined.count, basic.count + 1);
}

static void refusals(void **state) {
    static const struct {
        const char *text, *told;
    } wrong[] = {
        { "octetDeltaCount,nonsense", "nonsense" },
        { "octetDeltaCount/9", "octetDeltaCount" },
        { "octetDeltaCount/0", "octetDeltaCount" },
        { "octetDeltaCount/", "octetDeltaCount" },
        { "octetDeltaCount/4x", "octetDeltaCount" },
        { "octetDeltaCount/-1", "octetDeltaCount" },
        { "sourceIPv4Address/3", "sourceIPv4Address" },
        { "flowStartMilliseconds/4", "flowStartMilliseconds" },
        { "firstPacketTimes/4", "firstPacketTimes" },
        { "payloadByteCount", "payloadByteCount" },
        { "templateId", "templateId" },
        { "reverseFlowId", "reverseFlowId" },
        { "", "missing" },
        { "octetDeltaCount,,packetDeltaCount", "missing" },
        { "octetDeltaCount,", "missing" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "long" },
    };
    struct leat_fields fields;
    char many[(LEAT_FIELDS_MAX + 1) * sizeof(",greKey")] = "greKey";
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(leat_fields_parse(&fields, wrong[i].text, false), -EINVAL);
        assert_non_null(strstr(leat_error(), wrong[i].told));
    }
    for (uint32_t i = 1; i < LEAT_FIELDS_MAX; i++)
        strcat(many, ",greKey");
    assert_int_equal(leat_fields_parse(&fields, many, false), 0);
    assert_int_equal(leat_fields_parse(&fields, strcat(many, ",greKey"), false), -EINVAL);
    assert_non_null(strstr(leat_error(), "128"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_are_unique),
        cmocka_unit_test(numbers_are_those_of_iana),
        cmocka_unit_test(reverse_fields),
        cmocka_unit_test(values_of_both_sides),
        cmocka_unit_test(values_of_the_parts),
        cmocka_unit_test(values_of_the_scope),
        cmocka_unit_test(choices),
        cmocka_unit_test(sets),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
