/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of an AF_XDP queue: what was accepted is sent or counted, and the buffers come back once
 * the kernel is sure to leave them alone.
 *
 * Closing the socket ends its accesses in copy mode. With zero-copy the driver is told in work that
 * the kernel defers (xp_release_deferred()); until then the NIC may write. That the queue can be
 * bound again shows that it is over.
 */
#include "xdp_bind.h"
#include "xdp_buffers.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MS 100
#define DRAIN_US 200 /* between two looks */

static uint32_t frames_in_tx(const struct xdp_queue *q) {
    uint32_t frames = 0;
    for (uint32_t i = 0; i < q->pool->buffers; i++)
        frames += q->held[i] != XDP_HELD_FILL && q->held[i] & XDP_HELD_END;
    return frames;
}

/* Frames of descriptors that the kernel skipped never complete; it has counted these. */
static void drain(struct xdp_queue *q) {
    struct leat_stats kernel = { 0 };
    for (int us = 0; us < DRAIN_MS * 1000; us += DRAIN_US) {
        if (xdp_reclaim(q) < 0 || frames_in_tx(q) == 0 || q->gone || q->fd < 0)
            break;
        if (xdp_ring_pending(&q->tx))
            xdp_wake_tx(q);
        nanosleep(&(struct timespec){ .tv_nsec = DRAIN_US * 1000 }, NULL);
    }
    xdp_socket_stats(q, &kernel);
    uint32_t left = frames_in_tx(q);
    uint64_t refused = kernel.drops[LEAT_DROP_TX_REFUSED];
    LEAT_COUNT(q->head.stats.drops[LEAT_DROP_TX_ABORTED], left > refused ? left - refused : 0);
}

/* Received, but nobody looked. */
static void count_unread(struct xdp_queue *q) {
    uint32_t frames = 0, ready = xdp_ring_ready(&q->rx, UINT32_MAX);
    for (uint32_t i = 0; i < ready && ready <= q->rx.mask + 1; i++)
        frames += !(XDP_READ(xdp_ring_descriptor(&q->rx, q->rx.own + i)->options) & XDP_PKT_CONTD);
    LEAT_COUNT(q->head.stats.drops[LEAT_DROP_RX_MISSED], frames);
}

/* Whether the queue can be bound again, which takes nothing of ours. */
static bool driver_let_go(const struct xdp_queue *q) {
    enum { BYTES = 4 * 4096 };
    const uint32_t entries = XDP_RING_MIN;
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const struct xdp_umem_registration umem = {
        .addr = (uint64_t)(uintptr_t)memory,
        .len = BYTES,
        .chunk_size = 4096,
    };
    int err = EIO;
    if (fd >= 0 && memory != MAP_FAILED &&
        setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) == 0 &&
        setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &entries, sizeof(entries)) == 0 &&
        setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries)) == 0 &&
        setsockopt(fd, SOL_XDP, XDP_TX_RING, &entries, sizeof(entries)) == 0)
        err = xdp_bind_patiently(fd, &q->opts, XDP_COPY);
    if (fd >= 0)
        close(fd);
    if (memory != MAP_FAILED)
        munmap(memory, BYTES);
    return err == 0 || err == ENODEV; /* an interface that is gone has let go of everything */
}

static void release_buffers(struct xdp_queue *q, bool let_go) {
    for (uint32_t i = 0; i < q->pool->buffers; i++) {
        if (q->held[i] == XDP_HELD_NOT)
            continue;
        leat_own(q->pool, i, LEAT_OWNER_PORT, LEAT_OWNER_POOL, LEAT_PLACE);
        if (let_go)
            leat_pool_return(q->pool, &i, 1);
        else
            leat_pool_quarantine(q->pool, &i, 1);
    }
    free(q->held);
    q->held = NULL;
}

/* In a child process rings and frames stay its parent's, and what is closed is a copy of the
 * descriptor. */
void xdp_socket_close(struct xdp_queue *q, struct leat_stats *lost) {
    bool gone = xdp_socket_check(q) < 0, ours = q->process == getpid();
    if (q->held && ours) {
        drain(q);
        count_unread(q);
    }
    xdp_socket_stats(q, &q->head.stats);
    xdp_unmap_rings(q);
    if (q->fd >= 0)
        close(q->fd);
    q->fd = -1;
    if (q->held)
        release_buffers(q, ours && (!q->zerocopy || gone || driver_let_go(q)));
    xdp_sent_destroy(q);
    leat_stats_add(lost, &q->head.stats);
}
