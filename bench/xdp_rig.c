/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_rig.h"
#include <leat/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FRAME_BYTES 60u
#define HEADROOM    256ull /* XDP_PACKET_HEADROOM */

enum { FILL, RX, TX, COMPLETION };

static void receive(struct xdp_rig *rig) {
    struct xdp_ring *fill = &rig->kernel[0][FILL], *rx = &rig->kernel[0][RX];
    uint8_t frame[FRAME_BYTES] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
    uint32_t given = xdp_ring_ready(fill, UINT32_MAX), room = xdp_ring_room(rx, UINT32_MAX);
    uint32_t n = given < room ? given : room;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t address = *xdp_ring_address(fill, fill->own++);
        memcpy(rig->pool->base + address + HEADROOM, frame, sizeof(frame));
        *xdp_ring_descriptor(rx, rx->own++) = (struct xdp_desc){
            .addr = address | HEADROOM << XSK_UNALIGNED_BUF_OFFSET_SHIFT,
            .len = FRAME_BYTES,
        };
    }
    xdp_ring_release(fill);
    xdp_ring_submit(rx);
    rig->delivered = n;
}

static void transmit(struct xdp_rig *rig) {
    struct xdp_ring *tx = &rig->kernel[1][TX], *completion = &rig->kernel[1][COMPLETION];
    uint32_t n = xdp_ring_ready(tx, UINT32_MAX);
    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc *desc = xdp_ring_descriptor(tx, tx->own++);
        volatile uint8_t skb[FRAME_BYTES];
        memcpy((uint8_t *)skb, rig->pool->base + desc->addr, sizeof(skb));
        *xdp_ring_address(completion, completion->own++) = desc->addr;
    }
    xdp_ring_release(tx);
    xdp_ring_submit(completion);
    rig->sent += n;
}

static void kernel_turn(void *ctx) {
    transmit(ctx);
    receive(ctx);
}

/* One ring for both sides: indices on lines of their own, as the kernel lays them out. */
static int make_ring(struct xdp_rig *rig, struct xdp_ring *ours, struct xdp_ring *kernels,
                     uint32_t entries) {
    uint64_t bytes = 128 + entries * sizeof(struct xdp_desc);
    uint8_t *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (map == MAP_FAILED)
        return -1;
    *ours = (struct xdp_ring){
        .producer = (uint32_t *)map,
        .consumer = (uint32_t *)(map + 64),
        .flags = &rig->wakeup_flags,
        .entries = map + 128,
        .mask = entries - 1,
        .map = map,
        .map_bytes = bytes,
    };
    *kernels = *ours;
    return 0;
}

static int make_queue(struct xdp_rig *rig, uint32_t which, uint32_t ring) {
    struct xdp_queue *queue = which == 0 ? &rig->in : &rig->out;
    struct xdp_ring *kernel = rig->kernel[which];
    *queue = (struct xdp_queue){
        .base = rig->pool->base,
        .pool = rig->pool,
        .chunk = rig->pool->stride,
        .fd = -1,
        .need_wakeup = true,
        .unaligned = true,
        .opts = { .name = "rig", .rx_ring = ring, .tx_ring = ring, .wait = XDP_WAIT_SPIN },
    };
    if (make_ring(rig, &queue->fill, &kernel[FILL], 2 * ring) < 0 ||
        make_ring(rig, &queue->rx, &kernel[RX], ring) < 0 ||
        make_ring(rig, &queue->tx, &kernel[TX], ring) < 0 ||
        make_ring(rig, &queue->completion, &kernel[COMPLETION], ring) < 0)
        return -1;
    return xdp_socket_start(queue, NULL, rig->lane.cache);
}

static int open_queues(struct xdp_rig *rig, const struct xdp_rig_opts *opts) {
    struct leat_pool_opts pool = { .size = sizeof(pool),
                                   .buffers = 4 * opts->ring + 2048,
                                   .numa_node = -1 };
    int err = leat_pool_create(&rig->pool, &pool);
    if (!err)
        err = leat_cache_open(&rig->lane.cache, rig->pool);
    for (uint32_t i = 0; i < 2 && !err; i++)
        err = make_queue(rig, i, opts->ring);
    rig->lane.in = &rig->in.head.public;
    rig->lane.out = &rig->out.head.public;
    return err;
}

int xdp_rig_open(struct xdp_rig *rig, const struct xdp_rig_opts *opts) {
    memset(rig, 0, sizeof(*rig));
    turns_pin(opts->driver_core);
    rig->turns = (struct turns){ .core = opts->kernel_core, .settle = kernel_turn, .ctx = rig };
    int err = open_queues(rig, opts);
    if (!err)
        err = turns_start(&rig->turns, TURN_DRIVER);
    if (err < 0)
        fprintf(stderr, "bench: %s\n", leat_error());
    return err;
}

void xdp_rig_close(struct xdp_rig *rig) {
    struct leat_stats lost = { 0 };
    turns_device(&rig->turns); /* sends the rest */
    turns_stop(&rig->turns);
    xdp_socket_close(&rig->in, &lost);
    xdp_socket_close(&rig->out, &lost);
    leat_cache_close(rig->lane.cache);
    if (leat_pool_destroy(rig->pool) < 0)
        fprintf(stderr, "bench: %s\n", leat_error());
}

uint64_t xdp_rig_kernel_turn(void *ctx) {
    struct xdp_rig *rig = ctx;
    turns_device(&rig->turns);
    return rig->delivered;
}
