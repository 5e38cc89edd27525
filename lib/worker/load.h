/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How loaded a worker is, to decide between polling and sleeping.
 *
 * Sleeping on an empty queue pays when the next packet is further away than going to sleep and
 * waking up costs: some 5 to 10 microseconds, the mean gap at 100 to 200 thousand packets a second.
 * The ixy paper (5.3) switches by a moving average of the packet rate over its last five looks
 * against one threshold. Taken literally, with a look every so many calls, that goes wrong:
 *
 *  - Calls are no clock. An idle poller makes thousands of them in the gap between two bursts and
 *    forgets the load; a sleeper makes one a wake-up and goes on believing what it saw long ago.
 *    So the rate is taken over intervals of time, and intervals slept through count as empty.
 *  - A load near one threshold flips the mode all the time. So there are two, a factor of two
 * apart.
 *
 * And a poller takes a shared core away from whoever would bring it frames, such as the kernel's
 * NAPI thread, until its time slice ends. When others kept the core for long after a yield, it is
 * shared: then every empty queue is slept on for a while, whatever the load.
 *
 * A worker whose load stops spins on for half a millisecond; one whose load returns polls as soon
 * as the packets of one interval justify it.
 */
#ifndef LEAT_WORKER_LOAD_H
#define LEAT_WORKER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#define LOAD_INTERVAL_NS 100000
#define LOAD_INTERVALS   5
#define LOAD_POLL_PPS    200000 /* from here on an empty queue is polled */
#define LOAD_SLEEP_PPS   100000 /* below this it is slept on */

#define LOAD_SHARED_NS        6000000 /* more than one time slice */
#define LOAD_SHARED_PART      4
#define LOAD_SHARED_INTERVALS 2000 /* 200 ms, then it is tried anew */

struct load {
    uint64_t interval_start_ns;
    uint64_t packets;                  /* of the interval at hand */
    uint64_t interval[LOAD_INTERVALS]; /* packets of those before, a ring */
    uint32_t newest;
    bool polling;
    uint64_t away_ns; /* that others had the core, above their part */
    uint32_t shared;  /* intervals for which the core counts as shared */
};

/* The packets that the window of all intervals holds at a rate. */
static inline uint64_t load_window(uint64_t pps) {
    return pps * (LOAD_INTERVAL_NS * LOAD_INTERVALS) / 1000000000;
}

static inline void load_start(struct load *load, uint64_t now_ns) {
    *load = (struct load){ .interval_start_ns = now_ns };
}

static inline void load_count(struct load *load, uint32_t packets) {
    load->packets += packets;
}

/* For how long a yield let others run. */
static inline void load_yielded(struct load *load, uint64_t ns) {
    load->away_ns += ns;
    if (load->away_ns < LOAD_SHARED_NS)
        return;
    load->away_ns = 0;
    load->shared = LOAD_SHARED_INTERVALS;
}

static inline bool load_on_shared_core(const struct load *load) {
    return load->shared > 0;
}

/* To be told the time now and then, at least after each sleep. */
static inline void load_look(struct load *load, uint64_t now_ns) {
    uint64_t passed_ns = now_ns - load->interval_start_ns;
    uint64_t intervals = passed_ns / LOAD_INTERVAL_NS, part_ns = passed_ns / LOAD_SHARED_PART;
    if (intervals == 0)
        return;
    load->interval_start_ns = now_ns;
    load->away_ns -= load->away_ns < part_ns ? load->away_ns : part_ns;
    load->shared -= load->shared < intervals ? load->shared : (uint32_t)intervals;
    for (uint64_t i = 0; i < intervals && i < LOAD_INTERVALS; i++) {
        load->newest = (load->newest + 1) % LOAD_INTERVALS;
        load->interval[load->newest] = 0;
    }
    load->interval[load->newest] = load->packets;
    load->packets = 0;
    uint64_t sum = 0;
    for (int i = 0; i < LOAD_INTERVALS; i++)
        sum += load->interval[i];
    load->polling = sum >= load_window(load->polling ? LOAD_SLEEP_PPS : LOAD_POLL_PPS);
}

#endif
