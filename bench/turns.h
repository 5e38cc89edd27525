/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two cores that take turns: a device (or what stands in for the kernel) in a thread of its own,
 * and the driver in the caller's. In lockstep only one of them works at a time, so that the driver
 * can be timed alone, with the cache misses that another core's writes cause.
 */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include <pthread.h>
#include <stdatomic.h>

enum turn { TURN_FREE, TURN_DEVICE, TURN_DRIVER, TURN_QUIT };

struct turns {
    pthread_t thread;
    int core;
    void (*settle)(void *ctx); /* the device's turn: all that it can do */
    void (*poll)(void *ctx);   /* while both run freely: a little of it */
    void *ctx;
    _Alignas(64) _Atomic int turn; /* enum turn */
};

/* Pins the calling thread. */
void turns_pin(int core);

/* Starts the device on `core`, with the turn at `first`; core, settle, poll and ctx are set. */
int turns_start(struct turns *turns, enum turn first);
void turns_stop(struct turns *turns);

/* Hands the turn to the device and waits until it stands still again. */
void turns_device(struct turns *turns);

static inline void turns_run_free(struct turns *turns) {
    atomic_store_explicit(&turns->turn, TURN_FREE, memory_order_release);
}

#endif
