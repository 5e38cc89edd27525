/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of every decoded packet, whatever its frame: for the unit tests and the fuzz target.
 */
#ifndef TESTS_UNIT_FLOW_SANE_H
#define TESTS_UNIT_FLOW_SANE_H

#include "lib/flow/decode.h"

/* NULL, or what does not hold. */
static inline const char *flow_insane(const struct leat_flow_packet *packet, const uint8_t *frame,
                                      uint32_t captured, uint32_t len) {
    bool ip6 = packet->flags & LEAT_FLOW_IP6;
    uint32_t ip_bytes = ip6 ? 40 : 20, ip = (uint32_t)(packet->ip - frame);
    const uint8_t *end = frame + (captured < len ? captured : len);

    if (packet->ip < frame || packet->ip + ip_bytes > end)
        return "the IP header is outside the frame";
    if (packet->ip[0] >> 4 != (ip6 ? 6 : 4))
        return "not the version that the flags say";
    if (packet->octets < ip_bytes || packet->octets > len - ip)
        return "octets are less than the header or more than the frame holds";
    if (packet->frame_octets < len || packet->frame_octets > len + 8)
        return "frame octets are not the frame's";
    if (packet->payload_bytes > packet->octets - ip_bytes)
        return "more payload than octets";
    if (packet->payload_here > packet->payload_bytes)
        return "more payload is here than there was";
    if (packet->side > 1)
        return "there are two sides";
    if (!(packet->flags & LEAT_FLOW_L4)) {
        if (packet->l4 || packet->payload || packet->payload_here || packet->l4_bytes)
            return "no transport header, but pointers to it";
        return NULL;
    }
    if (packet->flags & LEAT_FLOW_LATER)
        return "a later fragment with a transport header";
    if (packet->l4 < packet->ip + ip_bytes || packet->l4_bytes < 8 ||
        packet->l4 + packet->l4_bytes != packet->payload)
        return "the transport header is not between IP and payload";
    if (packet->payload > end || packet->payload_here > (uint32_t)(end - packet->payload))
        return "payload beyond the frame";
    if ((uint32_t)(packet->payload - packet->ip) + packet->payload_bytes != packet->octets)
        return "headers and payload are not the octets";
    if (packet->payload_here < packet->payload_bytes && !(packet->flags & LEAT_FLOW_TRUNCATED))
        return "payload is missing, but it is not said to be truncated";
    return NULL;
}

#endif
