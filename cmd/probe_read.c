/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --read: the records of an IPFIX file, as text or JSON lines. */
#include "command.h"
#include "probe.h"
#include <inttypes.h>
#include <lib/flow/reader.h>
#include <lib/flow/text.h>
#include <string.h>

struct printer {
    struct leat_text line;
    bool json;
    uint32_t pen;
    uint64_t records, options, problems;
};

static void put_name(struct printer *printer, const struct leat_ipfix_value *value) {
    struct leat_text *line = &printer->line;
    char name[128];
    if (!value->field)
        snprintf(name, sizeof(name), "%u/%u", value->pen, value->id);
    else if (value->side)
        snprintf(name, sizeof(name), "reverse%c%s", value->field->name[0] & ~0x20,
                 &value->field->name[1]);
    else
        snprintf(name, sizeof(name), "%s", value->field->name);
    if (printer->json)
        leat_text_char(line, '"');
    leat_text_string(line, name);
    leat_text_string(line, printer->json ? "\":" : "=");
}

static void put_quoted(struct printer *printer, const char *bytes, size_t n) {
    leat_text_char(&printer->line, '"');
    leat_text_json_string(&printer->line, bytes, n);
    leat_text_char(&printer->line, '"');
}

static void put_bytes(struct printer *printer, const uint8_t *bytes, uint32_t length) {
    if (printer->json)
        leat_text_char(&printer->line, '"');
    leat_text_hex(&printer->line, bytes, length);
    if (printer->json)
        leat_text_char(&printer->line, '"');
}

static void put_value(struct printer *printer, const struct leat_field *field, const uint8_t *bytes,
                      uint32_t length);

static void put_list(struct printer *printer, const uint8_t *bytes, uint32_t length) {
    struct leat_ipfix_list list;
    if (!leat_ipfix_list_open(&list, bytes, length, printer->pen) || !list.field) {
        put_bytes(printer, bytes, length);
        return;
    }
    const char *before = "[";
    while (leat_ipfix_list_next(&list, &bytes, &length)) {
        leat_text_string(&printer->line, before);
        put_value(printer, list.field, bytes, length);
        before = ",";
    }
    leat_text_string(&printer->line, *before == '[' ? "[]" : "]");
}

/* Addresses and times, which JSON has in quotes. */
static void put_spelled(struct leat_text *line, const struct leat_field *field,
                        const struct leat_field_value *value) {
    switch (field->type) {
    case LEAT_FIELD_IP4:
        leat_text_ip4(line, value->bytes);
        break;
    case LEAT_FIELD_IP6:
        leat_text_ip6(line, value->bytes);
        break;
    case LEAT_FIELD_MAC:
        leat_text_mac(line, value->bytes);
        break;
    default:
        leat_text_time(line, value->number,
                       3 * ((uint32_t)field->type - (uint32_t)LEAT_FIELD_SECONDS));
    }
}

static void put_value(struct printer *printer, const struct leat_field *field, const uint8_t *bytes,
                      uint32_t length) {
    struct leat_text *line = &printer->line;
    struct leat_field_value value;
    if (field->type == LEAT_FIELD_BASIC_LIST)
        put_list(printer, bytes, length);
    else if (field->type == LEAT_FIELD_OCTETS || field->type == LEAT_FIELD_U256 ||
             !leat_ipfix_get(field, bytes, length, &value))
        put_bytes(printer, bytes, length);
    else if (field->type == LEAT_FIELD_STRING)
        put_quoted(printer, (const char *)bytes, length);
    else if (field->type == LEAT_FIELD_FLOAT64)
        leat_text_real(line, value.real);
    else if (field->type == LEAT_FIELD_BOOLEAN)
        leat_text_string(line, value.number ? "true" : "false");
    else if (field->type < LEAT_FIELD_FLOAT64)
        leat_text_number(line, value.number);
    else {
        if (printer->json)
            leat_text_char(line, '"');
        put_spelled(line, field, &value);
        if (printer->json)
            leat_text_char(line, '"');
    }
}

static void print_record(void *ctx, uint32_t domain, uint64_t export_time_s, uint16_t template_id,
                         const struct leat_ipfix_value *values, uint32_t count,
                         uint32_t scope_count) {
    struct printer *printer = ctx;
    struct leat_text *line = &printer->line;
    (void)domain;
    (void)export_time_s;
    (void)template_id;
    if (scope_count) { /* of the exporter itself */
        printer->options++;
        return;
    }
    printer->records++;
    line->n = 0;
    if (printer->json)
        leat_text_char(line, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            leat_text_char(line, printer->json ? ',' : ' ');
        put_name(printer, &values[i]);
        if (values[i].field)
            put_value(printer, values[i].field, values[i].bytes, values[i].length);
        else
            put_bytes(printer, values[i].bytes, values[i].length);
    }
    leat_text_string(line, printer->json ? "}\n" : "\n");
    if (!line->failed)
        fwrite(line->bytes, 1, line->n, stdout);
}

static void print_problem(void *ctx, const char *sentence) {
    ((struct printer *)ctx)->problems++;
    fprintf(stderr, "leat probe: %s\n", sentence);
}

int probe_print_file(const struct probe_config *config) {
    struct printer printer = { .json = config->output == PROBE_OUTPUT_JSON, .pen = config->pen };
    const struct leat_ipfix_reader_ops ops = { .pen = config->pen,
                                               .record = print_record,
                                               .problem = print_problem };
    struct leat_ipfix_reader *reader;
    int status = leat_ipfix_reader_create(&reader, &ops, &printer);
    if (status) {
        session_error(status);
        return COMMAND_FAILED;
    }
    status = leat_ipfix_reader_file(reader, config->read);
    if (status)
        session_error(status);
    uint64_t missing = leat_ipfix_reader_missing(reader);
    fprintf(stderr, "leat probe: %s: %" PRIu64 " records, %" PRIu64 " records of options",
            config->read, printer.records, printer.options);
    if (missing)
        fprintf(stderr, ", %" PRIu64 " missing by their sequence numbers", missing);
    fputc('\n', stderr);
    leat_ipfix_reader_destroy(reader);
    leat_text_free(&printer.line);
    return status || printer.problems ? COMMAND_FAILED : COMMAND_OK;
}
