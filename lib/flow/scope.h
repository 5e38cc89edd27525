/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers for scopes (flow.h): what surrounds an IP packet is looked up once a packet that has any
 * of it, so that keys and records hold two bytes in place of eighty. Number 0 is plain Ethernet on
 * interface 0. Numbers stay until the scopes are destroyed; when all 65,535 are taken, frames of
 * further scopes are skipped and counted (LEAT_FLOW_SKIP_SCOPES).
 */
#ifndef LEAT_FLOW_SCOPE_H
#define LEAT_FLOW_SCOPE_H

#include "flow.h"

struct leat_flow_scopes;
int leat_flow_scopes_create(struct leat_flow_scopes **scopes, uint64_t seed);
void leat_flow_scopes_destroy(struct leat_flow_scopes *scopes);

/* The number of a scope, or -1 when all 65,535 are taken. What its counts do not cover is zero. */
int leat_flow_scopes_number(struct leat_flow_scopes *scopes, const struct leat_flow_scope *scope);
const struct leat_flow_scope *leat_flow_scopes_get(const struct leat_flow_scopes *scopes,
                                                   uint16_t number);

/* "gre", "vxlan" ...; NULL beyond the last one. Static storage. */
const char *leat_flow_tunnel_name(enum leat_flow_tunnel tunnel);

#endif
