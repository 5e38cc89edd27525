/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short road: TCP or UDP right behind an IP header without options or extension headers, right
 * behind Ethernet; whole, all there, and no tunnel's. That is nearly every frame, and one look at
 * fixed places tells.
 */
#ifndef LEAT_FLOW_DECODE_PLAIN_H
#define LEAT_FLOW_DECODE_PLAIN_H

#include "decode_put.h"

#define PLAIN_IP 14u /* behind the Ethernet header */

/* Whether the frame is such a one, with the ether type of IPv4 or IPv6; then `h` is what
 * leat_parse() would find, as far as a packet is made of it. */
static inline __attribute__((always_inline)) bool
plain_headers(const uint8_t *frame, uint32_t captured, bool ip6, struct leat_headers *h) {
    const uint8_t *ip = frame + PLAIN_IP;
    const uint32_t l4 = PLAIN_IP + (ip6 ? 40 : 20);
    if (captured < l4 + 20) /* a little more than UDP needs */
        return false;
    if (ip6 ? ip[0] >> 4 != 6 : ip[0] != 0x45 || load16(ip + 6) & htobe16(0x3fff))
        return false;
    uint32_t end = ip6 ? l4 + leat_be16(ip + 4) : PLAIN_IP + leat_be16(ip + 2);
    uint32_t protocol = ip[ip6 ? 6 : 9], l4_bytes = 8;
    if (protocol == LEAT_PROTO_TCP)
        l4_bytes = (frame[l4 + 12] >> 4) * 4u;
    else if (protocol != LEAT_PROTO_UDP)
        return false;
    if (end > captured)
        return false;
    uint32_t length = protocol == LEAT_PROTO_UDP ? leat_be16(frame + l4 + 4) : l4_bytes;
    if (length < (protocol == LEAT_PROTO_UDP ? 8u : 20u) || l4 + length > end)
        return false;
    *h = (struct leat_headers){
        .end = end,
        .l3 = PLAIN_IP,
        .l4 = (uint16_t)l4,
        .payload = (uint16_t)(l4 + l4_bytes),
        .flags = (ip6 ? LEAT_HEADERS_IP6 : LEAT_HEADERS_IP4) | LEAT_HEADERS_L4,
        .protocol = (uint8_t)protocol,
    };
    return true;
}

/* Writes the packet if the frame is of this kind. Where `ip6` is a constant, so are the places of
 * all that is read. */
static inline __attribute__((always_inline)) bool
put_plain(const struct leat_flow_decode_opts *opts, const struct leat_flow_seen *seen, bool ip6,
          struct leat_flow_packet *packet) {
    struct leat_headers h;
    if (!plain_headers(seen->frame, seen->captured, ip6, &h))
        return false;
    if (h.protocol == LEAT_PROTO_UDP &&
        leat_flow_tunnel_port(opts, leat_be16(seen->frame + h.l4 + 2)))
        return false;
    const struct ends ends = { load32(seen->frame + h.l4), h.protocol };
    put_headers(packet, seen, &h, &ends, opts->uniflow);
    return true;
}

#endif
