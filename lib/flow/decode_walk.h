/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow road of decoding: a walk through a frame's tags, labels and tunnels, header by header.
 *
 *   frame |        next header at `offset`         |      limit      |
 *         |<------------ captured: may be read ----------->|         len
 *
 * `limit` is where the innermost thing around the next header ends on the wire: the frame, then a
 * PPPoE session's payload, then a tunnel's packet. What is beyond it does not exist; what is beyond
 * `captured` was there, but cannot be read.
 */
#ifndef LEAT_FLOW_DECODE_WALK_H
#define LEAT_FLOW_DECODE_WALK_H

#include "decode.h"
#include <leat/parse.h>

#define LEAT_FLOW_DEPTH_MAX   4  /* tunnels inside each other */
#define LEAT_FLOW_LABELS_DEEP 16 /* labels of one stack that are followed */
#define LEAT_FLOW_LINKS_MAX   8  /* link headers, label stacks and sessions before an IP header */

enum leat_flow_start { /* what lies at `offset` */
                       LEAT_FLOW_START_ETHERNET = LEAT_NEXT_ETHERNET,
                       LEAT_FLOW_START_IP4 = LEAT_NEXT_IP4,
                       LEAT_FLOW_START_IP6 = LEAT_NEXT_IP6,
                       LEAT_FLOW_START_MPLS = LEAT_NEXT_MPLS,
                       LEAT_FLOW_START_PPPOE = LEAT_NEXT_PPPOE,
};

struct leat_flow_walk {
    const uint8_t *frame;
    uint32_t captured, limit, offset;
    uint32_t ether; /* the Ethernet header passed last */
    uint32_t depth; /* tunnels entered */
    enum leat_flow_start start;
    struct leat_flow_scope scope; /* of what was passed */
    struct leat_headers headers;  /* of the IP packet reached */
};

/* 0 when `bytes` at `offset` may be read, else -1 - enum leat_flow_skip. */
static inline int leat_flow_walk_need(const struct leat_flow_walk *walk, uint32_t offset,
                                      uint32_t bytes) {
    if (offset > walk->limit || bytes > walk->limit - offset)
        return -1 - LEAT_FLOW_SKIP_MALFORMED;
    if (offset > walk->captured || bytes > walk->captured - offset)
        return -1 - LEAT_FLOW_SKIP_TRUNCATED;
    return 0;
}

/* To the next IP packet. 0 and `headers`, or -1 - enum leat_flow_skip. */
int leat_flow_walk_to_ip(struct leat_flow_walk *walk);

/* Whether the packet reached is a tunnel that can be followed; then the walk stands inside. */
bool leat_flow_walk_enter(struct leat_flow_walk *walk, const struct leat_flow_decode_opts *opts);

/* Options of a packet without a problem, as in struct leat_flow_notes. */
uint32_t leat_flow_ip4_options(const uint8_t *ip);
uint32_t leat_flow_ip6_extensions(const uint8_t *frame, const struct leat_headers *h);
void leat_flow_tcp_options(const uint8_t *tcp, uint32_t header_bytes,
                           struct leat_flow_packet *packet);

#endif
