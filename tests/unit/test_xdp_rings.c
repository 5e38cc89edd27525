/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four rings of an AF_XDP queue with this test in the kernel's place: what it says of frames
 * and buffers is believed only as far as it can be. LEAT_SEED repeats a run of the vandal.
 */
#include "lib/bpf/stage.h"
#include "lib/drivers/xdp_socket.h"
#include <errno.h>
#include <leat/checksum.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#define RING    64
#define BUFFERS 1024
#define FILLED  (RING + XDP_FILL_SPARE)

enum { FILL, RX, TX, COMPLETION };

static struct leat_pool *pool;
static struct leat_cache *cache;
static struct leat_port port = { .name = (char *)"xdp:test", .index = 7 };
static struct xdp_queue queue;
static struct leat_queue *const q = &queue.head.public;
static struct xdp_ring kernel[4]; /* the rings, seen from the other side */
static uint32_t wakeup_flags, free_before;

static void make_ring(struct xdp_ring *ours, struct xdp_ring *theirs, uint32_t entries) {
    size_t bytes = 128 + entries * sizeof(struct xdp_desc);
    uint8_t *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    *ours = *theirs = (struct xdp_ring){
        .producer = (uint32_t *)map,
        .consumer = (uint32_t *)(map + 64),
        .flags = &wakeup_flags,
        .entries = map + 128,
        .mask = entries - 1,
        .map = map,
        .map_bytes = bytes,
    };
}

static void open_queue(struct xdp_socket_opts opts, uint32_t segments_max) {
    opts.name = "xdp:test";
    opts.rx_ring = opts.tx_ring = RING;
    queue = (struct xdp_queue){
        .base = pool->base,
        .pool = pool,
        .chunk = pool->stride,
        .tx_reserve = opts.tx_metadata ? 24 : 0,
        .segments_max = segments_max,
        .fd = -1,
        .need_wakeup = true,
        .opts = opts,
    };
    make_ring(&queue.fill, &kernel[FILL], 2 * RING);
    make_ring(&queue.rx, &kernel[RX], RING);
    make_ring(&queue.tx, &kernel[TX], RING);
    make_ring(&queue.completion, &kernel[COMPLETION], RING);
    assert_int_equal(xdp_socket_start(&queue, &port, cache), 0);
}

static int set_up(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts),
                                   .buffers = BUFFERS,
                                   .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&pool, &opts), 0);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    free_before = leat_pool_free_count(pool);
    port.pool = pool;
    open_queue((struct xdp_socket_opts){ 0 }, 8);
    return 0;
}

/* Everything comes home, whatever happened. */
static int tear_down(void **state) {
    (void)state;
    struct leat_stats lost = { 0 };
    xdp_socket_close(&queue, &lost);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_free_count(pool), free_before);
    return leat_pool_destroy(pool);
}

static void reopen(struct xdp_socket_opts opts) {
    struct leat_stats lost = { 0 };
    xdp_socket_close(&queue, &lost);
    open_queue(opts, 8);
}

/* As if no index had ever been nonsense. */
static void forgive(void) {
    queue.rx.other = queue.rx.own;
    queue.completion.other = queue.completion.own;
    queue.tx.other = queue.tx.own;
}

static uint64_t dropped(enum leat_drop reason) {
    return queue.head.stats.drops[reason];
}

/* The kernel takes a buffer from the fill ring. */
static uint64_t take_fill(void) {
    assert_in_range(xdp_ring_ready(&kernel[FILL], UINT32_MAX), 1, 2 * RING);
    uint64_t address = *xdp_ring_address(&kernel[FILL], kernel[FILL].own++);
    xdp_ring_release(&kernel[FILL]);
    return address;
}

static void put_rx(uint64_t address, uint32_t length, uint32_t options) {
    *xdp_ring_descriptor(&kernel[RX], kernel[RX].own++) =
        (struct xdp_desc){ .addr = address, .len = length, .options = options };
    xdp_ring_submit(&kernel[RX]);
}

/* As the kernel says it in unaligned mode: base, and offset in the upper 16 bits. */
static uint64_t at_start(uint64_t address) {
    return address | (uint64_t)LEAT_BUFFER_START << XSK_UNALIGNED_BUF_OFFSET_SHIFT;
}

static uint64_t deliver(uint32_t length, uint32_t options) {
    uint64_t address = take_fill();
    memset(pool->base + address + LEAT_BUFFER_START, (int)(address / pool->stride), length);
    put_rx(at_start(address), length, options);
    return address;
}

static struct xdp_desc take_tx(void) {
    assert_in_range(xdp_ring_ready(&kernel[TX], UINT32_MAX), 1, RING);
    struct xdp_desc desc = *xdp_ring_descriptor(&kernel[TX], kernel[TX].own++);
    xdp_ring_release(&kernel[TX]);
    return desc;
}

static void complete(uint64_t address) {
    *xdp_ring_address(&kernel[COMPLETION], kernel[COMPLETION].own++) = address;
    xdp_ring_submit(&kernel[COMPLETION]);
}

static struct leat_pkt make(uint16_t length) {
    struct leat_pkt pkt;
    assert_int_equal(leat_alloc(cache, &pkt, 1), 1);
    memset(pkt.data, 0x5a, length);
    pkt.len = length;
    return pkt;
}

static void hands_out_whole_batches(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    for (uint32_t round = 0; round < 3 * RING; round++) {
        for (uint16_t i = 0; i < 5; i++)
            deliver((uint16_t)(60 + i), 0);
        assert_int_equal(xdp_rx(q, pkts, 3), 3);
        assert_int_equal(xdp_rx(q, pkts + 3, 5), 2);
        for (uint16_t i = 0; i < 5; i++) {
            assert_int_equal(pkts[i].len, 60 + i);
            assert_int_equal(pkts[i].flags, 0);
            assert_int_equal((pkts[i].data - pool->base) % pool->stride, LEAT_BUFFER_START);
            assert_int_equal(*pkts[i].data, (uint8_t)leat_buffer_number(pool, pkts[i].data));
        }
        leat_free(cache, pkts, 5);
    }
    assert_int_equal(xdp_rx(q, pkts, 8), 0);
    assert_int_equal(queue.head.stats.rx_packets, 15 * RING);
    assert_int_equal(queue.head.stats.rx_bytes, 15 * RING * 62);
    assert_int_equal(xdp_ring_ready(&kernel[FILL], UINT32_MAX), FILLED);
}

/* A starved fill ring gets what is missing as soon as there are buffers again. */
static void refills_later_what_the_pool_lacks(void **state) {
    (void)state;
    struct leat_pkt hoard[BUFFERS], pkts[RING];
    uint32_t hoarded = 0, got;
    while ((got = leat_alloc(cache, hoard + hoarded, LEAT_BATCH_MAX)) > 0)
        hoarded += got;
    for (uint32_t i = 0; i < RING; i++)
        deliver(60, 0);
    assert_int_equal(xdp_rx(q, pkts, RING), RING);
    assert_int_equal(xdp_ring_ready(&kernel[FILL], UINT32_MAX), FILLED - RING);
    leat_free(cache, pkts, RING);
    for (uint32_t i = 0; i < hoarded; i += 64)
        leat_free(cache, hoard + i, hoarded - i < 64 ? hoarded - i : 64);
    assert_int_equal(xdp_rx(q, pkts, RING), 0);
    assert_int_equal(xdp_ring_ready(&kernel[FILL], UINT32_MAX), FILLED);
}

static void joins_the_buffers_of_a_frame(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    deliver(60, 0);
    deliver(2112, XDP_PKT_CONTD);
    deliver(2112, XDP_PKT_CONTD);
    assert_int_equal(xdp_rx(q, pkts, 8), 1); /* its end is not there */
    leat_free(cache, pkts, 1);
    assert_int_equal(xdp_rx(q, pkts, 8), 0);
    deliver(700, 0);
    assert_int_equal(xdp_rx(q, pkts, 2), 0); /* there is no room for it */
    assert_int_equal(xdp_rx(q, pkts, 8), 3);
    assert_int_equal(pkts[0].flags, LEAT_PKT_MORE);
    assert_int_equal(pkts[1].flags, LEAT_PKT_MORE);
    assert_int_equal(pkts[2].flags, 0);
    assert_int_equal(pkts[2].len, 700);
    leat_free(cache, pkts, 3);
    assert_int_equal(queue.head.stats.rx_packets, 2);
    assert_int_equal(queue.head.stats.rx_bytes, 60 + 2 * 2112 + 700);
    assert_int_equal(xdp_ring_ready(&kernel[FILL], UINT32_MAX), FILLED);
}

static void drops_frames_of_too_many_buffers(void **state) {
    (void)state;
    struct leat_pkt pkts[64];
    for (uint32_t i = 0; i < 40; i++)
        deliver(100, XDP_PKT_CONTD);
    assert_int_equal(xdp_rx(q, pkts, 64), 0);
    deliver(100, XDP_PKT_CONTD); /* a part of it that comes later */
    assert_int_equal(xdp_rx(q, pkts, 64), 0);
    deliver(100, 0);
    deliver(61, 0);
    assert_int_equal(xdp_rx(q, pkts, 64), 1);
    assert_int_equal(pkts[0].len, 61);
    leat_free(cache, pkts, 1);
    assert_int_equal(dropped(LEAT_DROP_RX_LENGTH), 1);
    assert_int_equal(dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), 0);
    assert_int_equal(xdp_ring_ready(&kernel[FILL], UINT32_MAX), FILLED);
}

/* Descriptors that no honest kernel writes, one at a time: each is a drop, and the next frame is
 * handed out as if nothing had been. */
static void believes_no_nonsense(void **state) {
    (void)state;
    struct leat_pkt mine = make(60), had, pkts[8];
    uint64_t mine_at = (uint64_t)(mine.data - pool->base);
    uint64_t twice = deliver(60, 0);
    assert_int_equal(xdp_rx(q, &had, 1), 1);
    uint64_t held = take_fill();
    const struct xdp_desc nonsense[] = {
        { pool->bytes, 60, 0 },
        { UINT64_MAX, 60, 0 },
        { (uint64_t)pool->buffers * pool->stride, 60, 0 },
        { mine_at, 60, 0 },         /* the program's */
        { at_start(twice), 60, 0 }, /* handed out before */
        { at_start(held), 0, 0 },
    };
    const uint32_t count = sizeof(nonsense) / sizeof(*nonsense);
    for (uint32_t i = 0; i < count; i++) {
        put_rx(nonsense[i].addr, nonsense[i].len, nonsense[i].options);
        deliver(61, 0);
        assert_int_equal(xdp_rx(q, pkts, 8), 1);
        assert_int_equal(pkts[0].len, 61);
        leat_free(cache, pkts, 1);
        assert_int_equal(dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), i + 1);
    }
    held = take_fill();
    put_rx(at_start(held), pool->stride - LEAT_BUFFER_START + 1, 0);
    held = take_fill();
    put_rx(at_start(held), UINT32_MAX, 0);
    held = take_fill();
    put_rx(at_start(held), pool->stride - LEAT_BUFFER_START, 0);
    assert_int_equal(xdp_rx(q, pkts, 8), 1);
    assert_int_equal(pkts[0].len, pool->stride - LEAT_BUFFER_START);
    assert_int_equal(dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), count + 2);
    leat_free(cache, pkts, 1);
    leat_free(cache, &mine, 1);
    leat_free(cache, &had, 1);
    assert_int_equal(xdp_ring_ready(&kernel[FILL], UINT32_MAX), FILLED);
}

/* One bad buffer takes its frame with it, and the good ones come back. */
static void drops_frames_with_a_bad_buffer(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    uint64_t address = deliver(100, XDP_PKT_CONTD);
    put_rx(at_start(address), 100, XDP_PKT_CONTD); /* the same one again */
    deliver(100, 0);
    deliver(62, 0);
    assert_int_equal(xdp_rx(q, pkts, 8), 1);
    assert_int_equal(pkts[0].len, 62);
    leat_free(cache, pkts, 1);
    assert_int_equal(dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), 1);
    assert_int_equal(xdp_ring_ready(&kernel[FILL], UINT32_MAX), FILLED);
}

static void says_when_an_index_makes_no_sense(void **state) {
    (void)state;
    struct leat_pkt pkt = make(60), pkts[8];
    *kernel[RX].producer = RING + 1;
    assert_int_equal(xdp_rx(q, pkts, 8), -EIO);
    assert_non_null(strstr(leat_error(), "xdp:test: queue 0: the index of the rx ring"));
    forgive();
    *kernel[RX].producer = UINT32_MAX;
    assert_int_equal(xdp_rx(q, pkts, 8), -EIO);
    *kernel[RX].producer = 0;
    assert_int_equal(xdp_rx(q, pkts, 8), -EIO); /* it is not trusted again */
    *kernel[COMPLETION].producer = RING + 1;
    assert_int_equal(xdp_tx(q, &pkt, 1), -EIO);
    forgive();
    *kernel[COMPLETION].producer = 0;
    *kernel[TX].consumer = 1;
    queue.tx.other = queue.tx.own - RING; /* as if it were full */
    assert_int_equal(xdp_tx(q, &pkt, 1), -EIO);
    leat_free(cache, &pkt, 1);
}

static void counts_as_sent_what_completes(void **state) {
    (void)state;
    struct leat_pkt pkts[RING];
    for (uint32_t round = 0; round < 5; round++) {
        for (uint16_t i = 0; i < RING; i++)
            pkts[i] = make((uint16_t)(100 + i));
        assert_int_equal(xdp_tx(q, pkts, RING), RING);
        struct leat_pkt more = make(60);
        assert_int_equal(xdp_tx(q, &more, 1), 0); /* the ring is full */
        leat_free(cache, &more, 1);
        assert_int_equal(queue.head.stats.tx_packets, round * RING);
        uint64_t sent[RING];
        for (uint32_t i = 0; i < RING; i++) {
            struct xdp_desc desc = take_tx();
            assert_int_equal(desc.len, 100 + i);
            assert_int_equal(desc.options, 0);
            assert_ptr_equal(pool->base + desc.addr, pkts[i].data);
            sent[i] = desc.addr;
        }
        for (uint32_t i = RING; i-- > 0;) /* in any order */
            complete(sent[i]);
        assert_int_equal(xdp_tx(q, NULL, 0), 0);
        assert_int_equal(queue.head.stats.tx_packets, (round + 1) * RING);
    }
    assert_int_equal(queue.head.stats.tx_bytes, 5 * (RING * 100 + RING * (RING - 1) / 2));
}

static void sends_frames_of_several_buffers(void **state) {
    (void)state;
    struct leat_pkt pkts[9];
    for (uint16_t i = 0; i < 3; i++)
        pkts[i] = make((uint16_t)(500 + i));
    pkts[0].flags = pkts[1].flags = LEAT_PKT_MORE;
    assert_int_equal(xdp_tx(q, pkts, 2), 0); /* the end is missing */
    assert_int_equal(xdp_tx(q, pkts, 3), 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct xdp_desc desc = take_tx();
        assert_int_equal(desc.len, 500 + i);
        assert_int_equal(desc.options, i < 2 ? XDP_PKT_CONTD : 0);
        complete(desc.addr);
        assert_int_equal(xdp_tx(q, NULL, 0), 0);
        assert_int_equal(queue.head.stats.tx_packets, i == 2);
    }
    assert_int_equal(queue.head.stats.tx_bytes, 1503);
    for (uint16_t i = 0; i < 9; i++) {
        pkts[i] = make(100);
        pkts[i].flags = i < 8 ? LEAT_PKT_MORE : 0;
    }
    assert_int_equal(xdp_tx(q, pkts, 9), 9); /* one more than it takes */
    assert_int_equal(dropped(LEAT_DROP_TX_LENGTH), 1);
    assert_int_equal(xdp_ring_ready(&kernel[TX], UINT32_MAX), 0);
}

/* A frame stays whole where the ring has room for a part of it only. */
static void leaves_a_frame_that_has_no_room(void **state) {
    (void)state;
    struct leat_pkt pkts[RING + 1];
    for (uint16_t i = 0; i < RING + 1; i++)
        pkts[i] = make(100);
    pkts[RING - 1].flags = LEAT_PKT_MORE;
    assert_int_equal(xdp_tx(q, pkts, RING + 1), RING - 1);
    complete(take_tx().addr);
    complete(take_tx().addr);
    assert_int_equal(xdp_tx(q, pkts + RING - 1, 2), 2);
}

static void refuses_what_cannot_be_sent(void **state) {
    (void)state;
    static const uint16_t lengths[] = { 0, 13, 2369, 9000 };
    static const uint16_t asked[] = { LEAT_PKT_TSO, LEAT_PKT_META | LEAT_PKT_VLAN,
                                      LEAT_PKT_META | LEAT_PKT_LAUNCH };
    struct leat_pkt pkt, twice[2];
    for (uint32_t i = 0; i < 4; i++) {
        pkt = make(60);
        pkt.len = lengths[i];
        assert_int_equal(xdp_tx(q, &pkt, 1), 1);
        assert_int_equal(dropped(LEAT_DROP_TX_LENGTH), i + 1);
    }
    pkt = make(60);
    pkt.len = (uint16_t)(leat_pkt_room(pool, &pkt) + 1); /* into the next buffer */
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(dropped(LEAT_DROP_TX_LENGTH), 5);
    for (uint32_t i = 0; i < 3; i++) {
        pkt = make(60);
        pkt.flags = asked[i];
        assert_int_equal(xdp_tx(q, &pkt, 1), 1);
        assert_int_equal(dropped(LEAT_DROP_TX_OFFLOAD), i + 1);
    }
    assert_int_equal(xdp_ring_ready(&kernel[TX], UINT32_MAX), 0);
    pkt = make(60);
    twice[0] = twice[1] = pkt;
    assert_int_equal(xdp_tx(q, twice, 2), 2);
    assert_int_equal(dropped(LEAT_DROP_TX_REFUSED), 1);
    pkt.data = (uint8_t *)&pkt;
    pkt.flags = 0;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(dropped(LEAT_DROP_TX_REFUSED), 2);
    assert_int_equal(xdp_ring_ready(&kernel[TX], UINT32_MAX), 1);
}

static void believes_no_completion_twice(void **state) {
    (void)state;
    struct leat_pkt pkt = make(60), received;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    uint64_t address = take_tx().addr, held = take_fill();
    const uint64_t nonsense[] = { address, held, pool->bytes, UINT64_MAX };
    complete(address);
    for (uint32_t i = 0; i < 4; i++)
        complete(nonsense[i]);
    assert_int_equal(xdp_tx(q, NULL, 0), 0);
    assert_int_equal(queue.head.stats.tx_packets, 1);
    assert_int_equal(dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), 4);
    put_rx(at_start(held), 60, 0);
    assert_int_equal(xdp_rx(q, &received, 1), 1);
    leat_free(cache, &received, 1);
}

/* What the stack dropped although it completed is not counted as sent. */
static void counts_what_completed_without_being_sent(void **state) {
    (void)state;
    struct leat_pkt pkts[3] = { make(60), make(60), make(60) };
    assert_int_equal(xdp_tx(q, pkts, 3), 3);
    for (int i = 0; i < 3; i++)
        complete(take_tx().addr);
    queue.undelivered = 2;
    assert_int_equal(xdp_tx(q, NULL, 0), 0);
    assert_int_equal(queue.head.stats.tx_packets, 1);
    assert_int_equal(queue.head.stats.tx_bytes, 60);
    assert_int_equal(dropped(LEAT_DROP_TX_REFUSED), 2);
}

static void counts_what_it_leaves_behind(void **state) {
    (void)state;
    struct leat_pkt pkts[4] = { make(60), make(60), make(60), make(60) };
    struct leat_stats lost = { 0 };
    pkts[1].flags = LEAT_PKT_MORE; /* three frames */
    assert_int_equal(xdp_tx(q, pkts, 4), 4);
    complete(take_tx().addr);
    deliver(60, 0);
    deliver(100, XDP_PKT_CONTD);
    deliver(100, 0);
    xdp_socket_close(&queue, &lost);
    assert_int_equal(lost.tx_packets, 1);
    assert_int_equal(lost.drops[LEAT_DROP_TX_ABORTED], 2);
    assert_int_equal(lost.drops[LEAT_DROP_RX_MISSED], 2);
}

static void tells_what_the_program_found_out(void **state) {
    (void)state;
    struct leat_xdp_received received = {
        .time_ns = 1234567890123,
        .hash = 0xabcdef01,
        .vlan_tci = 0x2064,
        .vlan_proto = __builtin_bswap16(0x88a8),
        .valid = LEAT_XDP_META_TIME | LEAT_XDP_META_HASH | LEAT_XDP_META_VLAN,
    };
    struct leat_pkt pkts[2];
    reopen((struct xdp_socket_opts){ .rx_metadata = LEAT_XDP_META_TIME | LEAT_XDP_META_HASH |
                                                    LEAT_XDP_META_VLAN });
    uint64_t address = deliver(60, 0);
    memcpy(pool->base + address + LEAT_BUFFER_START - sizeof(received), &received,
           sizeof(received));
    received.valid = LEAT_XDP_META_HASH;
    address = deliver(60, 0);
    memcpy(pool->base + address + LEAT_BUFFER_START - sizeof(received), &received,
           sizeof(received));
    assert_int_equal(xdp_rx(q, pkts, 2), 2);
    assert_int_equal(pkts[0].flags, LEAT_PKT_META | LEAT_PKT_HASH | LEAT_PKT_TIME | LEAT_PKT_VLAN);
    assert_int_equal(pkts[0].hash, 0xabcdef01);
    const struct leat_meta *meta = leat_pkt_meta(pool, &pkts[0]);
    assert_int_equal(meta->time_ns, 1234567890123);
    assert_int_equal(meta->vlan_tci[0], 0x2064);
    assert_int_equal(meta->vlan_proto[0], 0x88a8);
    assert_int_equal(meta->vlan_proto[1], 0);
    assert_int_equal(meta->in_port, 7);
    assert_int_equal(pkts[1].flags, LEAT_PKT_HASH);
    leat_free(cache, pkts, 2);
}

/* What the program was not asked for is not told, and no metadata is looked for outside a buffer.
 */
static void doubts_metadata(void **state) {
    (void)state;
    struct leat_xdp_received received = { .hash = 1, .valid = UINT32_MAX };
    struct leat_pkt pkt;
    reopen((struct xdp_socket_opts){ .rx_metadata = LEAT_XDP_META_HASH });
    uint64_t address = deliver(60, 0);
    memcpy(pool->base + address + LEAT_BUFFER_START - sizeof(received), &received,
           sizeof(received));
    assert_int_equal(xdp_rx(q, &pkt, 1), 1);
    assert_int_equal(pkt.flags, LEAT_PKT_HASH);
    leat_free(cache, &pkt, 1);
    put_rx(take_fill(), 60, 0); /* at the very start of its buffer */
    assert_int_equal(xdp_rx(q, &pkt, 1), 1);
    assert_int_equal(pkt.flags, 0);
    leat_free(cache, &pkt, 1);
}

static struct leat_pkt make_udp(void) {
    static const uint8_t frame[] = { 2, 0,  0,    0, 0, 1, 2, 0,  0, 0, 0,   2,   8,   0,  0x45, 0,
                                     0, 32, 0,    0, 0, 0, 9, 17, 0, 0, 10,  0,   0,   1,  10,   0,
                                     0, 2,  0x10, 0, 0, 9, 0, 12, 0, 0, 'l', 'e', 'a', 't' };
    struct leat_pkt pkt = make(sizeof(frame));
    memcpy(pkt.data, frame, sizeof(frame));
    leat_put_be16(pkt.data + 40, leat_sum_fold(leat_sum_pseudo4(pkt.data + 14, 17, 12)));
    pkt.offload = leat_offload(14, 20, 0);
    pkt.flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP;
    return pkt;
}

static void completes_checksums_in_software(void **state) {
    (void)state;
    struct leat_pkt pkt = make_udp();
    struct leat_headers h;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    struct xdp_desc desc = take_tx();
    assert_int_equal(desc.options, 0);
    struct leat_pkt sent = { .data = pool->base + desc.addr, .len = (uint16_t)desc.len };
    leat_parse(sent.data, sent.data + sent.len, &h);
    assert_int_equal(leat_l4_verify(&sent, 1, &h), LEAT_CHECKSUM_OK);
    assert_true(leat_ip4_checksum_ok(sent.data + 14, 20));
}

static void asks_the_device_for_checksums_and_times(void **state) {
    (void)state;
    struct xdp_tx_metadata request;
    reopen((struct xdp_socket_opts){ .tx_metadata = XDP_SOCKET_TX_METADATA });
    struct leat_pkt pkt = make_udp();
    uint16_t open_sum = leat_be16(pkt.data + 40);
    *leat_pkt_meta(pool, &pkt) = (struct leat_meta){ .launch_ns = 987654321 };
    pkt.flags |= LEAT_PKT_META | LEAT_PKT_LAUNCH;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    struct xdp_desc desc = take_tx();
    assert_int_equal(desc.options, XDP_TX_METADATA);
    memcpy(&request, pool->base + desc.addr - sizeof(request), sizeof(request));
    assert_int_equal(request.flags, XDP_TXMD_FLAGS_CHECKSUM | XDP_TXMD_FLAGS_LAUNCH_TIME);
    assert_int_equal(request.csum_start, 34);
    assert_int_equal(request.csum_offset, 6);
    assert_int_equal(request.launch_time, 987654321);
    assert_int_equal(leat_be16(pool->base + desc.addr + 40), open_sum);
    assert_true(leat_ip4_checksum_ok(pool->base + desc.addr + 14, 20));

    pkt = make(60);
    pkt.data -= LEAT_BUFFER_START - 16; /* there is no room for the metadata before it */
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(dropped(LEAT_DROP_TX_LENGTH), 1);
    pkt = make(60);
    pkt.len = 2368 - 23; /* the kernel counts it as part of the buffer */
    pkt.data -= LEAT_BUFFER_START - 24;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(dropped(LEAT_DROP_TX_LENGTH), 2);
}

/* --- The vandal --- */

static uint64_t seed;

static uint32_t random_below(uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((seed >> 32) * n) >> 32);
}

static uint64_t random_address(void) {
    uint64_t buffer = (uint64_t)random_below(pool->buffers) * pool->stride;
    switch (random_below(5)) {
    case 0:
        return buffer;
    case 1:
        return at_start(buffer);
    case 2:
        return pool->bytes - random_below(64);
    case 3:
        return (uint64_t)random_below(UINT32_MAX) << 32 | random_below(UINT32_MAX);
    default:
        return buffer + random_below(pool->stride);
    }
}

static uint32_t random_length(void) {
    return random_below(2) ? random_below(2400) : random_below(UINT32_MAX);
}

/* Writes over entries that were handed over or are about to be, and moves indices. */
static void vandalize(void) {
    for (uint32_t i = random_below(8); i > 0; i--)
        *xdp_ring_descriptor(&kernel[RX], kernel[RX].own + random_below(RING)) =
            (struct xdp_desc){ random_address(), random_length(),
                               random_below(4) ? random_below(4) : UINT32_MAX };
    for (uint32_t i = random_below(4); i > 0; i--)
        *xdp_ring_address(&kernel[COMPLETION], kernel[COMPLETION].own + random_below(RING)) =
            random_address();
    kernel[RX].own += random_below(16);
    kernel[COMPLETION].own += random_below(4);
    *kernel[RX].producer = random_below(50) ? kernel[RX].own : random_below(UINT32_MAX);
    *kernel[COMPLETION].producer =
        random_below(50) ? kernel[COMPLETION].own : random_below(UINT32_MAX);
    *kernel[TX].consumer =
        random_below(50) ? queue.tx.own - random_below(RING) : random_below(UINT32_MAX);
}

/* The program's own buffers stay its own, whatever the kernel says. */
static void check_packets(struct leat_pkt *pkts, uint32_t n, uint8_t *owned) {
    for (uint32_t i = 0; i < n; i++) {
        assert_in_range((uintptr_t)pkts[i].data, (uintptr_t)pool->base,
                        (uintptr_t)pool->base + (uint64_t)pool->buffers * pool->stride - 1);
        assert_in_range(pkts[i].len, 1, leat_pkt_room(pool, &pkts[i]));
        assert_int_equal(owned[leat_buffer_number(pool, pkts[i].data)]++, 0);
        memset(pkts[i].data, 0xee, pkts[i].len);
    }
}

static void survives_a_vandal(void **state) {
    (void)state;
    const char *given = getenv("LEAT_SEED");
    static uint8_t owned[2 * BUFFERS];
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("LEAT_SEED=%lu\n", (unsigned long)seed);
    for (uint32_t turn = 0; turn < 20000; turn++) {
        struct leat_pkt pkts[32];
        vandalize();
        int got = xdp_rx(q, pkts, 1 + random_below(32));
        assert_true(got >= 0 || got == -EIO);
        uint32_t n = got > 0 ? (uint32_t)got : 0;
        if (n == 0)
            n = leat_alloc(cache, pkts, random_below(8));
        memset(owned, 0, sizeof(owned));
        for (uint32_t i = 0; i < n; i++)
            pkts[i].len = pkts[i].len ? pkts[i].len : (uint16_t)(60 + random_below(1000));
        check_packets(pkts, n, owned);
        int sent = random_below(3) ? xdp_tx(q, pkts, n) : 0;
        assert_true(sent >= 0 || sent == -EIO);
        uint32_t taken = sent > 0 ? (uint32_t)sent : 0;
        leat_free(cache, pkts + taken, n - taken);
        if (got < 0 || sent < 0)
            forgive();
    }
    assert_true(dropped(LEAT_DROP_RX_BAD_DESCRIPTOR) > 1000);
    assert_true(queue.head.stats.tx_packets > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(hands_out_whole_batches),
        TEST(refills_later_what_the_pool_lacks),
        TEST(joins_the_buffers_of_a_frame),
        TEST(drops_frames_of_too_many_buffers),
        TEST(believes_no_nonsense),
        TEST(drops_frames_with_a_bad_buffer),
        TEST(says_when_an_index_makes_no_sense),
        TEST(counts_as_sent_what_completes),
        TEST(sends_frames_of_several_buffers),
        TEST(leaves_a_frame_that_has_no_room),
        TEST(refuses_what_cannot_be_sent),
        TEST(believes_no_completion_twice),
        TEST(counts_what_completed_without_being_sent),
        TEST(counts_what_it_leaves_behind),
        TEST(tells_what_the_program_found_out),
        TEST(doubts_metadata),
        TEST(completes_checksums_in_software),
        TEST(asks_the_device_for_checksums_and_times),
        TEST(survives_a_vandal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
