/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work for one port, by the public functions alone: receive and drop, transmit, or return what is
 * received with swapped MAC addresses. Until its standard input ends; then it prints how many
 * frames it received and how many it sent.
 */
#include <leat/error.h>
#include <leat/worker.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct work {
    struct leat_queue *queue;
    struct leat_cache *cache;
    struct leat_worker *worker;
    uint32_t batch, bytes;
};

static int receive(void *ctx) {
    struct work *work = ctx;
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    int n = leat_rx(work->queue, pkts, work->batch);
    if (n > 0)
        leat_free(work->cache, pkts, (uint32_t)n);
    return n;
}

/* The frame is written into each buffer anew, as a program would that makes it. */
static int transmit(void *ctx) {
    static const uint8_t header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
    struct work *work = ctx;
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    uint32_t n = leat_alloc(work->cache, pkts, work->batch);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(pkts[i].data, header, sizeof(header));
        pkts[i].len = (uint16_t)work->bytes;
    }
    int sent = leat_tx(work->queue, pkts, n);
    uint32_t taken = sent > 0 ? (uint32_t)sent : 0;
    leat_free(work->cache, pkts + taken, n - taken);
    return sent;
}

static void swap_addresses(uint8_t *frame) {
    uint8_t destination[6];
    memcpy(destination, frame, 6);
    memcpy(frame, frame + 6, 6);
    memcpy(frame + 6, destination, 6);
}

static int forward(void *ctx) {
    struct work *work = ctx;
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    int n = leat_rx(work->queue, pkts, work->batch);
    if (n < 0)
        return n;
    for (int i = 0; i < n; i++)
        swap_addresses(pkts[i].data);
    int sent = leat_tx(work->queue, pkts, (uint32_t)n); /* n = 0: takes sent buffers back */
    uint32_t taken = sent > 0 ? (uint32_t)sent : 0;
    leat_free(work->cache, pkts + taken, (uint32_t)n - taken);
    return sent < 0 ? sent : n;
}

static void *stop_at_end(void *arg) {
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    leat_worker_stop(arg);
    return NULL;
}

static int run(struct work *work, int (*batch)(void *), enum leat_wait wait) {
    struct leat_worker_opts opts = {
        .size = sizeof(opts),
        .core = -1,
        .wait = wait,
        .queues = &work->queue,
        .queue_count = 1,
        .batch = batch,
        .ctx = work,
    };
    pthread_t watcher;
    int err = leat_worker_create(&work->worker, &opts);
    if (err < 0)
        return err;
    if (pthread_create(&watcher, NULL, stop_at_end, work->worker) != 0) {
        leat_worker_destroy(work->worker);
        return -1;
    }
    puts("ready");
    fflush(stdout);
    err = leat_worker_run(work->worker);
    pthread_cancel(watcher);
    pthread_join(watcher, NULL);
    leat_worker_destroy(work->worker);
    return err;
}

static int work_on(const char *name, struct work *work, int (*batch)(void *), enum leat_wait wait) {
    struct leat_pool *pool = NULL;
    struct leat_port *port = NULL;
    struct leat_stats stats = { 0 };
    int err = leat_pool_create(&pool, NULL);
    if (!err)
        err = leat_cache_open(&work->cache, pool);
    if (!err)
        err = leat_port_open(&port, name, pool, NULL);
    if (!err)
        err = leat_port_queue(port, 0, work->cache, &work->queue);
    if (!err)
        err = run(work, batch, wait);
    if (err < 0)
        fprintf(stderr, "port_work: %s\n", leat_error());
    leat_port_close(port, &stats);
    leat_cache_close(work->cache);
    if (pool)
        leat_pool_destroy(pool);
    printf("received %lu sent %lu\n", stats.rx_packets, stats.tx_packets);
    return err < 0;
}

static bool find_wait(const char *name, enum leat_wait *wait) {
    static const char *const names[] = {
        [LEAT_WAIT_ADAPTIVE] = "adaptive", [LEAT_WAIT_SPIN] = "spin", [LEAT_WAIT_SLEEP] = "sleep"
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *wait = (enum leat_wait)i;
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*batch)(void *);
    } works[] = { { "receive", receive }, { "transmit", transmit }, { "forward", forward } };
    struct work work = { 0 };
    int (*batch)(void *) = NULL;
    for (size_t i = 0; argc == 6 && i < sizeof(works) / sizeof(works[0]); i++)
        if (!strcmp(argv[2], works[i].name))
            batch = works[i].batch;
    if (batch) {
        work.bytes = (uint32_t)atoi(argv[3]);
        work.batch = (uint32_t)atoi(argv[4]);
    }
    enum leat_wait wait = LEAT_WAIT_SPIN;
    if (batch && !find_wait(argv[5], &wait))
        batch = NULL;
    if (!batch || work.bytes < 14 || work.bytes > 1518 || work.batch < 1 ||
        work.batch > LEAT_BATCH_MAX) {
        fprintf(stderr, "Usage: port_work PORT receive|transmit|forward BYTES BATCH "
                        "spin|adaptive|sleep\n");
        return 2;
    }
    return work_on(argv[1], &work, batch, wait);
}
