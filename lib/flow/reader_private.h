/* SPDX-License-Identifier: BSD-2-Clause */
/* What the reader's files share: reader.c has messages and records, reader_template.c what they are
 * read by, reader_value.c single values. */
#ifndef LEAT_FLOW_READER_PRIVATE_H
#define LEAT_FLOW_READER_PRIVATE_H

#include "reader.h"

#define READER_BUCKETS     1024
#define READER_DOMAINS_MAX 4096
#define READER_FIELDS_MAX \
    (1 << 20) /* of all templates together: what a stranger may make us hold */

struct reader_field {
    const struct leat_field *field;
    uint32_t pen;
    uint16_t id;
    uint16_t length;
    uint8_t side;
};

struct reader_template {
    struct reader_template *next; /* in its bucket */
    uint32_t domain;
    uint16_t id;
    uint16_t count, scope_count;
    uint32_t shortest; /* bytes of the shortest record */
    struct reader_field fields[];
};

struct reader_domain {
    struct reader_domain *next;
    uint32_t domain;
    uint32_t sequence; /* of the next message */
    bool known;        /* whether `sequence` is */
};

struct leat_ipfix_reader {
    struct leat_ipfix_reader_ops ops;
    void *ctx;
    struct reader_template *templates[READER_BUCKETS];
    struct reader_domain *domains[READER_BUCKETS];
    uint32_t domain_count;
    uint32_t field_count;            /* of all templates */
    struct leat_ipfix_value *values; /* of one record */
    uint32_t value_room;
    uint64_t missing;
    uint64_t messages;

    /* The message at hand. */
    const uint8_t *message;
    uint32_t bytes;
    uint32_t domain;
    uint64_t export_time_s;
    uint32_t records;
    bool uncounted; /* holds records that could not be read, so nobody knows how many */
};

/* Tells of something wrong at `at` of the message at hand. */
void reader_problem(struct leat_ipfix_reader *reader, const uint8_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads a template set's records. */
void reader_template_set(struct leat_ipfix_reader *reader, const uint8_t *at, const uint8_t *end,
                         bool options);
const struct reader_template *reader_template_find(const struct leat_ipfix_reader *reader,
                                                   uint32_t domain, uint16_t id);
void reader_templates_clear(struct leat_ipfix_reader *reader);

#endif
