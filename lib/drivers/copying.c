/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ports share that copy frames into and out of buffers. */
#include "copying.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int copying_check_options(struct leat_port *port, uint32_t queues_max) {
    static const char *const rings[] = { "rx-ring", "tx-ring" };
    for (uint32_t i = 0; i < port->option_count; i++)
        for (uint32_t ring = 0; ring < 2; ring++)
            if (strcmp(port->options[i].key, rings[ring]) == 0)
                return leat_fail(ENOTSUP, "%s: option '%s': %s: ports have no rings", port->name,
                                 rings[ring], port->driver->scheme);
    if (port->opts.queues > queues_max)
        return leat_fail(ENOTSUP, "%s: %u queues; %s: ports have at most %u", port->name,
                         port->opts.queues, port->driver->scheme, queues_max);
    return 0;
}

static uint32_t segments_of(uint32_t room, uint32_t length) {
    uint32_t segments = 1;
    for (uint32_t covered = room; covered < length; covered += room)
        segments++;
    return segments;
}

uint32_t copying_fill_many(const struct leat_pool *pool, struct leat_pkt *pkts, uint32_t n,
                           const uint8_t *bytes, uint32_t length) {
    uint32_t room = pool->stride - LEAT_BUFFER_START;
    uint32_t segments = segments_of(room, length);
    if (segments > n)
        return 0;
    for (uint32_t i = 0; i < segments; i++) {
        pkts[i].len = (uint16_t)(length < room ? length : room);
        pkts[i].flags = i + 1 < segments ? LEAT_PKT_MORE : 0;
        memcpy(pkts[i].data, bytes, pkts[i].len);
        bytes += pkts[i].len;
        length -= pkts[i].len;
    }
    return segments;
}

uint32_t copying_receive(struct leat_cache *cache, struct leat_pkt *pkts, uint32_t places,
                         const uint8_t *bytes, uint32_t length) {
    uint32_t segments = segments_of(cache->pool->stride - LEAT_BUFFER_START, length);
    if (segments > places)
        return 0;
    uint32_t got = leat_alloc(cache, pkts, segments);
    if (got < segments) {
        leat_free(cache, pkts, got);
        return 0;
    }
    return copying_fill(cache->pool, pkts, got, bytes, length);
}

uint32_t copying_frame_max(const struct leat_pool *pool) {
    return COPYING_SEGMENTS_MAX * (pool->stride - LEAT_BUFFER_START);
}

uint32_t copying_frame_bytes(const struct leat_pkt *pkts, uint32_t segments) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < segments; i++)
        bytes += pkts[i].len;
    return bytes;
}

enum leat_drop copying_refusal(const struct copying_limits *limits, const struct leat_pkt *pkts,
                               uint32_t segments, uint32_t bytes) {
    /* Tags that are not among the bytes would get lost, and so would a time to send at. */
    uint16_t wanted = pkts->flags & LEAT_PKT_REQUESTS;
    if ((wanted & ~limits->requests) || pkts->flags & LEAT_PKT_FROM_META)
        return LEAT_DROP_TX_OFFLOAD;
    bool too_long = bytes > limits->frame_max && !(wanted & LEAT_PKT_TSO);
    if (bytes < limits->frame_min || too_long || segments > limits->segments_max)
        return LEAT_DROP_TX_LENGTH;
    return LEAT_DROP_COUNT;
}

void copying_close_queues(struct leat_port *port) {
    for (uint32_t i = 0; i < port->opts.queues; i++) {
        struct leat_queue_head *head = (struct leat_queue_head *)port->queues[i];
        if (head)
            leat_stats_add(&port->lost, &head->stats);
        free(head);
        port->queues[i] = NULL;
    }
}
