/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker: one thread on one core that runs a batch function to completion, again and again, and
 * sleeps on its queues' descriptors when there is nothing to do.
 *
 *   busy:   batch, batch, batch ...                   no system call
 *   idle:   arm every queue, look once more, sleep    until a frame, the tick or stop
 *
 * It sleeps half a second at most, since a device that vanishes wakes nobody: looking again does.
 */
#ifndef LEAT_WORKER_H
#define LEAT_WORKER_H

#include <leat/port.h>

struct leat_worker;

enum leat_wait {
    LEAT_WAIT_ADAPTIVE, /* poll under load, sleep when idle or on a core that others want, too:
                           the default */
    LEAT_WAIT_SPIN,     /* always poll; others on the core have their turn when it is idle */
    LEAT_WAIT_SLEEP,    /* sleep whenever a batch found nothing */
};

struct leat_worker_opts {
    size_t size; /* sizeof(struct leat_worker_opts) */
    int core;    /* pin to this core; -1: do not pin */
    enum leat_wait wait;
    struct leat_queue **queues; /* to wait on; copied */
    uint32_t queue_count;

    /* One batch over all queues: returns how many packets it moved, 0 when idle, or a negative
     * errno, which ends the worker. Runs in the worker's thread only. */
    int (*batch)(void *ctx);

    /* Called in the worker's thread about every tick_ns while running, busy or idle; may be NULL.
     * A negative return ends the worker. */
    int (*tick)(void *ctx);
    uint64_t tick_ns; /* 0: 10 ms */
    void *ctx;
};

/* Sets a worker up; nothing runs yet. ADAPTIVE and SLEEP with a queue that cannot be waited on
 * sleep at most 1 ms at a time instead, with a log notice. -EINVAL, -ENOMEM. */
int leat_worker_create(struct leat_worker **worker, const struct leat_worker_opts *opts);

/* Runs in the calling thread until stopped. 0 after leat_worker_stop(), else what batch or tick
 * returned. */
int leat_worker_run(struct leat_worker *worker);

/* Runs it in a thread of its own; leat_worker_join() returns what leat_worker_run() would. */
int leat_worker_start(struct leat_worker *worker);
int leat_worker_join(struct leat_worker *worker);

/* Asks it to stop after the batch at hand and wakes it. Any thread, and signal handlers. */
void leat_worker_stop(struct leat_worker *worker);

/* After it returned or was joined. NULL is allowed. */
void leat_worker_destroy(struct leat_worker *worker);

/* How it spent its time; any thread may read. */
struct leat_worker_stats {
    uint64_t batches, idle_batches, sleeps, wakeups;
    uint64_t busy_cycles, total_cycles; /* TSC */
};
void leat_worker_stats(const struct leat_worker *worker, struct leat_worker_stats *stats);

#endif
