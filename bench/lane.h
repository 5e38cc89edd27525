/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the lockstep benchmarks time: a forwarder that moves frames from one queue to another,
 * touching each. And how they print what came out.
 */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

#include <leat/port.h>

#define RUNS_MAX 64

struct lane {
    struct leat_cache *cache;
    struct leat_queue *in, *out;
};

/* How the cycles of a packet are spent; `total` alone without profiling. */
enum lane_stage { LANE_RECEIVE, LANE_TOUCH, LANE_TRANSMIT, LANE_BUFFERS, LANE_STAGES };
extern const char *const lane_stage_names[LANE_STAGES];
struct lane_cost {
    double total, stages[LANE_STAGES];
};

/* Cycles of so many packets and more, in batches, after two rounds that only warm up. A round
 * begins with `ready`, not timed, which lets the device work and says how many frames wait now;
 * `split` times the stages. */
struct lane_cost lane_cost(const struct lane *lane, uint32_t batch, uint64_t packets, bool split,
                           uint64_t (*ready)(void *ctx), void *ctx);

/* TSC ticks a second, measured once against CLOCK_MONOTONIC. */
double lane_tsc_hz(void);

#define LANE_COLUMNS "what,batch,ring,min,median,max,mpps_at_median"
void lane_print_row(const char *what, uint32_t batch, uint32_t ring, double *values, uint32_t n);

/* Rewrites the first byte with its own value: the frame's line is fetched and made dirty, as by a
 * forwarder that changes an address, and the bytes stay as they were. */
static inline void lane_touch(const struct leat_pkt *pkt) {
    *(volatile uint8_t *)pkt->data = *(volatile uint8_t *)pkt->data;
}

#endif
