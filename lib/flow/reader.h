/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads IPFIX messages: from files (RFC 5655) for `leat probe --read`, and from the spool. Learns
 * templates on the way. Bytes are hostile: what is wrong is told by message and offset, and reading
 * goes on with the next set where that is possible.
 */
#ifndef LEAT_FLOW_READER_H
#define LEAT_FLOW_READER_H

#include "field.h"

struct leat_ipfix_value {
    const struct leat_field *field; /* NULL: unknown; then pen and id say which */
    uint32_t pen;
    uint16_t id;
    uint8_t side;         /* 1: reverse */
    const uint8_t *bytes; /* as in the message */
    uint32_t length;
};

struct leat_ipfix_reader_ops {
    uint32_t pen; /* that Leat's own elements were exported with; 0: LEAT_FLOW_PEN */
    /* One data record; `scope_count` of its first values are scope fields: 0 of a flow record. */
    void (*record)(void *ctx, uint32_t domain, uint64_t export_time_s, uint16_t template_id,
                   const struct leat_ipfix_value *values, uint32_t count, uint32_t scope_count);
    void (*problem)(void *ctx, const char *sentence);
};

struct leat_ipfix_reader;
int leat_ipfix_reader_create(struct leat_ipfix_reader **reader,
                             const struct leat_ipfix_reader_ops *ops, void *ctx);
void leat_ipfix_reader_destroy(struct leat_ipfix_reader *reader);

/* One whole message. 0, or -EBADMSG: not a message at all. */
int leat_ipfix_reader_message(struct leat_ipfix_reader *reader, const uint8_t *message, uint32_t n);

/* All messages of a file. -EBADMSG after what could be read, or as open(2). */
int leat_ipfix_reader_file(struct leat_ipfix_reader *reader, const char *path);

/* What a value's bytes mean; times in nanoseconds since 1970. False: not of such a length, or a
 * list.
 */
bool leat_ipfix_get(const struct leat_field *field, const uint8_t *bytes, uint32_t length,
                    struct leat_field_value *value);

/* A basicList (RFC 6313, 4.5.1), element by element. */
struct leat_ipfix_list {
    const struct leat_field *field; /* of the elements; NULL: unknown */
    uint32_t pen;
    uint16_t id;
    uint16_t length;  /* of each; LEAT_FIELD_VARIABLE */
    uint8_t semantic; /* 3 all of, 4 ordered, 255 undefined ... */
    const uint8_t *at, *end;
};
/* False: too short to be one. `pen` as in the reader's ops. */
bool leat_ipfix_list_open(struct leat_ipfix_list *list, const uint8_t *bytes, uint32_t length,
                          uint32_t pen);
/* False: no further one. */
bool leat_ipfix_list_next(struct leat_ipfix_list *list, const uint8_t **bytes, uint32_t *length);

/* The length of a value of variable length (RFC 7011, 7), whose bytes begin where the result points
 * to; that they end before `end` is not checked. NULL: no room for the length. */
const uint8_t *leat_ipfix_length(const uint8_t *at, const uint8_t *end, uint32_t *length);

/* Records that the sequence numbers say are missing, of all domains. */
uint64_t leat_ipfix_reader_missing(const struct leat_ipfix_reader *reader);

#endif
