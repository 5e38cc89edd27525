/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow cache of one worker: two tables (IPv4, IPv6), whose entries are hot records of 64 and
 * 128 bytes; what the features add lies aside in arrays by the same numbers, in pages that are only
 * there once they are written.
 *
 * No timers: each batch sweeps on over a few entries, so that all have been looked at once in
 * `sweep_ns`, however many end at once; and a packet that finds its flow timed out ends it itself,
 * so that records do not depend on when the sweep came by. Time is that of the packets, and moves
 * on by leat_flow_cache_tick() when there are none.
 *
 * A flow that the active timeout cuts keeps its source: when the other side goes on, side[0] of the
 * next record may hold no packet, and its times are then the record's first.
 */
#ifndef LEAT_FLOW_CACHE_H
#define LEAT_FLOW_CACHE_H

#include "flow.h"
#include "packet.h"
#include "scope.h"
#include "span.h"
#include "top.h"

#define LEAT_FLOW_CACHE_FLOWS (1u << 20) /* if not told otherwise */

struct leat_flow_cache_opts {
    uint32_t flows;     /* at a time, of IPv4 and IPv6 together; 0: LEAT_FLOW_CACHE_FLOWS */
    uint64_t active_ns; /* 0: 300 s */
    uint64_t idle_ns;   /* 0: 30 s */
    uint64_t sweep_ns;  /* 0: 1 s, or a quarter of the idle timeout if that is less */
    uint32_t features;  /* LEAT_FLOW_* */
    uint32_t
        packet_list; /* length of the list of first packets, up to LEAT_FLOW_PACKETS_MAX; 0: 16 */
    uint32_t histogram_bytes; /* payload bytes of a flow and side that go into it; 0: 4,000 */
    bool uniflow;
    uint32_t worker; /* number, for the records */
    uint64_t seed;   /* of the tables, for tests; 0: random */

    /* A flow ended. False: no room for it now. A flow that has to make way all the same is then
     * counted as lost; others just stay longer. `flow` and its parts are valid during the call. */
    bool (*ended)(void *ctx, const struct leat_flow *flow);
    struct leat_flow_scopes *scopes; /* that packets have numbers of; NULL: all of them 0 */
    void *ctx;
};

struct leat_flow_cache_stats {
    uint64_t packets, octets; /* metered: each in exactly one record, live, ended or lost */
    uint64_t flows_made;
    uint64_t flows_ended[6];            /* by enum leat_flow_end */
    uint64_t flows_lost;                /* ended, but `ended` had no room */
    uint64_t packets_lost, octets_lost; /* of those */
    struct leat_span lost;              /* when; in the time of the packets */
    uint32_t flows, flows_max;          /* now, and room */
    uint64_t memory_bytes;
};

struct leat_flow_cache;
int leat_flow_cache_create(struct leat_flow_cache **cache, const struct leat_flow_cache_opts *opts);
void leat_flow_cache_destroy(struct leat_flow_cache *cache);

/* Counts `n` packets (at most LEAT_BATCH_MAX) of one batch, in order. */
void leat_flow_cache_add(struct leat_flow_cache *cache, const struct leat_flow_packet *packets,
                         uint32_t n);

/* No packets came: time is now `now_ns`; goes on with the sweep. */
void leat_flow_cache_tick(struct leat_flow_cache *cache, uint64_t now_ns);

/* Ends flows with that reason, as many as there is room for. Returns how many are left. */
uint32_t leat_flow_cache_flush(struct leat_flow_cache *cache, enum leat_flow_end reason);

/* New timeouts (SIGHUP), for flows that are there, too. */
void leat_flow_cache_set_timeouts(struct leat_flow_cache *cache, uint64_t active_ns,
                                  uint64_t idle_ns);

/* Any thread: a copy of counters. */
void leat_flow_cache_stats(const struct leat_flow_cache *cache,
                           struct leat_flow_cache_stats *stats);

/* The biggest flows now, biggest first; up to `n`. By the owner, between batches. */
uint32_t leat_flow_cache_top(struct leat_flow_cache *cache, struct leat_flow *flows, uint32_t n,
                             enum leat_flow_top by);

#endif
