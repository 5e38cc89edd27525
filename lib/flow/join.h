/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Halves of connections: where the hash of the receive queues is not symmetric, one worker sees
 * what a client sends and another one what the server answers. A record that has seen only one side
 * waits here for the other, a bounded time and in bounded number, and both leave as one biflow (RFC
 * 5103).
 */
#ifndef LEAT_FLOW_JOIN_H
#define LEAT_FLOW_JOIN_H

#include "flow.h"

struct leat_flow_join_opts {
    uint32_t halves;   /* that wait at a time; 0: 65,536. Beyond, the oldest goes on alone */
    uint64_t wait_ns;  /* 0: 2 s */
    uint32_t key;      /* LEAT_FLOW_KEY_*, which both halves have alike */
    bool tunnels_only; /* of all others both directions are in one record already */
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
void leat_flow_join_set_wait(struct leat_flow_join *join, uint64_t wait_ns);

uint32_t leat_flow_join_waiting(const struct leat_flow_join *join);
uint64_t leat_flow_join_pairs(const struct leat_flow_join *join); /* that became one record */
uint64_t leat_flow_join_alone(const struct leat_flow_join *join); /* waited in vain, and went on */

#endif
