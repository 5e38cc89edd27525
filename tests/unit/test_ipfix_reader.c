/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader: what is wrong is told, and the rest is read all the same. Messages are made by hand
 * here, so that they can be wrong. Tests named t and a number: see test_ipfix_messages.c. */
#include "ipfix_rig.h"
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct rig rig;
static uint8_t message[65536];
static uint32_t used;

static void begin(uint32_t domain, uint32_t sequence) {
    memset(message, 0, sizeof(message));
    leat_put_be16(message, 10);
    leat_put_be32(message + 8, sequence);
    leat_put_be32(message + 12, domain);
    used = 16;
}

static void put16(uint32_t value) {
    leat_put_be16(message + used, value);
    used += 2;
}

/* A set of these 16-bit words, which are `n`. */
static void put_set(uint16_t id, uint32_t n, const uint16_t *words) {
    put16(id);
    put16(4 + 2 * n);
    for (uint32_t i = 0; i < n; i++)
        put16(words[i]);
}

#define SET(id, ...) \
    put_set(id, sizeof((uint16_t[]){ __VA_ARGS__ }) / 2, (uint16_t[]){ __VA_ARGS__ })

static int give(void) {
    leat_put_be16(message + 2, used);
    return rig_read_bytes(&rig, message, used);
}

static int set_up(void **state) {
    (void)state;
    memset(&rig, 0, sizeof(rig));
    rig_reader(&rig);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void assert_told(const char *what) {
    assert_non_null(strstr(rig.problem, what));
    rig.problem[0] = '\0';
}

static void t33_no_messages(void **state) {
    static const uint8_t nine[20] = { 0, 9, 0, 20 }, longer[20] = { 0, 10, 0, 21 },
                         shorter[20] = { 0, 10, 0, 19 }, tiny[3] = { 0, 10 };
    (void)state;
    assert_int_equal(rig_read_bytes(&rig, nine, 20), -EBADMSG);
    assert_non_null(strstr(leat_error(), "version 9"));
    assert_int_equal(rig_read_bytes(&rig, longer, 20), -EBADMSG);
    assert_int_equal(rig_read_bytes(&rig, shorter, 20), -EBADMSG);
    assert_int_equal(rig_read_bytes(&rig, tiny, 3), -EBADMSG);
    assert_int_equal(rig_read_bytes(&rig, tiny, 0), -EBADMSG);
}

static void t33_sets_that_lie(void **state) {
    (void)state;
    begin(1, 0);
    SET(2, 256, 1, 4, 1);
    put16(256);
    put16(40); /* beyond the message */
    put16(6);
    assert_int_equal(give(), 0);
    assert_told("40 bytes where 6 are left");
    begin(1, 0);
    put16(256);
    put16(3);
    assert_int_equal(give(), 0);
    assert_told("3 bytes");
    begin(1, 0);
    put16(256);
    assert_int_equal(give(), 0);
    assert_told("a set");
    assert_int_equal(rig.record_count, 0);
}

static void t33_unknown_sets_are_skipped(void **state) {
    (void)state;
    begin(1, 0);
    SET(2, 256, 1, 4, 1);
    SET(300, 1, 2, 3);
    SET(4, 1);
    SET(256, 0x0607);
    assert_int_equal(give(), 0);
    assert_int_equal(rig.problem_count, 2);
    assert_told("reserved kind 4");
    assert_int_equal(rig.record_count, 2);
    assert_int_equal(rig_number(&rig.records[0], "protocolIdentifier"), 6);
    assert_int_equal(rig_number(&rig.records[1], "protocolIdentifier"), 7);
}

static void t33_wrong_templates(void **state) {
    (void)state;
    begin(1, 0);
    SET(2, 255, 1, 4, 1);
    assert_int_equal(give(), 0);
    assert_told("255");
    begin(1, 0);
    SET(2, 256, 2, 4, 0, 7, 0); /* records of no bytes would have no end */
    assert_int_equal(give(), 0);
    assert_told("records of 0 bytes");
    begin(1, 0);
    SET(2, 256, 3, 4, 1);
    assert_int_equal(give(), 0);
    assert_told("cut off");
    begin(1, 0);
    SET(2, 256, 1, 0x8004, 1, 0);
    assert_int_equal(give(), 0);
    assert_told("cut off");
    begin(1, 0);
    SET(3, 256, 1, 0, 4, 1);
    assert_int_equal(give(), 0);
    assert_told("0 scope fields of 1");
    begin(1, 0);
    SET(3, 256, 1, 2, 4, 1);
    assert_int_equal(give(), 0);
    assert_told("2 scope fields of 1");
    begin(1, 0);
    SET(256, 1, 2);
    assert_int_equal(give(), 0);
    assert_told("unknown");
    assert_int_equal(rig.record_count, 0);
}

static void t33_records_longer_than_their_set(void **state) {
    (void)state;
    begin(1, 0);
    SET(2, 256, 2, 4, 1, 82, 65535);
    SET(256, 0x06ff, 0xff00); /* 255: the length is in the next two bytes, of which one is there */
    assert_int_equal(give(), 0);
    assert_told("goes beyond its set");
    begin(1, 0);
    SET(256, 0x0604, 0x6161);
    assert_int_equal(give(), 0);
    assert_told("goes beyond its set");
    assert_int_equal(rig.record_count, 0);
}

static void t9_65000_bytes(void **state) {
    (void)state;
    begin(1, 0);
    SET(2, 256, 1, 82, 65535);
    put16(256);
    put16(4 + 3 + 65000);
    message[used] = 255;
    leat_put_be16(message + used + 1, 65000);
    memset(message + used + 3, 'n', 65000);
    used += 3 + 65000;
    assert_int_equal(give(), 0);
    assert_int_equal(rig.record_count, 1);
    assert_int_equal(rig.records[0].values[0].length, 65000);
    assert_int_equal(rig.records[0].values[0].bytes[64999], 'n');
}

static void t17_withdrawal_of_one(void **state) {
    (void)state;
    begin(1, 0);
    SET(2, 256, 1, 4, 1, 257, 1, 4, 1);
    SET(2, 256, 0);
    SET(257, 0x0606);
    SET(256, 0x0606);
    assert_int_equal(give(), 0);
    assert_int_equal(rig.record_count, 2);
    assert_told("template 256, which is unknown");
    begin(1, 2);
    SET(2, 999, 0);
    assert_int_equal(give(), 0);
    assert_told("withdraws template 999");
}

static void t18_another_meaning_is_told(void **state) {
    (void)state;
    begin(1, 0);
    SET(2, 256, 1, 4, 1);
    SET(2, 256, 1, 4, 1);
    assert_int_equal(give(), 0);
    assert_int_equal(rig.problem_count, 0);
    begin(1, 0);
    SET(2, 256, 1, 7, 2);
    SET(256, 443);
    assert_int_equal(give(), 0);
    assert_told("another meaning");
    assert_int_equal(rig_number(&rig.records[0], "sourceTransportPort"), 443);
}

static void t25_a_thousand_templates(void **state) {
    (void)state;
    for (uint16_t id = 256; id < 1256; id++) {
        begin(1, id - 256);
        SET(2, id, 2, 4, 1, 60, 1);
        SET(id, (uint16_t)((id & 255) << 8 | 4));
        assert_int_equal(give(), 0);
    }
    assert_int_equal(rig.record_count, 1000);
    assert_int_equal(rig.problem_count, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(rig.records[i].template_id, 256 + i);
        assert_int_equal(rig_number(&rig.records[i], "protocolIdentifier"), i & 255);
    }
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 0);
}

/* The same id means another thing in each, and each counts for itself. The domains are such that
 * all of them are in one bucket of the reader's tables. */
#define DOMAIN(i) (1024 * (i))

static void t27_eight_domains(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        begin(DOMAIN(i), 1000 * i);
        SET(2, 256, 1, i % 2 ? 7 : 11, 2);
        assert_int_equal(give(), 0);
    }
    for (uint32_t round = 0; round < 10; round++)
        for (uint32_t i = 0; i < 8; i++) {
            begin(DOMAIN(i), 1000 * i + round);
            SET(256, (uint16_t)(i + 1));
            assert_int_equal(give(), 0);
        }
    assert_int_equal(rig.record_count, 80);
    assert_string_equal(rig.problem, "");
    for (uint32_t r = 0; r < 80; r++) {
        uint32_t i = r % 8;
        assert_int_equal(rig.records[r].domain, DOMAIN(i));
        assert_int_equal(
            rig_number(&rig.records[r], i % 2 ? "sourceTransportPort" : "destinationTransportPort"),
            i + 1);
    }
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 0);
    begin(DOMAIN(5), 5000 + 10 + 7);
    assert_int_equal(give(), 0);
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 7);
}

static void missing_records(void **state) {
    (void)state;
    begin(1, UINT32_MAX);
    SET(2, 256, 1, 7, 2);
    SET(256, 1, 2, 3);
    assert_int_equal(give(), 0);
    begin(1, 2 + 5); /* over the wrap, five are not there */
    SET(256, 1);
    assert_int_equal(give(), 0);
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 5);
    begin(1, 0); /* a new session */
    SET(256, 1);
    assert_int_equal(give(), 0);
    begin(1, 1);
    SET(300, 1); /* nobody knows how many these are */
    assert_int_equal(give(), 0);
    begin(1, 400);
    SET(256, 1);
    assert_int_equal(give(), 0);
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 5);
}

static void t34_files(void **state) {
    static const char path[] = "test_ipfix_reader.ipfix";
    (void)state;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    begin(1, 0);
    SET(2, 256, 1, 7, 2);
    SET(256, 1, 2, 3);
    leat_put_be16(message + 2, used);
    for (uint32_t i = 0; i < 3; i++) {
        leat_put_be32(message + 8, 3 * i);
        assert_int_equal(fwrite(message, used, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(leat_ipfix_reader_file(rig.reader, path), 0);
    assert_int_equal(rig.record_count, 9);
    assert_int_equal(leat_ipfix_reader_missing(rig.reader), 0);

    rig_reader(&rig);
    assert_int_equal(truncate(path, 3 * used - 1), 0); /* as kill -9 leaves it */
    assert_int_equal(leat_ipfix_reader_file(rig.reader, path), -EBADMSG);
    assert_non_null(strstr(leat_error(), "ends inside"));
    assert_int_equal(rig.record_count, 6);
    assert_int_equal(truncate(path, 2 * used + 3), 0);
    assert_int_equal(leat_ipfix_reader_file(rig.reader, path), -EBADMSG);
    assert_int_equal(leat_ipfix_reader_file(rig.reader, "/nonexistent/file"), -ENOENT);
    assert_int_equal(unlink(path), 0);
}

static void lengths_of_values(void **state) {
    static const uint8_t bytes[20] = { 0, 0, 0, 0, 0, 0, 1, 2 };
    struct leat_field_value value;
    uint32_t side;
    const struct leat_field *octets = leat_field_find("octetDeltaCount", &side);
    const struct leat_field *start = leat_field_find("flowStartMilliseconds", &side);
    const struct leat_field *entropy = leat_field_find("payloadEntropy", &side);
    const struct leat_field *address = leat_field_find("sourceIPv4Address", &side);
    struct leat_ipfix_list list;
    (void)state;
    assert_true(leat_ipfix_get(octets, bytes, 8, &value));
    assert_int_equal(value.number, 258);
    assert_true(leat_ipfix_get(octets, bytes + 6, 2, &value));
    assert_int_equal(value.number, 258);
    assert_false(leat_ipfix_get(octets, bytes, 9, &value));
    assert_false(leat_ipfix_get(octets, bytes, 0, &value));
    assert_false(leat_ipfix_get(start, bytes, 4, &value));
    assert_false(leat_ipfix_get(entropy, bytes, 5, &value));
    assert_true(leat_ipfix_get(entropy, bytes, 4, &value));
    assert_false(leat_ipfix_get(address, bytes, 16, &value));
    assert_false(leat_ipfix_list_open(&list, bytes, 4, 0));
    assert_false(leat_ipfix_list_open(&list, (const uint8_t[]){ 4, 0x80, 1, 0, 1, 0, 0 }, 7, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(t33_no_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t33_sets_that_lie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t33_unknown_sets_are_skipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t33_wrong_templates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t33_records_longer_than_their_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t9_65000_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t17_withdrawal_of_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t18_another_meaning_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t25_a_thousand_templates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t27_eight_domains, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(t34_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lengths_of_values, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
