/* SPDX-License-Identifier: BSD-2-Clause */
/* An encoder and a reader, back to back. */
#include "ipfix_rig.h"
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int take_message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records,
                        bool templates) {
    struct rig *rig = ctx;
    assert_true(rig->message_count < RIG_MESSAGES);
    struct rig_message *message = &rig->messages[rig->message_count++];
    *message = (struct rig_message){ malloc(n), n, records, templates };
    assert_non_null(message->bytes);
    memcpy(message->bytes, bytes, n);
    return rig->answer;
}

static void tell_facts(void *ctx, struct leat_ipfix_facts *facts) {
    *facts = ((struct rig *)ctx)->facts;
}

void rig_open(struct rig *rig, const char *fields, const struct leat_ipfix_opts *opts) {
    memset(rig, 0, sizeof(*rig));
    if (opts)
        rig->opts = *opts;
    assert_int_equal(leat_fields_parse(&rig->fields, fields, rig->opts.uniflow), 0);
    rig->opts.fields = &rig->fields;
    rig->opts.message = take_message;
    rig->opts.facts = tell_facts;
    rig->opts.ctx = rig;
    assert_int_equal(leat_ipfix_create(&rig->ipfix, &rig->opts), 0);
}

static void forget_records(struct rig *rig) {
    for (uint32_t i = 0; i < rig->record_count; i++) {
        for (uint32_t v = 0; v < rig->records[i].count; v++)
            free((void *)rig->records[i].values[v].bytes);
        free(rig->records[i].values);
    }
    rig->record_count = 0;
}

void rig_forget(struct rig *rig) {
    for (uint32_t i = 0; i < rig->message_count; i++)
        free(rig->messages[i].bytes);
    rig->message_count = 0;
}

void rig_close(struct rig *rig) {
    leat_ipfix_destroy(rig->ipfix);
    leat_ipfix_reader_destroy(rig->reader);
    rig_forget(rig);
    forget_records(rig);
}

static void take_record(void *ctx, uint32_t domain, uint64_t export_time_s, uint16_t template_id,
                        const struct leat_ipfix_value *values, uint32_t count,
                        uint32_t scope_count) {
    struct rig *rig = ctx;
    (void)export_time_s;
    assert_true(rig->record_count < RIG_RECORDS);
    struct rig_record *record = &rig->records[rig->record_count++];
    *record = (struct rig_record){ domain, template_id, count, scope_count,
                                   calloc(count, sizeof(*values)) };
    assert_non_null(record->values);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *bytes = malloc(values[i].length + 1);
        assert_non_null(bytes);
        memcpy(bytes, values[i].bytes, values[i].length);
        record->values[i] = values[i];
        record->values[i].bytes = bytes;
    }
}

static void take_problem(void *ctx, const char *sentence) {
    struct rig *rig = ctx;
    rig->problem_count++;
    strncpy(rig->problem, sentence, sizeof(rig->problem) - 1);
}

void rig_reader(struct rig *rig) {
    struct leat_ipfix_reader_ops ops = { rig->opts.pen, take_record, take_problem };
    leat_ipfix_reader_destroy(rig->reader);
    forget_records(rig);
    rig->problem_count = 0;
    rig->problem[0] = '\0';
    assert_int_equal(leat_ipfix_reader_create(&rig->reader, &ops, rig), 0);
}

int rig_read_bytes(struct rig *rig, const uint8_t *bytes, uint32_t n) {
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    int err = leat_ipfix_reader_message(rig->reader, copy, n);
    free(copy);
    return err;
}

void rig_read(struct rig *rig) {
    rig_reader(rig);
    for (uint32_t i = 0; i < rig->message_count; i++) {
        uint32_t before = rig->record_count;
        assert_int_equal(rig_read_bytes(rig, rig->messages[i].bytes, rig->messages[i].n), 0);
        assert_int_equal(rig->record_count - before, rig->messages[i].records);
    }
    assert_string_equal(rig->problem, "");
}

const struct rig_record *rig_flow(const struct rig *rig, uint32_t i) {
    for (uint32_t r = 0; r < rig->record_count; r++)
        if (rig->records[r].scope_count == 0 && i-- == 0)
            return &rig->records[r];
    fail_msg("no such record");
    return NULL;
}

uint32_t rig_flow_count(const struct rig *rig) {
    uint32_t count = 0;
    for (uint32_t r = 0; r < rig->record_count; r++)
        count += rig->records[r].scope_count == 0;
    return count;
}

const struct rig_record *rig_options(const struct rig *rig, uint16_t id, uint32_t i) {
    for (uint32_t r = 0; r < rig->record_count; r++) {
        const struct rig_record *record = &rig->records[r];
        for (uint32_t v = 0; record->scope_count && v < record->count; v++)
            if (record->values[v].id == id && record->values[v].pen == 0 && i-- == 0)
                return record;
    }
    return NULL;
}

const struct leat_ipfix_value *rig_value(const struct rig_record *record, const char *name,
                                         uint32_t n) {
    uint32_t side;
    const struct leat_field *field = leat_field_find(name, &side);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct leat_ipfix_value *value = &record->values[i];
        bool same = field ? value->field == field && value->side == side
                          : value->field && strcmp(value->field->name, name) == 0;
        if (same && n-- == 0)
            return value;
    }
    return NULL;
}

uint64_t rig_number(const struct rig_record *record, const char *name) {
    const struct leat_ipfix_value *value = rig_value(record, name, 0);
    struct leat_field_value got;
    assert_non_null(value);
    assert_true(leat_ipfix_get(value->field, value->bytes, value->length, &got));
    return got.number;
}

uint32_t rig_sequence(const struct rig_message *message) {
    return leat_be32(message->bytes + 8);
}

const uint8_t *rig_set(const struct rig_message *message, uint32_t i) {
    uint32_t at = 16;
    while (at < message->n && i-- > 0)
        at += leat_be16(message->bytes + at + 2);
    return at < message->n ? message->bytes + at : NULL;
}

struct leat_flow rig_flow_made(uint8_t version) {
    struct leat_flow flow = {
        .version = version,
        .protocol = 6,
        .end = LEAT_FLOW_END_DETECTED,
        .biflow = 1,
        .port = { 40000, 443 },
        .address = { { 192, 0, 2, 1 }, { 198, 51, 100, 2 } },
        .side = { { .packets = 10,
                    .octets = 5000,
                    .frame_octets = 5140,
                    .payload_octets = 4600,
                    .first_ns = RIG_NOW_NS - 3 * RIG_SECOND_NS + 123456789,
                    .last_ns = RIG_NOW_NS - RIG_SECOND_NS,
                    .tcp_flags = 0x1b,
                    .tcp_flags_first = 2,
                    .ttl_min = 63,
                    .ttl_max = 64,
                    .tos = 0x10 },
                  { .packets = 8,
                    .octets = 90000,
                    .frame_octets = 90112,
                    .payload_octets = 89680,
                    .first_ns = RIG_NOW_NS - 2 * RIG_SECOND_NS,
                    .last_ns = RIG_NOW_NS - RIG_SECOND_NS + 1,
                    .tcp_flags = 0x13,
                    .tcp_flags_first = 0x12,
                    .ttl_min = 55,
                    .ttl_max = 55 } },
        .id = 0x1122334455667788,
        .worker = 1,
        .scope = { .interface = 3 },
    };
    return flow;
}
