/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the headers of a frame lie. One pass, nothing copied, no pointer kept:
 *
 *   | Ethernet | tags, up to 4 | IPv4, options | or ARP       | TCP, UDP, | payload | padding |
 *   |          |               | IPv6, extension headers      | SCTP, ICMP|         |         |
 *   l2                         l3                             l4          payload   end
 *
 *   struct leat_headers h;
 *   if (leat_parse(pkt->data, pkt->data + pkt->len, &h) == LEAT_PROBLEM_NONE &&
 *       h.flags & LEAT_HEADERS_L4 && h.protocol == LEAT_PROTO_UDP)
 *       port = leat_be16(pkt->data + h.l4 + 2);
 *
 * Restricted C, the same for user space and for BPF programs: every read is checked against
 * `data_end`, every loop has a constant bound, and nothing is called but the functions below.
 * Of a frame of several buffers the first one is parsed; headers that go on in the next one are
 * reported as truncated.
 */
#ifndef LEAT_PARSE_H
#define LEAT_PARSE_H

#include <stddef.h>
#include <stdint.h>

#define LEAT_TAGS_MAX       4
#define LEAT_EXTENSIONS_MAX 10     /* RFC 8200, 4.1: each kind once, destination options twice */
#define LEAT_PARSE_REACH    0x7fff /* bytes; no header starts beyond. BPF's limit is 0xffff */

/* IEEE 802 numbers. */
enum {
    LEAT_ETHER_IP4 = 0x0800,
    LEAT_ETHER_ARP = 0x0806,
    LEAT_ETHER_VLAN = 0x8100, /* 802.1Q customer tag */
    LEAT_ETHER_IP6 = 0x86dd,
    LEAT_ETHER_MPLS = 0x8847,
    LEAT_ETHER_MPLS_UPSTREAM = 0x8848,
    LEAT_ETHER_PPPOE = 0x8864,
    LEAT_ETHER_QINQ = 0x88a8,     /* 802.1ad service tag */
    LEAT_ETHER_QINQ_OLD = 0x9100, /* the same before it had a standard */
};

/* IANA protocol numbers. */
enum {
    LEAT_PROTO_HOP_BY_HOP = 0,
    LEAT_PROTO_ICMP = 1,
    LEAT_PROTO_IP4 = 4,
    LEAT_PROTO_TCP = 6,
    LEAT_PROTO_UDP = 17,
    LEAT_PROTO_IP6 = 41,
    LEAT_PROTO_ROUTING = 43,
    LEAT_PROTO_FRAGMENT = 44,
    LEAT_PROTO_GRE = 47,
    LEAT_PROTO_ESP = 50,
    LEAT_PROTO_AH = 51,
    LEAT_PROTO_ICMP6 = 58,
    LEAT_PROTO_NONE = 59,
    LEAT_PROTO_DESTINATION = 60,
    LEAT_PROTO_SCTP = 132,
    LEAT_PROTO_MOBILITY = 135,
    LEAT_PROTO_HIP = 139,
    LEAT_PROTO_SHIM6 = 140,
    LEAT_PROTO_ETHERNET = 143,
};

/* What is wrong with a frame: name as in reports, and what it means. Truncated: the bytes end
 * before the header does. All else: a field contradicts its specification. */
#define LEAT_PROBLEMS(X)                                                                        \
    X(NONE, "none", "all headers that were looked for are whole")                               \
    X(OUT_OF_REACH, "out_of_reach", "a header starts more than 32,767 bytes into the frame")    \
    X(ETHER_TRUNCATED, "ether_truncated", "shorter than an Ethernet header")                    \
    X(TAG_TRUNCATED, "tag_truncated", "ends inside a VLAN tag")                                 \
    X(TAGS, "tags", "more than four VLAN tags")                                                 \
    X(ARP_TRUNCATED, "arp_truncated", "ends inside the ARP message")                            \
    X(IP4_TRUNCATED, "ip4_truncated", "ends inside the IPv4 header or its options")             \
    X(IP4_VERSION, "ip4_version", "IPv4 by ether type, another version in the header")          \
    X(IP4_HEADER_LENGTH, "ip4_header_length", "IPv4 header length below 20 bytes")              \
    X(IP4_TOTAL_LENGTH, "ip4_total_length", "IPv4 total length below the header's")             \
    X(IP6_TRUNCATED, "ip6_truncated", "ends inside the IPv6 header or an extension header")     \
    X(IP6_VERSION, "ip6_version", "IPv6 by ether type, another version in the header")          \
    X(IP6_PAYLOAD_LENGTH, "ip6_payload_length", "IPv6 payload ends inside an extension header") \
    X(IP6_JUMBOGRAM, "ip6_jumbogram", "an IPv6 payload over 65,535 bytes, RFC 2675")            \
    X(IP6_EXTENSIONS, "ip6_extensions", "more than ten IPv6 extension headers")                 \
    X(IP6_HOP_BY_HOP, "ip6_hop_by_hop", "hop-by-hop options that do not come first")            \
    X(FRAGMENT, "fragment", "an IP fragment that cannot belong to any datagram")                \
    X(L4_TRUNCATED, "l4_truncated", "ends inside the transport header")                         \
    X(L4_LENGTH, "l4_length", "the IP datagram ends inside the transport header")               \
    X(TCP_HEADER_LENGTH, "tcp_header_length", "TCP header length below 20 bytes")               \
    X(UDP_LENGTH, "udp_length", "UDP length below 8 bytes or beyond the IP datagram")

enum leat_problem {
#define LEAT_PROBLEM_ENUM(id, name, meaning) LEAT_PROBLEM_##id,
    LEAT_PROBLEMS(LEAT_PROBLEM_ENUM)
#undef LEAT_PROBLEM_ENUM
        LEAT_PROBLEM_COUNT
};

/* What `payload` points at, as far as the headers before it tell. The first three are what
 * leat_parse_at() can start from. */
enum leat_next {
    LEAT_NEXT_ETHERNET,
    LEAT_NEXT_IP4,
    LEAT_NEXT_IP6,
    LEAT_NEXT_DATA, /* the transport's payload, part of a fragment, or a protocol unknown here */
    LEAT_NEXT_MPLS,
    LEAT_NEXT_PPPOE,
    LEAT_NEXT_GRE,
    LEAT_NEXT_ESP,
};

enum {
    LEAT_HEADERS_IP4 = 1 << 0,
    LEAT_HEADERS_IP6 = 1 << 1,
    LEAT_HEADERS_L4 = 1 << 2,       /* l4 is a whole TCP, UDP, SCTP, ICMP or ICMPv6 header */
    LEAT_HEADERS_OPTIONS = 1 << 3,  /* IPv4 options, or IPv6 extension headers */
    LEAT_HEADERS_FRAGMENT = 1 << 4, /* part of a datagram */
    LEAT_HEADERS_LATER = 1 << 5,    /* and not its first: there is no transport header */
    LEAT_HEADERS_LAST = 1 << 6,     /* no fragment follows it */
    LEAT_HEADERS_BEYOND = 1 << 7, /* the IP datagram ends beyond data_end: `end` may not be read */
};

/* Offsets are in bytes from `data`, numbers in host order. What was not reached is zero. */
struct leat_headers {
    uint32_t end;      /* first byte behind the IP datagram or ARP message; else of the frame */
    uint16_t l2;       /* where parsing started */
    uint16_t l3;       /* behind Ethernet and tags: l3 - l2 is the offloads' l2_len */
    uint16_t l4;       /* behind IP with options or extension headers; 0: none */
    uint16_t payload;  /* behind everything that is known */
    uint16_t fragment; /* IPv6 fragment header, also of a whole datagram (RFC 6946); 0: none */
    uint16_t
        destination;     /* the address that the checksum covers; 0: unknown (compressed routing) */
    uint16_t ether_type; /* behind the tags; below 0x600 it is an 802.3 length */
    uint16_t flags;      /* LEAT_HEADERS_* */
    uint16_t vlan_tci[LEAT_TAGS_MAX]; /* outermost first; tag i lies at l2 + 12 + 4 * i */
    uint8_t vlan_count;
    uint8_t protocol; /* behind the last extension header; of a later fragment, of its datagram */
    uint8_t next;     /* enum leat_next */
    uint8_t problem;  /* enum leat_problem */
};

_Static_assert(sizeof(struct leat_headers) == 32, "two a cache line");

/* "ip4_truncated" and so on; NULL beyond the last one. Static storage. Not for BPF. */
const char *leat_problem_name(enum leat_problem problem);

/* What it means, half a sentence; NULL beyond the last one. Static storage. Not for BPF. */
const char *leat_problem_meaning(enum leat_problem problem);

static inline uint16_t leat_be16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t leat_be32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void leat_put_be16(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static inline void leat_put_be32(uint8_t *bytes, uint32_t value) {
    leat_put_be16(bytes, value >> 16);
    leat_put_be16(bytes + 2, value);
}

/* The `bytes` at `offset`, or NULL when they are not all there. The verifier learns what may be
 * read from a comparison of pointers, and only for offsets that it knows to be small. */
static inline const uint8_t *leat_at(const uint8_t *data, const uint8_t *data_end, uint32_t offset,
                                     uint32_t bytes) {
#ifdef __bpf__
    __asm__ volatile("" : "+r"(offset)); /* one register: what is checked is what is added */
#endif
    if (offset > LEAT_PARSE_REACH || data + offset + bytes > data_end)
        return NULL;
    return data + offset;
}

/* The transport header of at least `bytes`, or NULL and h->problem. */
static inline const uint8_t *leat_parse_transport(const uint8_t *data, const uint8_t *data_end,
                                                  uint32_t bytes, struct leat_headers *h) {
    const uint8_t *l4 = leat_at(data, data_end, h->l4, bytes);
    if (h->l4 + bytes > h->end) {
        h->problem = LEAT_PROBLEM_L4_LENGTH;
        return NULL;
    }
    if (!l4) {
        h->problem = LEAT_PROBLEM_L4_TRUNCATED;
        return NULL;
    }
    h->payload = (uint16_t)(h->l4 + bytes);
    return l4;
}

/* RFC 9293. */
static inline void leat_parse_tcp(const uint8_t *data, const uint8_t *data_end,
                                  struct leat_headers *h) {
    const uint8_t *tcp = leat_parse_transport(data, data_end, 20, h);
    if (!tcp)
        return;
    uint32_t bytes = (tcp[12] >> 4) * 4u;
    if (bytes < 20)
        h->problem = LEAT_PROBLEM_TCP_HEADER_LENGTH;
    else
        leat_parse_transport(data, data_end, bytes, h);
}

/* RFC 768. Of a first fragment the length is that of the whole datagram. */
static inline void leat_parse_udp(const uint8_t *data, const uint8_t *data_end,
                                  struct leat_headers *h) {
    const uint8_t *udp = leat_parse_transport(data, data_end, 8, h);
    if (!udp)
        return;
    uint32_t length = leat_be16(udp + 4);
    if (length < 8 || (!(h->flags & LEAT_HEADERS_FRAGMENT) && h->l4 + length > h->end))
        h->problem = LEAT_PROBLEM_UDP_LENGTH;
}

static inline enum leat_next leat_next_of(uint32_t protocol) {
    switch (protocol) {
    case LEAT_PROTO_IP4:
        return LEAT_NEXT_IP4;
    case LEAT_PROTO_IP6:
        return LEAT_NEXT_IP6;
    case LEAT_PROTO_ETHERNET:
        return LEAT_NEXT_ETHERNET;
    case LEAT_PROTO_GRE:
        return LEAT_NEXT_GRE;
    case LEAT_PROTO_ESP:
        return LEAT_NEXT_ESP;
    default:
        return LEAT_NEXT_DATA;
    }
}

static inline enum leat_problem leat_parse_l4(const uint8_t *data, const uint8_t *data_end,
                                              struct leat_headers *h) {
    switch (h->protocol) {
    case LEAT_PROTO_TCP:
        leat_parse_tcp(data, data_end, h);
        break;
    case LEAT_PROTO_UDP:
        leat_parse_udp(data, data_end, h);
        break;
    case LEAT_PROTO_SCTP:
        leat_parse_transport(data, data_end, 12, h);
        break;
    case LEAT_PROTO_ICMP:
    case LEAT_PROTO_ICMP6:
        leat_parse_transport(data, data_end, 8, h);
        break;
    default:
        h->next = (uint8_t)leat_next_of(h->protocol);
        return LEAT_PROBLEM_NONE;
    }
    if (!h->problem)
        h->flags |= LEAT_HEADERS_L4;
    return (enum leat_problem)h->problem;
}

/* Notes what a fragment's field of offset (in units of eight bytes) and the bit for more to come
 * say. `start` is where its part of the datagram starts. */
static inline enum leat_problem leat_parse_fragment(struct leat_headers *h, uint32_t units,
                                                    uint32_t more, uint32_t start) {
    if (!units && !more)
        return LEAT_PROBLEM_NONE;
    h->flags |= LEAT_HEADERS_FRAGMENT;
    if (units)
        h->flags |= LEAT_HEADERS_LATER;
    if (!more)
        h->flags |= LEAT_HEADERS_LAST;
    if (start > h->end)
        return LEAT_PROBLEM_FRAGMENT;
    uint32_t bytes = h->end - start;
    if (units * 8 + bytes > 0xffff || (more && bytes % 8))
        return LEAT_PROBLEM_FRAGMENT;
    return LEAT_PROBLEM_NONE;
}

/* RFC 791, and an authentication header (RFC 4302) between it and the transport. */
static inline enum leat_problem leat_parse_ip4(const uint8_t *data, const uint8_t *data_end,
                                               struct leat_headers *h) {
    const uint8_t *ip = leat_at(data, data_end, h->l3, 20);
    if (!ip)
        return LEAT_PROBLEM_IP4_TRUNCATED;
    if (ip[0] >> 4 != 4)
        return LEAT_PROBLEM_IP4_VERSION;
    uint32_t bytes = (ip[0] & 15) * 4u;
    if (bytes < 20)
        return LEAT_PROBLEM_IP4_HEADER_LENGTH;
    uint32_t total = leat_be16(ip + 2);
    if (total < bytes)
        return LEAT_PROBLEM_IP4_TOTAL_LENGTH;

    uint32_t fragment = leat_be16(ip + 6);
    uint32_t l4 = h->l3 + bytes;
    h->flags |= LEAT_HEADERS_IP4;
    h->end = h->l3 + total;
    h->protocol = ip[9];
    h->destination = (uint16_t)(h->l3 + 16);
    if (data + h->end > data_end)
        h->flags |= LEAT_HEADERS_BEYOND;
    if (bytes > 20) {
        h->flags |= LEAT_HEADERS_OPTIONS;
        if (!leat_at(data, data_end, h->l3, bytes))
            return LEAT_PROBLEM_IP4_TRUNCATED;
    }
    h->payload = (uint16_t)l4;
    enum leat_problem problem = leat_parse_fragment(h, fragment & 0x1fff, fragment & 0x2000, l4);
    if (problem || h->flags & LEAT_HEADERS_LATER)
        return problem;

    if (h->protocol == LEAT_PROTO_AH) {
        const uint8_t *ah = leat_at(data, data_end, l4, 12);
        if (!ah)
            return LEAT_PROBLEM_L4_TRUNCATED;
        uint32_t ah_bytes = (ah[1] + 2u) * 4;
        if (l4 + ah_bytes > h->end)
            return LEAT_PROBLEM_L4_LENGTH;
        if (!leat_at(data, data_end, l4, ah_bytes))
            return LEAT_PROBLEM_L4_TRUNCATED;
        l4 += ah_bytes;
        h->protocol = ah[0];
    }
    h->l4 = h->payload = (uint16_t)l4;
    return leat_parse_l4(data, data_end, h);
}

/* A routing header with segments left names the final destination, which the transport's checksum
 * covers (RFC 8200, 8.1), not the one in the IPv6 header. */
static inline void leat_parse_routing(const uint8_t *routing, uint32_t offset, uint32_t bytes,
                                      struct leat_headers *h) {
    if (!routing[3])
        return;
    h->destination = 0;
    if (bytes < 24)
        return;
    if (routing[2] == 0) /* RFC 2460, 4.4: the last of the list */
        h->destination = (uint16_t)(offset + bytes - 16);
    else if (routing[2] == 2 || routing[2] == 4) /* RFC 6275, 6.4.1; RFC 8754, 2: the first */
        h->destination = (uint16_t)(offset + 8);
}

static inline int leat_is_extension(uint32_t protocol) {
    return protocol == LEAT_PROTO_HOP_BY_HOP || protocol == LEAT_PROTO_ROUTING ||
           protocol == LEAT_PROTO_FRAGMENT || protocol == LEAT_PROTO_AH ||
           protocol == LEAT_PROTO_DESTINATION || protocol == LEAT_PROTO_MOBILITY ||
           protocol == LEAT_PROTO_HIP || protocol == LEAT_PROTO_SHIM6;
}

/* The extension header at h->payload, of the kind h->protocol: moves both on. */
static inline enum leat_problem leat_parse_extension(const uint8_t *data, const uint8_t *data_end,
                                                     struct leat_headers *h) {
    uint32_t offset = h->payload;
    const uint8_t *extension = leat_at(data, data_end, offset, 8);
    if (!extension)
        return LEAT_PROBLEM_IP6_TRUNCATED;

    uint32_t kind = h->protocol;
    uint32_t bytes = (extension[1] + 1u) * 8; /* RFC 6564 */
    if (kind == LEAT_PROTO_FRAGMENT)
        bytes = 8;
    else if (kind == LEAT_PROTO_AH)
        bytes = (extension[1] + 2u) * 4;
    if (offset + bytes > h->end)
        return LEAT_PROBLEM_IP6_PAYLOAD_LENGTH;
    if (!leat_at(data, data_end, offset, bytes))
        return LEAT_PROBLEM_IP6_TRUNCATED;

    h->flags |= LEAT_HEADERS_OPTIONS;
    h->payload = (uint16_t)(offset + bytes);
    h->protocol = extension[0];
    if (kind == LEAT_PROTO_ROUTING)
        leat_parse_routing(extension, offset, bytes, h);
    if (kind != LEAT_PROTO_FRAGMENT)
        return LEAT_PROBLEM_NONE;
    h->fragment = (uint16_t)offset;
    uint32_t field = leat_be16(extension + 2);
    return leat_parse_fragment(h, field >> 3, field & 1, h->payload);
}

/* RFC 8200. */
static inline enum leat_problem leat_parse_ip6(const uint8_t *data, const uint8_t *data_end,
                                               struct leat_headers *h) {
    const uint8_t *ip = leat_at(data, data_end, h->l3, 40);
    if (!ip)
        return LEAT_PROBLEM_IP6_TRUNCATED;
    if (ip[0] >> 4 != 6)
        return LEAT_PROBLEM_IP6_VERSION;
    uint32_t length = leat_be16(ip + 4);
    h->flags |= LEAT_HEADERS_IP6;
    h->end = h->l3 + 40 + length;
    h->protocol = ip[6];
    h->payload = (uint16_t)(h->l3 + 40);
    h->destination = (uint16_t)(h->l3 + 24);
    if (data + h->end > data_end)
        h->flags |= LEAT_HEADERS_BEYOND;
    if (!length && h->protocol == LEAT_PROTO_HOP_BY_HOP)
        return LEAT_PROBLEM_IP6_JUMBOGRAM;

    for (uint32_t i = 0; i < LEAT_EXTENSIONS_MAX && leat_is_extension(h->protocol); i++) {
        if (i && h->protocol == LEAT_PROTO_HOP_BY_HOP)
            return LEAT_PROBLEM_IP6_HOP_BY_HOP;
        enum leat_problem problem = leat_parse_extension(data, data_end, h);
        if (problem || h->flags & LEAT_HEADERS_LATER)
            return problem;
    }
    if (leat_is_extension(h->protocol))
        return LEAT_PROBLEM_IP6_EXTENSIONS;
    if (h->protocol == LEAT_PROTO_NONE)
        return LEAT_PROBLEM_NONE;
    h->l4 = h->payload;
    return leat_parse_l4(data, data_end, h);
}

/* RFC 826. */
static inline enum leat_problem leat_parse_arp(const uint8_t *data, const uint8_t *data_end,
                                               struct leat_headers *h) {
    const uint8_t *arp = leat_at(data, data_end, h->l3, 8);
    if (!arp)
        return LEAT_PROBLEM_ARP_TRUNCATED;
    uint32_t bytes = 8 + 2u * (arp[4] + arp[5]);
    if (!leat_at(data, data_end, h->l3, bytes))
        return LEAT_PROBLEM_ARP_TRUNCATED;
    h->payload = (uint16_t)(h->l3 + bytes);
    h->end = h->payload;
    return LEAT_PROBLEM_NONE;
}

static inline int leat_is_tag(uint32_t ether_type) {
    return ether_type == LEAT_ETHER_VLAN || ether_type == LEAT_ETHER_QINQ ||
           ether_type == LEAT_ETHER_QINQ_OLD;
}

static inline enum leat_problem leat_parse_ethernet(const uint8_t *data, const uint8_t *data_end,
                                                    struct leat_headers *h) {
    const uint8_t *ether = leat_at(data, data_end, h->l2, 14);
    if (!ether)
        return LEAT_PROBLEM_ETHER_TRUNCATED;
    h->ether_type = leat_be16(ether + 12);
    h->l3 = (uint16_t)(h->l2 + 14);
    for (uint32_t i = 0; i < LEAT_TAGS_MAX && leat_is_tag(h->ether_type); i++) {
        const uint8_t *tag = leat_at(data, data_end, h->l3, 4);
        if (!tag)
            return LEAT_PROBLEM_TAG_TRUNCATED;
        h->vlan_tci[i] = leat_be16(tag);
        h->vlan_count = (uint8_t)(i + 1);
        h->ether_type = leat_be16(tag + 2);
        h->l3 += 4;
    }
    return leat_is_tag(h->ether_type) ? LEAT_PROBLEM_TAGS : LEAT_PROBLEM_NONE;
}

static inline enum leat_problem leat_parse_l3(const uint8_t *data, const uint8_t *data_end,
                                              struct leat_headers *h) {
    h->payload = h->l3;
    switch (h->ether_type) {
    case LEAT_ETHER_IP4:
        return leat_parse_ip4(data, data_end, h);
    case LEAT_ETHER_IP6:
        return leat_parse_ip6(data, data_end, h);
    case LEAT_ETHER_ARP:
        return leat_parse_arp(data, data_end, h);
    case LEAT_ETHER_MPLS:
    case LEAT_ETHER_MPLS_UPSTREAM:
        h->next = LEAT_NEXT_MPLS;
        return LEAT_PROBLEM_NONE;
    case LEAT_ETHER_PPPOE:
        h->next = LEAT_NEXT_PPPOE;
        return LEAT_PROBLEM_NONE;
    default:
        return LEAT_PROBLEM_NONE;
    }
}

/* Parses from `offset` on, where an Ethernet, IPv4 or IPv6 header lies: for frames without link
 * header, and for what tunnels carry (`payload` and `next` of the outer headers). `h` is
 * overwritten; its offsets count from `data` all the same. Returns h->problem. */
static inline enum leat_problem leat_parse_at(const uint8_t *data, const uint8_t *data_end,
                                              uint32_t offset, enum leat_next start,
                                              struct leat_headers *h) {
    enum leat_problem problem = LEAT_PROBLEM_NONE;

    *h = (struct leat_headers){ .end = (uint32_t)(data_end - data), .next = LEAT_NEXT_DATA };
    if (offset > LEAT_PARSE_REACH) {
        h->problem = LEAT_PROBLEM_OUT_OF_REACH;
        return LEAT_PROBLEM_OUT_OF_REACH;
    }
    h->l2 = h->l3 = (uint16_t)offset;
    if (start == LEAT_NEXT_ETHERNET)
        problem = leat_parse_ethernet(data, data_end, h);
    else if (start == LEAT_NEXT_IP4)
        h->ether_type = LEAT_ETHER_IP4;
    else if (start == LEAT_NEXT_IP6)
        h->ether_type = LEAT_ETHER_IP6;
    if (!problem)
        problem = leat_parse_l3(data, data_end, h);
    h->problem = (uint8_t)problem;
    return problem;
}

/* Parses the frame from `data` up to `data_end`. `h` is overwritten: after a problem it holds what
 * was found before. Returns h->problem, LEAT_PROBLEM_NONE (0) for a frame without one. */
static inline enum leat_problem leat_parse(const uint8_t *data, const uint8_t *data_end,
                                           struct leat_headers *h) {
    return leat_parse_at(data, data_end, 0, LEAT_NEXT_ETHERNET, h);
}

#endif
