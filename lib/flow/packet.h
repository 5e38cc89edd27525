/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a packet is to the flow meter: the key of its flow, and what it adds to the record. Decoded
 * once (decode.h), then only this is looked at.
 */
#ifndef LEAT_FLOW_PACKET_H
#define LEAT_FLOW_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/* The five-tuple in canonical order: the lower of (address, port) first, so that both directions of
 * a connection have one key; `side` of the packet says which way it went. With uniflow records the
 * order is that of the packet. Addresses and ports are in network order. `scope` stands for what
 * else the user put into the key (VLAN, MPLS label, ToS, tunnel, interface): a number of scope.h;
 * 0: nothing. ICMP: the port of an end is type * 256 + code of what it receives: of a query (echo,
 * timestamp ...) at one end, and of its answer at the other, so that both meet; of any other
 * message at the receiver's end, and 0 at the sender's. Fragments without a known first one, and
 * protocols without ports: 0. */
struct leat_flow_key4 {
    uint32_t address[2];
    uint16_t port[2];
    uint32_t protocol : 8;
    uint32_t scope : 24;
};

struct leat_flow_key6 {
    uint8_t address[2][16];
    uint16_t port[2];
    uint32_t protocol : 8;
    uint32_t scope : 24;
};

_Static_assert(sizeof(struct leat_flow_key4) == 16, "a quarter of a cache line");
_Static_assert(sizeof(struct leat_flow_key6) == 40, "");

enum leat_flow_packet_flags {
    LEAT_FLOW_IP6 = 1 << 0,       /* key6, not key4 */
    LEAT_FLOW_FRAGMENT = 1 << 1,  /* part of a datagram */
    LEAT_FLOW_LATER = 1 << 2,     /* and not its first: the transport header is elsewhere */
    LEAT_FLOW_L4 = 1 << 3,        /* `l4` and `payload` are valid */
    LEAT_FLOW_INNER = 1 << 4,     /* of a packet inside a tunnel */
    LEAT_FLOW_TRUNCATED = 1 << 5, /* captured in part: `payload_here` < `payload_bytes` */
};

struct leat_flow_packet {
    union {
        struct leat_flow_key4 key4;
        struct leat_flow_key6 key6;
    };
    uint64_t time_ns;       /* CLOCK_REALTIME, or the capture's */
    const uint8_t *ip;      /* the network header, in the frame's buffer */
    const uint8_t *l4;      /* the transport header, with L4 */
    const uint8_t *payload; /* behind it */
    uint32_t payload_here;  /* of these bytes, so many may be read */
    uint32_t octets;        /* IP header and payload, by the IP header (octetDeltaCount) */
    uint32_t frame_octets;  /* the whole frame, without FCS (layer2OctetDeltaCount) */
    uint32_t payload_bytes; /* behind the transport header, of LATER all behind the IP header; 0 of
                               protocols without a transport header known here */
    uint16_t l4_bytes;      /* of the transport header */
    uint16_t flags;         /* LEAT_FLOW_* */
    uint16_t tcp_flags;     /* 9 bits, RFC 9565 */
    uint16_t tcp_window;
    uint32_t scope; /* where it was seen, whether in the key or not */
    uint8_t side;   /* 0: from address[0] to address[1] of the key; 1: back */
    uint8_t ttl, tos;
    uint8_t fragment_flags; /* of IPv4: R 0x80, DF 0x40, MF 0x20 (fragmentFlags); of IPv6 MF */
    uint32_t ip_options;    /* as in struct leat_flow_notes, like TCP's */
    uint32_t flow_label;
    uint64_t tcp_options;
    uint16_t tcp_options_high;
    uint16_t icmp_type_code; /* type * 256 + code */
    uint8_t mac[2][6];       /* source, destination */
};

#endif
