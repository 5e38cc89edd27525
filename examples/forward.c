/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest forwarding program: whatever one port receives, the other sends.
 *
 *   leat softnic /tmp/nic0.sock=gen,rate=1M /tmp/nic1.sock=sink &
 *   forward vfio-user:/tmp/nic0.sock vfio-user:/tmp/nic1.sock
 */
#include <leat/error.h>
#include <leat/pool.h>
#include <leat/port.h>
#include <signal.h>
#include <stdio.h>

#define BATCH 32

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

/* What the sending port has no room for is dropped here, so that the receiving port never stalls.
 * Returns 0 or a negative errno. */
static int forward(struct leat_queue *from, struct leat_queue *to, uint64_t *dropped) {
    struct leat_pkt pkts[BATCH];
    int received = leat_rx(from, pkts, BATCH);
    if (received < 0)
        return received;
    int sent = leat_tx(to, pkts, (uint32_t)received);
    if (sent < 0)
        sent = 0;
    leat_free(from->cache, pkts + sent, (uint32_t)(received - sent));
    *dropped += (uint64_t)(received - sent);
    return 0;
}

int main(int argc, char **argv) {
    struct leat_pool *pool = NULL;
    struct leat_cache *cache = NULL;
    struct leat_port *ports[2] = { NULL, NULL };
    struct leat_queue *queues[2];
    uint64_t dropped = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: %s PORT PORT\n", argv[0]);
        return 2;
    }
    int err = leat_pool_create(&pool, NULL);
    if (!err)
        err = leat_cache_open(&cache, pool);
    for (int i = 0; i < 2 && !err; i++) {
        err = leat_port_open(&ports[i], argv[1 + i], pool, NULL);
        if (!err)
            err = leat_port_queue(ports[i], 0, cache, &queues[i]);
    }
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    for (int from = 0; !stopped && !err; from = !from)
        err = forward(queues[from], queues[!from], &dropped);
    if (err)
        fprintf(stderr, "%s: %s\n", argv[0], leat_error());
    for (int i = 0; i < 2; i++) {
        struct leat_stats stats = { 0 };
        leat_port_close(ports[i], &stats);
        printf("%s: received %lu, sent %lu\n", argv[1 + i], stats.rx_packets, stats.tx_packets);
    }
    printf("dropped: %lu\n", dropped);
    leat_cache_close(cache);
    if (pool)
        leat_pool_destroy(pool);
    return err != 0;
}
