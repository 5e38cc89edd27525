/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a packet is written out when it is known where its headers lie: inline, for each of the roads
 * that lead here knows some of it beforehand. Which end of a packet is the lower one is as good as
 * random, so the canonical order is made without a branch on it.
 */
#ifndef LEAT_FLOW_DECODE_PUT_H
#define LEAT_FLOW_DECODE_PUT_H

#include "decode_packet.h"
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

/* The bits in which two things differ, or none: added (exclusively) to both, they change places. */
static inline uint64_t difference_if(bool swap, uint64_t a, uint64_t b) {
    return (a ^ b) & -(uint64_t)swap;
}

/* Halves of a word change places; the same in either byte order. */
static inline uint64_t swap_if(bool swap, uint64_t word, uint32_t half_bits) {
    uint64_t half = (UINT64_C(1) << half_bits) - 1;
    uint64_t difference = difference_if(swap, word & half, word >> half_bits);
    return word ^ difference ^ difference << half_bits;
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

    for (uint32_t i = 0; i < 2; i++) {
        uint64_t difference = difference_if(swap, address[i], address[2 + i]);
        store64(key->address[0] + 8 * i, address[i] ^ difference);
        store64(key->address[1] + 8 * i, address[2 + i] ^ difference);
    }
    memcpy(key->port, &key_ports, sizeof(key_ports));
    return swap;
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

/* What not every packet has. Field by field: for all 136 bytes at once compilers choose a string
 * instruction, which costs more than all the rest. */
static inline void clear_packet(struct leat_flow_packet *packet) {
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

/* All of `packet` but what is said of fragments and in details. */
static inline void put_headers(struct leat_flow_packet *packet, const struct leat_flow_seen *seen,
                               const struct leat_headers *h, const struct ends *ends,
                               bool uniflow) {
    const uint8_t *ip = seen->frame + h->l3;
    clear_packet(packet);
    packet->time_ns = seen->time_ns;
    packet->ip = ip;
    packet->octets = h->end - h->l3;
    packet->frame_octets = seen->frame_octets;
    packet->flags = h->end > seen->captured ? LEAT_FLOW_TRUNCATED : 0;
    packet->scope = seen->places.scope;
    if (h->flags & LEAT_HEADERS_IP4) {
        struct leat_flow_key4 *key = &packet->key4;
        packet->side = key4(key, ip, ends, uniflow);
        packet->tos = ip[1];
        packet->ttl = ip[8];
        packet->fragment_flags = ip[6] & 0xe0;
        key->protocol = ends->protocol;
        key->scope = seen->places.key & LEAT_FLOW_SCOPES_MAX;
    } else {
        struct leat_flow_key6 *key = &packet->key6;
        packet->flags |= LEAT_FLOW_IP6;
        packet->side = key6(key, ip, ends, uniflow);
        packet->tos = (uint8_t)(leat_be16(ip) >> 4);
        packet->ttl = ip[7];
        key->protocol = ends->protocol;
        key->scope = seen->places.key & LEAT_FLOW_SCOPES_MAX;
    }
    if (h->flags & LEAT_HEADERS_L4)
        put_transport(packet, seen, h);
}

#endif
