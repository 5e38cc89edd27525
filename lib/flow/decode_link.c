/* SPDX-License-Identifier: BSD-2-Clause */
/* From a link header to the IP header: VLAN tags, MPLS label stacks, PPPoE sessions. */
#include "decode_walk.h"
#include <string.h>

static void keep_tags(struct leat_flow_walk *walk) {
    const struct leat_headers *h = &walk->headers;
    struct leat_flow_scope *scope = &walk->scope;
    for (uint32_t i = 0; i < h->vlan_count && scope->vlan_count < LEAT_TAGS_MAX; i++)
        scope->vlan_tci[scope->vlan_count++] = h->vlan_tci[i];
}

/* Whether the payload of a label stack's bottom that starts with a control word (RFC 4448, 4.6) is
 * an Ethernet frame: its type has to be one that is known here. */
static bool is_pseudowire(const uint8_t *word) {
    switch (leat_be16(word + 4 + 12)) {
    case LEAT_ETHER_IP4:
    case LEAT_ETHER_IP6:
    case LEAT_ETHER_ARP:
    case LEAT_ETHER_VLAN:
    case LEAT_ETHER_QINQ:
    case LEAT_ETHER_QINQ_OLD:
    case LEAT_ETHER_MPLS:
    case LEAT_ETHER_PPPOE:
        return true;
    default:
        return false;
    }
}

/* Nothing in a label stack says what it carries: its first four bits tell IP versions, and a
 * control word (zero) a pseudo-wire (RFC 4385, 3; RFC 4928). */
static int behind_labels(struct leat_flow_walk *walk) {
    int err = leat_flow_walk_need(walk, walk->offset, 1);
    if (err)
        return err;
    switch (walk->frame[walk->offset] >> 4) {
    case 4:
        walk->start = LEAT_FLOW_START_IP4;
        return 0;
    case 6:
        walk->start = LEAT_FLOW_START_IP6;
        return 0;
    case 0:
        err = leat_flow_walk_need(walk, walk->offset, 4 + 14);
        if (err)
            return err;
        if (!is_pseudowire(walk->frame + walk->offset))
            return -1 - LEAT_FLOW_SKIP_NOT_IP;
        walk->start = LEAT_FLOW_START_ETHERNET;
        walk->offset += 4;
        return 0;
    default:
        return -1 - LEAT_FLOW_SKIP_NOT_IP;
    }
}

/* RFC 3032, 2.1. */
static int pass_labels(struct leat_flow_walk *walk) {
    struct leat_flow_scope *scope = &walk->scope;
    for (uint32_t i = 0; i < LEAT_FLOW_LABELS_DEEP; i++) {
        int err = leat_flow_walk_need(walk, walk->offset, 4);
        if (err)
            return err;
        uint32_t label = leat_be32(walk->frame + walk->offset) >> 8; /* without its TTL */
        walk->offset += 4;
        if (scope->label_count < LEAT_FLOW_LABELS_MAX)
            scope->label[scope->label_count++] = label;
        if (label & 1) /* bottom of the stack */
            return behind_labels(walk);
    }
    return -1 - LEAT_FLOW_SKIP_TOO_DEEP;
}

/* RFC 2516, 4; RFC 1661, 2 for the protocol, one byte of which may be left out (6.5). */
static int pass_pppoe(struct leat_flow_walk *walk) {
    int err = leat_flow_walk_need(walk, walk->offset, 6 + 1);
    if (err)
        return err;
    const uint8_t *pppoe = walk->frame + walk->offset;
    uint32_t length = leat_be16(pppoe + 4);
    if (pppoe[0] != 0x11 || pppoe[1] != 0 || length > walk->limit - walk->offset - 6)
        return -1 - LEAT_FLOW_SKIP_MALFORMED;
    walk->scope.pppoe_session = leat_be16(pppoe + 2);
    walk->offset += 6;
    walk->limit = walk->offset + length;

    uint32_t protocol_bytes = pppoe[6] & 1 ? 1 : 2;
    err = leat_flow_walk_need(walk, walk->offset, protocol_bytes);
    if (err)
        return err;
    uint32_t protocol = protocol_bytes == 1 ? pppoe[6] : leat_be16(pppoe + 6);
    walk->offset += protocol_bytes;
    switch (protocol) {
    case 0x0021:
        walk->start = LEAT_FLOW_START_IP4;
        return 0;
    case 0x0057:
        walk->start = LEAT_FLOW_START_IP6;
        return 0;
    case 0x0281:
        walk->start = LEAT_FLOW_START_MPLS;
        return 0;
    default:
        return -1 - LEAT_FLOW_SKIP_NOT_IP;
    }
}

static int skip_of(const struct leat_flow_walk *walk) {
    switch (walk->headers.problem) {
    case LEAT_PROBLEM_ARP_TRUNCATED:
        return -1 - LEAT_FLOW_SKIP_NOT_IP;
    case LEAT_PROBLEM_OUT_OF_REACH:
    case LEAT_PROBLEM_TAGS:
    case LEAT_PROBLEM_IP6_EXTENSIONS:
        return -1 - LEAT_FLOW_SKIP_TOO_DEEP;
    case LEAT_PROBLEM_ETHER_TRUNCATED:
    case LEAT_PROBLEM_TAG_TRUNCATED:
    case LEAT_PROBLEM_IP4_TRUNCATED:
    case LEAT_PROBLEM_IP6_TRUNCATED:
    case LEAT_PROBLEM_L4_TRUNCATED:
        if (walk->captured < walk->limit)
            return -1 - LEAT_FLOW_SKIP_TRUNCATED;
        return -1 - LEAT_FLOW_SKIP_MALFORMED; /* nothing was cut off: it never was whole */
    default:
        return -1 - LEAT_FLOW_SKIP_MALFORMED;
    }
}

/* Ethernet, IPv4 or IPv6, and whatever follows up to the transport. */
static int parse(struct leat_flow_walk *walk) {
    struct leat_headers *h = &walk->headers;
    const uint8_t *end =
        walk->frame + (walk->captured < walk->limit ? walk->captured : walk->limit);
    bool ethernet = walk->start == LEAT_FLOW_START_ETHERNET;

    leat_parse_at(walk->frame, end, walk->offset, (enum leat_next)walk->start, h);
    keep_tags(walk);
    if (ethernet)
        walk->ether = walk->offset;
    if (!h->problem && h->end > walk->limit)
        return -1 - LEAT_FLOW_SKIP_MALFORMED;
    return h->problem ? skip_of(walk) : 0;
}

int leat_flow_walk_to_ip(struct leat_flow_walk *walk) {
    for (uint32_t i = 0; i < LEAT_FLOW_LINKS_MAX; i++) {
        int err;
        switch (walk->start) {
        case LEAT_FLOW_START_MPLS:
            err = pass_labels(walk);
            break;
        case LEAT_FLOW_START_PPPOE:
            err = pass_pppoe(walk);
            break;
        default:
            err = parse(walk);
            if (err || walk->headers.flags & (LEAT_HEADERS_IP4 | LEAT_HEADERS_IP6))
                return err;
            if (walk->headers.next != LEAT_NEXT_MPLS && walk->headers.next != LEAT_NEXT_PPPOE)
                return -1 - LEAT_FLOW_SKIP_NOT_IP;
            walk->start = (enum leat_flow_start)walk->headers.next;
            walk->offset = walk->headers.payload;
        }
        if (err)
            return err;
    }
    return -1 - LEAT_FLOW_SKIP_TOO_DEEP;
}
