/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX messages: sets, lengths, padding, sequence numbers, and when templates come. A test whose
 * name begins with t and a number is one of the 35 cases of docs/flow-export.md (RFC 5471).
 */
#include "ipfix_rig.h"
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rig rig;

/* What holds for each message: its header, and sets that fill it. */
static void assert_message(const struct rig_message *message, uint32_t max) {
    uint32_t at = 16;
    assert_int_equal(leat_be16(message->bytes), 10);
    assert_int_equal(leat_be16(message->bytes + 2), message->n);
    assert_true(message->n <= max);
    assert_true(message->n > 16);
    while (at < message->n) {
        uint32_t length = leat_be16(message->bytes + at + 2);
        assert_true(length > 4 && at + length <= message->n);
        at += length;
    }
    assert_int_equal(at, message->n);
}

static void t13_header(void **state) {
    struct leat_ipfix_opts opts = { .domain = 0xdeadbeef };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "default", &opts);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS + 5 * RIG_SECOND_NS + 999999999);
    for (uint32_t i = 0; i < rig.message_count; i++) {
        assert_message(&rig.messages[i], 1420);
        assert_int_equal(leat_be32(rig.messages[i].bytes + 12), 0xdeadbeef);
    }
    const struct rig_message *last = &rig.messages[rig.message_count - 1];
    assert_int_equal(leat_be32(last->bytes + 4), RIG_NOW_NS / RIG_SECOND_NS + 5);
    rig_close(&rig);
}

static void t2_t6_templates_come_first_and_alone(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "default", NULL);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    const struct rig_message *first = &rig.messages[0];
    assert_true(first->templates);
    assert_int_equal(first->records, 0);
    for (uint32_t i = 0; rig_set(first, i); i++)
        assert_true(leat_be16(rig_set(first, i)) <= 3);
    assert_false(rig.messages[rig.message_count - 1].templates);
    rig_read(&rig);
    assert_int_equal(rig_flow_count(&rig), 1);
    assert_int_equal(rig_number(rig_flow(&rig, 0), "octetDeltaCount"), 5000);
    rig_close(&rig);
}

static void t5_templates_and_data_in_one_message(void **state) {
    struct leat_flow flow = rig_flow_made(4), large = flow, six = rig_flow_made(6);
    (void)state;
    large.side[0].octets = 70000;
    rig_open(&rig, "sourceIPv4Address,sourceIPv6Address,octetDeltaCount/2", NULL);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_record(rig.ipfix, &large, RIG_NOW_NS); /* brings a template at full width */
    leat_ipfix_record(rig.ipfix, &six, RIG_NOW_NS);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    const struct rig_message *last = &rig.messages[rig.message_count - 1];
    uint16_t kinds[6];
    for (uint32_t i = 0; i < 6; i++)
        kinds[i] = leat_be16(rig_set(last, i));
    assert_true(kinds[0] > 255 && kinds[1] == 2 && kinds[2] > 255 && kinds[3] > 255);
    assert_true(kinds[3] != kinds[0] && kinds[4] > 255 && kinds[5] == kinds[0]);
    assert_null(rig_set(last, 6));
    rig_read(&rig);
    assert_int_equal(rig_flow_count(&rig), 4);
    rig_close(&rig);
}

static void t11_padding_is_shorter_than_a_record(void **state) {
    static const char *const fields[] = {
        "protocolIdentifier",
        "sourceTransportPort",
        "sourceTransportPort,protocolIdentifier",
        "sourceMacAddress",
        "sourceMacAddress,protocolIdentifier",
        "tlsServerName",
        "octetDeltaCount/5",
    };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    for (uint32_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
        for (uint32_t n = 1; n <= 8; n++) {
            rig_open(&rig, fields[f], NULL);
            for (uint32_t i = 0; i < n; i++)
                leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
            leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
            rig_read(&rig);
            assert_int_equal(rig_flow_count(&rig), n);
            rig_close(&rig);
        }
    rig_open(&rig, "sourceMacAddress,protocolIdentifier", NULL);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    assert_int_equal(rig.messages[rig.message_count - 1].n, 16 + 4 + 7 + 1);
    rig_close(&rig);
}

static void t12_messages_fit_the_path(void **state) {
    static const uint32_t sizes[] = { 700, 1001, 1420, 9000, 65535 };
    struct leat_flow_histogram histogram = { 0 };
    (void)state;
    for (uint32_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct leat_ipfix_opts opts = { .message_max = sizes[s] };
        uint32_t with_templates = 0;
        rig_open(&rig, sizes[s] < 1420 ? "default,tcpOptions,reverseTcpOptions" : "full", &opts);
        for (uint32_t i = 0; i < 200; i++) {
            struct leat_flow flow = rig_flow_made(i % 2 ? 6 : 4);
            flow.parts.histogram = &histogram;
            flow.biflow = i % 3 > 0;
            flow.side[0].tcp_flags = i % 5 ? 2 : 0x102;
            leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
        }
        leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
        for (uint32_t i = 0; i < rig.message_count; i++) {
            assert_message(&rig.messages[i], sizes[s]);
            with_templates += rig.messages[i].templates;
        }
        assert_true(with_templates >= (sizes[s] > 9000 ? 1 : 2)); /* 17 templates and more */
        rig_read(&rig);
        assert_int_equal(rig_flow_count(&rig), 200);
        rig_close(&rig);
    }
}

static void what_never_fits_is_refused(void **state) {
    struct leat_ipfix_opts opts = { .message_max = 300 };
    struct leat_ipfix *ipfix;
    (void)state;
    rig_open(&rig, "default", NULL);
    opts.fields = &rig.fields;
    opts.message = rig.opts.message;
    assert_int_equal(leat_ipfix_create(&ipfix, &opts), 0);
    leat_ipfix_destroy(ipfix);
    opts.message_max = 128;
    assert_int_equal(leat_ipfix_create(&ipfix, &opts), -EINVAL);
    assert_non_null(strstr(leat_error(), "too many for messages of 128 bytes"));
    opts.message_max = 65536;
    assert_int_equal(leat_ipfix_create(&ipfix, &opts), -EINVAL);
    assert_int_equal(leat_fields_parse(&rig.fields, "sourceIPv6Address", false), 0);
    opts.message_max = 0;
    assert_int_equal(leat_ipfix_create(&ipfix, &opts), -EINVAL);
    assert_non_null(strstr(leat_error(), "IPv4"));
    rig_close(&rig);
}

/* Lists go first, then strings; the numbers stay. Such records are counted. */
static void t12_a_record_too_long_loses_its_lists(void **state) {
    struct leat_flow_histogram histogram = { .bytes = { 7, 8, 9 } };
    struct leat_flow_application application = { .kind = LEAT_FLOW_APPLICATION_TLS };
    struct leat_flow flow = rig_flow_made(4);
    struct leat_ipfix_opts opts = { .message_max = 600 };
    struct leat_ipfix_list list;
    const uint8_t *bytes;
    uint32_t length;
    (void)state;
    memset(application.name, 'a', 255);
    flow.parts.histogram = &histogram;
    flow.parts.application = &application;
    rig_open(&rig, "octetDeltaCount,payloadByteHistogram,tlsServerName", &opts);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    rig_read(&rig);
    const struct rig_record *record = rig_flow(&rig, 0);
    assert_int_equal(rig_number(record, "octetDeltaCount"), 5000);
    const struct leat_ipfix_value *value = rig_value(record, "payloadByteHistogram", 0);
    assert_true(leat_ipfix_list_open(&list, value->bytes, value->length, 0));
    assert_string_equal(list.field->name, "payloadByteCount");
    assert_false(leat_ipfix_list_next(&list, &bytes, &length));
    assert_int_equal(rig_value(record, "tlsServerName", 0)->length, 255);
    assert_int_equal(leat_ipfix_trimmed(rig.ipfix), 1);
    flow.parts.histogram = NULL;
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    assert_int_equal(leat_ipfix_trimmed(rig.ipfix), 1);
    flow.parts.histogram = &histogram;
    rig_close(&rig);

    opts.message_max = 240;
    rig_open(&rig, "octetDeltaCount,payloadByteHistogram,tlsServerName", &opts);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    rig_read(&rig);
    assert_int_equal(rig_value(rig_flow(&rig, 0), "tlsServerName", 0)->length, 0);
    assert_int_equal(rig_number(rig_flow(&rig, 0), "octetDeltaCount"), 5000);
    assert_int_equal(leat_ipfix_trimmed(rig.ipfix), 1);
    rig_close(&rig);
}

/* Without its list the record has just as many bytes as a message has room for. */
static void t12_what_is_left_of_a_record_fits_exactly(void **state) {
    struct leat_flow_histogram histogram = { .bytes = { 7, 8, 9 } };
    struct leat_flow flow = rig_flow_made(4);
    struct leat_ipfix_opts opts = { .message_max = 128 };
    (void)state;
    flow.parts.histogram = &histogram;
    rig_open(&rig,
             "octetDeltaCount,octetDeltaCount,octetDeltaCount,octetDeltaCount,octetDeltaCount,"
             "octetDeltaCount,octetDeltaCount,octetDeltaCount,octetDeltaCount,octetDeltaCount,"
             "octetDeltaCount,octetDeltaCount,sourceTransportPort,payloadByteHistogram",
             &opts);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    rig_read(&rig);
    assert_int_equal(rig_number(rig_flow(&rig, 0), "octetDeltaCount"), 5000);
    assert_int_equal(leat_ipfix_trimmed(rig.ipfix), 1);
    rig_close(&rig);
}

static void assert_sequence(uint32_t from) {
    for (uint32_t i = 0; i < rig.message_count; i++) {
        assert_int_equal(rig_sequence(&rig.messages[i]), from);
        from += rig.messages[i].records;
    }
}

static void t14_sequence_counts_data_and_options_records(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    uint32_t options = 0;
    (void)state;
    rig_open(&rig, "default", NULL);
    for (uint32_t i = 0; i < 100; i++)
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    rig.answer = -ENOTCONN; /* what is lost counts, too: the collector is to see the gap */
    for (uint32_t i = 0; i < 50; i++)
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + 61 * RIG_SECOND_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    assert_sequence(0);
    rig_read(&rig);
    for (uint32_t i = 0; i < rig.record_count; i++)
        options += rig.records[i].scope_count > 0;
    assert_int_equal(rig.record_count, 150 + options);
    assert_true(options >= 6);
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 0);
    rig_close(&rig);
}

static void t14_sequence_wraps(void **state) {
    struct leat_ipfix_opts opts = { .sequence = UINT32_MAX - 9 };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "default", &opts);
    for (uint32_t i = 0; i < 100; i++)
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    assert_sequence(UINT32_MAX - 9);
    assert_true(rig_sequence(&rig.messages[rig.message_count - 1]) < 200);
    rig_read(&rig);
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 0);
    rig_close(&rig);
}

static uint32_t template_messages(void) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig.message_count; i++)
        count += rig.messages[i].templates;
    return count;
}

static void t15_t16_refresh_by_time(void **state) {
    struct leat_ipfix_opts opts = { .refresh_ns = 10 * RIG_SECOND_NS };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "basic", &opts);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + 9 * RIG_SECOND_NS);
    uint32_t once = template_messages();
    assert_true(once > 0);
    rig_forget(&rig); /* a collector that comes now */
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + 9 * RIG_SECOND_NS + 1);
    assert_int_equal(template_messages(), 0);
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + 10 * RIG_SECOND_NS);
    assert_int_equal(template_messages(), once);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS + 11 * RIG_SECOND_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS + 11 * RIG_SECOND_NS);
    rig_read(&rig);
    assert_int_equal(rig_flow_count(&rig), 1);
    rig_close(&rig);
}

static void t15_refresh_by_messages(void **state) {
    struct leat_ipfix_opts opts = { .refresh_messages = 5 };
    struct leat_flow flow = rig_flow_made(4);
    uint32_t since = 0;
    (void)state;
    rig_open(&rig, "basic", &opts);
    for (uint32_t i = 0; i < 1000; i++)
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    assert_true(template_messages() > 2);
    for (uint32_t i = 0; i < rig.message_count; i++) {
        since = rig.messages[i].templates ? 0 : since + 1;
        assert_true(since <= 7);
    }
    rig_close(&rig);
}

static void t17_withdrawal(void **state) {
    struct leat_ipfix_opts opts = { .withdraw = true, .refresh_ns = 1, .refresh_messages = 1 };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "basic", &opts);
    for (uint32_t i = 0; i < 100; i++)
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS + i * RIG_SECOND_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    assert_int_equal(template_messages(), 1); /* no refresh where the transport is reliable */
    leat_ipfix_withdraw(rig.ipfix, RIG_NOW_NS);
    const struct rig_message *last = &rig.messages[rig.message_count - 1];
    static const uint8_t sets[] = { 0, 2, 0, 8, 0, 2, 0, 0, 0, 3, 0, 8, 0, 3, 0, 0 };
    assert_int_equal(last->n, 16 + sizeof(sets));
    assert_memory_equal(last->bytes + 16, sets, sizeof(sets));
    rig_read(&rig);
    assert_int_equal(rig_flow_count(&rig), 100);
    const struct rig_message *data = last - 1; /* now nobody knows its template any more */
    assert_int_equal(rig_read_bytes(&rig, data->bytes, data->n), 0);
    assert_int_equal(rig_flow_count(&rig), 100);
    assert_non_null(strstr(rig.problem, "unknown"));
    rig_close(&rig);
}

static void t17_never_over_udp(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "basic", NULL);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    uint32_t before = rig.message_count;
    leat_ipfix_withdraw(rig.ipfix, RIG_NOW_NS);
    assert_int_equal(rig.message_count, before);
    rig_close(&rig);
}

static void t18_changed_templates_have_new_ids(void **state) {
    uint8_t seen[65536] = { 0 };
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    for (uint32_t reload = 0; reload < 20; reload++) {
        rig_open(&rig, reload % 2 ? "basic" : "default", NULL);
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
        leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
        rig_read(&rig);
        uint16_t id = rig_flow(&rig, 0)->template_id;
        assert_true(id >= 256);
        assert_int_equal(seen[id]++, 0);
        rig_close(&rig);
    }
}

static void a_new_session_begins_with_templates(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "basic", NULL);
    for (uint32_t i = 0; i < 3; i++)
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    rig_forget(&rig); /* the session broke with three records at hand */
    leat_ipfix_restart(rig.ipfix, RIG_NOW_NS);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    assert_sequence(0);
    assert_true(rig.messages[0].templates);
    rig_read(&rig);
    assert_int_equal(rig_flow_count(&rig), 4);
    rig_close(&rig);
}

/* Set back by an hour, then forth by a day: export times are the clock's, nothing waits for the
 * time that is to come again, and templates are repeated at most once a step. */
static void t35_the_clock_steps(void **state) {
    static const int64_t steps_s[] = { 0, -3600, 86400 };
    struct leat_ipfix_opts opts = { .refresh_ns = 600 * RIG_SECOND_NS };
    struct leat_flow flow = rig_flow_made(4);
    uint64_t now_ns = RIG_NOW_NS;
    (void)state;
    rig_open(&rig, "basic", &opts);
    for (uint32_t step = 0; step < 3; step++) {
        now_ns += (uint64_t)(steps_s[step] * (int64_t)RIG_SECOND_NS);
        const uint32_t before = rig.message_count, templates = template_messages();
        for (uint32_t i = 0; i < 30; i++, now_ns += RIG_SECOND_NS / 10) {
            leat_ipfix_record(rig.ipfix, &flow, now_ns);
            leat_ipfix_tick(rig.ipfix, now_ns);
        }
        assert_true(rig.message_count >= before + 3); /* one a second */
        assert_true(template_messages() <= templates + 2);
        for (uint32_t i = before; i < rig.message_count; i++)
            assert_in_range(leat_be32(rig.messages[i].bytes + 4), now_ns / RIG_SECOND_NS - 4,
                            now_ns / RIG_SECOND_NS);
    }
    leat_ipfix_flush(rig.ipfix, now_ns);
    assert_sequence(0);
    rig_read(&rig);
    assert_int_equal(rig_flow_count(&rig), 90);
    rig_close(&rig);
}

static void a_message_waits_a_second(void **state) {
    struct leat_flow flow = rig_flow_made(4);
    (void)state;
    rig_open(&rig, "basic", NULL);
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS);
    rig_forget(&rig);
    leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + RIG_SECOND_NS - 1);
    assert_int_equal(rig.message_count, 0);
    leat_ipfix_tick(rig.ipfix, RIG_NOW_NS + RIG_SECOND_NS);
    assert_int_equal(rig.message_count, 1);
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS + RIG_SECOND_NS); /* nothing is no message */
    assert_int_equal(rig.message_count, 1);
    rig_close(&rig);
}

static int count_message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records,
                         bool templates) {
    struct rig *counted = ctx;
    (void)templates;
    assert_int_equal(leat_ipfix_reader_message(counted->reader, bytes, n), 0);
    counted->record_count += records;
    return 0;
}

static uint64_t sum; /* of octets */

static void sum_record(void *ctx, uint32_t domain, uint64_t export_time_s, uint16_t template_id,
                       const struct leat_ipfix_value *values, uint32_t count,
                       uint32_t scope_count) {
    (void)ctx;
    (void)domain;
    (void)export_time_s;
    (void)template_id;
    for (uint32_t i = 0; i < count && scope_count == 0; i++)
        if (values[i].id == 1 && values[i].pen == 0)
            sum += leat_be32(values[i].bytes + 4);
}

static void t24_a_million_records(void **state) {
    struct leat_ipfix_reader_ops ops = { .record = sum_record };
    struct leat_flow flow = rig_flow_made(4);
    uint64_t expected = 0;
    (void)state;
    rig_open(&rig, "default", NULL);
    leat_ipfix_destroy(rig.ipfix);
    rig.opts.message = count_message;
    assert_int_equal(leat_ipfix_create(&rig.ipfix, &rig.opts), 0);
    assert_int_equal(leat_ipfix_reader_create(&rig.reader, &ops, &rig), 0);
    for (uint32_t i = 0; i < 1000000; i++) {
        flow.side[0].octets = i;
        expected += i;
        leat_ipfix_record(rig.ipfix, &flow, RIG_NOW_NS);
    }
    leat_ipfix_flush(rig.ipfix, RIG_NOW_NS);
    assert_true(rig.record_count >= 1000000 && rig.record_count < 1000100);
    assert_int_equal(sum, expected);
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 0);
    rig.record_count = 0;
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t13_header),
        cmocka_unit_test(t2_t6_templates_come_first_and_alone),
        cmocka_unit_test(t5_templates_and_data_in_one_message),
        cmocka_unit_test(t11_padding_is_shorter_than_a_record),
        cmocka_unit_test(t12_messages_fit_the_path),
        cmocka_unit_test(what_never_fits_is_refused),
        cmocka_unit_test(t12_a_record_too_long_loses_its_lists),
        cmocka_unit_test(t12_what_is_left_of_a_record_fits_exactly),
        cmocka_unit_test(t14_sequence_counts_data_and_options_records),
        cmocka_unit_test(t14_sequence_wraps),
        cmocka_unit_test(t15_t16_refresh_by_time),
        cmocka_unit_test(t15_refresh_by_messages),
        cmocka_unit_test(t17_withdrawal),
        cmocka_unit_test(t17_never_over_udp),
        cmocka_unit_test(t18_changed_templates_have_new_ids),
        cmocka_unit_test(a_new_session_begins_with_templates),
        cmocka_unit_test(t35_the_clock_steps),
        cmocka_unit_test(a_message_waits_a_second),
        cmocka_unit_test(t24_a_million_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
