/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of an AF_XDP queue: frames of one buffer that ask for nothing. Everything else goes
 * through xdp_segments.c.
 *
 * A buffer's address is its offset in the pool; in unaligned mode the kernel may say it as a base
 * in the lower 48 bits plus an offset in the upper 16, which in aligned mode are zero.
 */
#include "xdp_buffers.h"
#include <errno.h>

#define CHECK_INTERVAL 4096 /* calls in vain between two looks whether the interface is there */

static int broken(const struct xdp_queue *q, const char *ring) {
    return leat_fail(EIO, "%s: queue %u: the index of the %s ring makes no sense; close the port",
                     q->opts.name, q->opts.queue, ring);
}

/* --- Receive --- */

/* The kernel cannot have more than the fill ring has places, so there is always room in it. */
void xdp_refill(struct xdp_queue *q) {
    const struct xdp_memory memory = xdp_memory(q);
    const struct xdp_ring ring = q->fill;
    struct leat_cache *cache = q->head.public.cache;
    uint32_t n = q->fill_missing < LEAT_BATCH_MAX ? q->fill_missing : LEAT_BATCH_MAX;
    n = leat_cache_available(cache, n);
    const uint32_t *numbers = leat_cache_take(cache, n);
    for (uint32_t i = 0; i < n; i++) {
        leat_own(memory.pool, numbers[i], LEAT_OWNER_POOL, LEAT_OWNER_PORT, LEAT_PLACE);
        memory.held[numbers[i]] = XDP_HELD_FILL;
        *xdp_ring_address(&ring, ring.own + i) = (uint64_t)numbers[i] * memory.stride;
    }
    q->fill.own += n;
    q->fill_missing -= n;
    xdp_ring_submit(&q->fill);
}

/* Hands out frames of one buffer, up to the first that is something else. */
static uint32_t receive_plain(struct xdp_queue *q, struct leat_pkt *pkts, uint32_t n,
                              uint64_t *bytes) {
    const struct xdp_memory memory = xdp_memory(q);
    const struct xdp_ring ring = q->rx;
    uint64_t sum = 0;
    uint32_t got = 0;
    for (; got < n; got++) {
        const struct xdp_desc *desc = xdp_ring_descriptor(&ring, ring.own + got);
        struct xdp_buffer buffer = xdp_find_buffer(&memory, XDP_READ(desc->addr));
        uint32_t length = XDP_READ(desc->len), options = XDP_READ(desc->options);
        if (__builtin_expect(options || !xdp_received_well(&memory, &buffer, length), 0))
            break;
        xdp_hand_out(&memory, &buffer, length, 0, &pkts[got]);
        __builtin_prefetch(memory.base + buffer.offset);
        sum += length;
    }
    q->rx.own += got;
    *bytes += sum;
    return got;
}

static uint32_t receive(struct xdp_queue *q, struct leat_pkt *pkts, uint32_t n, uint32_t ready) {
    uint32_t got = 0, frames = 0;
    uint64_t bytes = 0;
    while (got < n && ready > 0) {
        uint32_t most = n - got < ready ? n - got : ready, segments = 0;
        uint32_t taken = q->rx_skip ? 0 : receive_plain(q, &pkts[got], most, &bytes);
        got += taken;
        frames += taken;
        ready -= taken;
        if (__builtin_expect(taken == most, 1))
            break;
        taken = xdp_rx_frame(q, &pkts[got], n - got, ready, &segments);
        if (taken == 0) /* it is not all there, or there is no room */
            break;
        for (uint32_t i = 0; i < segments; i++)
            bytes += pkts[got + i].len;
        frames += segments > 0;
        got += segments;
        ready -= taken;
    }
    LEAT_COUNT(q->head.stats.rx_packets, frames);
    LEAT_COUNT(q->head.stats.rx_bytes, bytes);
    q->fill_missing += got;
    return got;
}

int xdp_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    struct xdp_queue *q = (struct xdp_queue *)queue;
    if (__builtin_expect(q->gone, 0))
        return xdp_socket_check(q);
    n = n < LEAT_BATCH_MAX ? n : LEAT_BATCH_MAX;
    uint32_t before = q->rx.own, ready = xdp_ring_ready(&q->rx, n);
    if (q->busy_poll && ready < n) {
        xdp_wake_rx(q);
        ready = xdp_ring_ready(&q->rx, n);
    }
    if (xdp_ring_broken(&q->rx, ready))
        return broken(q, "rx");
    uint32_t got = receive(q, pkts, n, ready);
    if (q->rx.own != before)
        xdp_ring_release(&q->rx);
    if (q->fill_missing > 0) {
        uint64_t start = leat_profile_start(&q->head);
        xdp_refill(q);
        leat_profile_stop(&q->head, start);
    }
    if (q->need_wakeup && !q->busy_poll && xdp_ring_needs_wakeup(&q->fill))
        xdp_wake_rx(q);
    if (__builtin_expect(got == 0, 0))
        return ++q->idle % CHECK_INTERVAL == 0 ? xdp_socket_check(q) : 0;
    for (uint32_t i = 0; q->opts.rx_metadata && i < got; i++)
        if (i == 0 || !(pkts[i - 1].flags & LEAT_PKT_MORE))
            xdp_read_metadata(q, &pkts[i]);
    return (int)got;
}

/* --- Transmit --- */

/* The kernel drops a frame of ours and completes it all the same (xdp_wakeup.c): which one cannot
 * be told, only how many. */
static void count_sent(struct xdp_queue *q, uint32_t frames, uint64_t bytes) {
    if (__builtin_expect(q->undelivered > 0 && frames > 0, 0)) {
        uint32_t lost = q->undelivered < frames ? q->undelivered : frames;
        bytes -= bytes / frames * lost;
        frames -= lost;
        q->undelivered -= lost;
        LEAT_COUNT(q->head.stats.drops[LEAT_DROP_TX_REFUSED], lost);
    }
    LEAT_COUNT(q->head.stats.tx_packets, frames);
    LEAT_COUNT(q->head.stats.tx_bytes, bytes);
}

static void reclaim_batch(struct xdp_queue *q, uint32_t n) {
    const struct xdp_memory memory = xdp_memory(q);
    const struct xdp_ring ring = q->completion;
    uint32_t *place = leat_cache_give(q->head.public.cache, n);
    uint32_t freed = 0, frames = 0, nonsense = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t address = XDP_READ(*xdp_ring_address(&ring, ring.own + i));
        struct xdp_buffer buffer = xdp_find_buffer(&memory, address);
        uint32_t held = buffer.known ? memory.held[buffer.number] : XDP_HELD_NOT;
        if (__builtin_expect(held == XDP_HELD_NOT || held == XDP_HELD_FILL, 0)) {
            nonsense++;
            continue;
        }
        memory.held[buffer.number] = XDP_HELD_NOT;
        leat_own(memory.pool, buffer.number, LEAT_OWNER_PORT, LEAT_OWNER_POOL, LEAT_PLACE);
        place[freed++] = buffer.number;
        frames += held / XDP_HELD_END;
        bytes += held & XDP_HELD_BYTES;
        if (__builtin_expect(q->sent != NULL, 0))
            xdp_sent_note(q, buffer.number, buffer.offset);
    }
    q->completion.own += n;
    q->head.public.cache->top -= nonsense;
    LEAT_COUNT(q->head.stats.drops[LEAT_DROP_RX_BAD_DESCRIPTOR], nonsense);
    count_sent(q, frames, bytes);
}

int xdp_reclaim(struct xdp_queue *q) {
    uint32_t ready = xdp_ring_ready(&q->completion, UINT32_MAX);
    if (xdp_ring_broken(&q->completion, ready))
        return broken(q, "completion");
    if (ready == 0)
        return 0;
    for (uint32_t n; ready > 0; ready -= n) {
        n = ready < LEAT_BATCH_MAX ? ready : LEAT_BATCH_MAX;
        reclaim_batch(q, n);
    }
    xdp_ring_release(&q->completion);
    return 0;
}

/* Takes frames of one buffer that ask for nothing, up to the first that is something else. */
static uint32_t submit_plain(struct xdp_queue *q, const struct leat_pkt *pkts, uint32_t n) {
    const struct xdp_memory memory = xdp_memory(q);
    const struct xdp_ring ring = q->tx;
    const uint32_t max = q->single_max, reserve = q->tx_reserve;
    uint32_t sent = 0;
    for (; sent < n; sent++) {
        const struct leat_pkt *pkt = &pkts[sent];
        struct xdp_buffer buffer = xdp_buffer_of(&memory, pkt);
        uint32_t length = pkt->len;
        if (__builtin_expect(
                pkt->flags & XDP_WISHES ||
                    !xdp_can_send(&memory, &buffer, length, XDP_FRAME_MIN, max, reserve) ||
                    !xdp_own(&memory, &buffer),
                0))
            break;
        xdp_place(&memory, &buffer, xdp_ring_descriptor(&ring, ring.own + sent), length,
                  XDP_HELD_END, 0);
    }
    q->tx.own += sent;
    return sent;
}

static uint32_t submit(struct xdp_queue *q, struct leat_pkt *pkts, uint32_t n, uint32_t room) {
    uint32_t sent = 0, taken = 1, before = q->tx.own;
    while (sent < n && taken > 0) {
        uint32_t left = room - (q->tx.own - before), most = n - sent < left ? n - sent : left;
        taken = submit_plain(q, &pkts[sent], most);
        sent += taken;
        if (__builtin_expect(taken == most, 1))
            break;
        sent += taken = xdp_tx_frame(q, &pkts[sent], n - sent, left - taken);
    }
    return sent;
}

int xdp_tx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    struct xdp_queue *q = (struct xdp_queue *)queue;
    if (__builtin_expect(q->gone, 0))
        return xdp_socket_check(q);
    uint64_t start = leat_profile_start(&q->head);
    int err = xdp_reclaim(q);
    leat_profile_stop(&q->head, start);
    n = n < LEAT_BATCH_MAX ? n : LEAT_BATCH_MAX;
    uint32_t before = q->tx.own, room = xdp_ring_room(&q->tx, n);
    if (err < 0)
        return err;
    if (xdp_ring_broken(&q->tx, room))
        return broken(q, "tx");
    uint32_t sent = submit(q, pkts, n, room);
    if (q->tx.own != before)
        xdp_ring_submit(&q->tx);
    if ((!q->need_wakeup || xdp_ring_needs_wakeup(&q->tx)) && xdp_ring_pending(&q->tx))
        xdp_wake_tx(q);
    if (__builtin_expect(sent == 0 && n > 0, 0))
        return ++q->idle % CHECK_INTERVAL == 0 ? xdp_socket_check(q) : 0;
    return (int)sent;
}
