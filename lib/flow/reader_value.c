/* SPDX-License-Identifier: BSD-2-Clause */
/* What bytes of a message mean: RFC 7011, 6, and RFC 6313 for lists. */
#include "reader.h"
#include <leat/parse.h>
#include <string.h>

#define ENTERPRISE  0x8000
#define NS_SECOND   UINT64_C(1000000000)
#define NTP_1970    UINT64_C(2208988800) /* seconds from 1900 to 1970 */
#define NTP_ERA     (UINT64_C(1) << 32)  /* seconds of an era */
#define LIST_HEADER 5

static uint64_t number_of(const uint8_t *bytes, uint32_t length) {
    uint64_t number = 0;
    for (uint32_t i = 0; i < length; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* Rounded to the unit, since writing cut the fraction. */
static uint64_t ntp_ns(uint64_t ntp, uint64_t units) {
    uint64_t seconds = ntp >> 32, fraction = ntp & UINT32_MAX;
    if (seconds < NTP_1970) /* of the era that begins in 2036 */
        seconds += NTP_ERA;
    return (seconds - NTP_1970) * NS_SECOND +
           ((fraction * units + (UINT64_C(1) << 31)) >> 32) * (NS_SECOND / units);
}

static bool float_of(const uint8_t *bytes, uint32_t length, double *real) {
    if (length == 4) {
        uint32_t bits = leat_be32(bytes);
        float single;
        memcpy(&single, &bits, sizeof(single));
        *real = (double)single;
        return true;
    }
    uint64_t bits = number_of(bytes, length);
    memcpy(real, &bits, sizeof(*real));
    return length == 8;
}

/* A value of a type that has numbers. */
static bool get_number(enum leat_field_type type, const uint8_t *bytes, uint32_t length,
                       struct leat_field_value *value) {
    uint32_t width = leat_field_width(type);
    bool integer = type >= LEAT_FIELD_U8 && type <= LEAT_FIELD_U64;
    if (type == LEAT_FIELD_FLOAT64)
        return (length == 4 || length == 8) && float_of(bytes, length, &value->real);
    if (length == 0 || length > width || (!integer && length != width))
        return false;
    value->number = number_of(bytes, length);
    switch (type) {
    case LEAT_FIELD_SECONDS:
        value->number *= NS_SECOND;
        break;
    case LEAT_FIELD_MILLISECONDS:
        value->number *= 1000000;
        break;
    case LEAT_FIELD_MICROSECONDS:
        value->number = ntp_ns(value->number, 1000000);
        break;
    case LEAT_FIELD_NANOSECONDS:
        value->number = ntp_ns(value->number, NS_SECOND);
        break;
    case LEAT_FIELD_BOOLEAN: /* RFC 7011, 6.1.5 */
        value->number = value->number == 1;
        break;
    default:
        break;
    }
    return true;
}

bool leat_ipfix_get(const struct leat_field *field, const uint8_t *bytes, uint32_t length,
                    struct leat_field_value *value) {
    memset(value, 0, sizeof(*value));
    value->bytes = bytes;
    value->length = length;
    switch (field->type) {
    case LEAT_FIELD_OCTETS:
    case LEAT_FIELD_STRING:
        return true;
    case LEAT_FIELD_MAC:
    case LEAT_FIELD_IP4:
    case LEAT_FIELD_IP6:
        return length == leat_field_width(field->type);
    case LEAT_FIELD_U256: /* as long as it came */
        return length >= 1 && length <= leat_field_width(field->type);
    case LEAT_FIELD_BASIC_LIST:
        return false;
    default:
        return get_number(field->type, bytes, length, value);
    }
}

bool leat_ipfix_list_open(struct leat_ipfix_list *list, const uint8_t *bytes, uint32_t length,
                          uint32_t pen) {
    uint32_t header = LIST_HEADER, side;
    if (length < LIST_HEADER)
        return false;
    list->semantic = bytes[0];
    list->id = leat_be16(bytes + 1) & (uint16_t)~ENTERPRISE;
    list->length = leat_be16(bytes + 3);
    list->pen = 0;
    if (leat_be16(bytes + 1) & ENTERPRISE) {
        header += 4;
        if (length < header)
            return false;
        list->pen = leat_be32(bytes + LIST_HEADER);
    }
    list->field = leat_field_by_id(list->pen, list->id, pen ? pen : LEAT_FLOW_PEN, &side);
    list->at = bytes + header;
    list->end = bytes + length;
    return true;
}

bool leat_ipfix_list_next(struct leat_ipfix_list *list, const uint8_t **bytes, uint32_t *length) {
    const uint8_t *at = list->at;
    *length = list->length;
    if (list->length == LEAT_FIELD_VARIABLE)
        at = leat_ipfix_length(at, list->end, length);
    if (!at || at == list->end || *length > (size_t)(list->end - at) ||
        (*length == 0 && list->length == 0))
        return false;
    *bytes = at;
    list->at = at + *length;
    return true;
}

const uint8_t *leat_ipfix_length(const uint8_t *at, const uint8_t *end, uint32_t *length) {
    if (end - at < 1)
        return NULL;
    *length = *at++;
    if (*length < 255)
        return at;
    if (end - at < 2)
        return NULL;
    *length = leat_be16(at);
    return at + 2;
}
