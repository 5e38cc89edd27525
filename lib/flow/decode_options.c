/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options and extension headers as sets of bits. IANA's figures of elements 208 and 64 number bits
 * as packets are drawn (RFC 791, appendix B): bit 0 is the most significant one. RFC 9740 counts
 * from the other end.
 */
#include "decode_walk.h"

/* Where the next option starts: kinds 0 and 1 are one byte, others say their length. `bytes` when
 * the list ends, also when a length lies. */
static uint32_t next_option(const uint8_t *options, uint32_t at, uint32_t bytes) {
    if (options[at] == 0)
        return bytes;
    if (options[at] == 1)
        return at + 1;
    if (at + 1 >= bytes || options[at + 1] < 2 || options[at + 1] > bytes - at)
        return bytes;
    return at + options[at + 1];
}

static bool whole_option(const uint8_t *options, uint32_t at, uint32_t bytes) {
    return options[at] < 2 ||
           (at + 1 < bytes && options[at + 1] >= 2 && options[at + 1] <= bytes - at);
}

/* Element 208. IANA's figure has option number 7 (record route) at bit 0 down to 0 (end of list) at
 * bit 7, 15 at bit 8 and so on: octet n/8, counted from its low end. All eight bits of the type
 * have to be those of a known option; RFC 5102's erratum 2944 is about this order. */
uint32_t leat_flow_ip4_options(const uint8_t *ip) {
    static const uint8_t types[32] = {
        0,   1,   130, 131, 68,  133, 134, 7,   136, 137, 10, 11, 12, 205, 142, 15,
        144, 145, 82,  147, 148, 149, 150, 151, 152, 25,  0,  0,  0,  0,   30,  0,
    };
    const uint8_t *options = ip + 20;
    uint32_t bytes = (ip[0] & 15) * 4u - 20, seen = 0;

    for (uint32_t at = 0; at < bytes; at = next_option(options, at, bytes)) {
        uint32_t number = options[at] & 31;
        bool experiment = number == 30; /* RFC 4727: 30, 94, 158 and 222 */
        if ((options[at] == types[number] || experiment) && whole_option(options, at, bytes))
            seen |= 1u << (24 - number / 8 * 8 + number % 8);
    }
    return seen;
}

/* Registry "ipv6ExtensionHeaders Bits" (RFC 9740, 8.4.1), which is that of element 64 continued. */
static uint32_t extension_bit(uint32_t kind) {
    switch (kind) {
    case LEAT_PROTO_DESTINATION:
        return 1u << 31;
    case LEAT_PROTO_HOP_BY_HOP:
        return 1u << 30;
    case 59: /* no next header */
        return 1u << 29;
    case LEAT_PROTO_ROUTING:
        return 1u << 26;
    case LEAT_PROTO_MOBILITY:
        return 1u << 19;
    case LEAT_PROTO_ESP:
        return 1u << 18;
    case LEAT_PROTO_AH:
        return 1u << 17;
    case 108: /* IP payload compression, RFC 3173; of element 64 only */
        return 1u << 16;
    case LEAT_PROTO_HIP:
        return 1u << 15;
    case LEAT_PROTO_SHIM6:
        return 1u << 14;
    case 253: /* experiments, RFC 3692 */
        return 1u << 13;
    case 254:
        return 1u << 12;
    default:
        return 0;
    }
}

/* leat_parse() has checked that every extension header is whole and ends by
 * h->payload. */
uint32_t leat_flow_ip6_extensions(const uint8_t *frame, const struct leat_headers *h) {
    const uint8_t *ip = frame + h->l3;
    uint32_t at = h->l3 + 40u, kind = ip[6], seen = 0;
    uint32_t end = h->l4 ? h->l4 : h->payload;

    while (at < end) {
        uint32_t bytes = (frame[at + 1] + 1u) * 8;
        if (kind == LEAT_PROTO_FRAGMENT) {
            seen |= h->flags & LEAT_HEADERS_LATER ? 1u << 25 : 1u << 27;
            bytes = 8;
        } else if (kind == LEAT_PROTO_AH) {
            bytes = (frame[at + 1] + 2u) * 4;
        }
        seen |= extension_bit(kind);
        kind = frame[at];
        at += bytes;
    }
    /* Of a later fragment the kind behind is that of data which is not here. */
    return h->flags & LEAT_HEADERS_LATER ? seen : seen | extension_bit(kind);
}

const uint8_t leat_flow_tcp_kinds_high[LEAT_FLOW_TCP_KINDS_HIGH] = { 69,  70,  76,  77, 78,
                                                                     172, 174, 253, 254 };

static uint16_t high_kind(uint8_t kind) {
    for (uint32_t i = 0; i < LEAT_FLOW_TCP_KINDS_HIGH; i++)
        if (leat_flow_tcp_kinds_high[i] == kind)
            return (uint16_t)(1u << i);
    return 0;
}

/* RFC 9293, 3.1. */
void leat_flow_tcp_options(const uint8_t *tcp, uint32_t header_bytes,
                           struct leat_flow_packet *packet) {
    const uint8_t *options = tcp + 20;
    uint32_t bytes = header_bytes - 20;

    for (uint32_t at = 0; at < bytes; at = next_option(options, at, bytes)) {
        if (!whole_option(options, at, bytes))
            return;
        if (options[at] < 64)
            packet->tcp_options |= UINT64_C(1) << options[at];
        else
            packet->tcp_options_high |= high_kind(options[at]);
    }
}
