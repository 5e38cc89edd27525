/* SPDX-License-Identifier: BSD-2-Clause */
/* When frames were sent: the device writes the time over the request that stands before the frame
 * (Documentation/networking/xsk-tx-metadata.rst), and it is read as the buffer comes back. Only
 * frames that asked are looked at: of others there is the program's data. */
#include "xdp_buffers.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SENT_KEPT 256

struct xdp_sent {
    uint64_t put, got; /* both only grow */
    struct leat_sent times[SENT_KEPT];
    uint64_t asked[]; /* a bit a buffer */
};

int xdp_sent_create(struct xdp_queue *q) {
    if (!(q->opts.tx_metadata & XDP_TXMD_FLAGS_TIMESTAMP))
        return 0;
    q->sent = calloc(1, sizeof(*q->sent) + (q->pool->buffers + 63) / 64 * sizeof(uint64_t));
    return q->sent ? 0 : -1;
}

void xdp_sent_destroy(struct xdp_queue *q) {
    free(q->sent);
    q->sent = NULL;
}

void xdp_sent_ask(struct xdp_queue *q, uint32_t number) {
    q->sent->asked[number / 64] |= 1ull << number % 64;
}

void xdp_sent_note(struct xdp_queue *q, uint32_t number, uint64_t offset) {
    struct xdp_sent *sent = q->sent;
    uint64_t bit = 1ull << number % 64, time_ns;
    if (!(sent->asked[number / 64] & bit))
        return;
    sent->asked[number / 64] &= ~bit;
    const uint8_t *request = q->base + offset - sizeof(struct xdp_tx_metadata);
    memcpy(&time_ns, request + offsetof(struct xdp_tx_metadata, csum_start), sizeof(time_ns));
    if (time_ns <= UINT32_MAX) /* the request's own two offsets: the device told nothing */
        return;
    const struct leat_meta *meta = (const struct leat_meta *)leat_buffer(q->pool, number);
    sent->times[sent->put++ % SENT_KEPT] =
        (struct leat_sent){ .time_ns = time_ns, .mark = meta->mark };
    if (sent->put - sent->got > SENT_KEPT)
        sent->got = sent->put - SENT_KEPT;
}

int xdp_sent(struct leat_queue *queue, struct leat_sent *sent, uint32_t n) {
    struct xdp_sent *kept = ((struct xdp_queue *)queue)->sent;
    if (!kept)
        return leat_fail(ENOTSUP, "%s: times of sending were not asked for: tx-metadata=time",
                         queue->port->name);
    uint32_t got = 0;
    for (; got < n && kept->got < kept->put; got++)
        sent[got] = kept->times[kept->got++ % SENT_KEPT];
    return (int)got;
}
