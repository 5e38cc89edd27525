/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82599 driver by itself: forwards between two ports with nothing of the library but the pool,
 * the bus and the driver's base, to be read from here to the registers. `make loc` counts it all.
 *
 *   leat softnic /tmp/nic0.sock=gen,rate=1M /tmp/nic1.sock=sink &
 *   bare /tmp/nic0.sock /tmp/nic1.sock
 */
#include "lib/core/pool_private.h"
#include "lib/drivers/ixgbe.h"
#include <leat/error.h>
#include <signal.h>
#include <stdio.h>

#define BUFFERS 16384
#define RING    512
#define BATCH   32

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static int open_pool(struct leat_pool **pool, struct leat_cache **cache) {
    struct leat_memory memory;
    uint64_t bytes = (uint64_t)BUFFERS * LEAT_BUFFER_STRIDE;
    int err = leat_memory_map(&memory, "pool", bytes, LEAT_PAGE_BYTES, 0);
    err = err ? err : leat_pool_build(pool, &memory, LEAT_BUFFER_STRIDE, BUFFERS);
    return err ? err : leat_cache_open(cache, *pool);
}

static int open_port(struct leat_port *port, char *socket, struct leat_cache *cache,
                     struct leat_queue **queue) {
    struct leat_device *dev;
    *port = (struct leat_port){ .name = socket, .pool = cache->pool };
    port->opts = (struct leat_port_opts){ .rx_ring = RING, .tx_ring = RING, .promisc = true };
    int err = leat_vfio_user_open(&dev, socket);
    err = err ? err : ixgbe_open_base(port, dev);
    return err ? err : ixgbe_queue_start(port, 0, cache, queue);
}

/* What the sending port has no room for is dropped, so that the receiving port never stalls. */
static int forward(struct leat_queue *from, struct leat_queue *to) {
    struct leat_pkt pkts[BATCH];
    int received = leat_rx(from, pkts, BATCH);
    if (received < 0)
        return received;
    int sent = leat_tx(to, pkts, (uint32_t)received);
    int taken = sent < 0 ? 0 : sent;
    leat_free(from->cache, pkts + taken, (uint32_t)(received - taken));
    return sent < 0 ? sent : 0;
}

int main(int argc, char **argv) {
    struct leat_pool *pool = NULL;
    struct leat_cache *cache = NULL;
    struct leat_port ports[2] = { { .ops = NULL }, { .ops = NULL } };
    struct leat_queue *queues[2];
    if (argc != 3) {
        fprintf(stderr, "usage: %s SOCKET SOCKET\n", argv[0]);
        return 2;
    }
    int err = open_pool(&pool, &cache);
    for (int i = 0; i < 2 && !err; i++)
        err = open_port(&ports[i], argv[1 + i], cache, &queues[i]);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    for (int from = 0; !stopped && !err; from = !from)
        err = forward(queues[from], queues[!from]);
    if (err)
        fprintf(stderr, "%s: %s\n", argv[0], leat_error());
    for (int i = 0; i < 2; i++) {
        if (ports[i].ops)
            ixgbe_close(&ports[i]);
        printf("%s: received %lu, sent %lu\n", argv[1 + i], ports[i].lost.rx_packets,
               ports[i].lost.tx_packets);
    }
    leat_cache_close(cache);
    if (pool)
        leat_pool_free(pool);
    return err != 0;
}
