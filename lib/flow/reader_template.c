/* SPDX-License-Identifier: BSD-2-Clause */
/* The templates that a reader has learned, by domain and id; RFC 7011, 3.4 and 8. */
#include "reader_private.h"
#include <leat/parse.h>
#include <stdlib.h>
#include <string.h>

#define ENTERPRISE       0x8000
#define ID_MIN           256
#define TEMPLATES_ID     2
#define OPTIONS_ID       3
#define RECORD_BYTES_MAX 65535

static uint32_t bucket(uint32_t domain, uint16_t id) {
    return (domain * UINT32_C(0x9e3779b1) + id) % READER_BUCKETS;
}

static struct reader_template **find(const struct leat_ipfix_reader *reader, uint32_t domain,
                                     uint16_t id) {
    struct reader_template *const *link = &reader->templates[bucket(domain, id)];
    while (*link && ((*link)->domain != domain || (*link)->id != id))
        link = &(*link)->next;
    return (struct reader_template **)link;
}

const struct reader_template *reader_template_find(const struct leat_ipfix_reader *reader,
                                                   uint32_t domain, uint16_t id) {
    return *find(reader, domain, id);
}

static void forget(struct leat_ipfix_reader *reader, struct reader_template **link) {
    struct reader_template *template = *link;
    *link = template->next;
    reader->field_count -= template->count;
    free(template);
}

/* All templates of the message's domain, of flows or of options. */
static void forget_all(struct leat_ipfix_reader *reader, bool options) {
    for (uint32_t i = 0; i < READER_BUCKETS; i++)
        for (struct reader_template **link = &reader->templates[i]; *link;)
            if ((*link)->domain == reader->domain && ((*link)->scope_count > 0) == options)
                forget(reader, link);
            else
                link = &(*link)->next;
}

void reader_templates_clear(struct leat_ipfix_reader *reader) {
    for (uint32_t i = 0; i < READER_BUCKETS; i++)
        while (reader->templates[i])
            forget(reader, &reader->templates[i]);
}

static void withdraw(struct leat_ipfix_reader *reader, const uint8_t *at, uint16_t id,
                     bool options) {
    struct reader_template **link = find(reader, reader->domain, id);
    if (id == (options ? OPTIONS_ID : TEMPLATES_ID))
        forget_all(reader, options);
    else if (!*link)
        reader_problem(reader, at, "withdraws template %u, which is unknown", id);
    else
        forget(reader, link);
}

/* One specifier. Returns behind it, NULL: beyond the end. */
static const uint8_t *read_field(const struct leat_ipfix_reader *reader, const uint8_t *at,
                                 const uint8_t *end, struct reader_field *field) {
    uint32_t side = 0;
    if (end - at < 4)
        return NULL;
    field->id = leat_be16(at) & (uint16_t)~ENTERPRISE;
    field->length = leat_be16(at + 2);
    field->pen = 0;
    if (leat_be16(at) & ENTERPRISE) {
        if (end - at < 8)
            return NULL;
        field->pen = leat_be32(at + 4);
        at += 4;
    }
    field->field = leat_field_by_id(field->pen, field->id, reader->ops.pen, &side);
    field->side = (uint8_t)side;
    return at + 4;
}

static bool make_room(struct leat_ipfix_reader *reader, uint32_t count) {
    if (count <= reader->value_room)
        return true;
    struct leat_ipfix_value *values = realloc(reader->values, count * sizeof(*values));
    if (!values)
        return false;
    reader->values = values;
    reader->value_room = count;
    return true;
}

static void learn(struct leat_ipfix_reader *reader, const uint8_t *at,
                  struct reader_template *template) {
    struct reader_template **link = find(reader, template->domain, template->id);
    if (*link) {
        const struct reader_template *old = *link;
        if (old->count != template->count || old->scope_count != template->scope_count ||
            memcmp(old->fields, template->fields, old->count * sizeof(old->fields[0])) != 0)
            reader_problem(reader, at, "template %u has another meaning than before", old->id);
        forget(reader, link);
    }
    template->next = *link;
    *link = template;
    reader->field_count += template->count;
}

/* Reads one template; returns behind it, NULL: what follows cannot be read. */
static const uint8_t *read_template(struct leat_ipfix_reader *reader, const uint8_t *start,
                                    const uint8_t *end, bool options) {
    const uint8_t *at = start + 4;
    uint16_t id = leat_be16(start), count = leat_be16(start + 2), scope_count = 0;

    if (count == 0) {
        withdraw(reader, start, id, options);
        return at;
    }
    if (options) {
        if (end - at < 2)
            return reader_problem(reader, start, "options template %u is cut off", id), NULL;
        scope_count = leat_be16(at);
        at += 2;
    }
    if (reader->field_count + count > READER_FIELDS_MAX)
        return reader_problem(reader, start, "more templates than are kept"), NULL;
    struct reader_template *template =
        calloc(1, sizeof(*template) + count * sizeof(template->fields[0]));
    if (!template || !make_room(reader, count)) {
        free(template);
        return reader_problem(reader, start, "no memory for template %u", id), NULL;
    }
    template->domain = reader->domain;
    template->id = id;
    template->count = count;
    template->scope_count = scope_count;
    for (uint32_t i = 0; at && i < count; i++) {
        at = read_field(reader, at, end, &template->fields[i]);
        template->shortest +=
            template->fields[i].length == LEAT_FIELD_VARIABLE ? 1 : template->fields[i].length;
    }
    if (!at)
        reader_problem(reader, start, "template %u is cut off", id);
    else if (id < ID_MIN)
        reader_problem(reader, start, "template id %u; they begin at 256", id);
    else if (options && (scope_count == 0 || scope_count > count))
        reader_problem(reader, start, "options template %u has %u scope fields of %u", id,
                       scope_count, count);
    else if (template->shortest == 0 || template->shortest > RECORD_BYTES_MAX)
        reader_problem(reader, start, "template %u: records of %u bytes", id, template->shortest);
    else {
        learn(reader, start, template);
        return at;
    }
    free(template);
    return at;
}

/* Less than a template's four bytes at the end is padding. */
void reader_template_set(struct leat_ipfix_reader *reader, const uint8_t *at, const uint8_t *end,
                         bool options) {
    while (at && end - at >= 4)
        at = read_template(reader, at, end, options);
}
