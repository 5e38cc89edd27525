/* SPDX-License-Identifier: BSD-2-Clause */
/* Any packet: what is particular to ICMP and to fragments, and the details. */
#include "decode_put.h"
#include "decode_walk.h"

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

void leat_flow_packet_put(struct leat_flow_packet *packet, const struct leat_flow_seen *seen,
                          const struct leat_headers *h, const struct leat_flow_decode_opts *opts,
                          struct leat_flow_fragments *fragments) {
    struct ends ends = ends_of(seen->frame, h);
    if (h->flags & LEAT_HEADERS_FRAGMENT)
        share_ends(fragments, seen, h, &ends);
    put_headers(packet, seen, h, &ends, opts->uniflow);
    if (h->flags & LEAT_HEADERS_FRAGMENT)
        put_fragment(packet, h, &ends);
    if (opts->details)
        put_details(packet, seen, h);
}
