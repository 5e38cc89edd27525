/* SPDX-License-Identifier: BSD-2-Clause */
/* From the places of a packet's headers to what the meter counts. */
#ifndef LEAT_FLOW_DECODE_PACKET_H
#define LEAT_FLOW_DECODE_PACKET_H

#include "decode.h"
#include <leat/parse.h>

struct leat_flow_places { /* numbers of scopes */
    uint32_t scope;       /* where the packet was seen */
    uint32_t key;         /* what of it is in the key, with the ToS if that is, too */
};

/* The frame that a packet came in. */
struct leat_flow_seen {
    const uint8_t *frame;
    uint32_t captured, frame_octets;
    uint64_t time_ns;
    uint32_t ether; /* where its Ethernet header is */
    struct leat_flow_places places;
};

/* Whether UDP to that port carries packets. */
static inline bool leat_flow_tunnel_port(const struct leat_flow_decode_opts *opts, uint16_t port) {
    return port == opts->vxlan_port || port == opts->geneve_port || port == opts->gtpu_port;
}

/* Writes all of `packet` but INNER of its flags. `h` has no problem and ends within what surrounds
 * it; its headers are captured whole. */
void leat_flow_packet_put(struct leat_flow_packet *packet, const struct leat_flow_seen *seen,
                          const struct leat_headers *h, const struct leat_flow_decode_opts *opts,
                          struct leat_flow_fragments *fragments);

#endif
