/* SPDX-License-Identifier: BSD-2-Clause */
/* Options records: that they tell what they were given, when they come, and for which templates.
 * Tests named t and a number: see test_ipfix_messages.c. */
#include "ipfix_rig.h"
#include "lib/flow/decode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct rig rig;

static void start(const char *fields, const struct leat_ipfix_opts *opts) {
    struct leat_flow flow = rig_flow_made(4);
    rig_open(&rig, fields, opts);
    rig.facts =
        (struct leat_ipfix_facts){ 100,           1, 2, 3, 4, 5, 1000, 10, { 6000000, 7000000 },
                                   { 8000000, 0 } };
    for (uint32_t i = 0; i < 7; i++)
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
}

static void t4_t19_statistics(void **state) {
    struct leat_ipfix_opts opts = { .domain = 42 };
    uint64_t octets = 0, messages;
    (void)state;
    start("default", &opts);
    for (uint32_t i = 0; i < rig.message_count; i++)
        octets += rig.messages[i].n;
    messages = rig.message_count;
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + 59 * RIG_SECOND_NS);
    assert_int_equal(rig.message_count, messages);
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + 60 * RIG_SECOND_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS + 60 * RIG_SECOND_NS);
    rig_read(&rig);

    const struct rig_record *metering = rig_options(&rig, 41, 1);
    assert_int_equal(metering->scope_count, 2);
    assert_int_equal(rig_number(metering, "observationDomainId"), 42);
    assert_int_equal(rig_number(metering, "exportedMessageTotalCount"), messages);
    assert_int_equal(rig_number(metering, "exportedFlowRecordTotalCount"), 7);
    assert_int_equal(rig_number(metering, "exportedOctetTotalCount"), octets);
    assert_int_equal(rig_number(metering, "observedFlowTotalCount"), 100);
    const struct rig_record *ignored = rig_options(&rig, 164, 1);
    assert_int_equal(rig_number(ignored, "ignoredPacketTotalCount"), 1);
    assert_int_equal(rig_number(ignored, "ignoredOctetTotalCount"), 2);
    assert_int_equal(rig_number(ignored, "flowStartMilliseconds"), 6000000);
    assert_int_equal(rig_number(ignored, "flowEndMilliseconds"), 7000000);
    const struct rig_record *unsent = rig_options(&rig, 166, 1);
    assert_int_equal(rig_number(unsent, "notSentFlowTotalCount"), 3);
    assert_int_equal(rig_number(unsent, "notSentPacketTotalCount"), 4);
    assert_int_equal(rig_number(unsent, "notSentOctetTotalCount"), 5);
    assert_int_equal(rig_number(unsent, "flowStartMilliseconds"), 8000000);
    assert_int_equal(rig_number(unsent, "flowEndMilliseconds"), 0);
    assert_null(rig_options(&rig, 41, 2));
    rig_close(&rig);
}

static void the_last_words_are_statistics(void **state) {
    (void)state;
    rig_open(&rig, "default", NULL);
    leat_ipfix_finish(rig.ipfix, RIG_NOW_NS);
    assert_int_equal(rig.message_count, 0); /* nothing was said before */
    rig_close(&rig);
    start("default", NULL);
    rig.facts.unsent_flows = 33;
    leat_ipfix_finish(rig.ipfix, RIG_NOW_NS);
    rig_read(&rig);
    assert_int_equal(rig_number(rig_options(&rig, 166, 1), "notSentFlowTotalCount"), 33);
    assert_int_equal(rig_number(rig_options(&rig, 41, 1), "exportedFlowRecordTotalCount"), 7);
    rig_close(&rig);
}

static void t19_timeouts(void **state) {
    struct leat_ipfix_opts opts = { .active_ns = 300 * RIG_SECOND_NS,
                                    .idle_ns = 100000 * RIG_SECOND_NS };
    (void)state;
    start("default", &opts);
    rig_read(&rig);
    assert_int_equal(rig_number(rig_options(&rig, 36, 0), "flowActiveTimeout"), 300);
    assert_int_equal(rig_number(rig_options(&rig, 36, 0), "flowIdleTimeout"), 65535);
    rig_close(&rig);
}

/* Which fields of the flow's template are told to be its key. */
static uint64_t key_indicator(const char *fields, uint32_t key) {
    struct leat_ipfix_opts opts = { .key = key };
    start(fields, &opts);
    rig_read(&rig);
    uint16_t id = rig_flow(&rig, 0)->template_id;
    for (uint32_t i = 0;; i++) {
        const struct rig_record *keys = rig_options(&rig, 173, i);
        assert_non_null(keys);
        if (rig_number(keys, "templateId") != id)
            continue;
        uint64_t indicator = rig_number(keys, "flowKeyIndicator");
        rig_close(&rig);
        return indicator;
    }
}

static void t19_flow_keys(void **state) {
    static const char more[] =
        "octetDeltaCount,vlanId,dot1qPriority,dot1qCustomerVlanId,vlanStack,"
        "mplsTopLabelStackSection,mplsLabelStackSection4,ipClassOfService,ingressInterface,"
        "tunnelId,tunnelSourceIPv4Address,pppoeSession,layer2SegmentId,greKey,flowId";
    (void)state;
    assert_int_equal(
        key_indicator("octetDeltaCount,sourceIPv4Address,destinationIPv4Address,"
                      "sourceTransportPort,destinationTransportPort,protocolIdentifier,"
                      "sourceIPv6Address,reverseIcmpTypeCodeIPv4,icmpTypeCodeIPv4,ipVersion",
                      0),
        0x1be);
    assert_int_equal(key_indicator(more, 0), 0);
    assert_int_equal(key_indicator(more, LEAT_FLOW_KEY_VLAN), 0x1a);
    assert_int_equal(key_indicator(more, LEAT_FLOW_KEY_MPLS), 0x60);
    assert_int_equal(key_indicator(more, LEAT_FLOW_KEY_TOS), 0x80);
    assert_int_equal(key_indicator(more, LEAT_FLOW_KEY_INTERFACE), 0x100);
    assert_int_equal(key_indicator(more, LEAT_FLOW_KEY_TUNNEL), 0x3e00);
}

static double real(const struct rig_record *record, const char *name) {
    const struct leat_ipfix_value *found = rig_value(record, name, 0);
    struct leat_field_value value;
    assert_non_null(found);
    assert_true(leat_ipfix_get(found->field, found->bytes, found->length, &value));
    return value.real;
}

static void t19_sampling(void **state) {
    static const struct {
        struct leat_flow_sampling sampling;
        uint32_t algorithm;  /* of IANA's registry, PSAMP selectorAlgorithm */
        const char *name[2]; /* what RFC 5477, 8.2.1 wants with it */
        uint32_t number[2];
    } cases[] = {
        { { .kind = LEAT_FLOW_SAMPLING_COUNT, .interval = 1, .space = 99 },
          1,
          { "samplingPacketInterval", "samplingPacketSpace" },
          { 1, 99 } },
        { { .kind = LEAT_FLOW_SAMPLING_RANDOM, .size = 1, .population = 100 },
          3,
          { "samplingSize", "samplingPopulation" },
          { 1, 100 } },
        { { .kind = LEAT_FLOW_SAMPLING_UNIFORM, .size = 3, .population = 8 }, 4, { NULL }, { 0 } },
        { { .kind = LEAT_FLOW_SAMPLING_HASH, .size = 3, .population = 8 }, 4, { NULL }, { 0 } },
    };
    (void)state;
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leat_ipfix_opts opts = { .sampling = cases[i].sampling };
        bool by_number = cases[i].name[0];
        start("default", &opts);
        rig_read(&rig);
        const struct rig_record *sampling = rig_options(&rig, 304, 0);
        assert_int_equal(rig_number(sampling, "selectorAlgorithm"), cases[i].algorithm);
        assert_int_equal(sampling->count, by_number ? 4 : 3);
        for (uint32_t k = 0; by_number && k < 2; k++)
            assert_int_equal(rig_number(sampling, cases[i].name[k]), cases[i].number[k]);
        if (!by_number)
            assert_true(real(sampling, "samplingProbability") == 0.375);
        const struct rig_record *selection = rig_options(&rig, 318, 0);
        assert_int_equal(rig_number(selection, "selectorIdTotalPktsObserved"), 1000);
        assert_int_equal(rig_number(selection, "selectorIdTotalPktsSelected"), 10);
        rig_close(&rig);
    }
    start("default", NULL);
    rig_read(&rig);
    assert_null(rig_options(&rig, 304, 0));
    assert_null(rig_options(&rig, 318, 0));
    rig_close(&rig);
}

static void interface_names(void **state) {
    struct leat_ipfix_interface interfaces[] = { { 3, "eth0", "uplink" }, { 4, "eth1", "" } };
    struct leat_ipfix_opts opts = { .interfaces = interfaces, .interface_count = 2 };
    (void)state;
    start("default", &opts);
    rig_read(&rig);
    const struct rig_record *first = rig_options(&rig, 82, 0), *second = rig_options(&rig, 82, 1);
    assert_int_equal(rig_number(first, "ingressInterface"), 3);
    assert_memory_equal(rig_value(first, "interfaceName", 0)->bytes, "eth0", 4);
    assert_memory_equal(rig_value(first, "interfaceDescription", 0)->bytes, "uplink", 6);
    assert_int_equal(rig_number(second, "ingressInterface"), 4);
    assert_int_equal(rig_value(second, "interfaceDescription", 0)->length, 0);
    rig_close(&rig);
}

/* The record that tells of element `id`. */
static const struct rig_record *type_of(uint16_t id) {
    for (uint32_t i = 0;; i++) {
        const struct rig_record *type = rig_options(&rig, 339, i);
        if (!type || rig_number(type, "informationElementId") == id)
            return type;
    }
}

static void types_of_own_elements(void **state) {
    struct leat_ipfix_opts opts = { .pen = 4711 };
    (void)state;
    start("octetDeltaCount,payloadByteHistogram,initialTcpFlags,reverseInitialTcpFlags", &opts);
    rig_read(&rig);
    const struct rig_record *histogram = type_of(2), *element = type_of(3);
    assert_int_equal(rig_number(histogram, "privateEnterpriseNumber"), 4711);
    assert_int_equal(rig_number(histogram, "informationElementDataType"), 20);
    assert_int_equal(rig_number(histogram, "informationElementSemantics"), 6);
    assert_memory_equal(rig_value(histogram, "informationElementName", 0)->bytes,
                        "payloadByteHistogram", 20);
    assert_int_equal(rig_number(element, "informationElementDataType"), 3);
    const struct rig_record *reverse = type_of(0x4001);
    assert_memory_equal(rig_value(reverse, "informationElementName", 0)->bytes,
                        "reverseInitialTcpFlags", 22);
    assert_null(type_of(17));
    rig_close(&rig);
}

static void none_of_iana_elements(void **state) {
    (void)state;
    start("default", NULL);
    rig_read(&rig);
    assert_null(rig_options(&rig, 339, 0));
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t4_t19_statistics),
        cmocka_unit_test(t19_timeouts),
        cmocka_unit_test(the_last_words_are_statistics),
        cmocka_unit_test(t19_flow_keys),
        cmocka_unit_test(t19_sampling),
        cmocka_unit_test(interface_names),
        cmocka_unit_test(types_of_own_elements),
        cmocka_unit_test(none_of_iana_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
