/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as JSON objects and CSV lines: the chosen fields, by IANA's names. */
#ifndef LEAT_FLOW_RECORD_TEXT_H
#define LEAT_FLOW_RECORD_TEXT_H

#include "field.h"
#include "text.h"

enum leat_record_times {
    LEAT_RECORD_TIMES_TEXT,    /* RFC 3339, with the digits that the field has */
    LEAT_RECORD_TIMES_NUMBERS, /* seconds, milliseconds ... since 1970, as the field's name says */
};

/* "TCP", or a number, for which there is `number`. */
const char *leat_record_protocol(uint8_t protocol, char number[4]);

/* "192.0.2.1:80", "[2001:db8::1]:80", or an address alone where there are no ports. */
void leat_record_end_point(struct leat_text *text, const struct leat_flow *flow, uint32_t side);

/* Whether the record has it: its IP version, and of reverse fields a way back. */
bool leat_record_has(const struct leat_flow *flow, const struct leat_field_choice *choice);

/* A string or octets of which nothing was seen. */
bool leat_record_empty(const struct leat_field *field, const struct leat_field_value *value);

/* "octetDeltaCount", "reverseOctetDeltaCount" */
void leat_record_name(struct leat_text *text, const struct leat_field *field, uint32_t side);

/* A value in JSON: lists are arrays, addresses and octets strings. */
void leat_record_json_value(struct leat_text *text, const struct leat_field *field,
                            const struct leat_field_value *value, enum leat_record_times times);

/* {"sourceIPv4Address":"192.0.2.1", ...} without a line's end. Fields that the record has not, and
 * empty strings, are left out. */
void leat_record_json(struct leat_text *text, const struct leat_fields *fields,
                      const struct leat_flow *flow, enum leat_record_times times);

/* RFC 4180: a line with the names; a line a record, in which what it has not is empty. Lists are
 * numbers with blanks between them. */
void leat_record_csv_names(struct leat_text *text, const struct leat_fields *fields);
void leat_record_csv(struct leat_text *text, const struct leat_fields *fields,
                     const struct leat_flow *flow);

#endif
