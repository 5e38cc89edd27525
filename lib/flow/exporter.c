/* SPDX-License-Identifier: BSD-2-Clause */
/* The exporter's thread: from the workers' queues, by way of selection and joining, to the sinks.
 */
#include "exporter.h"
#include "clock.h"
#include "join.h"
#include "lib/core/error.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURN_RECORDS    256 /* of one queue, before the next one's turn */
#define TICK_NS         100000000
#define PAUSE_MIN_NS    500000
#define PAUSE_MAX_NS    8000000 /* a queue of 65,536 records then takes 8 million a second */
#define CLOSE_RELOAD_MS 1000
#define NS_PER_S        1000000000

struct leat_flow_exporter {
    struct leat_flow_queue **queues;
    uint32_t queue_count;
    struct leat_flow_selection selection;
    bool paused;
    struct leat_flow_join *join;            /* NULL: records stay as they are */
    struct leat_flow_exporter_stats counts; /* the thread's own */
    uint64_t now_ns;                        /* CLOCK_MONOTONIC, of this turn */
    pthread_t thread;

    pthread_mutex_t lock; /* of what follows; the thread alone changes `sinks` */
    pthread_cond_t wake, taken;
    struct leat_flow_sink **sinks;
    uint32_t sink_count;
    struct leat_flow_sink_stats *sink_stats;
    struct leat_flow_exporter_stats stats;
    struct exporter_change *change; /* asked for by reload */
    bool stopping, stopped;
    uint32_t timeout_ms;
};

struct exporter_change {
    struct leat_flow_sink **sinks;
    struct leat_flow_sink_stats *stats;
    uint32_t count;
    struct leat_flow_selection selection;
    struct leat_flow_join_times join_times;
    bool paused;
};

/* The same for both directions, and in every probe: whoever selects by hash wants the same flows
 * everywhere (RFC 7014, 5.2). FNV-1a a side, then MurmurHash3's finalizer. */
static uint64_t flow_hash(const struct leat_flow *flow) {
    uint64_t sum = (uint64_t)flow->protocol << 8 | flow->version;
    uint32_t bytes = flow->version == 4 ? 4 : 16;
    for (uint32_t side = 0; side < 2; side++) {
        uint64_t hash = 0xcbf29ce484222325;
        for (uint32_t i = 0; i < bytes; i++)
            hash = (hash ^ flow->address[side][i]) * 0x100000001b3;
        sum += (hash ^ flow->port[side]) * 0x100000001b3;
    }
    sum = (sum ^ sum >> 33) * 0xff51afd7ed558ccd;
    sum = (sum ^ sum >> 33) * 0xc4ceb9fe1a85ec53;
    return sum ^ sum >> 33;
}

static bool selected(const struct leat_flow_selection *selection, const struct leat_flow *flow) {
    return flow->side[0].packets + flow->side[1].packets >= selection->min_packets &&
           flow->side[0].octets + flow->side[1].octets >= selection->min_octets &&
           (selection->sample < 2 || flow_hash(flow) % selection->sample == 0);
}

static void hand_on(void *ctx, const struct leat_flow *flow) {
    struct leat_flow_exporter *exporter = ctx;
    struct leat_flow_exporter_stats *counts = &exporter->counts;
    if (!selected(&exporter->selection, flow)) {
        counts->unselected++;
        counts->unselected_packets += flow->side[0].packets + flow->side[1].packets;
        return;
    }
    counts->exported++;
    counts->exported_packets += flow->side[0].packets + flow->side[1].packets;
    counts->exported_octets += flow->side[0].octets + flow->side[1].octets;
    for (uint32_t i = 0; i < exporter->sink_count; i++)
        exporter->sinks[i]->ops->record(exporter->sinks[i], flow);
}

static uint32_t empty_queue(struct leat_flow_exporter *exporter, struct leat_flow_queue *queue) {
    uint32_t n = 0;
    for (const struct leat_flow *flow; n < TURN_RECORDS && (flow = leat_flow_queue_peek(queue));
         n++) {
        if (exporter->join)
            leat_flow_join_add(exporter->join, flow, exporter->now_ns);
        else
            hand_on(exporter, flow);
        leat_flow_queue_release(queue);
    }
    exporter->counts.records += n;
    return n;
}

/* With the lock held: what others may see. */
static void publish(struct leat_flow_exporter *exporter) {
    if (exporter->join) {
        exporter->counts.joined = leat_flow_join_merged(exporter->join);
        exporter->counts.waiting = leat_flow_join_waiting(exporter->join);
        exporter->counts.alone = leat_flow_join_alone(exporter->join);
    }
    exporter->stats = exporter->counts;
}

static void tick(struct leat_flow_exporter *exporter) {
    uint64_t time_ns = leat_flow_clock_ns(CLOCK_REALTIME);
    if (exporter->join && !exporter->paused)
        leat_flow_join_expire(exporter->join, exporter->now_ns);
    for (uint32_t i = 0; i < exporter->sink_count; i++)
        exporter->sinks[i]->ops->tick(exporter->sinks[i], time_ns);
    pthread_mutex_lock(&exporter->lock);
    for (uint32_t i = 0; i < exporter->sink_count; i++)
        exporter->sinks[i]->ops->stats(exporter->sinks[i], &exporter->sink_stats[i]);
    publish(exporter);
    pthread_mutex_unlock(&exporter->lock);
}

static bool among(struct leat_flow_sink *const *sinks, uint32_t count,
                  const struct leat_flow_sink *sink) {
    for (uint32_t i = 0; i < count; i++)
        if (sinks[i] == sink)
            return true;
    return false;
}

/* Between two records: what was handed to the old sinks is theirs, the next goes to the new ones.
 */
static void take_change(struct leat_flow_exporter *exporter, struct exporter_change *change) {
    pthread_mutex_lock(&exporter->lock);
    struct exporter_change old = { .sinks = exporter->sinks,
                                   .stats = exporter->sink_stats,
                                   .count = exporter->sink_count };
    exporter->sinks = change->sinks;
    exporter->sink_stats = change->stats;
    exporter->sink_count = change->count;
    exporter->selection = change->selection;
    exporter->paused = change->paused;
    pthread_mutex_unlock(&exporter->lock);
    if (exporter->join)
        leat_flow_join_set_times(exporter->join, &change->join_times);

    for (uint32_t i = 0; i < old.count; i++) {
        if (among(change->sinks, change->count, old.sinks[i]))
            continue;
        struct leat_flow_sink_stats final = { 0 };
        old.sinks[i]->ops->close(old.sinks[i], CLOSE_RELOAD_MS, &final);
        leat_flow_sink_stats_add(&exporter->counts.replaced, &final);
    }
    free(old.sinks);
    free(old.stats);
    tick(exporter);

    pthread_mutex_lock(&exporter->lock);
    exporter->change = NULL;
    pthread_cond_broadcast(&exporter->taken);
    pthread_mutex_unlock(&exporter->lock);
}

/* Waits for a while, or for what others ask. True: asked to stop. */
static bool pause_for(struct leat_flow_exporter *exporter, uint64_t pause_ns,
                      struct exporter_change **change) {
    uint64_t due_ns = exporter->now_ns + pause_ns;
    const struct timespec due = { .tv_sec = (time_t)(due_ns / NS_PER_S),
                                  .tv_nsec = (long)(due_ns % NS_PER_S) };
    pthread_mutex_lock(&exporter->lock);
    if (pause_ns && !exporter->stopping && !exporter->change)
        pthread_cond_timedwait(&exporter->wake, &exporter->lock, &due);
    *change = exporter->change;
    bool stopping = exporter->stopping;
    pthread_mutex_unlock(&exporter->lock);
    return stopping;
}

static void close_sinks(struct leat_flow_exporter *exporter) {
    if (exporter->join)
        leat_flow_join_expire(exporter->join, UINT64_MAX);
    const uint64_t until_ns =
        leat_flow_clock_ns(CLOCK_MONOTONIC) + exporter->timeout_ms * UINT64_C(1000000);
    for (uint32_t i = 0; i < exporter->sink_count; i++) {
        struct leat_flow_sink *sink = exporter->sinks[i];
        struct leat_flow_sink_stats final = { 0 };
        const uint64_t now_ns = leat_flow_clock_ns(CLOCK_MONOTONIC);
        sink->ops->close(sink, leat_flow_turn_ms(now_ns, until_ns, exporter->sink_count - i),
                         &final);
        pthread_mutex_lock(&exporter->lock);
        exporter->sink_stats[i] = final;
        pthread_mutex_unlock(&exporter->lock);
    }
    pthread_mutex_lock(&exporter->lock);
    publish(exporter);
    pthread_mutex_unlock(&exporter->lock);
}

static void *run(void *arg) {
    struct leat_flow_exporter *exporter = arg;
    uint64_t tick_due_ns = 0, pause_ns = 0;
    bool stopping = false;
    for (;;) {
        uint32_t moved = 0;
        exporter->now_ns = leat_flow_clock_ns(CLOCK_MONOTONIC);
        for (uint32_t i = 0; i < exporter->queue_count && (!exporter->paused || stopping); i++)
            moved += empty_queue(exporter, exporter->queues[i]);
        if (exporter->now_ns >= tick_due_ns) {
            tick(exporter);
            tick_due_ns = exporter->now_ns + TICK_NS;
        }
        if (moved)
            pause_ns = 0;
        else if (pause_ns < PAUSE_MAX_NS)
            pause_ns = pause_ns ? 2 * pause_ns : PAUSE_MIN_NS;
        struct exporter_change *change;
        bool last = stopping && !moved;
        stopping = pause_for(exporter, pause_ns, &change);
        if (change)
            take_change(exporter, change);
        else if (last)
            break;
    }
    close_sinks(exporter);
    return NULL;
}

static int copy_sinks(const struct leat_flow_exporter_opts *opts, struct exporter_change *change) {
    change->count = opts->sink_count;
    change->selection = opts->selection;
    change->paused = opts->paused;
    change->join_times = opts->join_times;
    change->sinks = calloc(opts->sink_count + 1, sizeof(*change->sinks));
    change->stats = calloc(opts->sink_count + 1, sizeof(*change->stats));
    if (!change->sinks || !change->stats) {
        free(change->sinks);
        free(change->stats);
        *change = (struct exporter_change){ 0 };
        return leat_fail(ENOMEM, "exporter: no memory for %u sinks", opts->sink_count);
    }
    if (opts->sink_count)
        memcpy(change->sinks, opts->sinks, opts->sink_count * sizeof(*change->sinks));
    return 0;
}

static void init_waiting(struct leat_flow_exporter *exporter) {
    pthread_condattr_t monotonic;
    pthread_mutex_init(&exporter->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&exporter->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&exporter->taken, NULL);
}

static int start_thread(struct leat_flow_exporter *exporter, int core) {
    pthread_attr_t attr;
    cpu_set_t cores;
    /* Signals are for the program's own threads. */
    sigset_t all, mask;
    pthread_attr_init(&attr);
    CPU_ZERO(&cores);
    if (core >= 0 && core < CPU_SETSIZE) {
        CPU_SET((size_t)core, &cores);
        pthread_attr_setaffinity_np(&attr, sizeof(cores), &cores);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    int error = pthread_create(&exporter->thread, &attr, run, exporter);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    pthread_attr_destroy(&attr);
    if (error && core >= 0)
        return leat_fail(error, "exporter: cannot run on core %d: %s", core,
                         error == EINVAL ? "there is no such core, or it is not ours to use"
                                         : strerror(error));
    return error ? leat_fail(error, "exporter: cannot start its thread: %s", strerror(error)) : 0;
}

static void release(struct leat_flow_exporter *exporter) {
    leat_flow_join_destroy(exporter->join);
    free(exporter->queues);
    free(exporter->sinks);
    free(exporter->sink_stats);
    pthread_cond_destroy(&exporter->wake);
    pthread_cond_destroy(&exporter->taken);
    pthread_mutex_destroy(&exporter->lock);
    free(exporter);
}

static int prepare(struct leat_flow_exporter *exporter,
                   const struct leat_flow_exporter_opts *opts) {
    struct exporter_change first;
    int status = copy_sinks(opts, &first);
    if (status)
        return status;
    exporter->sinks = first.sinks;
    exporter->sink_stats = first.stats;
    exporter->sink_count = first.count;
    exporter->selection = first.selection;
    exporter->paused = first.paused;
    exporter->queue_count = opts->queue_count;
    exporter->queues = calloc(opts->queue_count + 1, sizeof(*exporter->queues));
    if (!exporter->queues)
        return leat_fail(ENOMEM, "exporter: no memory for %u queues", opts->queue_count);
    if (opts->queue_count)
        memcpy(exporter->queues, opts->queues, opts->queue_count * sizeof(*exporter->queues));
    if (!opts->join)
        return 0;
    const struct leat_flow_join_opts join = { .what = opts->join,
                                              .key = opts->join_key,
                                              .times = opts->join_times,
                                              .record = hand_on,
                                              .ctx = exporter };
    return leat_flow_join_create(&exporter->join, &join);
}

int leat_flow_exporter_start(struct leat_flow_exporter **exporter,
                             const struct leat_flow_exporter_opts *opts) {
    struct leat_flow_exporter *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "exporter: no memory");
    init_waiting(made);
    int status = prepare(made, opts);
    if (status == 0)
        status = start_thread(made, opts->core);
    if (status) {
        release(made);
        return status;
    }
    *exporter = made;
    return 0;
}

void leat_flow_exporter_stop(struct leat_flow_exporter *exporter, uint32_t timeout_ms) {
    if (exporter->stopped)
        return;
    pthread_mutex_lock(&exporter->lock);
    exporter->stopping = true;
    exporter->timeout_ms = timeout_ms;
    pthread_cond_signal(&exporter->wake);
    pthread_mutex_unlock(&exporter->lock);
    pthread_join(exporter->thread, NULL);
    exporter->stopped = true;
}

void leat_flow_exporter_destroy(struct leat_flow_exporter *exporter) {
    if (!exporter)
        return;
    leat_flow_exporter_stop(exporter, 0);
    release(exporter);
}

void leat_flow_exporter_stats(const struct leat_flow_exporter *exporter,
                              struct leat_flow_exporter_stats *stats) {
    pthread_mutex_t *lock = (pthread_mutex_t *)&exporter->lock;
    pthread_mutex_lock(lock);
    *stats = exporter->stats;
    pthread_mutex_unlock(lock);
}

void leat_flow_exporter_sink_stats(const struct leat_flow_exporter *exporter, uint32_t index,
                                   struct leat_flow_sink_stats *stats) {
    pthread_mutex_t *lock = (pthread_mutex_t *)&exporter->lock;
    memset(stats, 0, sizeof(*stats));
    pthread_mutex_lock(lock);
    if (index < exporter->sink_count)
        *stats = exporter->sink_stats[index];
    pthread_mutex_unlock(lock);
}

int leat_flow_exporter_reload(struct leat_flow_exporter *exporter,
                              const struct leat_flow_exporter_opts *opts) {
    struct exporter_change change;
    int status = copy_sinks(opts, &change);
    if (status)
        return status;
    pthread_mutex_lock(&exporter->lock);
    exporter->change = &change; // cppcheck-suppress autoVariables ; taken before this returns
    pthread_cond_signal(&exporter->wake);
    while (exporter->change)
        pthread_cond_wait(&exporter->taken, &exporter->lock);
    pthread_mutex_unlock(&exporter->lock);
    return 0;
}
