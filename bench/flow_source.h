/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The traffic of the flow benchmarks: which flow the next packet is of, and when. `flows` are there
 * at a time, in random order, one packet each 100 ns of the packets' own time.
 *
 *   steady     all flows are known and equally likely; the active timeout ends 4 records in 100
 *              packets
 *   new flows  packets are of a window of two thirds of the flows; each flow that is new pushes
 *              the oldest one out, which stays in the cache until it has been idle for long enough:
 *              the last third. As many come as go
 *
 * A preamble fills the cache so that what follows is in balance from its first packet on.
 */
#ifndef BENCH_FLOW_SOURCE_H
#define BENCH_FLOW_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct flow_source {
    uint32_t flows, new_in; /* one packet in so many is of a new flow; 0: none */
    uint32_t first, window; /* flows that packets may be of now */
    uint32_t left;          /* flows that nothing is heard of any more, at the beginning */
    uint32_t filled;        /* packets of the preamble so far */
    uint64_t random, now_ns;
};

/* `new_percent` of the packets are of new flows: 0, or a divisor of 100. */
void flow_source_start(struct flow_source *source, uint32_t flows, uint32_t new_percent);

/* The preamble's next packet; false: it is over. */
bool flow_source_fill(struct flow_source *source, uint32_t *flow);

/* The flow of the next packet, at source->now_ns. */
uint32_t flow_source_next(struct flow_source *source);

/* A random number that goes on from where the source is. */
uint32_t flow_source_random(struct flow_source *source);

/* Timeouts that the traffic was made for. */
uint64_t flow_source_active_ns(const struct flow_source *source);
uint64_t flow_source_idle_ns(const struct flow_source *source);

/* Room that a cache needs. */
uint32_t flow_source_room(const struct flow_source *source);

/* A frame of UDP over IPv4 of so many bytes, without FCS, at least 60; and its flow. */
void flow_source_frame(uint8_t *frame, uint32_t bytes);
void flow_source_set_flow(uint8_t *frame, uint32_t flow);

#endif
