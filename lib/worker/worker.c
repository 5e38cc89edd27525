/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's loop. Only its own thread runs it; others stop it and read its statistics.
 *
 *            batch() > 0, or loaded (load.h)
 *            +----+
 *            v    |      empty              nothing came meanwhile
 *   start -> poll +----------> arm all ---------------------------> ppoll
 *            ^                    | something came                     |
 *            +---------- disarm <-+------------------------------------+ frame, tick, stop
 */
#include "lib/core/cycles.h"
#include "lib/core/error.h"
#include "load.h"
#include <errno.h>
#include <leat/worker.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_DEFAULT_NS 10000000
#define NAP_NS          1000000 /* the longest sleep on a queue that cannot wake us */

/* The longest sleep of all: a device that vanishes wakes nobody, but arming its queue tells. */
#define SLEEP_NS 500000000

/* The clock is read only this often: clock_gettime() costs as much as forwarding a packet. At any
 * TSC rate from 1 to 5 GHz it is well below the load's interval. */
#define LOOK_CYCLES 32768

/* Idle batches in a row after which others that share the core have their turn: the kernel's thread
 * that fills our rings may be one of them. A core of one's own is given back at once. */
#define YIELD_BATCHES 64

struct leat_worker {
    struct leat_worker_opts opts;
    struct leat_queue **queues;
    bool must_nap;          /* a queue cannot wake us */
    struct pollfd *sources; /* stop_fd and those of the queues */
    uint32_t source_count;
    int stop_fd; /* eventfd, readable once stop was asked for */
    bool stop;   /* the same, cheaper to look at; atomic */
    bool pinned; /* restore `cores` when done */
    cpu_set_t cores;
    pthread_t thread;
    int status;      /* of a run in `thread` */
    char error[256]; /* its sentence */

    /* Of the run. */
    struct load load;
    uint64_t looked_tsc, tick_due_ns;
    uint32_t idle_in_a_row;
    struct leat_worker_stats stats; /* written by the runner with add() */
};

static void add(uint64_t *counter, uint64_t n) {
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool stopped(const struct leat_worker *worker) {
    return __atomic_load_n(&worker->stop, __ATOMIC_RELAXED);
}

/* Nobody waits on a descriptor but while asleep: a waiter costs the sockets of AF_XDP a wake-up in
 * vain for each frame that is sent, and in generic mode for each that is received. */
static void watch(struct leat_worker *worker, int fd) {
    worker->sources[worker->source_count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static int watch_queues(struct leat_worker *worker) {
    for (uint32_t i = 0; i < worker->opts.queue_count; i++) {
        int fd = leat_queue_fd(worker->queues[i]);
        if (fd == -ENOTSUP) {
            worker->must_nap = true;
            leat_log(LEAT_LOG_NOTICE,
                     "%s can only be polled: its worker sleeps at most 1 ms at a time",
                     leat_port_name(worker->queues[i]->port));
            continue;
        }
        if (fd < 0)
            return fd;
        watch(worker, fd);
    }
    return 0;
}

static int open_fds(struct leat_worker *worker) {
    worker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->stop_fd < 0)
        return leat_fail(errno, "worker: cannot make its descriptor: %s", strerror(errno));
    worker->sources = calloc(1 + worker->opts.queue_count, sizeof(struct pollfd));
    if (!worker->sources)
        return leat_fail(ENOMEM, "worker: out of memory");
    watch(worker, worker->stop_fd);
    return worker->opts.wait == LEAT_WAIT_SPIN ? 0 : watch_queues(worker);
}

int leat_worker_create(struct leat_worker **created, const struct leat_worker_opts *opts) {
    *created = NULL;
    if (opts->size != sizeof(*opts) || !opts->batch || (opts->queue_count && !opts->queues))
        return leat_fail(EINVAL, "worker: opts need their size, a batch function and the queues");
    if (opts->core < -1 || opts->core >= CPU_SETSIZE)
        return leat_fail(EINVAL, "worker: there is no core %d", opts->core);
    struct leat_worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return leat_fail(ENOMEM, "worker: out of memory");
    worker->opts = *opts;
    worker->stop_fd = -1;
    if (!worker->opts.tick_ns)
        worker->opts.tick_ns = TICK_DEFAULT_NS;
    if (opts->queue_count) {
        worker->queues = calloc(opts->queue_count, sizeof(struct leat_queue *));
        if (!worker->queues) {
            leat_worker_destroy(worker);
            return leat_fail(ENOMEM, "worker: out of memory");
        }
        memcpy(worker->queues, opts->queues, opts->queue_count * sizeof(struct leat_queue *));
    }
    int status = open_fds(worker);
    if (status) {
        leat_worker_destroy(worker);
        return status;
    }
    *created = worker;
    return 0;
}

void leat_worker_destroy(struct leat_worker *worker) {
    if (!worker)
        return;
    if (worker->stop_fd >= 0)
        close(worker->stop_fd);
    free(worker->sources);
    free(worker->queues);
    free(worker);
}

/* Once stopped it stays so: a stop that comes before the run must not be lost. */
void leat_worker_stop(struct leat_worker *worker) {
    int saved = errno; /* a signal handler must leave it alone */
    __atomic_store_n(&worker->stop, true, __ATOMIC_RELAXED);
    const uint64_t one = 1;
    if (write(worker->stop_fd, &one, sizeof(one)) < 0) {
        /* The counter is full: it is readable, which is all that matters. */
    }
    errno = saved;
}

static int pin(struct leat_worker *worker) {
    if (worker->opts.core < 0)
        return 0;
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET(worker->opts.core, &core);
    int error = pthread_getaffinity_np(pthread_self(), sizeof(cpu_set_t), &worker->cores);
    if (!error)
        error = pthread_setaffinity_np(pthread_self(), sizeof(core), &core);
    if (error)
        return leat_fail(error, "worker: cannot run on core %d: %s", worker->opts.core,
                         error == EINVAL ? "there is no such core, or it is not ours to use"
                                         : strerror(error));
    worker->pinned = true;
    return 0;
}

static void unpin(struct leat_worker *worker) {
    if (worker->pinned)
        pthread_setaffinity_np(pthread_self(), sizeof(worker->cores), &worker->cores);
    worker->pinned = false;
}

/* Arms the queues from the first on. Returns 0 when all are armed, 1 when one has something to
 * receive, or a negative errno; *armed says how many are armed. */
static int arm(struct leat_worker *worker, uint32_t *armed) {
    for (*armed = 0; *armed < worker->opts.queue_count; ++*armed) {
        int status = leat_queue_arm(worker->queues[*armed]);
        if (status == -ENOTSUP)
            continue; /* we nap */
        if (status != 0)
            return status;
    }
    return 0;
}

static void disarm(struct leat_worker *worker, uint32_t armed) {
    for (uint32_t i = 0; i < armed; i++)
        leat_queue_disarm(worker->queues[i]);
}

/* How long it may sleep without a descriptor that wakes it. */
static struct timespec bound(const struct leat_worker *worker) {
    uint64_t ns = worker->must_nap ? NAP_NS : SLEEP_NS;
    if (worker->opts.tick) {
        uint64_t now = now_ns(), due = worker->tick_due_ns;
        uint64_t until = due > now ? due - now : 0;
        ns = until < ns ? until : ns;
    }
    return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
                              .tv_nsec = (long)(ns % 1000000000) };
}

/* A frame that arrives after the last poll is seen by arm(), one that arrives after arm() makes a
 * descriptor readable; a stop that comes at any time makes stop_fd readable. So nothing is missed.
 */
static int sleep_until_woken(struct leat_worker *worker) {
    uint32_t armed;
    int status = arm(worker, &armed);
    if (status == 0) {
        const struct timespec timeout = bound(worker);
        add(&worker->stats.sleeps, 1);
        int ready = ppoll(worker->sources, worker->source_count, &timeout, NULL);
        if (ready > 0)
            add(&worker->stats.wakeups, 1);
        else if (ready < 0 && errno != EINTR)
            status = leat_fail(errno, "worker: cannot sleep: %s", strerror(errno));
    }
    disarm(worker, armed);
    return status < 0 ? status : 0;
}

/* Looks at the clock: load and tick. */
static int look(struct leat_worker *worker, uint64_t tsc) {
    uint64_t now = now_ns();
    worker->looked_tsc = tsc;
    load_look(&worker->load, now);
    if (!worker->opts.tick || now < worker->tick_due_ns)
        return 0;
    worker->tick_due_ns = now + worker->opts.tick_ns;
    return worker->opts.tick(worker->opts.ctx);
}

static bool may_sleep(const struct leat_worker *worker) {
    if (worker->opts.wait != LEAT_WAIT_ADAPTIVE)
        return worker->opts.wait == LEAT_WAIT_SLEEP;
    return !worker->load.polling || (load_on_shared_core(&worker->load) && !worker->must_nap);
}

static void let_others_run(struct leat_worker *worker) {
    uint64_t before = now_ns();
    sched_yield();
    load_yielded(&worker->load, now_ns() - before);
    worker->idle_in_a_row = 0;
}

static int loop(struct leat_worker *worker) {
    struct leat_worker_stats *stats = &worker->stats;
    uint64_t before = leat_cycles();
    while (!stopped(worker)) {
        int moved = worker->opts.batch(worker->opts.ctx);
        if (moved < 0)
            return moved;
        uint64_t after = leat_cycles();
        add(&stats->batches, 1);
        add(moved ? &stats->busy_cycles : &stats->idle_batches, moved ? after - before : 1);
        load_count(&worker->load, (uint32_t)moved);

        worker->idle_in_a_row = moved ? 0 : worker->idle_in_a_row + 1;
        bool sleep = moved == 0 && may_sleep(worker);
        if (!sleep && worker->idle_in_a_row >= YIELD_BATCHES)
            let_others_run(worker);
        int status = sleep ? sleep_until_woken(worker) : 0;
        if (status == 0 && (sleep || after - worker->looked_tsc >= LOOK_CYCLES))
            status = look(worker, after);
        if (status < 0)
            return status;
        uint64_t next = leat_cycles();
        add(&stats->total_cycles, next - before);
        before = next;
    }
    return 0;
}

int leat_worker_run(struct leat_worker *worker) {
    int status = pin(worker);
    if (status)
        return status;
    uint64_t now = now_ns();
    load_start(&worker->load, now);
    worker->looked_tsc = leat_cycles();
    worker->tick_due_ns = now + worker->opts.tick_ns;
    status = loop(worker);
    unpin(worker);
    return status;
}

static void *run_in_thread(void *arg) {
    struct leat_worker *worker = arg;
    worker->status = leat_worker_run(worker);
    if (worker->status)
        snprintf(worker->error, sizeof(worker->error), "%s", leat_error());
    return NULL;
}

/* The thread takes no signals: they are the program's business. */
int leat_worker_start(struct leat_worker *worker) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&worker->thread, NULL, run_in_thread, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return leat_fail(error, "worker: cannot start its thread: %s", strerror(error));
    return 0;
}

int leat_worker_join(struct leat_worker *worker) {
    int error = pthread_join(worker->thread, NULL);
    if (error)
        return leat_fail(error, "worker: cannot join its thread: %s", strerror(error));
    return worker->status ? leat_fail(-worker->status, "%s", worker->error) : 0;
}

void leat_worker_stats(const struct leat_worker *worker, struct leat_worker_stats *stats) {
    const uint64_t *from = (const uint64_t *)&worker->stats;
    uint64_t *to = (uint64_t *)stats;
    for (size_t i = 0; i < sizeof(*stats) / sizeof(uint64_t); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
