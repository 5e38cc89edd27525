/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing frames of a tap, each behind a virtio header (virtio 1.2, 5.1.6). */
#include "tap.h"
#include <errno.h>
#include <leat/checksum.h>
#include <leat/parse.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/uio.h>

#define TCP_CHECKSUM 16 /* offset in the header */
#define UDP_CHECKSUM 6

/* Buffers enough for the longest frame. */
static bool refill(struct tap_queue *queue) {
    struct leat_cache *cache = queue->head.public.cache;
    uint32_t missing = queue->tap->segments_max - queue->buffer_count;
    const uint32_t *numbers = missing ? leat_cache_take(cache, missing) : NULL;
    if (missing && !numbers)
        return false;
    for (uint32_t i = 0; i < missing; i++) {
        leat_own(cache->pool, numbers[i], LEAT_OWNER_POOL, LEAT_OWNER_PORT, LEAT_PLACE);
        queue->buffers[queue->buffer_count++].data =
            leat_buffer(cache->pool, numbers[i]) + LEAT_BUFFER_START;
    }
    return true;
}

void tap_queue_release(struct tap_queue *queue) {
    struct leat_pool *pool = queue->head.public.cache->pool;
    for (uint32_t i = 0; i < queue->buffer_count; i++) {
        uint32_t number = leat_buffer_number(pool, queue->buffers[i].data);
        leat_own(pool, number, LEAT_OWNER_PORT, LEAT_OWNER_POOL, LEAT_PLACE);
        leat_pool_return(pool, &number, 1);
    }
    queue->buffer_count = 0;
}

/* Lays the lengths over the buffers. Returns how many the frame takes. */
static uint32_t set_lengths(struct leat_pkt *pkts, uint32_t bytes, uint32_t room) {
    uint32_t segments = 0;
    do {
        struct leat_pkt *pkt = &pkts[segments++];
        pkt->len = (uint16_t)(bytes < room ? bytes : room);
        bytes -= pkt->len;
        pkt->flags = bytes ? LEAT_PKT_MORE : 0;
    } while (bytes);
    return segments;
}

/* A checksum that its sender left open, as a request, if the headers are what it says they are. */
static bool as_request(struct leat_pkt *pkt, const struct virtio_net_hdr *header) {
    struct leat_headers h;
    leat_parse(pkt->data, pkt->data + pkt->len, &h);
    if (!(h.flags & LEAT_HEADERS_L4) || h.l4 != header->csum_start)
        return false;
    bool tcp = h.protocol == LEAT_PROTO_TCP && header->csum_offset == TCP_CHECKSUM;
    bool udp = h.protocol == LEAT_PROTO_UDP && header->csum_offset == UDP_CHECKSUM;
    if (!tcp && !udp)
        return false;
    pkt->offload = leat_offload(h.l3 - h.l2, h.l4 - h.l3, 0);
    pkt->flags |= LEAT_PKT_L4_CSUM | (tcp ? LEAT_PKT_L4_TCP : LEAT_PKT_L4_UDP);
    if (h.ether_type == LEAT_ETHER_IP6)
        pkt->flags |= LEAT_PKT_IPV6;
    return leat_offload_l2_len(pkt->offload) == (uint32_t)(h.l3 - h.l2) &&
           leat_offload_l3_len(pkt->offload) == (uint32_t)(h.l4 - h.l3);
}

/* One that cannot be said as a request, such as inside a tunnel, is completed here. */
static bool complete(struct leat_pkt *pkts, uint32_t segments, uint32_t bytes,
                     const struct virtio_net_hdr *header) {
    uint32_t field = (uint32_t)header->csum_start + header->csum_offset;
    uint64_t sum = 0;
    if (field + 2 > pkts->len ||
        leat_frame_sum(pkts, segments, header->csum_start, bytes, &sum) < 0)
        return false;
    leat_put_be16(pkts->data + field, leat_sum_udp(leat_sum_finish(sum)));
    return true;
}

static bool apply_header(struct leat_pkt *pkts, uint32_t segments, uint32_t bytes,
                         const struct virtio_net_hdr *header) {
    if (header->gso_type != VIRTIO_NET_HDR_GSO_NONE) /* which we did not ask for */
        return false;
    if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID)
        pkts->flags |= LEAT_PKT_L4_OK;
    if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
        return true;
    uint16_t flags = pkts->flags;
    if (as_request(pkts, header))
        return true;
    pkts->flags = flags;
    return complete(pkts, segments, bytes, header);
}

/* Reads a frame into the buffers: 1 with it held there or dropped, 0 when there is none. */
static int read_frame(struct tap_queue *queue) {
    struct leat_queue *public = &queue->head.public;
    struct virtio_net_hdr header;
    struct iovec vector[COPYING_SEGMENTS_MAX + 1] = { { &header, sizeof(header) } };
    uint32_t room = public->cache->pool->stride - LEAT_BUFFER_START;
    for (uint32_t i = 0; i < queue->buffer_count; i++)
        vector[1 + i] = (struct iovec){ queue->buffers[i].data, room };
    ssize_t got = readv(queue->fd, vector, (int)(1 + queue->buffer_count));
    if (got < 0)
        return errno == EAGAIN || errno == EINTR
                   ? 0
                   : leat_fail(ENODEV, "%s: cannot read: %s; is the interface gone?",
                               public->port->name, strerror(errno));
    uint32_t bytes = (uint32_t)got - (uint32_t)sizeof(header);
    if ((size_t)got <= sizeof(header) || bytes > queue->tap->frame_max) {
        LEAT_COUNT(queue->head.stats.drops[LEAT_DROP_RX_LENGTH], 1);
        return 1;
    }
    uint32_t segments = set_lengths(queue->buffers, bytes, room);
    if (!apply_header(queue->buffers, segments, bytes, &header)) {
        LEAT_COUNT(queue->head.stats.drops[LEAT_DROP_RX_BAD_DESCRIPTOR], 1);
        return 1;
    }
    queue->held = segments;
    return 1;
}

static void deliver(struct tap_queue *queue, struct leat_pkt *pkts) {
    const struct leat_pool *pool = queue->head.public.cache->pool;
    uint32_t segments = queue->held;
    LEAT_COUNT(queue->head.stats.rx_packets, 1);
    LEAT_COUNT(queue->head.stats.rx_bytes, copying_frame_bytes(queue->buffers, segments));
    for (uint32_t i = 0; i < segments; i++) {
        pkts[i] = queue->buffers[i];
        leat_own(queue->head.public.cache->pool, leat_buffer_number(pool, pkts[i].data),
                 LEAT_OWNER_PORT, LEAT_OWNER_PROGRAM, LEAT_PLACE);
    }
    queue->buffer_count -= segments;
    memmove(queue->buffers, queue->buffers + segments,
            queue->buffer_count * sizeof(queue->buffers[0]));
    queue->held = 0;
}

int tap_rx(struct leat_queue *public, struct leat_pkt *pkts, uint32_t n) {
    struct tap_queue *queue = (struct tap_queue *)public;
    uint32_t filled = 0;
    int got = 1;
    if (n > LEAT_BATCH_MAX)
        n = LEAT_BATCH_MAX;
    for (uint32_t tries = 0; tries < n && filled < n; tries++) {
        if (queue->held == 0 && (!refill(queue) || (got = read_frame(queue)) <= 0))
            break;
        if (queue->held > n - filled)
            break;
        uint32_t segments = queue->held;
        if (segments > 0)
            deliver(queue, pkts + filled);
        filled += segments;
    }
    return filled > 0 || got > 0 ? (int)filled : got;
}

/* Checksums of TCP and UDP are the kernel's to complete, the rest is ours. */
static bool make_header(struct virtio_net_hdr *header, struct leat_pkt *pkts, uint32_t segments) {
    uint16_t l4 = pkts->flags & LEAT_PKT_L4_MASK;
    bool passed_on =
        (pkts->flags & LEAT_PKT_L4_CSUM) && (l4 == LEAT_PKT_L4_TCP || l4 == LEAT_PKT_L4_UDP);
    *header = (struct virtio_net_hdr){ 0 };
    if (passed_on) {
        header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header->csum_start =
            (uint16_t)(leat_offload_l2_len(pkts->offload) + leat_offload_l3_len(pkts->offload));
        header->csum_offset = l4 == LEAT_PKT_L4_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
        pkts->flags &= (uint16_t)~LEAT_PKT_L4_CSUM;
    }
    return leat_complete_checksum(pkts, segments) == 0;
}

/* LEAT_DROP_COUNT: written; or why it is dropped, or -EAGAIN or -ENODEV. */
static int write_frame(const struct tap_queue *queue, struct leat_pkt *pkts, uint32_t segments) {
    struct virtio_net_hdr header;
    struct iovec vector[COPYING_SEGMENTS_MAX + 1] = { { &header, sizeof(header) } };
    if (!make_header(&header, pkts, segments))
        return LEAT_DROP_TX_OFFLOAD;
    for (uint32_t i = 0; i < segments; i++)
        vector[1 + i] = (struct iovec){ pkts[i].data, pkts[i].len };
    if (writev(queue->fd, vector, (int)(1 + segments)) >= 0)
        return LEAT_DROP_COUNT;
    if (errno == EBADFD)
        return leat_fail(ENODEV, "%s: the interface is gone", queue->head.public.port->name);
    if (errno != EAGAIN && errno != EINTR)
        return LEAT_DROP_TX_REFUSED;
    if (header.flags) /* the program offers it again, with the request */
        pkts->flags |= LEAT_PKT_L4_CSUM;
    return -EAGAIN;
}

static int send_frame(struct tap_queue *queue, struct leat_pkt *pkts, uint32_t segments) {
    const struct copying_limits limits = {
        .frame_min = 14,
        .frame_max = queue->tap->frame_max,
        .segments_max = COPYING_SEGMENTS_MAX,
        .requests = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM,
    };
    struct leat_stats *stats = &queue->head.stats;
    uint32_t bytes = copying_frame_bytes(pkts, segments);
    int outcome = copying_refusal(&limits, pkts, segments, bytes);
    if (outcome == LEAT_DROP_COUNT)
        outcome = write_frame(queue, pkts, segments);
    if (outcome < 0)
        return outcome;
    if (outcome < LEAT_DROP_COUNT) {
        LEAT_COUNT(stats->drops[outcome], 1);
        return 0;
    }
    LEAT_COUNT(stats->tx_packets, 1);
    LEAT_COUNT(stats->tx_bytes, bytes);
    return 0;
}

int tap_tx(struct leat_queue *public, struct leat_pkt *pkts, uint32_t n) {
    struct tap_queue *queue = (struct tap_queue *)public;
    uint32_t done = 0;
    int err = 0;
    if (n > LEAT_BATCH_MAX)
        n = LEAT_BATCH_MAX;
    for (uint32_t segments; (segments = leat_frame_segments(pkts + done, n - done)) > 0;) {
        if ((err = send_frame(queue, pkts + done, segments)) < 0)
            break;
        done += segments;
    }
    uint64_t start = leat_profile_start(&queue->head);
    leat_free(public->cache, pkts, done);
    leat_profile_stop(&queue->head, start);
    return done > 0 || err == 0 || err == -EAGAIN ? (int)done : err;
}
