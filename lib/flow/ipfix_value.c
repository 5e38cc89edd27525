/* SPDX-License-Identifier: BSD-2-Clause */
/* One value as bytes of a message, RFC 7011, 6 and 7, and RFC 6313. */
#include "ipfix_private.h"
#include <leat/parse.h>
#include <string.h>

#define NTP_1970   UINT64_C(2208988800) /* seconds from 1900 to 1970 */
#define NS_SECOND  UINT64_C(1000000000)
#define SHORT_MAX  254 /* longest with one byte of length, RFC 7011, 7 */
#define U256_BYTES 32
#define LIST_BYTES 5 /* semantic, element and its length; 4 more with an enterprise number */
#define MICRO_MASK ~UINT64_C(0x7ff) /* bits that say nothing of microseconds, RFC 7011, 6.1.9 */

enum ipfix_form ipfix_form(enum leat_field_type type, uint16_t length) {
    switch (type) {
    case LEAT_FIELD_BOOLEAN:
        return IPFIX_BOOLEAN;
    case LEAT_FIELD_SECONDS:
        return IPFIX_SECONDS;
    case LEAT_FIELD_MILLISECONDS:
        return IPFIX_MILLISECONDS;
    case LEAT_FIELD_MICROSECONDS:
        return IPFIX_MICROSECONDS;
    case LEAT_FIELD_NANOSECONDS:
        return IPFIX_NANOSECONDS;
    case LEAT_FIELD_FLOAT64:
        return IPFIX_FLOAT;
    case LEAT_FIELD_BASIC_LIST:
        return IPFIX_LIST;
    case LEAT_FIELD_U256:
        return IPFIX_U256;
    case LEAT_FIELD_OCTETS:
    case LEAT_FIELD_STRING:
    case LEAT_FIELD_MAC:
    case LEAT_FIELD_IP4:
    case LEAT_FIELD_IP6:
        return length == LEAT_FIELD_VARIABLE ? IPFIX_VARIABLE : IPFIX_FIXED;
    default:
        return IPFIX_NUMBER;
    }
}

/* The era is left to the reader: 32 bits of seconds begin again in 2036. Fractions are rounded up,
 * so that a reader has the same time again whether it rounds them or cuts them. */
uint64_t ipfix_ntp(uint64_t ns, bool microseconds) {
    uint64_t seconds = ns / NS_SECOND, rest = ns % NS_SECOND;
    uint64_t fraction = ((rest << 32) + NS_SECOND - 1) / NS_SECOND;
    if (microseconds) {
        fraction = ((rest / 1000 << 32) + 999999) / 1000000;
        fraction = (fraction + ~MICRO_MASK) & MICRO_MASK;
    }
    return (seconds + NTP_1970) << 32 | fraction;
}

static uint64_t as_number(enum ipfix_form form, uint64_t number) {
    switch (form) {
    case IPFIX_BOOLEAN: /* RFC 7011, 6.1.5 */
        return number ? 1 : 2;
    case IPFIX_SECONDS:
        return number / NS_SECOND;
    case IPFIX_MILLISECONDS:
        return number / 1000000;
    case IPFIX_MICROSECONDS:
        return ipfix_ntp(number, true);
    case IPFIX_NANOSECONDS:
        return ipfix_ntp(number, false);
    default:
        return number;
    }
}

static void put_float(uint8_t *at, double real, uint32_t length) {
    float single = (float)real;
    uint32_t bits32;
    uint64_t bits64;
    memcpy(&bits32, &single, sizeof(bits32));
    memcpy(&bits64, &real, sizeof(bits64));
    ipfix_put_number(at, length == 4 ? bits32 : bits64, length);
}

/* RFC 7011, 7: one byte, or 255 and two. */
static uint8_t *put_length(uint8_t *at, uint32_t length) {
    if (length <= SHORT_MAX) {
        *at = (uint8_t)length;
        return at + 1;
    }
    *at = 255;
    leat_put_be16(at + 1, length);
    return at + 3;
}

static uint8_t *put_variable(uint8_t *at, const uint8_t *end, const void *bytes, uint32_t length) {
    if ((size_t)(end - at) < (length <= SHORT_MAX ? 1 : 3) + (size_t)length)
        return NULL;
    at = put_length(at, length);
    if (length)
        memcpy(at, bytes, length);
    return at + length;
}

static uint8_t *put_list(uint8_t *at, const uint8_t *end, const struct ipfix_item *item,
                         const struct leat_field_value *value, uint32_t count, bool *wide) {
    uint32_t length = LIST_BYTES + (item->element_pen ? 4 : 0) + count * item->element_length;
    if ((size_t)(end - at) < (length <= SHORT_MAX ? 1 : 3) + (size_t)length)
        return NULL;
    at = put_length(at, length);
    *at = IPFIX_LIST_ORDERED;
    leat_put_be16(at + 1, item->element_id | (item->element_pen ? IPFIX_ENTERPRISE : 0));
    leat_put_be16(at + 3, item->element_length);
    at += LIST_BYTES;
    if (item->element_pen) {
        leat_put_be32(at, item->element_pen);
        at += 4;
    }
    for (uint32_t i = 0; i < count; i++, at += item->element_length) {
        uint64_t number = as_number(item->element_form, leat_field_element(value, i));
        ipfix_put_number(at, ipfix_fit(number, item->element_length, wide), item->element_length);
    }
    return at;
}

static void put_u256(uint8_t *at, const uint8_t *bytes, uint32_t length, bool *wide) {
    uint32_t before = U256_BYTES - length;
    for (uint32_t i = 0; i < before; i++)
        *wide |= bytes[i] != 0;
    memcpy(at, bytes + before, length);
}

uint8_t *ipfix_put_any(uint8_t *at, const uint8_t *end, const struct ipfix_item *item,
                       const struct leat_field_value *value, enum ipfix_trim trim, bool *wide) {
    uint32_t length = item->length;

    if (item->form == IPFIX_LIST)
        return put_list(at, end, item, value, trim >= IPFIX_TRIM_LISTS ? 0 : value->length, wide);
    if (item->form == IPFIX_VARIABLE)
        return put_variable(at, end, value->bytes, trim >= IPFIX_TRIM_STRINGS ? 0 : value->length);
    if ((size_t)(end - at) < length)
        return NULL;
    switch (item->form) {
    case IPFIX_FLOAT:
        put_float(at, value->real, length);
        break;
    case IPFIX_U256:
        put_u256(at, value->bytes, length, wide);
        break;
    case IPFIX_FIXED:
        if (value->length < length)
            memset(at + value->length, 0, length - value->length);
        if (value->length)
            memcpy(at, value->bytes, value->length < length ? value->length : length);
        break;
    default:
        ipfix_put_number(at, ipfix_fit(as_number(item->form, value->number), length, wide), length);
    }
    return at + length;
}
