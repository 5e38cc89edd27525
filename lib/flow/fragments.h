/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Later fragments have no ports: they are remembered from the first one of their datagram, so that
 * all join one flow. A later fragment that comes before the first is metered without ports.
 */
#ifndef LEAT_FLOW_FRAGMENTS_H
#define LEAT_FLOW_FRAGMENTS_H

#include "packet.h"

struct leat_flow_fragments;
int leat_flow_fragments_create(struct leat_flow_fragments **fragments, uint32_t datagrams,
                               uint64_t timeout_ns, uint64_t seed);
void leat_flow_fragments_destroy(struct leat_flow_fragments *fragments);

/* What the pieces of one datagram have in common (RFC 791, 3.2; RFC 8200, 4.5). */
struct leat_flow_fragment_id {
    uint8_t address[2][16]; /* source and destination; IPv4 in the first 4, the rest zero */
    uint32_t id;            /* as on the wire */
    uint8_t version;        /* 4 or 6 */
    uint8_t protocol;       /* of the IPv4 header; 0 with IPv6, whose pieces need not agree on it */
    uint8_t reserved[2];
};

_Static_assert(sizeof(struct leat_flow_fragment_id) == 40, "no holes: hashed as bytes");

/* What the first fragment tells of the others: the key's ports of source and destination, and the
 * protocol behind all extension headers. */
struct leat_flow_fragment_ports {
    uint16_t port[2]; /* network order */
    uint8_t protocol;
};

/* From the first fragment. The table is a cache: where it is full, the oldest makes way. */
void leat_flow_fragments_note(struct leat_flow_fragments *fragments,
                              const struct leat_flow_fragment_id *id,
                              const struct leat_flow_fragment_ports *ports, uint64_t time_ns);

/* For a later one; NULL: the first was not seen, or longer ago than the timeout. */
const struct leat_flow_fragment_ports *
leat_flow_fragments_find(const struct leat_flow_fragments *fragments,
                         const struct leat_flow_fragment_id *id, uint64_t time_ns);

#endif
