/* SPDX-License-Identifier: BSD-2-Clause */
/* inline.bpf.c's packets: from the headers of a frame to a flow's key and to what it adds. */
#ifndef LEAT_FLOW_INLINE_PACKET_H
#define LEAT_FLOW_INLINE_PACKET_H

#include "inline_record.h"
#include <leat/parse.h>
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define LENGTH_MAX  0xffff /* that IP can tell */
#define JUMBO_BYTES 8      /* hop-by-hop header with a jumbo payload option (RFC 2675) */

const volatile uint32_t uniflow;   /* keys in the packet's order */
const volatile uint32_t key_parts; /* LEAT_INLINE_KEY_* */

/* What one packet adds, and where to. */
struct packet {
    uint64_t now_ns, frame_octets, octets, payload_octets, flags;
    uint32_t frames;    /* that it is on the wire */
    uint32_t bytes;     /* that it is in memory */
    uint32_t extra;     /* of these, that no frame on the wire has */
    uint32_t length_at; /* of a packet of more than 64 KiB: where its length would stand */
    uint32_t back;
    uint32_t entry;
    uint16_t vlan_tci[LEAT_INLINE_TAGS];
    uint8_t vlan_count;
    uint8_t ttl, tos;
    uint8_t copy; /* it is one of the first of its record */
};

static __always_inline uint32_t why_not(enum leat_problem problem) {
    switch (problem) {
    case LEAT_PROBLEM_ETHER_TRUNCATED:
    case LEAT_PROBLEM_TAG_TRUNCATED:
    case LEAT_PROBLEM_IP4_TRUNCATED:
    case LEAT_PROBLEM_IP6_TRUNCATED:
    case LEAT_PROBLEM_L4_TRUNCATED:
    case LEAT_PROBLEM_OUT_OF_REACH:
        return LEAT_INLINE_TRUNCATED;
    default:
        return LEAT_INLINE_MALFORMED;
    }
}

/*
 * The stack's own TCP of more than 64 KiB, which it cuts later ("BIG TCP"): IPv4 has no total
 * length then, and IPv6 no payload length, but a hop-by-hop header that no frame will have. `h` is
 * as the parser left it.
 */
static __always_inline int find_big(const uint8_t *data, const uint8_t *data_end, uint32_t bytes,
                                    struct leat_headers *h) {
    const uint8_t *ip = leat_at(data, data_end, h->l3, 48);
    if (!ip)
        return h->problem;
    if (h->ether_type == LEAT_ETHER_IP4 && ip[0] >> 4 == 4 && !leat_be16(ip + 2)) {
        h->flags = LEAT_HEADERS_IP4;
        h->l4 = h->l3 + (ip[0] & 15) * 4;
        h->protocol = ip[9];
    } else if (h->ether_type == LEAT_ETHER_IP6 && ip[0] >> 4 == 6 && !leat_be16(ip + 4)) {
        uint32_t jumbo = ip[6] == LEAT_PROTO_HOP_BY_HOP && ip[41] == 0;
        h->flags = LEAT_HEADERS_IP6;
        h->l4 = h->l3 + 40 + (jumbo ? JUMBO_BYTES : 0);
        h->protocol = jumbo ? ip[40] : ip[6];
    } else {
        return h->problem;
    }
    if (h->protocol != LEAT_PROTO_TCP)
        return h->problem;
    h->end = bytes;
    h->problem = LEAT_PROBLEM_NONE;
    return leat_parse_l4(data, data_end, h);
}

/* Its copy is to have a length that the decoder takes, and no frame will have the header. */
static __always_inline void note_big(const struct leat_headers *h, enum leat_problem problem,
                                     struct packet *packet) {
    int ip6 = h->flags & LEAT_HEADERS_IP6;
    if (problem)
        return;
    packet->length_at = h->l3 + (ip6 ? 4 : 2);
    packet->extra = ip6 ? h->l4 - h->l3 - 40 : 0;
}

/* Copies `words` words from the packet; false beyond its end. */
static __always_inline int copy(void *to, const uint8_t *data, const uint8_t *data_end,
                                uint32_t offset, uint32_t words) {
    const uint8_t *from = leat_at(data, data_end, offset, words * 4);
    if (!from)
        return 0;
    for (uint32_t i = 0; i < words; i++)
        ((uint32_t *)to)[i] = ((const uint32_t *)from)[i];
    return 1;
}

/* The type of ICMP that answers a query, or asked for such an answer; -1: a message that stands
 * alone. As in decode_packet.c. */
static __always_inline int counterpart(uint32_t protocol, uint8_t type) {
    if (protocol == LEAT_PROTO_ICMP6)
        switch (type) {
        case 128: /* echo: RFC 4443, 4 */
        case 129:
        case 160: /* extended echo: RFC 8335 */
        case 161:
            return type ^ 1;
        case 139: /* node information: RFC 4620 */
            return 140;
        case 140:
            return 139;
        default:
            return -1;
        }
    switch (type) {
    case 0: /* echo: RFC 792 */
        return 8;
    case 8:
        return 0;
    case 13: /* timestamp */
        return 14;
    case 14:
        return 13;
    case 15: /* information */
        return 16;
    case 16:
        return 15;
    case 17: /* address mask: RFC 950 */
        return 18;
    case 18:
        return 17;
    case 42: /* extended echo: RFC 8335 */
    case 43:
        return type ^ 1;
    default:
        return -1;
    }
}

/* Ports as they stand; each end's of ICMP is what it receives. */
static __always_inline void read_ports(const uint8_t *data, const uint8_t *data_end,
                                       const struct leat_headers *h, uint16_t port[2]) {
    const uint8_t *l4 = leat_at(data, data_end, h->l4, 4);
    if (!(h->flags & LEAT_HEADERS_L4) || !l4)
        return;
    port[1] = ((const uint16_t *)l4)[1];
    port[0] = ((const uint16_t *)l4)[0];
    if (h->protocol == LEAT_PROTO_ICMP || h->protocol == LEAT_PROTO_ICMP6) {
        int back = counterpart(h->protocol, l4[0]);
        port[1] = port[0]; /* type and code */
        port[0] = back < 0 ? 0 : bpf_htons((uint16_t)(back << 8 | l4[1]));
    }
}

/* Whether the source is the higher end. */
static __always_inline uint32_t is_back(const struct leat_inline_key *key) {
    const uint32_t *source = (const uint32_t *)key->address[0];
    const uint32_t *destination = (const uint32_t *)key->address[1];
    for (uint32_t i = 0; i < 4; i++)
        if (source[i] != destination[i])
            return bpf_ntohl(source[i]) > bpf_ntohl(destination[i]);
    return bpf_ntohs(key->port[0]) > bpf_ntohs(key->port[1]);
}

static __always_inline void turn_round(struct leat_inline_key *key) {
    uint32_t *source = (uint32_t *)key->address[0], *destination = (uint32_t *)key->address[1];
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t word = source[i];
        source[i] = destination[i];
        destination[i] = word;
    }
    uint16_t port = key->port[0];
    key->port[0] = key->port[1];
    key->port[1] = port;
}

/* Those in the frame stand behind one that is not (yet). */
static __always_inline void read_tags(const struct leat_headers *h, struct packet *packet) {
    if (packet->vlan_count == 0) {
        packet->vlan_count = h->vlan_count;
        for (uint32_t i = 0; i < LEAT_INLINE_TAGS; i++)
            packet->vlan_tci[i] = h->vlan_tci[i];
        return;
    }
    packet->vlan_count = h->vlan_count < LEAT_INLINE_TAGS ? h->vlan_count + 1 : LEAT_INLINE_TAGS;
    for (uint32_t i = 1; i < LEAT_INLINE_TAGS; i++)
        packet->vlan_tci[i] = h->vlan_tci[i - 1];
}

/* What the user wants in it beside the five-tuple. */
static __always_inline void add_to_key(const struct packet *packet, struct leat_inline_key *key) {
    if (key_parts & LEAT_INLINE_KEY_TOS)
        key->tos = packet->tos;
    if (!(key_parts & LEAT_INLINE_KEY_VLAN))
        return;
    key->vlan_count = packet->vlan_count;
    for (uint32_t i = 0; i < LEAT_INLINE_TAGS; i++)
        key->vlan[i] = packet->vlan_tci[i] & 0xfff;
}

/* Every frame that it will be has all headers. */
static __always_inline void count_cuts(const struct leat_headers *h, struct packet *packet) {
    uint64_t before = packet->vlan_count > h->vlan_count ? 4 : 0; /* a tag that is yet to come */
    uint64_t headers = before + h->payload - packet->extra;
    packet->octets = packet->frame_octets - packet->frames * (before + h->l3);
    if (h->flags & LEAT_HEADERS_L4)
        packet->payload_octets = packet->frame_octets - packet->frames * headers;
}

/* Reads addresses, ports and the rest; 0: they are not all there. */
static __always_inline int read_packet(const uint8_t *data, const uint8_t *data_end,
                                       const struct leat_headers *h, struct leat_inline_key *key,
                                       struct packet *packet) {
    const uint8_t *ip = leat_at(data, data_end, h->l3, 20);
    if (!ip)
        return 0;
    if (h->flags & LEAT_HEADERS_IP4) {
        key->version = 4;
        packet->ttl = ip[8];
        packet->tos = ip[1];
        packet->flags = (uint64_t)(ip[6] & 0xe0) << LEAT_INLINE_FRAGMENTS;
        if (!copy(key->address[0], data, data_end, h->l3 + 12, 1) ||
            !copy(key->address[1], data, data_end, h->l3 + 16, 1))
            return 0;
    } else {
        key->version = 6;
        packet->ttl = ip[7];
        packet->tos = (uint8_t)(leat_be16(ip) >> 4);
        if (!copy(key->address[0], data, data_end, h->l3 + 8, 4) ||
            !copy(key->address[1], data, data_end, h->l3 + 24, 4))
            return 0;
    }
    key->protocol = h->protocol;
    read_ports(data, data_end, h, key->port);
    packet->octets = h->end - h->l3;
    packet->payload_octets = h->flags & LEAT_HEADERS_L4 ? h->end - h->payload : 0;
    if (h->flags & LEAT_HEADERS_L4 && h->protocol == LEAT_PROTO_TCP) {
        const uint8_t *tcp = leat_at(data, data_end, h->l4, 20);
        if (tcp)
            packet->flags |= leat_be16(tcp + 12) & 0x1ff;
    }
    read_tags(h, packet);
    if (key_parts)
        add_to_key(packet, key);
    packet->back = uniflow ? 0 : is_back(key);
    if (packet->back)
        turn_round(key);
    return 1;
}

#endif
