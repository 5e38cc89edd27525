/* SPDX-License-Identifier: BSD-2-Clause */
/* Any choice of fields and sizes, any values: what Leat's encoder writes Leat's reader reads
 * without a complaint, and each value is the one that went in. */
#include "lib/flow/ipfix.h"
#include "tests/unit/ipfix_same.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define FLOWS_MAX 8

static struct leat_flow flows[FLOWS_MAX];
static struct flow_parts parts[FLOWS_MAX];
static struct leat_ipfix_reader *reader;
static struct leat_ipfix *ipfix;
static uint32_t flow_count, read_count;

static void require(bool holds) {
    if (!holds)
        abort();
}

/* What is left of the input; zeros behind its end. */
static struct input {
    const uint8_t *at;
    size_t left;
} input;

static void take(void *to, size_t n) {
    const size_t here = n < input.left ? n : input.left;
    if (here)
        memcpy(to, input.at, here);
    memset((uint8_t *)to + here, 0, n - here);
    input.at += here;
    input.left -= here;
}

static uint32_t below(uint32_t limit) {
    uint16_t number;
    take(&number, sizeof(number));
    return number % limit;
}

/* "name,reverseName/4,..."; integers only are shortened, since cut strings are not the same. */
static void choose_fields(char *text, size_t room) {
    uint32_t table_count;
    const struct leat_field *table = leat_field_table(&table_count);
    size_t n = (size_t)snprintf(text, room, "%s", below(4) ? "ipVersion,octetDeltaCount" : "full");
    for (uint32_t i = below(20); i > 0; i--) {
        const struct leat_field *field = &table[below(table_count)];
        const bool back = field->reversible && below(2);
        const uint32_t length = leat_field_is_integer(field->type) ? below(9) : 0;
        n += (size_t)snprintf(text + n, room - n, ",%s%c%s", back ? "reverse" : "",
                              back ? toupper((unsigned char)field->name[0]) : field->name[0],
                              field->name + 1);
        if (length)
            n += (size_t)snprintf(text + n, room - n, "/%u", length);
    }
}

static void record(void *ctx, uint32_t domain, uint64_t export_time_s, uint16_t template_id,
                   const struct leat_ipfix_value *values, uint32_t count, uint32_t scope_count) {
    (void)ctx;
    (void)domain;
    (void)export_time_s;
    (void)template_id;
    if (scope_count)
        return;
    require(count > 0 && read_count < flow_count);
    const struct leat_flow *flow = &flows[read_count++];
    for (uint32_t i = 0; i < count && leat_ipfix_trimmed(ipfix) == 0; i++) {
        struct leat_field_value expected = { 0 };
        require(values[i].field && values[i].field->get);
        require(values[i].field->versions & (flow->version == 4 ? 1 : 2));
        values[i].field->get(flow, values[i].side, &expected);
        require(ipfix_same(values[i].field, &values[i], &expected));
    }
}

static void problem(void *ctx, const char *sentence) {
    (void)ctx;
    fprintf(stderr, "%s\n", sentence);
    abort();
}

static int message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records, bool templates) {
    const struct leat_ipfix_opts *opts = ctx;
    (void)records;
    (void)templates;
    require(n <= opts->message_max);
    require(leat_ipfix_reader_message(reader, bytes, n) == 0);
    return 0;
}

static void encode(struct leat_ipfix_opts *opts) {
    static const struct leat_ipfix_reader_ops ops = { .record = record, .problem = problem };
    if (leat_ipfix_create(&ipfix, opts))
        return; /* too many fields for such messages, or none that a version has */
    require(leat_ipfix_reader_create(&reader, &ops, NULL) == 0);
    read_count = flow_count = 0;
    const uint32_t n = 1 + below(FLOWS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        take(&flows[i], sizeof(flows[i]));
        take(&parts[i], sizeof(parts[i]));
        flow_tame(&flows[i], &parts[i], below(32));
        flows[i].biflow &= !opts->uniflow; /* it would become two records */
        flow_count++;
        leat_ipfix_record(ipfix, &flows[i], SAME_FROM_NS);
    }
    leat_ipfix_flush(ipfix, SAME_FROM_NS);
    require(read_count == flow_count);
    leat_ipfix_reader_destroy(reader);
    leat_ipfix_destroy(ipfix);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const uint32_t sizes[] = { 512, 1420, 9000, 65535 };
    char text[2048];
    struct leat_fields fields;
    input = (struct input){ data, bytes };
    choose_fields(text, sizeof(text));
    struct leat_ipfix_opts opts = { .fields = &fields,
                                    .uniflow = below(2),
                                    .message_max = sizes[below(4)],
                                    .message = message,
                                    .ctx = &opts };
    if (leat_fields_parse(&fields, text, opts.uniflow) == 0)
        encode(&opts);
    return 0;
}
