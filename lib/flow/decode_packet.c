/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys, counts and what the headers tell. Which end of a packet is the lower one is as good as
 * random, so the canonical order is made without a branch on it.
 */
#include "decode_packet.h"
#include "decode_walk.h"
#include <endian.h>
#include <string.h>

/* What stands for ports, in the packet's order. */
struct ends {
    uint32_t ports;   /* source and destination as in memory: two numbers in network order */
    uint8_t protocol; /* of the datagram */
};

static inline uint16_t load16(const uint8_t *bytes) {
    uint16_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

static inline uint32_t load32(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

static inline uint64_t load64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

static inline void store64(uint8_t *bytes, uint64_t value) {
    memcpy(bytes, &value, sizeof(value));
}

static inline bool is_icmp(uint32_t protocol) {
    return protocol == LEAT_PROTO_ICMP || protocol == LEAT_PROTO_ICMP6;
}

static inline bool has_ports(uint32_t protocol) {
    return protocol == LEAT_PROTO_TCP || protocol == LEAT_PROTO_UDP || protocol == LEAT_PROTO_SCTP;
}

#define PAIR(query, answer) \
    case query:             \
        return answer;      \
    case answer:            \
        return query;

/* What answers a query of that type, or asked for such an answer; -1: a message that stands alone.
 * Neighbour solicitations, too, whose answers mostly go between other addresses than the question,
 * or come unasked (RFC 4861, 7.2). */
static int icmp_counterpart(uint8_t type) {
    switch (type) {
        PAIR(8, 0)   /* echo: RFC 792 */
        PAIR(13, 14) /* timestamp */
        PAIR(15, 16) /* information */
        PAIR(17, 18) /* address mask: RFC 950 */
        PAIR(42, 43) /* extended echo: RFC 8335 */
    default:
        return -1;
    }
}

static int icmp6_counterpart(uint8_t type) {
    switch (type) {
        PAIR(128, 129) /* echo: RFC 4443, 4 */
        PAIR(139, 140) /* node information: RFC 4620 */
        PAIR(160, 161) /* extended echo: RFC 8335 */
    default:
        return -1;
    }
}

#undef PAIR

/* Each end's port is what it receives, so that a query and its answer have one key. */
static uint32_t icmp_ports(const uint8_t *icmp, uint32_t protocol) {
    uint8_t ports[4] = { 0, 0, icmp[0], icmp[1] };
    int back = protocol == LEAT_PROTO_ICMP ? icmp_counterpart(icmp[0]) : icmp6_counterpart(icmp[0]);
    if (back >= 0) {
        ports[0] = (uint8_t)back;
        ports[1] = icmp[1];
    }
    return load32(ports);
}

static inline struct ends ends_of(const uint8_t *frame, const struct leat_headers *h) {
    struct ends ends = { .protocol = h->protocol };
    if (!(h->flags & LEAT_HEADERS_L4))
        return ends;
    if (is_icmp(h->protocol)) {
        ends.ports = icmp_ports(frame + h->l4, h->protocol);
    } else {
        ends.ports = load32(frame + h->l4);
    }
    return ends;
}

static struct leat_flow_fragment_id fragment_id(const uint8_t *frame,
                                                const struct leat_headers *h) {
    const uint8_t *ip = frame + h->l3;
    struct leat_flow_fragment_id id = { .version = 4 };
    if (h->flags & LEAT_HEADERS_IP6) {
        id.version = 6;
        id.id = load32(frame + h->fragment + 4);
        memcpy(id.address, ip + 8, sizeof(id.address));
    } else {
        id.protocol = ip[9];
        id.id = load16(ip + 4);
        memcpy(id.address[0], ip + 12, 4);
        memcpy(id.address[1], ip + 16, 4);
    }
    return id;
}

/* The first fragment tells the ends to those that come later. */
static void share_ends(struct leat_flow_fragments *fragments, const struct leat_flow_seen *seen,
                       const struct leat_headers *h, struct ends *ends) {
    struct leat_flow_fragment_id id = fragment_id(seen->frame, h);
    struct leat_flow_fragment_ports ports = { .protocol = ends->protocol };
    if (!(h->flags & LEAT_HEADERS_LATER)) {
        memcpy(ports.port, &ends->ports, sizeof(ports.port));
        leat_flow_fragments_note(fragments, &id, &ports, seen->time_ns);
        return;
    }
    const struct leat_flow_fragment_ports *first =
        leat_flow_fragments_find(fragments, &id, seen->time_ns);
    if (!first)
        return;
    memcpy(&ends->ports, first->port, sizeof(ends->ports));
    ends->protocol = first->protocol;
}

/* Halves of a word change places; the same in either byte order. */
static inline uint64_t swap_if(bool swap, uint64_t word, uint32_t half_bits) {
    uint64_t low = word & ((UINT64_C(1) << half_bits) - 1);
    return swap ? low << half_bits | word >> half_bits : word;
}

/* Ports decide between equal addresses. */
static inline bool key4(struct leat_flow_key4 *key, const uint8_t *ip, const struct ends *ends,
                        bool uniflow) {
    uint64_t addresses = load64(ip + 12), ordered = be64toh(addresses);
    uint32_t ports = be32toh(ends->ports);
    uint64_t source = ordered >> 32 << 16 | ports >> 16;
    uint64_t destination = (ordered & UINT32_MAX) << 16 | (ports & UINT16_MAX);
    bool swap = (source > destination) & !uniflow;
    uint32_t key_ports = (uint32_t)swap_if(swap, ends->ports, 16);

    addresses = swap_if(swap, addresses, 32);
    memcpy(key->address, &addresses, sizeof(addresses));
    memcpy(key->port, &key_ports, sizeof(key_ports));
    return swap;
}

static inline bool key6(struct leat_flow_key6 *key, const uint8_t *ip, const struct ends *ends,
                        bool uniflow) {
    uint64_t address[4];
    memcpy(address, ip + 8, sizeof(address));
    unsigned __int128 source = (unsigned __int128)be64toh(address[0]) << 64 | be64toh(address[1]);
    unsigned __int128 destination =
        (unsigned __int128)be64toh(address[2]) << 64 | be64toh(address[3]);
    uint32_t ports = be32toh(ends->ports);
    bool back =
        (source > destination) | ((source == destination) & (ports >> 16 > (ports & UINT16_MAX)));
    bool swap = back & !uniflow;
    uint32_t key_ports = (uint32_t)swap_if(swap, ends->ports, 16);

    store64(key->address[0], swap ? address[2] : address[0]);
    store64(key->address[0] + 8, swap ? address[3] : address[1]);
    store64(key->address[1], swap ? address[0] : address[2]);
    store64(key->address[1] + 8, swap ? address[1] : address[3]);
    memcpy(key->port, &key_ports, sizeof(key_ports));
    return swap;
}

static void put_details(struct leat_flow_packet *packet, const struct leat_flow_seen *seen,
                        const struct leat_headers *h) {
    const uint8_t *ether = seen->frame + seen->ether;
    memcpy(packet->mac[0], ether + 6, 6);
    memcpy(packet->mac[1], ether, 6);
    if (h->flags & LEAT_HEADERS_IP6) {
        packet->flow_label = leat_be32(packet->ip) & 0xfffff;
        packet->ip_options = leat_flow_ip6_extensions(seen->frame, h);
    } else if (h->flags & LEAT_HEADERS_OPTIONS) {
        packet->ip_options = leat_flow_ip4_options(packet->ip);
    }
    if (packet->l4 && h->protocol == LEAT_PROTO_TCP && packet->l4_bytes > 20)
        leat_flow_tcp_options(packet->l4, packet->l4_bytes, packet);
}

static inline void put_transport(struct leat_flow_packet *packet, const struct leat_flow_seen *seen,
                                 const struct leat_headers *h) {
    const uint8_t *l4 = seen->frame + h->l4;
    uint32_t end = h->end < seen->captured ? h->end : seen->captured;
    packet->flags |= LEAT_FLOW_L4;
    packet->l4 = l4;
    packet->l4_bytes = (uint16_t)(h->payload - h->l4);
    packet->payload = seen->frame + h->payload;
    packet->payload_here = end - h->payload;
    packet->payload_bytes = h->end - h->payload;
    if (h->protocol == LEAT_PROTO_TCP) {
        packet->tcp_flags = leat_be16(l4 + 12) & 0x1ff;
        packet->tcp_window = leat_be16(l4 + 14);
    } else if (is_icmp(h->protocol)) {
        packet->icmp_type_code = leat_be16(l4);
    }
}

static void put_fragment(struct leat_flow_packet *packet, const struct leat_headers *h,
                         const struct ends *ends) {
    packet->flags |= LEAT_FLOW_FRAGMENT;
    if (h->flags & LEAT_HEADERS_IP6 && !(h->flags & LEAT_HEADERS_LAST))
        packet->fragment_flags = 0x20;
    if (!(h->flags & LEAT_HEADERS_LATER))
        return;
    packet->flags |= LEAT_FLOW_LATER;
    if (has_ports(ends->protocol) || is_icmp(ends->protocol))
        packet->payload_bytes = h->end - h->payload;
}

/* What not every packet has. Field by field: for all 136 bytes at once compilers choose a string
 * instruction, which costs more than all the rest. */
static inline void clear(struct leat_flow_packet *packet) {
    packet->l4 = NULL;
    packet->payload = NULL;
    packet->payload_here = 0;
    packet->payload_bytes = 0;
    packet->l4_bytes = 0;
    packet->tcp_flags = 0;
    packet->tcp_window = 0;
    packet->fragment_flags = 0;
    packet->ip_options = 0;
    packet->flow_label = 0;
    packet->tcp_options = 0;
    packet->tcp_options_high = 0;
    packet->icmp_type_code = 0;
    memset(packet->mac, 0, sizeof(packet->mac));
}

void leat_flow_packet_put(struct leat_flow_packet *packet, const struct leat_flow_seen *seen,
                          const struct leat_headers *h, const struct leat_flow_decode_opts *opts,
                          struct leat_flow_fragments *fragments) {
    const uint8_t *ip = seen->frame + h->l3;
    struct ends ends = ends_of(seen->frame, h);
    if (h->flags & LEAT_HEADERS_FRAGMENT)
        share_ends(fragments, seen, h, &ends);

    clear(packet);
    packet->time_ns = seen->time_ns;
    packet->ip = ip;
    packet->octets = h->end - h->l3;
    packet->frame_octets = seen->frame_octets;
    packet->flags = h->end > seen->captured ? LEAT_FLOW_TRUNCATED : 0;
    packet->scope = seen->places.scope;
    if (h->flags & LEAT_HEADERS_IP4) {
        struct leat_flow_key4 *key = &packet->key4;
        packet->side = key4(key, ip, &ends, opts->uniflow);
        packet->tos = ip[1];
        packet->ttl = ip[8];
        packet->fragment_flags = ip[6] & 0xe0;
        key->protocol = ends.protocol;
        key->scope = seen->places.key & LEAT_FLOW_SCOPES_MAX;
    } else {
        struct leat_flow_key6 *key = &packet->key6;
        packet->flags |= LEAT_FLOW_IP6;
        packet->side = key6(key, ip, &ends, opts->uniflow);
        packet->tos = (uint8_t)(leat_be16(ip) >> 4);
        packet->ttl = ip[7];
        key->protocol = ends.protocol;
        key->scope = seen->places.key & LEAT_FLOW_SCOPES_MAX;
    }
    if (h->flags & LEAT_HEADERS_L4)
        put_transport(packet, seen, h);
    if (h->flags & LEAT_HEADERS_FRAGMENT)
        put_fragment(packet, h, &ends);
    if (opts->details)
        put_details(packet, seen, h);
}
