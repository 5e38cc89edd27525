/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields that a record can be exported with: IANA's information elements by their names, and a
 * few of Leat's own. One table (field.c) says of each its number, type and length and where its
 * value is in struct leat_flow; every exporter (IPFIX, NetFlow v9, JSON, CSV ...) works from it.
 */
#ifndef LEAT_FLOW_FIELD_H
#define LEAT_FLOW_FIELD_H

#include "flow.h"
#include <stddef.h>

#define LEAT_FLOW_PEN_REVERSE 29305 /* RFC 5103 */
/* Private enterprise number of elements that IANA has none for. 32473 is the one for documentation
 * (RFC 5612); Leat has not been assigned one: set it with --pen. */
#define LEAT_FLOW_PEN 32473

enum leat_field_type { /* RFC 7012, 3.1 and RFC 6313; numbers as in informationElementDataType */
                       LEAT_FIELD_OCTETS = 0,
                       LEAT_FIELD_U8 = 1,
                       LEAT_FIELD_U16 = 2,
                       LEAT_FIELD_U32 = 3,
                       LEAT_FIELD_U64 = 4,
                       LEAT_FIELD_FLOAT64 = 10,
                       LEAT_FIELD_BOOLEAN = 11,
                       LEAT_FIELD_MAC = 12,
                       LEAT_FIELD_STRING = 13,
                       LEAT_FIELD_SECONDS = 14,
                       LEAT_FIELD_MILLISECONDS = 15,
                       LEAT_FIELD_MICROSECONDS = 16, /* NTP format */
                       LEAT_FIELD_NANOSECONDS = 17,  /* NTP format */
                       LEAT_FIELD_IP4 = 18,
                       LEAT_FIELD_IP6 = 19,
                       LEAT_FIELD_BASIC_LIST = 20,
                       LEAT_FIELD_U256 = 23, /* RFC 9740 */
};

#define LEAT_FIELD_VARIABLE 65535

/* A value as taken out of a record. */
struct leat_field_value {
    uint64_t number; /* integers, booleans, and times in nanoseconds since 1970 */
    double real;
    const void *bytes;   /* addresses, strings, octets, of U256 all 32 of them; of a list: its
                            elements, integers in the order of this machine, times in nanoseconds
                            since 1970 */
    uint32_t length;     /* of `bytes`; of a list: how many elements */
    uint8_t width;       /* of a list: bytes of each element, 1, 2, 4 or 8 */
    uint8_t scratch[32]; /* where `bytes` may point to */
};

/* Element i of a list. */
static inline uint64_t leat_field_element(const struct leat_field_value *list, uint32_t i) {
    switch (list->width) {
    case 1:
        return ((const uint8_t *)list->bytes)[i];
    case 2:
        return ((const uint16_t *)list->bytes)[i];
    case 4:
        return ((const uint32_t *)list->bytes)[i];
    default:
        return ((const uint64_t *)list->bytes)[i];
    }
}

struct leat_field {
    const char *name;  /* "octetDeltaCount", as IANA spells it */
    const char *about; /* half a sentence */
    uint32_t pen;      /* 0: IANA's */
    uint16_t id;
    uint8_t type;      /* enum leat_field_type */
    uint8_t semantics; /* RFC 5610, 3.6: 0 default, 1 quantity, 2 totalCounter, 3 deltaCounter,
                          4 identifier, 5 flags, 6 list */
    uint16_t length;   /* as exported by default; LEAT_FIELD_VARIABLE */
    uint8_t versions;  /* 4 and 6: bit 0 and bit 1: in records of which it is */
    bool reversible;   /* has a reverse (RFC 5103): its value of side[1] */
    uint32_t features; /* LEAT_FLOW_* that it takes */
    const struct leat_field *element; /* of a basicList */
    /* The value as seen from one side: sourceIPv4Address of side 1 is address[1]. Not for records
     * of a version that the field is not in. What the record does not hold is 0, or empty. */
    void (*get)(const struct leat_flow *flow, uint32_t side, struct leat_field_value *value);
};

/* The whole table, for help and RFC 5610 records. */
const struct leat_field *leat_field_table(uint32_t *count);

/* By name, or "reverse" with the name capitalised (reverseOctetDeltaCount): `*side` is then 1.
 * NULL: no such field. */
const struct leat_field *leat_field_find(const char *name, uint32_t *side);

/* By number, `pen` as in a message; of a reverse `*side` is 1 (LEAT_FLOW_PEN_REVERSE for IANA's;
 * for Leat's own, whose `own_pen` is given, the bit LEAT_FIELD_REVERSE). Elements of lists and what
 * only options records have is found, too, with no `get`. NULL: unknown. */
#define LEAT_FIELD_REVERSE                                                 \
    0x4000 /* RFC 5103, 6.2 leaves the choice of the bit to the enterprise \
            */
const struct leat_field *leat_field_by_id(uint32_t pen, uint16_t id, uint32_t own_pen,
                                          uint32_t *side);

/* Bytes of a type's values at full width; LEAT_FIELD_VARIABLE of strings, octets and lists. */
uint16_t leat_field_width(enum leat_field_type type);
/* Whether values may be sent with fewer bytes than that (RFC 7011, 6.2). */
bool leat_field_is_integer(enum leat_field_type type);

/* Which fields a record is exported with, in order: `name`, or `name/length` to reduce or widen it;
 * of a list it is the length of its elements, of strings a fixed one. */
#define LEAT_FIELDS_MAX 128
struct leat_field_choice {
    const struct leat_field *field;
    uint16_t length;
    uint8_t side;
};
struct leat_fields {
    struct leat_field_choice choice[LEAT_FIELDS_MAX];
    uint32_t count;
};

/* Parses "sourceIPv4Address,octetDeltaCount/4,...", or a set's name: "default", "basic", "full";
 * sets and fields may be joined: "default,dnsQueryName". A field may stand there twice; what is
 * there already a set does not add again. With uniflow, reverse fields are left out. -EINVAL with a
 * sentence that names the field. */
int leat_fields_parse(struct leat_fields *fields, const char *text, bool uniflow);

/* What the records need to hold for them: LEAT_FLOW_*. */
uint32_t leat_fields_features(const struct leat_fields *fields);

#endif
