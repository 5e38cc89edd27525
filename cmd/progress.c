/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"
#include "clock.h"
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct progress {
    void (*sample)(void *ctx, struct leat_stats *stats);
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end;
};

static uint64_t lost(const struct leat_stats *stats) {
    uint64_t sum = 0;
    for (int i = 0; i < LEAT_DROP_COUNT; i++)
        sum += stats->drops[i];
    return sum;
}

int progress_line(char *line, int bytes, double seconds, double since,
                  const struct leat_stats *before, const struct leat_stats *now) {
    double rx = (double)(now->rx_packets - before->rx_packets) / since;
    double tx = (double)(now->tx_packets - before->tx_packets) / since;
    double rx_bits = (double)(now->rx_bytes - before->rx_bytes) * 8 / since;
    double tx_bits = (double)(now->tx_bytes - before->tx_bytes) * 8 / since;
    return snprintf(
        line, (size_t)bytes,
        "%.0f s  in %6.3f Mpps %5.2f Gbit/s  out %6.3f Mpps %5.2f Gbit/s  lost %" PRIu64, seconds,
        rx / 1e6, rx_bits / 1e9, tx / 1e6, tx_bits / 1e9, lost(now));
}

/* Waits for the end until `due_ns` of CLOCK_MONOTONIC. */
static bool ended_by(struct progress *progress, uint64_t due_ns) {
    const struct timespec due = { .tv_sec = (time_t)(due_ns / NS_PER_S),
                                  .tv_nsec = (long)(due_ns % NS_PER_S) };
    pthread_mutex_lock(&progress->lock);
    while (!progress->end && pthread_cond_timedwait(&progress->ended, &progress->lock, &due) == 0)
        ;
    bool end = progress->end;
    pthread_mutex_unlock(&progress->lock);
    return end;
}

static void *show(void *arg) {
    struct progress *progress = arg;
    struct leat_stats before, now;
    uint64_t start = clock_ns(), then = start;
    progress->sample(progress->ctx, &before);
    for (uint64_t second = 1; !ended_by(progress, start + second * NS_PER_S); second++) {
        uint64_t time = clock_ns();
        char line[160];
        progress->sample(progress->ctx, &now);
        progress_line(line, sizeof(line), (double)(time - start) / NS_PER_S,
                      (double)(time - then) / NS_PER_S, &before, &now);
        fprintf(stderr, "\r%s\033[K", line);
        before = now;
        then = time;
    }
    fputs("\r\033[K", stderr);
    return NULL;
}

struct progress *progress_start(void (*sample)(void *ctx, struct leat_stats *stats), void *ctx) {
    if (!isatty(STDERR_FILENO))
        return NULL;
    struct progress *progress = calloc(1, sizeof(*progress));
    if (!progress)
        return NULL;
    progress->sample = sample;
    progress->ctx = ctx;
    pthread_mutex_init(&progress->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    /* Signals are for the main thread, whose sleep they shall interrupt. */
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    int error = pthread_create(&progress->thread, NULL, show, progress);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (error) {
        free(progress);
        return NULL;
    }
    return progress;
}

void progress_stop(struct progress *progress) {
    if (!progress)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->end = true;
    pthread_cond_signal(&progress->ended);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    pthread_cond_destroy(&progress->ended);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}
