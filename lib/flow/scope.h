/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers for scopes (flow.h): what surrounds an IP packet is looked up once a packet that has any
 * of it, so that keys and records hold three bytes in place of eighty. Number 0 is plain Ethernet
 * on interface 0.
 *
 * A number lasts as long as it is held: a flow holds its key's, a record that of where it was seen.
 * What nobody holds is given again after leat_flow_scopes_reclaim() has come by; that is called
 * between batches, so that a packet may carry a number which nobody holds yet.
 */
#ifndef LEAT_FLOW_SCOPE_H
#define LEAT_FLOW_SCOPE_H

#include "flow.h"

#define LEAT_FLOW_SCOPE_BITS 24
#define LEAT_FLOW_SCOPES_MAX ((1u << LEAT_FLOW_SCOPE_BITS) - 1)

/* Where `flows` flows hold the numbers, so many do for all that they and a batch of packets can
 * need: two a flow, as many again that wait to be reclaimed, and those of the batch. */
#define LEAT_FLOW_SCOPES_OF(flows) (4 * (uint64_t)(flows) + 4096)

struct leat_flow_scopes;
/* `most` numbers at a time beside 0, cut to LEAT_FLOW_SCOPES_MAX. */
int leat_flow_scopes_create(struct leat_flow_scopes **scopes, uint64_t most, uint64_t seed);
void leat_flow_scopes_destroy(struct leat_flow_scopes *scopes);

/* The number of a scope, or -1 when all are taken. What its counts do not cover is zero. */
int leat_flow_scopes_number(struct leat_flow_scopes *scopes, const struct leat_flow_scope *scope);
const struct leat_flow_scope *leat_flow_scopes_get(const struct leat_flow_scopes *scopes,
                                                   uint32_t number);

void leat_flow_scopes_hold(struct leat_flow_scopes *scopes, uint32_t number);
void leat_flow_scopes_release(struct leat_flow_scopes *scopes, uint32_t number);

/* Looks at some numbers, more than were given since the last time, and frees those that are not
 * held. */
void leat_flow_scopes_reclaim(struct leat_flow_scopes *scopes);

/* Numbers that stand for a scope now, beside 0. */
uint32_t leat_flow_scopes_count(const struct leat_flow_scopes *scopes);

/* "gre", "vxlan" ...; NULL beyond the last one. Static storage. */
const char *leat_flow_tunnel_name(enum leat_flow_tunnel tunnel);

#endif
