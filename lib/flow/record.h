/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow record as the cache keeps it: one cache line for IPv4, two for IPv6, which is all that a
 * packet of the flow's first side touches.
 *
 *   IPv4:  | key 16 | sum 48 |            IPv6:  | key 40 | sum 48 | 40 free |
 *
 * The sum in it is of the side that was seen first; the other side's lies aside (cache_private.h).
 */
#ifndef LEAT_FLOW_RECORD_H
#define LEAT_FLOW_RECORD_H

#include "packet.h"
#include <stddef.h>

enum leat_flow_state {
    LEAT_FLOW_SIDE = 1 << 0,      /* the side seen first is side 1 of the canonical key */
    LEAT_FLOW_LIVE = 1 << 1,      /* the record counts packets; else the flow's last one was cut */
    LEAT_FLOW_BACK = 1 << 2,      /* the other side has a sum, too */
    LEAT_FLOW_CONTINUED = 1 << 3, /* not the flow's first record */
    LEAT_FLOW_FIN = 1 << 4,       /* of the first side ... */
    LEAT_FLOW_FIN_BACK = 1 << 5,  /* ... of the other */
    LEAT_FLOW_CLOSED = 1 << 6,    /* TCP is over, but for late packets */

    LEAT_FLOW_STAYS = LEAT_FLOW_SIDE | LEAT_FLOW_FIN | LEAT_FLOW_FIN_BACK | LEAT_FLOW_CLOSED,
};

/* What one side's packets add up to. */
struct leat_flow_sum {
    uint64_t octets;
    uint64_t first_ns; /* in the record: of the record, whichever side began it */
    uint64_t last_ns;
    uint32_t packets;
    uint32_t link_octets;   /* of frames, around the IP packets */
    uint32_t header_octets; /* of IP packets, before the payload */
    uint16_t tcp_flags, tcp_flags_first;
    uint8_t ttl_min, ttl_max, tos, fragment_flags;
    uint32_t state : 8;  /* of the record: LEAT_FLOW_* */
    uint32_t scope : 24; /* of the record's first packet; held while it is LIVE */
};

struct leat_flow_record4 {
    struct leat_flow_key4 key;
    struct leat_flow_sum sum;
};

struct leat_flow_record6 {
    struct leat_flow_key6 key;
    struct leat_flow_sum sum;
    uint8_t reserved[40];
};

_Static_assert(sizeof(struct leat_flow_record4) == 64, "one cache line");
_Static_assert(sizeof(struct leat_flow_record6) == 128, "two cache lines");

/* Begins a side with its first packet, which is still to be added. */
static inline void leat_flow_sum_begin(struct leat_flow_sum *sum,
                                       const struct leat_flow_packet *packet) {
    sum->octets = 0;
    sum->first_ns = sum->last_ns = packet->time_ns;
    sum->packets = sum->link_octets = sum->header_octets = 0;
    sum->tcp_flags = sum->tcp_flags_first = packet->tcp_flags;
    sum->ttl_min = sum->ttl_max = packet->ttl;
    sum->tos = packet->tos;
    sum->fragment_flags = 0;
}

static inline int64_t leat_flow_since(uint64_t now_ns, uint64_t then_ns) {
    return (int64_t)(now_ns - then_ns); /* below zero: time went backwards */
}

/* Adds a packet. False, and nothing is added: a counter would wrap. */
static inline bool leat_flow_sum_add(struct leat_flow_sum *sum,
                                     const struct leat_flow_packet *packet) {
    uint32_t around =
        packet->frame_octets > packet->octets ? packet->frame_octets - packet->octets : 0;
    uint32_t before =
        packet->octets > packet->payload_bytes ? packet->octets - packet->payload_bytes : 0;
    uint32_t packets, link_octets, header_octets;
    if (__builtin_expect((int)__builtin_add_overflow(sum->packets, 1, &packets) |
                             __builtin_add_overflow(sum->link_octets, around, &link_octets) |
                             __builtin_add_overflow(sum->header_octets, before, &header_octets),
                         0))
        return false;
    sum->packets = packets;
    sum->link_octets = link_octets;
    sum->header_octets = header_octets;
    sum->octets += packet->octets;
    if (leat_flow_since(packet->time_ns, sum->last_ns) > 0)
        sum->last_ns = packet->time_ns;
    if (leat_flow_since(packet->time_ns, sum->first_ns) < 0)
        sum->first_ns = packet->time_ns;
    sum->tcp_flags |= packet->tcp_flags;
    sum->fragment_flags |= packet->fragment_flags;
    sum->ttl_min = packet->ttl < sum->ttl_min ? packet->ttl : sum->ttl_min;
    sum->ttl_max = packet->ttl > sum->ttl_max ? packet->ttl : sum->ttl_max;
    return true;
}

#endif
