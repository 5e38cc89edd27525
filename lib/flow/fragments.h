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

#endif
