/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One worker's metering: frames of its queue are filtered, sampled, decoded and counted in its
 * cache.
 *
 *   leat_rx -> filter? -> sample? -> decode -> cache --ended--> queue to the exporter
 *
 * Conservation: frames = filtered + not sampled + skipped (by reason) + in flows; a frame is
 * counted once, also when it holds two packets (tunnels=both).
 */
#ifndef LEAT_FLOW_METER_H
#define LEAT_FLOW_METER_H

#include "cache.h"
#include "decode.h"
#include "exporter.h"
#include "sampling.h"
#include <leat/port.h>

struct leat_flow_meter_opts {
    /* `uniflow`, `scopes` and NOTES' `details` follow `cache`. */
    struct leat_flow_decode_opts decode;
    struct leat_flow_cache_opts
        cache; /* without `ended`, `scopes` and `ctx`, which the meter sets */
    struct leat_flow_sampling sampling;
    const char *filter; /* tcpdump's language; NULL: all. Compiled by libpcap, run in user space */
    bool times; /* frames carry their own time (META); else the clock is read once a batch */
    uint32_t interface;            /* ingressInterface of its frames */
    struct leat_flow_queue *queue; /* to the exporter */
};

struct leat_flow_meter_stats {
    uint64_t frames, octets; /* received */
    uint64_t filtered, unsampled;
    uint64_t skipped[LEAT_FLOW_SKIP_COUNT];
    uint64_t ignored_octets;       /* of those skipped that are IP: all but NOT_IP */
    struct leat_span ignored_when; /* likewise; 0: not known (--inline) */
    uint64_t selected;             /* frames in flows */
    uint64_t copied;   /* of --inline: of these, looked into as one of the first of their record; */
    uint64_t uncopied; /* not, since the ring of copies was full */
    struct leat_flow_cache_stats cache;
};

struct leat_flow_meter;
int leat_flow_meter_create(struct leat_flow_meter **meter, const struct leat_flow_meter_opts *opts);
void leat_flow_meter_destroy(struct leat_flow_meter *meter);

/* Meters the frames of a batch as leat_rx() gave them; they stay the caller's. */
void leat_flow_meter_add(struct leat_flow_meter *meter, const struct leat_pool *pool,
                         const struct leat_pkt *pkts, uint32_t n);

/* From the worker's tick: time goes on without frames. */
void leat_flow_meter_tick(struct leat_flow_meter *meter, uint64_t now_ns);

/* Ends all flows; returns how many are left because the exporter's queue is full: call again. */
uint32_t leat_flow_meter_flush(struct leat_flow_meter *meter, enum leat_flow_end reason);

/* The biggest flows now, as leat_flow_cache_top(). By the worker, between batches. */
uint32_t leat_flow_meter_top(struct leat_flow_meter *meter, struct leat_flow *flows, uint32_t n,
                             enum leat_flow_top by);

/* Any thread. */
void leat_flow_meter_stats(const struct leat_flow_meter *meter,
                           struct leat_flow_meter_stats *stats);

/* A new filter, timeouts and sampling from the next batch on, without losing a flow. Any thread,
 * one at a time; a worker that waits for frames is not waited for. */
int leat_flow_meter_reload(struct leat_flow_meter *meter, const struct leat_flow_meter_opts *opts);

#endif
