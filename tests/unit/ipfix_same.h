/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of any values, and whether what was read of IPFIX is what was written: for the unit tests
 * and the fuzz target. */
#ifndef TESTS_UNIT_IPFIX_SAME_H
#define TESTS_UNIT_IPFIX_SAME_H

#include "lib/flow/reader.h"
#include <string.h>

#define SAME_FROM_NS   UINT64_C(1763712000000000000) /* of all times */
#define SAME_SECOND_NS UINT64_C(1000000000)

struct flow_parts {
    struct leat_flow_notes notes;
    struct leat_flow_histogram histogram;
    struct leat_flow_packet_list packets;
    struct leat_flow_sizes sizes;
    struct leat_flow_application application;
};

static inline uint64_t flow_tame_time(uint64_t ns) {
    return SAME_FROM_NS + ns % (1000000 * SAME_SECOND_NS);
}

/* Makes a record that can be out of any bytes; of its parts `which` says those that it has. */
static inline void flow_tame(struct leat_flow *flow, struct flow_parts *parts, uint32_t which) {
    flow->version = flow->version & 1 ? 4 : 6;
    flow->biflow &= 1;
    flow->scope.vlan_count %= 5;
    flow->scope.label_count %= 5;
    flow->scope.tunnel %= 6;
    flow->scope.tunnel_id >>= 32; /* GRE's key has no more */
    flow->scope.outer_version = (uint8_t)(flow->scope.outer_version % 3 * 2);
    if (flow->scope.outer_version == 2)
        flow->scope.outer_version = 6;
    for (uint32_t side = 0; side < 2; side++) {
        flow->side[side].first_ns = flow_tame_time(flow->side[side].first_ns);
        flow->side[side].last_ns = flow_tame_time(flow->side[side].last_ns);
    }
    parts->packets.count %= LEAT_FLOW_PACKETS_MAX + 1;
    for (uint32_t i = 0; i < LEAT_FLOW_PACKETS_MAX; i++)
        parts->packets.time_ns[i] = SAME_FROM_NS + parts->packets.time_ns[i] % SAME_SECOND_NS;
    struct leat_flow_application *application = &parts->application;
    application->kind %= 5;
    const uint32_t n = (uint8_t)application->name[LEAT_FLOW_NAME_MAX - 1];
    for (uint32_t i = 0; i < LEAT_FLOW_NAME_MAX; i++)
        application->name[i] = (char)(i < n ? 'a' + (uint8_t)application->name[i] % 26 : 0);
    application->name[LEAT_FLOW_NAME_MAX - 1] = '\0';
    application->ja4[39] = '\0';
    flow->parts = (struct leat_flow_parts){
        which & 1 ? &parts->notes : NULL,        which & 2 ? &parts->histogram : NULL,
        which & 4 ? &parts->packets : NULL,      which & 8 ? &parts->sizes : NULL,
        which & 16 ? &parts->application : NULL,
    };
}

/* A time as its type can tell it. */
static inline uint64_t same_time(const struct leat_field *field, uint64_t number) {
    switch (field->type) {
    case LEAT_FIELD_SECONDS:
        return number - number % SAME_SECOND_NS;
    case LEAT_FIELD_MILLISECONDS:
        return number - number % 1000000;
    case LEAT_FIELD_MICROSECONDS:
        return number - number % 1000;
    default:
        return number;
    }
}

static inline bool same_list(const struct leat_ipfix_value *read, const struct leat_field *element,
                             const struct leat_field_value *expected) {
    struct leat_ipfix_list list;
    struct leat_field_value got;
    const uint8_t *bytes;
    uint32_t length;
    if (!leat_ipfix_list_open(&list, read->bytes, read->length, 0) || list.field != element ||
        list.semantic != 4)
        return false;
    for (uint32_t i = 0; i < expected->length; i++)
        if (!leat_ipfix_list_next(&list, &bytes, &length) ||
            !leat_ipfix_get(list.field, bytes, length, &got) ||
            got.number != leat_field_element(expected, i))
            return false;
    return !leat_ipfix_list_next(&list, &bytes, &length);
}

static inline bool all_zero(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

/* NaN, too, is to come back as it was. */
static inline bool same_bits(double a, double b) {
    uint64_t bits_a, bits_b;
    memcpy(&bits_a, &a, sizeof(a));
    memcpy(&bits_b, &b, sizeof(b));
    return bits_a == bits_b;
}

static inline bool ipfix_same(const struct leat_field *field, const struct leat_ipfix_value *read,
                              const struct leat_field_value *expected) {
    const uint8_t *bytes = expected->bytes;
    const uint32_t n = expected->length;
    struct leat_field_value got;
    if (field->element)
        return same_list(read, field->element, expected);
    if (!leat_ipfix_get(field, read->bytes, read->length, &got))
        return false;
    switch (field->type) {
    case LEAT_FIELD_FLOAT64:
        return same_bits(got.real, expected->real);
    case LEAT_FIELD_U256: /* the last octets of it */
        return got.length >= 1 && got.length <= n &&
               memcmp(got.bytes, bytes + n - got.length, got.length) == 0 &&
               all_zero(bytes, n - got.length);
    case LEAT_FIELD_STRING:
    case LEAT_FIELD_OCTETS:
    case LEAT_FIELD_MAC:
    case LEAT_FIELD_IP4:
    case LEAT_FIELD_IP6:
        return got.length >= n && (n == 0 || memcmp(got.bytes, bytes, n) == 0) &&
               all_zero((const uint8_t *)got.bytes + n, got.length - n);
    default:
        return got.number == same_time(field, expected->number);
    }
}

#endif
