/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a frame to what the meter counts: through tags, labels and tunnels to the innermost packet
 * that is wanted, with every length checked against what was captured and against the length around
 * it. A wrong length makes a smaller packet or none, never a read beyond it.
 *
 * Tunnels are followed as long as what they carry can be decoded. What one carries that cannot
 * (ARP, signalling, a fragment, garbage on the port of a tunnel) leaves the tunnel's own packet as
 * the one that is metered. Of more tags or labels than a scope holds, the first are kept.
 */
#ifndef LEAT_FLOW_DECODE_H
#define LEAT_FLOW_DECODE_H

#include "fragments.h"
#include "packet.h"
#include "scope.h"
#include <leat/pool.h>

/* Which packet of a tunnel is metered. */
enum leat_flow_tunnels {
    LEAT_FLOW_TUNNELS_OUTER, /* the tunnel itself is the flow */
    LEAT_FLOW_TUNNELS_INNER, /* what it carries, with the tunnel in the scope; the default */
    LEAT_FLOW_TUNNELS_BOTH,  /* a packet each */
};

enum leat_flow_key_part {
    LEAT_FLOW_KEY_VLAN = 1 << 0,
    LEAT_FLOW_KEY_MPLS = 1 << 1,
    LEAT_FLOW_KEY_TOS = 1 << 2,
    LEAT_FLOW_KEY_INTERFACE = 1 << 3,
    LEAT_FLOW_KEY_TUNNEL = 1 << 4,
};

/* What of a scope is in the key: ids and labels, not the priorities beside them. Without ToS, which
 * is a packet's. */
struct leat_flow_scope leat_flow_scope_key(const struct leat_flow_scope *scope, uint32_t key,
                                           bool uniflow);

struct leat_flow_decode_opts {
    enum leat_flow_tunnels tunnels;
    uint32_t key; /* LEAT_FLOW_KEY_*, beyond the five-tuple */
    bool uniflow; /* keys in the packet's order */
    bool details; /* options of IP and TCP, window, MAC: for LEAT_FLOW_NOTES */
    uint16_t vxlan_port, geneve_port, gtpu_port; /* 0: 4789, 6081, 2152 */
    uint32_t fragments;           /* datagrams in pieces remembered at a time; 0: 8,192 */
    uint64_t fragment_timeout_ns; /* 0: 30 s */
    uint64_t scopes;              /* numbers for them at a time; 0: 65,536 */
};

/* Why a frame is in no flow. Counted by the meter: packets in = packets in flows + these. */
#define LEAT_FLOW_SKIPS(X)                                                                      \
    X(NOT_IP, "not_ip", "neither IPv4 nor IPv6: ARP, LLDP, spanning tree ...")                  \
    X(MALFORMED, "malformed", "a length or field of its headers contradicts the others")        \
    X(TRUNCATED, "truncated", "its headers were not captured whole")                            \
    X(TOO_DEEP, "too_deep", "more tunnels, tags or labels inside each other than are followed") \
    X(SCOPES, "scopes", "more VLANs, labels and tunnels at a time than there are numbers for")  \
    X(NO_ROOM, "no_room", "the table that is shared with the kernel was full (--inline)")

enum leat_flow_skip {
#define LEAT_FLOW_SKIP_ENUM(id, name, meaning) LEAT_FLOW_SKIP_##id,
    LEAT_FLOW_SKIPS(LEAT_FLOW_SKIP_ENUM)
#undef LEAT_FLOW_SKIP_ENUM
        LEAT_FLOW_SKIP_COUNT
};
const char *leat_flow_skip_name(enum leat_flow_skip skip);
const char *leat_flow_skip_meaning(enum leat_flow_skip skip);

/* One worker's; all calls by it. */
struct leat_flow_decoder;
int leat_flow_decoder_create(struct leat_flow_decoder **decoder,
                             const struct leat_flow_decode_opts *opts);
void leat_flow_decoder_destroy(struct leat_flow_decoder *decoder);

#define LEAT_FLOW_DECODED_MAX 2 /* packets of one frame */

/* Decodes a frame of `len` bytes of which `captured` may be read, received at `time_ns` on
 * `interface`; `meta` (or NULL) holds tags that were taken off it. Writes up to
 * LEAT_FLOW_DECODED_MAX packets and returns how many, or -1 - enum leat_flow_skip. The packets
 * point into the frame. */
int leat_flow_decode(struct leat_flow_decoder *decoder, const uint8_t *frame, uint32_t captured,
                     uint32_t len, uint64_t time_ns, uint32_t interface,
                     const struct leat_meta *meta, uint16_t pkt_flags,
                     struct leat_flow_packet *packets);

/* What packets' numbers of scopes stand for. Its owner reclaims numbers between batches. */
struct leat_flow_scopes *leat_flow_decoder_scopes(const struct leat_flow_decoder *decoder);

#endif
