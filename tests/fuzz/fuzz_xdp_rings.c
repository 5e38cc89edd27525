/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings of an AF_XDP queue as any bytes direct them, in turns of the kernel and the program:
 * what a program is given is its own, lies in the pool, and comes home in the end.
 */
#include "lib/drivers/xdp_socket.h"
#include <stdlib.h>
#include <string.h>

#define RING    64
#define BUFFERS 512
#define BATCH   16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The kernel's and the program's turns; each takes 9 bytes of the input: what, and a number. */
enum turn { RECEIVED, CONTINUES, COMPLETED, HONEST, RX_INDEX, COMPLETION_INDEX, TX_INDEX, RX, TX };

static struct leat_pool *pool;
static struct leat_cache *cache;
static struct leat_port port = { .name = (char *)"xdp:fuzz" };
static struct xdp_queue queue;
static struct leat_pkt held[BUFFERS]; /* the program's */
static uint32_t held_count;

/* Of a ring: the indices and flags, then the entries. */
static struct {
    uint32_t producer, consumer, flags;
    struct xdp_desc entries[2 * RING];
} rings[4];

static void check(bool holds) {
    if (!holds)
        abort();
}

static struct xdp_ring make_ring(int i, uint32_t entries) {
    memset(&rings[i], 0, sizeof(rings[i]));
    return (struct xdp_ring){
        .producer = &rings[i].producer,
        .consumer = &rings[i].consumer,
        .flags = &rings[i].flags,
        .entries = rings[i].entries,
        .mask = entries - 1,
    };
}

static void open_queue(void) {
    if (!pool) {
        struct leat_pool_opts opts = {
            .size = sizeof(opts), .buffers = BUFFERS, .pages = LEAT_PAGES_4K, .numa_node = -1
        };
        check(leat_pool_create(&pool, &opts) == 0 && leat_cache_open(&cache, pool) == 0);
    }
    queue = (struct xdp_queue){
        .fill = make_ring(0, 2 * RING),
        .rx = make_ring(1, RING),
        .tx = make_ring(2, RING),
        .completion = make_ring(3, RING),
        .base = pool->base,
        .pool = pool,
        .chunk = pool->stride,
        .segments_max = 8,
        .fd = -1,
        .need_wakeup = true,
        .opts = { .name = "xdp:fuzz", .rx_ring = RING, .tx_ring = RING, .rx_metadata = 7 },
    };
    check(xdp_socket_start(&queue, &port, cache) == 0);
}

static void put_received(uint64_t address, uint32_t length, uint32_t options) {
    *xdp_ring_descriptor(&queue.rx, rings[1].producer++) =
        (struct xdp_desc){ .addr = address, .len = length, .options = options };
}

/* Any address, with a preference for those of buffers. */
static uint64_t address_of(uint64_t number) {
    return number >> 63 ? number << 1 : number % pool->buffers * pool->stride + 256;
}

static void kernel_turn(enum turn turn, uint64_t number) {
    uint32_t length = (uint32_t)(number >> 40) % 4096;
    if (turn == RECEIVED || turn == CONTINUES)
        put_received(address_of(number), length, turn == CONTINUES ? XDP_PKT_CONTD : 0);
    else if (turn == HONEST && rings[0].producer != rings[0].consumer)
        put_received(*xdp_ring_address(&queue.fill, rings[0].consumer++) + 256, 60, 0);
    else if (turn == COMPLETED)
        *xdp_ring_address(&queue.completion, rings[3].producer++) = address_of(number);
    else if (turn == RX_INDEX)
        rings[1].producer = (uint32_t)number;
    else if (turn == COMPLETION_INDEX)
        rings[3].producer = (uint32_t)number;
    else if (turn == TX_INDEX)
        rings[2].consumer = (uint32_t)number;
}

static void receive(uint32_t n) {
    n = n < BUFFERS - held_count ? n : BUFFERS - held_count;
    int got = xdp_rx(&queue.head.public, held + held_count, n);
    check(got <= (int)n);
    for (int i = 0; i < got; i++) {
        const struct leat_pkt *pkt = &held[held_count];
        uint32_t number = leat_buffer_number(pool, pkt->data);
        check(pkt->data >= pool->base && number < pool->buffers && pkt->len > 0 &&
              pkt->len <= leat_pkt_room(pool, pkt));
        for (uint32_t other = 0; other < held_count; other++)
            check(leat_buffer_number(pool, held[other].data) != number);
        held_count++;
    }
}

/* Sends what it holds, from the end on. */
static void transmit(uint32_t n) {
    n = n < held_count ? n : held_count;
    struct leat_pkt *first = held + held_count - n, unsent[BATCH];
    int sent = xdp_tx(&queue.head.public, first, n);
    check(sent <= (int)n);
    uint32_t taken = sent > 0 ? (uint32_t)sent : 0, left = n - taken;
    memcpy(unsent, first + taken, left * sizeof(*unsent));
    memcpy(first, unsent, left * sizeof(*unsent));
    held_count -= taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct leat_stats lost = { 0 };
    uint64_t number;
    open_queue();
    for (; bytes >= 9; data += 9, bytes -= 9) {
        enum turn turn = data[0] % 9;
        memcpy(&number, data + 1, sizeof(number));
        if (turn == RX)
            receive(number % BATCH);
        else if (turn == TX)
            transmit(number % BATCH);
        else
            kernel_turn(turn, number);
    }
    xdp_socket_close(&queue, &lost);
    for (; held_count > 0; held_count--)
        leat_free(cache, &held[held_count - 1], 1);
    check(leat_pool_free_count(pool) + cache->top == BUFFERS);
    return 0;
}
