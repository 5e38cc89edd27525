/* SPDX-License-Identifier: BSD-2-Clause */
#include "forward.h"
#include "lib/core/cycles.h"
#include <errno.h>

static uint32_t frames(const struct leat_pkt *pkts, uint32_t n) {
    uint32_t ends = 0;
    for (uint32_t i = 0; i < n; i++)
        ends += !(pkts[i].flags & LEAT_PKT_MORE);
    return ends;
}

/* What a program does at the least: look at each frame. Volatile, so that the compiler leaves it
 * in; written is what was read, so that the frame stays as it is. */
static void touch(const struct leat_pkt *pkts, uint32_t n, enum forward_touch how) {
    if (how == FORWARD_TOUCH_READ)
        for (uint32_t i = 0; i < n; i++)
            (void)*(volatile uint8_t *)pkts[i].data;
    else if (how == FORWARD_TOUCH_WRITE)
        for (uint32_t i = 0; i < n; i++) {
            volatile uint8_t *byte = pkts[i].data;
            *byte = *byte;
        }
}

/* Keeps the first `left` frames of those in hand: asked for whole frames, a port may give more, and
 * other queues may have sent some meanwhile. */
static void keep_left(struct forward *forward) {
    struct leat_pkt *pkts = &forward->pkts[forward->first];
    uint32_t kept = 0;
    for (uint64_t i = 0; i < *forward->left && kept < forward->count; i++)
        kept += leat_frame_segments(&pkts[kept], forward->count - kept);
    forward->refused += frames(&pkts[kept], forward->count - kept);
    leat_free(forward->from->cache, &pkts[kept], forward->count - kept);
    forward->count = kept;
}

/* Asks for no more packets than frames are left. A frame of more buffers than that does not come
 * then, nor ever, unless it is given the room. */
static int ask(struct forward *forward) {
    uint32_t n = forward->opts->batch;
    if (*forward->left < n)
        n = (uint32_t)*forward->left;
    int received = leat_rx(forward->from, forward->pkts, n);
    return received == 0 && n < forward->whole
               ? leat_rx(forward->from, forward->pkts, forward->whole)
               : received;
}

static int receive(struct forward *forward) {
    int received = ask(forward);
    if (received == -ENODATA) {
        forward->ended = true;
        return 0;
    }
    if (received > 0) {
        forward->first = 0;
        forward->count = (uint32_t)received;
        forward->packets += (uint32_t)received;
        if (*forward->left < (uint32_t)received)
            keep_left(forward);
    }
    return received;
}

/* Offers what is there; without `lossless` the rest is lost here, by name. */
static int transmit(struct forward *forward) {
    struct leat_pkt *pkts = &forward->pkts[forward->first];
    int sent = leat_tx(forward->to, pkts, forward->count);
    if (sent < 0)
        return sent;
    uint32_t rest = forward->count - (uint32_t)sent;
    if (*forward->left != UINT64_MAX) {
        uint32_t ends = frames(pkts, (uint32_t)sent);
        *forward->left -= ends < *forward->left ? ends : *forward->left;
    }
    forward->first += (uint32_t)sent;
    forward->count = rest;
    return 0;
}

static void drop(struct forward *forward, uint64_t *counter) {
    const struct leat_pkt *pkts = &forward->pkts[forward->first];
    *counter += frames(pkts, forward->count);
    leat_free(forward->to->cache, pkts, forward->count);
    forward->count = 0;
}

static int forward_plain(struct forward *forward) {
    int moved = 1;
    if (forward->count == 0) {
        moved = receive(forward);
        if (moved <= 0)
            return moved;
        touch(forward->pkts, forward->count, forward->opts->touch);
    }
    int status = transmit(forward);
    if (status < 0)
        return status;
    if (forward->count && !forward->opts->lossless)
        drop(forward, &forward->lost);
    return moved;
}

/* The same under the clock. What the queues spend on their cache is counted by themselves, and
 * taken off the stage that it happened in. */
static int forward_profiled(struct forward *forward) {
    struct forward_cycles *cycles = &forward->cycles;
    uint64_t from_before = leat_queue_buffer_cycles(forward->from);
    uint64_t to_before = leat_queue_buffer_cycles(forward->to);
    uint64_t start = leat_cycles(), received = start, touched = start;
    int moved = 1;
    if (forward->count == 0) {
        moved = receive(forward);
        if (moved <= 0)
            return moved;
        received = leat_cycles();
        touch(forward->pkts, forward->count, forward->opts->touch);
        touched = leat_cycles();
    }
    uint64_t from_buffers = leat_queue_buffer_cycles(forward->from) - from_before;
    uint64_t middle = leat_cycles();
    int status = transmit(forward);
    if (status < 0)
        return status;
    uint64_t sent = leat_cycles();
    uint64_t to_buffers = leat_queue_buffer_cycles(forward->to) - to_before;
    if (forward->count && !forward->opts->lossless)
        drop(forward, &forward->lost);
    uint64_t end = leat_cycles();
    cycles->receive += received - start - from_buffers;
    cycles->touch += touched - received;
    cycles->transmit += sent - middle - to_buffers;
    cycles->buffers += from_buffers + to_buffers + (end - sent);
    return moved;
}

int forward_batch(struct forward *forward) {
    if (*forward->left < forward->count)
        keep_left(forward);
    if (*forward->left == 0)
        forward->ended = true;
    if (forward->ended && forward->count == 0)
        return 0;
    int moved = forward->opts->profile ? forward_profiled(forward) : forward_plain(forward);
    if (*forward->left == 0)
        forward->ended = true;
    return moved;
}

void forward_drain(struct forward *forward) {
    if (forward->count)
        drop(forward, &forward->aborted);
}
