/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * null: swallows every frame. With size=64 it also receives frames of that size (with frame check
 * sequence) without end, for benchmarks of whatever stands beside it.
 */
#include "copying.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FCS_BYTES 4
#define FRAME_MIN 60
#define FRAME_MAX 9014 /* with the largest usual MTU */

struct null_port {
    uint32_t frame_bytes; /* of those it makes; 0: it makes none */
    int never;            /* a descriptor that does not become readable */
    uint8_t frame[FRAME_MAX];
};

struct null_queue {
    struct leat_queue_head head;
    struct null_port *null;
};

static int null_rx(struct leat_queue *public, struct leat_pkt *pkts, uint32_t n) {
    struct null_queue *queue = (struct null_queue *)public;
    struct leat_stats *stats = &queue->head.stats;
    uint32_t length = queue->null->frame_bytes, filled = 0, frames = 0;
    if (length == 0)
        return 0;
    if (n > LEAT_BATCH_MAX)
        n = LEAT_BATCH_MAX;
    uint64_t start = leat_profile_start(&queue->head);
    for (uint32_t got = 1; filled < n && got > 0; filled += got) {
        got = copying_receive(public->cache, pkts + filled, n - filled, queue->null->frame, length);
        frames += got > 0;
    }
    leat_profile_stop(&queue->head, start);
    LEAT_COUNT(stats->rx_packets, frames);
    LEAT_COUNT(stats->rx_bytes, (uint64_t)frames * length);
    return (int)filled;
}

/* Only whole frames: the rest of the last one may come with the next call. */
static int null_tx(struct leat_queue *public, struct leat_pkt *pkts, uint32_t n) {
    struct null_queue *queue = (struct null_queue *)public;
    struct leat_stats *stats = &queue->head.stats;
    uint32_t whole = 0, frames = 0;
    uint64_t bytes = 0, frame_bytes = 0;
    if (n > LEAT_BATCH_MAX)
        n = LEAT_BATCH_MAX;
    for (uint32_t i = 0; i < n; i++) {
        frame_bytes += pkts[i].len;
        if (pkts[i].flags & LEAT_PKT_MORE)
            continue;
        whole = i + 1;
        frames++;
        bytes += frame_bytes;
        frame_bytes = 0;
    }
    uint64_t start = leat_profile_start(&queue->head);
    leat_free(public->cache, pkts, whole);
    leat_profile_stop(&queue->head, start);
    LEAT_COUNT(stats->tx_packets, frames);
    LEAT_COUNT(stats->tx_bytes, bytes);
    return (int)whole;
}

static int null_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                            struct leat_queue **public) {
    struct null_queue *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return leat_fail(ENOMEM, "%s: no memory for queue %u", port->name, index);
    queue->null = port->data;
    queue->head.public = (struct leat_queue){ null_rx, null_tx, port, cache, index };
    *public = &queue->head.public;
    return 0;
}

static void null_close(struct leat_port *port) {
    struct null_port *null = port->data;
    copying_close_queues(port);
    if (null->never >= 0)
        close(null->never);
    free(null);
}

static void null_caps(struct leat_port *port, struct leat_caps *caps) {
    const struct null_port *null = port->data;
    strcpy(caps->device, "nothing");
    strcpy(caps->mode, null->frame_bytes ? "makes frames without end" : "swallows");
    caps->rx = null->frame_bytes > 0;
    caps->tx = caps->wait = caps->rx_lossless = caps->promisc = true;
    caps->queues = port->opts.queues;
    caps->queues_max = LEAT_QUEUES_MAX;
    caps->frame_max = UINT16_MAX;
    caps->segments_max = COPYING_SEGMENTS_MAX;
    caps->tx_flags = LEAT_PKT_REQUESTS;
}

static int null_queue_fd(struct leat_queue *queue) {
    return ((struct null_queue *)queue)->null->never;
}

static int null_queue_arm(struct leat_queue *queue) {
    return ((struct null_queue *)queue)->null->frame_bytes > 0;
}

static const struct leat_port_ops null_ops = {
    .queue_start = null_queue_start,
    .close = null_close,
    .caps = null_caps,
    .queue_fd = null_queue_fd,
    .queue_arm = null_queue_arm,
};

static int null_open(struct leat_port *port) {
    /* To and from locally administered addresses, of the ether type for local experiments. */
    static const uint8_t header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
    struct null_port *null = calloc(1, sizeof(*null));
    if (!null)
        return leat_fail(ENOMEM, "%s: no memory", port->name);
    memcpy(null->frame, header, sizeof(header));
    null->never = eventfd(0, EFD_CLOEXEC);
    port->data = null;
    port->ops = &null_ops;
    if (null->never < 0)
        return leat_fail(errno, "%s: cannot make an eventfd: %s", port->name, strerror(errno));
    if (*port->address)
        return leat_fail(EINVAL, "%s: null: takes no name, only options: null:,size=64",
                         port->name);
    uint32_t size = 0;
    int err = leat_option_u32(port, "size", &size, FRAME_MIN + FCS_BYTES, FRAME_MAX + FCS_BYTES);
    if (err > 0)
        null->frame_bytes = size - FCS_BYTES;
    return err < 0 ? err : copying_check_options(port, LEAT_QUEUES_MAX);
}

const struct leat_driver leat_null_driver = {
    .scheme = "null",
    .summary = "nothing: swallows frames and, with size=, makes them",
    .open = null_open,
};
