/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX of any bytes, message by message: never a byte read outside of them, each value inside of
 * its message, and lists that end. */
#include "lib/flow/reader.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const uint8_t *message;
static uint32_t message_bytes;

static void check(bool holds) {
    if (!holds)
        abort();
}

static void walk_list(const struct leat_ipfix_value *value) {
    struct leat_ipfix_list list;
    const uint8_t *element;
    uint32_t length;
    if (!leat_ipfix_list_open(&list, value->bytes, value->length, 0))
        return;
    while (leat_ipfix_list_next(&list, &element, &length)) {
        struct leat_field_value got;
        check(element >= value->bytes && element + length <= value->bytes + value->length);
        if (list.field)
            leat_ipfix_get(list.field, element, length, &got);
    }
}

static void record(void *ctx, uint32_t domain, uint64_t export_time_s, uint16_t template_id,
                   const struct leat_ipfix_value *values, uint32_t count, uint32_t scope_count) {
    (void)ctx;
    (void)domain;
    (void)export_time_s;
    check(template_id >= 256 && scope_count <= count);
    for (uint32_t i = 0; i < count; i++) {
        struct leat_field_value got;
        check(values[i].bytes >= message &&
              values[i].bytes + values[i].length <= message + message_bytes);
        if (!values[i].field)
            continue;
        if (values[i].field->type == LEAT_FIELD_BASIC_LIST)
            walk_list(&values[i]);
        else
            leat_ipfix_get(values[i].field, values[i].bytes, values[i].length, &got);
    }
}

static void problem(void *ctx, const char *sentence) {
    (void)ctx;
    check(sentence[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const struct leat_ipfix_reader_ops ops = { .record = record, .problem = problem };
    struct leat_ipfix_reader *reader;
    check(leat_ipfix_reader_create(&reader, &ops, NULL) == 0);
    while (bytes >= 4) {
        uint32_t n = (uint32_t)data[2] << 8 | data[3];
        if (n < 4 || n > bytes)
            n = (uint32_t)bytes;
        message = data;
        message_bytes = n;
        leat_ipfix_reader_message(reader, data, n);
        data += n;
        bytes -= n;
    }
    leat_ipfix_reader_destroy(reader);
    return 0;
}
