/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_standin.h"
#include <string.h>
#include <sys/mman.h>

struct xdp_standin standin = { .port = { .name = (char *)"xdp:test", .index = 7 } };

static void make_ring(struct xdp_ring *ours, struct xdp_ring *theirs, uint32_t entries) {
    size_t bytes = 128 + entries * sizeof(struct xdp_desc);
    uint8_t *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    *ours = *theirs = (struct xdp_ring){
        .producer = (uint32_t *)map,
        .consumer = (uint32_t *)(map + 64),
        .flags = &standin.wakeup_flags,
        .entries = map + 128,
        .mask = entries - 1,
        .map = map,
        .map_bytes = bytes,
    };
}

static void open_queue(struct xdp_socket_opts opts, uint32_t segments_max) {
    opts.name = "xdp:test";
    opts.rx_ring = opts.tx_ring = STANDIN_RING;
    standin.queue = (struct xdp_queue){
        .base = standin.pool->base,
        .pool = standin.pool,
        .chunk = standin.pool->stride,
        .tx_reserve = opts.tx_metadata ? 24 : 0,
        .segments_max = segments_max,
        .fd = -1,
        .need_wakeup = true,
        .opts = opts,
    };
    make_ring(&standin.queue.fill, &standin.kernel[STANDIN_FILL], 2 * STANDIN_RING);
    make_ring(&standin.queue.rx, &standin.kernel[STANDIN_RX], STANDIN_RING);
    make_ring(&standin.queue.tx, &standin.kernel[STANDIN_TX], STANDIN_RING);
    make_ring(&standin.queue.completion, &standin.kernel[STANDIN_COMPLETION], STANDIN_RING);
    assert_int_equal(xdp_socket_start(&standin.queue, &standin.port, standin.cache), 0);
}

int standin_set_up(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts),
                                   .buffers = STANDIN_BUFFERS,
                                   .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&standin.pool, &opts), 0);
    assert_int_equal(leat_cache_open(&standin.cache, standin.pool), 0);
    standin.free_before = leat_pool_free_count(standin.pool);
    standin.port.pool = standin.pool;
    open_queue((struct xdp_socket_opts){ 0 }, 8);
    return 0;
}

int standin_tear_down(void **state) {
    (void)state;
    struct leat_stats lost = { 0 };
    xdp_socket_close(&standin.queue, &lost);
    leat_cache_close(standin.cache);
    assert_int_equal(leat_pool_free_count(standin.pool), standin.free_before);
    return leat_pool_destroy(standin.pool);
}

void standin_reopen(struct xdp_socket_opts opts) {
    struct leat_stats lost = { 0 };
    xdp_socket_close(&standin.queue, &lost);
    open_queue(opts, 8);
}

void standin_forgive(void) {
    standin.queue.rx.other = standin.queue.rx.own;
    standin.queue.completion.other = standin.queue.completion.own;
    standin.queue.tx.other = standin.queue.tx.own;
}

uint64_t standin_dropped(enum leat_drop reason) {
    return standin.queue.head.stats.drops[reason];
}

uint64_t standin_take_fill(void) {
    assert_in_range(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX), 1, 2 * STANDIN_RING);
    uint64_t address =
        *xdp_ring_address(&standin.kernel[STANDIN_FILL], standin.kernel[STANDIN_FILL].own++);
    xdp_ring_release(&standin.kernel[STANDIN_FILL]);
    return address;
}

void standin_put_rx(uint64_t address, uint32_t length, uint32_t options) {
    *xdp_ring_descriptor(&standin.kernel[STANDIN_RX], standin.kernel[STANDIN_RX].own++) =
        (struct xdp_desc){ .addr = address, .len = length, .options = options };
    xdp_ring_submit(&standin.kernel[STANDIN_RX]);
}

uint64_t standin_at_start(uint64_t address) {
    return address | (uint64_t)LEAT_BUFFER_START << XSK_UNALIGNED_BUF_OFFSET_SHIFT;
}

uint64_t standin_deliver(uint32_t length, uint32_t options) {
    uint64_t address = standin_take_fill();
    memset(standin.pool->base + address + LEAT_BUFFER_START, (int)(address / standin.pool->stride),
           length);
    standin_put_rx(standin_at_start(address), length, options);
    return address;
}

struct xdp_desc standin_take_tx(void) {
    assert_in_range(xdp_ring_ready(&standin.kernel[STANDIN_TX], UINT32_MAX), 1, STANDIN_RING);
    struct xdp_desc desc =
        *xdp_ring_descriptor(&standin.kernel[STANDIN_TX], standin.kernel[STANDIN_TX].own++);
    xdp_ring_release(&standin.kernel[STANDIN_TX]);
    return desc;
}

void standin_complete(uint64_t address) {
    *xdp_ring_address(&standin.kernel[STANDIN_COMPLETION],
                      standin.kernel[STANDIN_COMPLETION].own++) = address;
    xdp_ring_submit(&standin.kernel[STANDIN_COMPLETION]);
}

struct leat_pkt standin_make(uint16_t length) {
    struct leat_pkt pkt;
    assert_int_equal(leat_alloc(standin.cache, &pkt, 1), 1);
    memset(pkt.data, 0x5a, length);
    pkt.len = length;
    return pkt;
}
