/* SPDX-License-Identifier: BSD-2-Clause */
/* Values: what goes in comes out, for random records through encoder and reader, and at the edges
 * of each encoding. Tests named t and a number: see docs/flow-export.md. */
#include "ipfix_rig.h"
#include "ipfix_same.h"
#include "random.h"
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct rig rig;
static uint64_t random_state;

static uint64_t random_u64(void) {
    return random_next(&random_state);
}

static uint32_t below(uint32_t limit) {
    return (uint32_t)(random_u64() >> 32) % limit;
}

static void seed(void) {
    const char *given = getenv("LEAT_SEED");
    random_state = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    random_state += random_state == 0;
    print_message("LEAT_SEED=%llu\n", (unsigned long long)random_state);
}

/* Numbers of all magnitudes. */
static uint64_t some_number(void) {
    return random_u64() >> below(64);
}

static void fill(void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)random_u64();
}

static struct leat_flow random_flow(struct flow_parts *parts) {
    struct leat_flow flow;
    fill(&flow, sizeof(flow));
    fill(parts, sizeof(*parts));
    flow_tame(&flow, parts, below(32));
    for (uint32_t side = 0; side < 2; side++) {
        flow.side[side].packets = some_number();
        flow.side[side].octets = some_number();
    }
    return flow;
}

/* Each value of the record that was read is that of the flow as `side` sees it. */
static void assert_record(const struct rig_record *record, const struct leat_flow *flow,
                          uint32_t side) {
    assert_true(record->count > 10);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct leat_ipfix_value *read = &record->values[i];
        struct leat_field_value expected = { 0 };
        assert_non_null(read->field);
        assert_true(read->field->versions & (flow->version == 4 ? 1 : 2));
        read->field->get(flow, read->side ^ side, &expected);
        assert_true(ipfix_same(read->field, read, &expected));
    }
}

#define ALL_TIMES ",flowStartSeconds,flowEndMicroseconds,reverseFlowStartMicroseconds"

static void random_records_come_back(void **state) {
    static struct flow_parts parts[100];
    struct leat_flow flows[100];
    struct leat_ipfix_opts opts = { .message_max = 65535 };
    (void)state;
    for (uint32_t round = 0; round < 10; round++) {
        rig_open(&rig, "full" ALL_TIMES, &opts);
        for (uint32_t i = 0; i < 100; i++) {
            flows[i] = random_flow(&parts[i]);
            leat_ipfix_record(rig.ipfix, &flows[i], RIG_NOW_NS);
        }
        leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
        rig_read(&rig);
        assert_int_equal(rig_flow_count(&rig), 100);
        for (uint32_t i = 0; i < 100; i++) {
            const struct rig_record *record = rig_flow(&rig, i);
            assert_record(record, &flows[i], 0);
            assert_int_equal(rig_value(record, "reverseOctetDeltaCount", 0) != NULL,
                             flows[i].biflow && flows[i].side[1].packets);
        }
        rig_close(&rig);
    }
}

static void t21_uniflow_is_both_sides_one_by_one(void **state) {
    static struct flow_parts parts;
    struct leat_ipfix_opts opts = { .message_max = 65535, .uniflow = true };
    (void)state;
    for (uint32_t round = 0; round < 50; round++) {
        struct leat_flow flow = random_flow(&parts);
        flow.biflow = 1;
        flow.side[0].packets = round % 3; /* a cut flow may have gone on in one direction */
        flow.side[1].packets = round % 5;
        bool there = round % 3 || round % 5 == 0, back = round % 5;
        rig_open(&rig,
                 "default,transportOctetDeltaCount,tcpOptions,sourceMacAddress,packetGapHistogram",
                 &opts);
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
        leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
        rig_read(&rig);
        assert_int_equal(rig_flow_count(&rig), there + back);
        if (there)
            assert_record(rig_flow(&rig, 0), &flow, 0);
        if (back)
            assert_record(rig_flow(&rig, there), &flow, 1);
        assert_null(rig_value(rig_flow(&rig, 0), "biflowDirection", 0));
        rig_close(&rig);
    }
}

/* Nobody answered: no reverse elements, whose times would be of 1970. */
static void t21_biflow_without_an_answer(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    memset(&flow.side[1], 0, sizeof(flow.side[1]));
    rig_open(&rig, "default", NULL);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    rig_read(&rig);
    const struct rig_record *record = rig_flow(&rig, 0);
    assert_int_equal(rig_number(record, "octetDeltaCount"), 5000);
    assert_null(rig_value(record, "reverseOctetDeltaCount", 0));
    assert_null(rig_value(record, "reverseFlowStartMilliseconds", 0));
    assert_null(rig_value(record, "biflowDirection", 0));
    rig_close(&rig);
}

static void t21_biflow(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "default", NULL);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    rig_read(&rig);
    const struct rig_record *record = rig_flow(&rig, 0);
    const struct leat_ipfix_value *reverse = rig_value(record, "reverseOctetDeltaCount", 0);
    assert_non_null(reverse);
    assert_int_equal(reverse->pen, 29305);
    assert_int_equal(reverse->id, 1);
    assert_int_equal(rig_number(record, "reverseOctetDeltaCount"), 90000);
    assert_int_equal(rig_number(record, "biflowDirection"), 1);
    rig_close(&rig);
}

/* The one record of these fields, read again. */
static const struct rig_record *through(const char *fields, const struct leat_flow *flow,
                                        uint32_t message_max, uint32_t pen) {
    struct leat_ipfix_opts opts = { .message_max = message_max, .pen = pen };
    rig_open(&rig, fields, &opts);
    leat_ipfix_record(rig.ipfix, flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    rig_read(&rig);
    return rig_flow(&rig, 0);
}

static void t7_enterprise_elements(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    const struct rig_record *record =
        through("initialTcpFlags,reverseInitialTcpFlags", &flow, 0, 4711);
    assert_int_equal(record->values[0].pen, 4711);
    assert_int_equal(record->values[0].id, 1);
    assert_int_equal(record->values[1].pen, 4711);
    assert_int_equal(record->values[1].id, 0x4001);
    assert_int_equal(rig_number(record, "initialTcpFlags"), 2);
    assert_int_equal(rig_number(record, "reverseInitialTcpFlags"), 0x12);
    rig_close(&rig);
}

static void t8_reduced_sizes(void **state) {
    static const uint32_t lengths[] = { 8, 4, 1 };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        char fields[64];
        snprintf(fields, sizeof(fields), "packetDeltaCount/%u", lengths[i]);
        flow.side[0].packets = lengths[i] == 8 ? UINT64_MAX : (1ULL << 8 * lengths[i]) - 1;
        const struct rig_record *record = through(fields, &flow, 0, 0);
        assert_int_equal(record->values[0].length, lengths[i]);
        assert_true(rig_number(record, "packetDeltaCount") == flow.side[0].packets);
        rig_close(&rig);
        if (lengths[i] == 8)
            continue;
        flow.side[0].packets++; /* does not fit: the template at full width */
        record = through(fields, &flow, 0, 0);
        assert_int_equal(record->values[0].length, 8);
        assert_true(rig_number(record, "packetDeltaCount") == flow.side[0].packets);
        rig_close(&rig);
    }
    flow.side[0].tcp_flags = 0x12;
    assert_int_equal(through("tcpControlBits", &flow, 0, 0)->values[0].length, 1);
    rig_close(&rig);
    flow.side[0].tcp_flags = 0x112;
    assert_int_equal(rig_number(through("tcpControlBits", &flow, 0, 0), "tcpControlBits"), 0x112);
    rig_close(&rig);
}

/* RFC 7011, 6.1.5: 1 is true and 2 is false. */
static void booleans(void **state) {
    struct leat_flow flow = rig_flow_made(6);
    (void)state;
    for (uint32_t limited = 0; limited < 2; limited++) {
        flow.limited = limited ? LEAT_FLOW_NOTES : LEAT_FLOW_HISTOGRAM;
        const struct rig_record *record =
            through("octetDeltaCount,ipv6ExtensionHeadersLimit", &flow, 0, 0);
        assert_int_equal(record->values[1].id, 517);
        assert_int_equal(record->values[1].length, 1);
        assert_int_equal(record->values[1].bytes[0], limited ? 2 : 1);
        rig_close(&rig);
    }
}

static void what_no_length_holds_is_the_largest(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    flow.scope.tunnel = LEAT_FLOW_TUNNEL_GRE;
    flow.scope.tunnel_id = UINT64_C(1) << 40;
    assert_int_equal(rig_number(through("greKey", &flow, 0, 0), "greKey"), UINT32_MAX);
    rig_close(&rig);
}

static void t9_variable_lengths(void **state) {
    static const uint32_t lengths[] = { 0, 1, 253, 254, 255 };
    struct leat_flow_application application = { .kind = LEAT_FLOW_APPLICATION_HTTP };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    flow.parts.application = &application;
    for (uint32_t i = 0; i < 5; i++) {
        memset(application.name, 0, sizeof(application.name));
        memset(application.name, 'x', lengths[i]);
        const struct rig_record *record =
            through("httpRequestHost,protocolIdentifier", &flow, 0, 0);
        const struct rig_message *last = &rig.messages[rig.message_count - 1];
        const uint8_t *at = rig_set(last, 0) + 4;
        assert_int_equal(at[0], lengths[i]);
        if (lengths[i] == 255)
            assert_int_equal(leat_be16(at + 1), 255);
        assert_int_equal(record->values[0].length, lengths[i]);
        assert_memory_equal(record->values[0].bytes, application.name, lengths[i]);
        assert_int_equal(rig_number(record, "protocolIdentifier"), 6);
        rig_close(&rig);
    }
}

static void t9_fixed_strings(void **state) {
    struct leat_flow_application application = { .kind = LEAT_FLOW_APPLICATION_HTTP,
                                                 .name = "host" };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    flow.parts.application = &application;
    const struct rig_record *record = through("httpRequestHost/6,httpRequestHost/2", &flow, 0, 0);
    assert_int_equal(record->values[0].length, 6);
    assert_memory_equal(record->values[0].bytes, "host\0\0", 6);
    assert_memory_equal(record->values[1].bytes, "ho", 2);
    rig_close(&rig);
}

static void t10_the_same_element_twice(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    const struct rig_record *record =
        through("packetDeltaCount/2,octetDeltaCount,packetDeltaCount", &flow, 0, 0);
    assert_int_equal(record->count, 3);
    assert_int_equal(record->values[0].length, 2);
    assert_int_equal(record->values[2].length, 8);
    assert_ptr_equal(record->values[0].field, record->values[2].field);
    rig_close(&rig);
}

/* Known bytes: 2025-11-21 08:00:00.123456789 UTC. */
static void t23_times(void **state) {
    static const uint8_t expected[] = {
        0x69, 0x20, 0x1c, 0x00,                         /* seconds */
        0x00, 0x00, 0x01, 0x9a, 0xa5, 0x6d, 0x60, 0x7b, /* milliseconds */
        0xec, 0xca, 0x9a, 0x80, 0x1f, 0x9a, 0xd0, 0x00, /* NTP, microseconds */
        0xec, 0xca, 0x9a, 0x80, 0x1f, 0x9a, 0xdd, 0x38, /* NTP, nanoseconds */
    };
    static const char fields[] =
        "flowStartSeconds,flowStartMilliseconds,flowStartMicroseconds,flowStartNanoseconds";
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    flow.side[0].first_ns = UINT64_C(1763712000123456789);
    through(fields, &flow, 0, 0);
    assert_memory_equal(rig_set(&rig.messages[rig.message_count - 1], 0) + 4, expected,
                        sizeof(expected));
    rig_close(&rig);

    /* The next NTP era began on 2036-02-07 06:28:16. */
    for (uint64_t second = UINT64_C(2085978490); second < UINT64_C(2085978500); second++) {
        flow.side[0].first_ns = second * RIG_SECOND_NS + 999999999;
        const struct rig_record *record = through(fields, &flow, 0, 0);
        assert_true(rig_number(record, "flowStartNanoseconds") == flow.side[0].first_ns);
        assert_true(rig_number(record, "flowStartMicroseconds") == flow.side[0].first_ns - 999);
        rig_close(&rig);
    }

    /* The first time of all, and the last one of 32 bits of seconds since 1970. */
    for (uint32_t last = 0; last < 2; last++) {
        flow.side[0].first_ns = last ? UINT32_MAX * RIG_SECOND_NS + 999999000 : 0;
        const struct rig_record *record = through(fields, &flow, 0, 0);
        assert_true(rig_number(record, "flowStartNanoseconds") == flow.side[0].first_ns);
        assert_true(rig_number(record, "flowStartMicroseconds") == flow.side[0].first_ns);
        rig_close(&rig);
    }
}

/* Whether a reader cuts a fraction or rounds it, it has the same time again. */
static void t23_fractions(void **state) {
    static const uint32_t edges[] = { 0,         1,         999,       1000,
                                      1001,      499999999, 500000000, 999998999,
                                      999999000, 999999998, 999999999 };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t rest = i < sizeof(edges) / sizeof(edges[0]) ? edges[i] : below(1000000000);
        flow.side[0].first_ns = UINT64_C(1763712000) * RIG_SECOND_NS + rest;
        through("flowStartMicroseconds,flowStartNanoseconds", &flow, 0, 0);
        const uint8_t *times = rig_set(&rig.messages[rig.message_count - 1], 0) + 4;
        uint64_t micro = (uint64_t)leat_be32(times + 4) * 1000000;
        uint64_t nano = (uint64_t)leat_be32(times + 12) * 1000000000;
        assert_int_equal(leat_be32(times), 1763712000 + 2208988800);
        assert_int_equal(micro >> 32, rest / 1000);
        assert_int_equal((micro + (UINT64_C(1) << 31)) >> 32, rest / 1000);
        assert_int_equal(leat_be32(times + 4) & 0x7ff, 0); /* RFC 7011, 6.1.9 */
        assert_int_equal(nano >> 32, rest);
        assert_int_equal((nano + (UINT64_C(1) << 31)) >> 32, rest);
        rig_close(&rig);
    }
}

static void lists_of_reduced_elements(void **state) {
    struct leat_flow_histogram histogram = { .bytes = { [7] = 65535 } };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    flow.parts.histogram = &histogram;
    const struct rig_record *record = through("payloadByteHistogram/2", &flow, 0, 0);
    assert_int_equal(record->values[0].length, 9 + 512);
    rig_close(&rig);
    histogram.bytes[7]++;
    record = through("payloadByteHistogram/2", &flow, 0, 0);
    assert_int_equal(record->values[0].length, 9 + 1024);
    rig_close(&rig);
}

static int set_up(void **state) {
    (void)state;
    seed();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_records_come_back),
        cmocka_unit_test(t21_uniflow_is_both_sides_one_by_one),
        cmocka_unit_test(t21_biflow),
        cmocka_unit_test(t21_biflow_without_an_answer),
        cmocka_unit_test(t7_enterprise_elements),
        cmocka_unit_test(t8_reduced_sizes),
        cmocka_unit_test(booleans),
        cmocka_unit_test(what_no_length_holds_is_the_largest),
        cmocka_unit_test(t9_variable_lengths),
        cmocka_unit_test(t9_fixed_strings),
        cmocka_unit_test(t10_the_same_element_twice),
        cmocka_unit_test(t23_times),
        cmocka_unit_test(t23_fractions),
        cmocka_unit_test(lists_of_reduced_elements),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
