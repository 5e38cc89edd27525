/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the IPFIX encoder share:
 *
 *   ipfix.c           messages, sets and the sequence number
 *   ipfix_template.c  templates, compiled to a list of items to write
 *   ipfix_options.c   options templates and their records
 *   ipfix_value.c     one value as bytes
 */
#ifndef LEAT_FLOW_IPFIX_PRIVATE_H
#define LEAT_FLOW_IPFIX_PRIVATE_H

#include "ipfix.h"
#include <string.h>

#define IPFIX_HEADER_BYTES 16
#define IPFIX_SET_BYTES    4
#define IPFIX_MESSAGE_MAX  65535
#define IPFIX_SLACK        8 /* behind each buffer: a number is written as eight bytes */
#define IPFIX_ENTERPRISE   0x8000

enum ipfix_set { /* RFC 7011, 3.3.2 */
                 IPFIX_SET_TEMPLATES = 2,
                 IPFIX_SET_OPTIONS_TEMPLATES = 3,
                 IPFIX_SET_DATA = 256, /* and above: the template's id */
};

enum ipfix_semantic { /* of lists: RFC 6313, 4.4 */
                      IPFIX_LIST_ORDERED = 4,
};

enum ipfix_form {
    IPFIX_NUMBER,
    IPFIX_BOOLEAN,
    IPFIX_U256, /* bytes of which those before the item's length are zero */
    IPFIX_SECONDS,
    IPFIX_MILLISECONDS,
    IPFIX_MICROSECONDS,
    IPFIX_NANOSECONDS,
    IPFIX_FLOAT,
    IPFIX_FIXED,    /* bytes, cut or filled up to the length */
    IPFIX_VARIABLE, /* bytes behind their length */
    IPFIX_LIST,
};

/* One field of a template: its specifier, and how its values are taken and written. */
struct ipfix_item {
    void (*get)(const struct leat_flow *flow, uint32_t side, struct leat_field_value *value);
    uint32_t pen, element_pen;
    uint16_t id, element_id;
    uint16_t length; /* as in the template */
    uint16_t element_length;
    uint8_t form; /* enum ipfix_form; of a list that of its elements is element_form */
    uint8_t element_form;
    uint8_t side;
};

struct ipfix_template {
    uint16_t id;
    uint16_t count;
    uint16_t scope_count; /* 0: of flows; of options: how many of the first fields are the scope */
    uint16_t shortest;    /* bytes of the shortest record */
    bool wanted;          /* announced, and at each refresh again */
    struct ipfix_item items[LEAT_FIELDS_MAX];
};

/* What is left out of a record that is too long for a message of its own, in this order. */
enum ipfix_trim { IPFIX_TRIM_NOTHING, IPFIX_TRIM_LISTS, IPFIX_TRIM_STRINGS, IPFIX_TRIM_TOO_LONG };

enum ipfix_kind { /* of flow records */
                  IPFIX_KIND_IP6 = 1,
                  IPFIX_KIND_BIFLOW = 2,
                  IPFIX_KINDS = 4,
};

enum ipfix_options_kind {
    IPFIX_OPTIONS_METERING,
    IPFIX_OPTIONS_METERING_RELIABILITY,
    IPFIX_OPTIONS_EXPORTING_RELIABILITY,
    IPFIX_OPTIONS_SELECTION,
    IPFIX_OPTIONS_TIMEOUTS,
    IPFIX_OPTIONS_SAMPLING,
    IPFIX_OPTIONS_INTERFACES,
    IPFIX_OPTIONS_KEYS,
    IPFIX_OPTIONS_TYPES,
    IPFIX_OPTIONS_COUNT,
};

struct leat_ipfix {
    struct leat_ipfix_opts opts;
    struct leat_fields fields;
    struct leat_ipfix_interface *interfaces;
    struct ipfix_template *narrow, *wide; /* IPFIX_KINDS each; wide: all integers at full width */
    struct ipfix_template *options;       /* IPFIX_OPTIONS_COUNT */

    uint8_t *message; /* at hand: header, closed sets, an open set */
    uint8_t *aside;   /* while a new session's templates go out before it */
    uint32_t used;
    uint32_t set_at; /* where the open set starts; 0: none is open */
    uint32_t set_shortest;
    uint32_t records;
    bool templates;
    uint64_t begun_ns; /* when something was put into the message */

    uint32_t sequence;
    bool announced;
    uint64_t refreshed_ns, told_ns; /* templates; statistics */
    uint32_t messages_since;        /* the last refresh */
    uint64_t octets_total, messages_total, flows_total;
    uint64_t trimmed;
};

/* A number that does not fit is told as `*wide`, and written as the largest that does. */
static inline uint64_t ipfix_fit(uint64_t number, uint32_t length, bool *wide) {
    if (length == 8 || number >> (8 * length) == 0)
        return number;
    *wide = true;
    return UINT64_MAX;
}

/* The message has IPFIX_SLACK bytes behind its end, so that all lengths are one store. */
static inline void ipfix_put_number(uint8_t *at, uint64_t number, uint32_t length) {
    uint64_t bytes = __builtin_bswap64(number << (64 - 8 * length));
    memcpy(at, &bytes, sizeof(bytes));
}

/* ipfix_value.c */
uint8_t *ipfix_put_any(uint8_t *at, const uint8_t *end, const struct ipfix_item *item,
                       const struct leat_field_value *value, enum ipfix_trim trim, bool *wide);

/* Writes a value; returns behind it, NULL if it would not end before `end`. `*wide` becomes true if
 * the value needs more bytes than the item has. Inline for what nearly all of a record is. */
static inline uint8_t *ipfix_put(uint8_t *at, const uint8_t *end, const struct ipfix_item *item,
                                 const struct leat_field_value *value, enum ipfix_trim trim,
                                 bool *wide) {
    if (item->form != IPFIX_NUMBER && item->form != IPFIX_MILLISECONDS)
        return ipfix_put_any(at, end, item, value, trim, wide);
    uint64_t number = item->form == IPFIX_NUMBER ? value->number : value->number / 1000000;
    if ((size_t)(end - at) < item->length)
        return NULL;
    ipfix_put_number(at, ipfix_fit(number, item->length, wide), item->length);
    return at + item->length;
}

enum ipfix_form ipfix_form(enum leat_field_type type, uint16_t length);
uint64_t ipfix_ntp(uint64_t ns, bool microseconds);

/* ipfix_template.c */
int ipfix_templates_make(struct leat_ipfix *ipfix);
struct ipfix_item ipfix_item(const struct leat_field *field, uint32_t side, uint16_t length,
                             uint32_t pen);
void ipfix_template_add(struct ipfix_template *template, struct ipfix_item item);
uint16_t ipfix_template_id(void);
uint32_t ipfix_template_bytes(const struct ipfix_template *template);
void ipfix_template_put(uint8_t *at, const struct ipfix_template *template);

/* ipfix_options.c */
int ipfix_options_make(struct leat_ipfix *ipfix);
void ipfix_options_types(struct leat_ipfix *ipfix, uint64_t now_ns);
void ipfix_options_static(struct leat_ipfix *ipfix, uint64_t now_ns);
void ipfix_options_keys(struct leat_ipfix *ipfix, const struct ipfix_template *template,
                        uint64_t now_ns);
void ipfix_options_statistics(struct leat_ipfix *ipfix, uint64_t now_ns);

/* ipfix.c */
void ipfix_announce(struct leat_ipfix *ipfix, struct ipfix_template *template, uint64_t now_ns);
/* One options record; `values` are as many as the template's fields. */
void ipfix_put_options(struct leat_ipfix *ipfix, const struct ipfix_template *template,
                       const struct leat_field_value *values, uint64_t now_ns);

#endif
