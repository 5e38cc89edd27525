/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets that carry packets. What looks like a tunnel by protocol or port, but is not whole or
 * carries something else (ARP, keep-alives, signalling), is left alone: it is metered as what it
 * is, an IP packet. So are fragments of a tunnel's packets, which end somewhere inside the packet
 * that is carried.
 */
#include "decode_walk.h"
#include <string.h>

/* What a tunnel's header says. */
struct inside {
    uint32_t offset, limit;
    uint64_t id;
    enum leat_flow_start start;
    enum leat_flow_tunnel tunnel;
};

static bool readable(const struct leat_flow_walk *walk, const struct inside *inside,
                     uint32_t offset, uint32_t bytes) {
    return offset <= inside->limit && bytes <= inside->limit - offset && offset <= walk->captured &&
           bytes <= walk->captured - offset;
}

static bool start_of(uint32_t ether_type, enum leat_flow_start *start) {
    switch (ether_type) {
    case LEAT_ETHER_IP4:
        *start = LEAT_FLOW_START_IP4;
        return true;
    case LEAT_ETHER_IP6:
        *start = LEAT_FLOW_START_IP6;
        return true;
    case LEAT_ETHER_MPLS:
        *start = LEAT_FLOW_START_MPLS;
        return true;
    case 0x6558: /* transparent Ethernet bridging */
        *start = LEAT_FLOW_START_ETHERNET;
        return true;
    default:
        return false;
    }
}

/* RFC 2784 with RFC 2890's key and sequence number. With source routes (RFC 1701) or as version 1
 * (PPTP, RFC 2637) it is data. */
static bool enter_gre(const struct leat_flow_walk *walk, struct inside *inside) {
    const uint8_t *gre = walk->frame + inside->offset;
    if (!readable(walk, inside, inside->offset, 4))
        return false;
    uint32_t flags = leat_be16(gre);
    bool checksum = flags & 0x8000, key = flags & 0x2000, sequence = flags & 0x1000;
    uint32_t bytes = 4 + 4u * (checksum + key + sequence);
    if (flags & 0x4007 || !readable(walk, inside, inside->offset, bytes) ||
        !start_of(leat_be16(gre + 2), &inside->start))
        return false;
    if (key)
        inside->id = leat_be32(gre + (checksum ? 8 : 4));
    inside->offset += bytes;
    inside->tunnel = LEAT_FLOW_TUNNEL_GRE;
    return true;
}

/* RFC 7348, 5: the flag says that there is a VNI. */
static bool enter_vxlan(const struct leat_flow_walk *walk, struct inside *inside) {
    const uint8_t *vxlan = walk->frame + inside->offset;
    if (!readable(walk, inside, inside->offset, 8) || !(vxlan[0] & 0x08))
        return false;
    inside->id = leat_be32(vxlan + 4) >> 8;
    inside->offset += 8;
    inside->start = LEAT_FLOW_START_ETHERNET;
    inside->tunnel = LEAT_FLOW_TUNNEL_VXLAN;
    return true;
}

/* RFC 8926, 3.4: control packets (O) are for the tunnel's end. */
static bool enter_geneve(const struct leat_flow_walk *walk, struct inside *inside) {
    const uint8_t *geneve = walk->frame + inside->offset;
    if (!readable(walk, inside, inside->offset, 8))
        return false;
    uint32_t bytes = 8 + (geneve[0] & 0x3fu) * 4;
    if (geneve[0] >> 6 || geneve[1] & 0x80 || !readable(walk, inside, inside->offset, bytes) ||
        !start_of(leat_be16(geneve + 2), &inside->start))
        return false;
    inside->id = leat_be32(geneve + 4) >> 8;
    inside->offset += bytes;
    inside->tunnel = LEAT_FLOW_TUNNEL_GENEVE;
    return true;
}

#define GTPU_EXTENSIONS_MAX 8

/* 3GPP TS 29.281, 5.1: with any of E, S and PN there are four more bytes; with E the last of them
 * is the type of the first extension header (5.2.1), each of which is so many times four bytes long
 * and ends with the type of the next. Only a G-PDU (255) carries a packet. */
static bool enter_gtpu(const struct leat_flow_walk *walk, struct inside *inside) {
    const uint8_t *frame = walk->frame, *gtp = frame + inside->offset;
    uint32_t at = inside->offset + 8;
    if (!readable(walk, inside, inside->offset, 8) || (gtp[0] & 0xf0) != 0x30 || gtp[1] != 255)
        return false;
    uint32_t length = leat_be16(gtp + 2);
    if (length > inside->limit - at)
        return false;
    inside->limit = at + length;
    inside->id = leat_be32(gtp + 4);
    if (gtp[0] & 0x07) {
        if (!readable(walk, inside, at, 4))
            return false;
        uint32_t type = gtp[0] & 0x04 ? frame[at + 3] : 0;
        at += 4;
        for (uint32_t i = 0; type; i++) {
            if (i == GTPU_EXTENSIONS_MAX || !readable(walk, inside, at, 4))
                return false;
            uint32_t bytes = frame[at] * 4u;
            if (!bytes || !readable(walk, inside, at, bytes))
                return false;
            at += bytes;
            type = frame[at - 1];
        }
    }
    if (!readable(walk, inside, at, 1))
        return false;
    uint32_t version = frame[at] >> 4;
    if (version != 4 && version != 6)
        return false;
    inside->start = version == 4 ? LEAT_FLOW_START_IP4 : LEAT_FLOW_START_IP6;
    inside->offset = at;
    inside->tunnel = LEAT_FLOW_TUNNEL_GTPU;
    return true;
}

static bool enter_udp(const struct leat_flow_walk *walk, const struct leat_flow_decode_opts *opts,
                      struct inside *inside) {
    const uint8_t *udp = walk->frame + walk->headers.l4;
    uint16_t port = leat_be16(udp + 2);
    inside->limit = walk->headers.l4 + (uint32_t)leat_be16(udp + 4);
    if (port == opts->vxlan_port)
        return enter_vxlan(walk, inside);
    if (port == opts->geneve_port)
        return enter_geneve(walk, inside);
    if (port == opts->gtpu_port)
        return enter_gtpu(walk, inside);
    return false;
}

/* RFC 2003, RFC 4213 (6in4), RFC 2473. */
static bool enter_ip(const struct leat_headers *h, struct inside *inside) {
    inside->start = (enum leat_flow_start)h->next;
    inside->tunnel = LEAT_FLOW_TUNNEL_IPIP;
    return true;
}

static bool enter(const struct leat_flow_walk *walk, const struct leat_flow_decode_opts *opts,
                  struct inside *inside) {
    const struct leat_headers *h = &walk->headers;
    if (h->flags & LEAT_HEADERS_FRAGMENT)
        return false;
    switch (h->protocol) {
    case LEAT_PROTO_IP4:
    case LEAT_PROTO_IP6:
        return enter_ip(h, inside);
    case LEAT_PROTO_GRE:
        return enter_gre(walk, inside);
    case LEAT_PROTO_UDP:
        return enter_udp(walk, opts, inside);
    default:
        return false;
    }
}

bool leat_flow_walk_enter(struct leat_flow_walk *walk, const struct leat_flow_decode_opts *opts) {
    const struct leat_headers *h = &walk->headers;
    struct inside inside = { .offset = h->payload, .limit = h->end };
    if (!enter(walk, opts, &inside))
        return false;

    bool ip6 = h->flags & LEAT_HEADERS_IP6;
    const uint8_t *addresses = walk->frame + h->l3 + (ip6 ? 8 : 12);
    uint32_t bytes = ip6 ? 16 : 4;
    struct leat_flow_scope *scope = &walk->scope;
    memset(scope->outer, 0, sizeof(scope->outer));
    memcpy(scope->outer[0], addresses, bytes);
    memcpy(scope->outer[1], addresses + bytes, bytes);
    scope->outer_version = ip6 ? 6 : 4;
    scope->tunnel = (uint8_t)inside.tunnel;
    scope->tunnel_id = inside.id;
    walk->offset = inside.offset;
    walk->limit = inside.limit;
    walk->start = inside.start;
    walk->depth++;
    return true;
}
