/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pieces of flows: packets of one flow may come to several workers, which then have a record of it
 * each. Where the hash of the receive queues is not symmetric, one worker sees what a client sends
 * and another one what the server answers; where packets are spread without regard to flows (by a
 * bond that was tapped, by pieces of datagrams, by outer headers of tunnels), any worker sees
 * anything. Records wait here for others of their flow, a bounded time and in bounded number, and
 * leave as one.
 *
 * Two records are of one flow when no more than the idle timeout lies between them, and no worker
 * has said that the flow, or its record, was over before its second one began. Of several that may
 * be meant, the one is that overlaps most.
 */
#ifndef LEAT_FLOW_JOIN_H
#define LEAT_FLOW_JOIN_H

#include "exporter.h"
#include "flow.h"

struct leat_flow_join_opts {
    uint32_t pieces; /* that wait at a time; 0: 65,536, with LEAT_FLOW_JOIN_ALL 262,144. Beyond,
                        the oldest goes on as it is */
    enum leat_flow_joining what;
    uint32_t key; /* LEAT_FLOW_KEY_* of the meters */
    struct leat_flow_join_times times;
    /* A record is complete, or has waited long enough. Valid during the call. */
    void (*record)(void *ctx, const struct leat_flow *flow);
    void *ctx;
};

struct leat_flow_join;
int leat_flow_join_create(struct leat_flow_join **join, const struct leat_flow_join_opts *opts);
void leat_flow_join_destroy(struct leat_flow_join *join);

/* `now_ns` of any clock that does not step. */
void leat_flow_join_add(struct leat_flow_join *join, const struct leat_flow *flow, uint64_t now_ns);
/* Lets those go that have waited long enough; UINT64_MAX: all. */
void leat_flow_join_expire(struct leat_flow_join *join, uint64_t now_ns);
void leat_flow_join_set_times(struct leat_flow_join *join,
                              const struct leat_flow_join_times *times);

uint32_t leat_flow_join_waiting(const struct leat_flow_join *join);
uint64_t leat_flow_join_merged(const struct leat_flow_join *join); /* that became part of another */
/* Biflows of which one direction came only, though they waited. */
uint64_t leat_flow_join_alone(const struct leat_flow_join *join);

#endif
