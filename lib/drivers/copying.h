/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ports share that copy frames into and out of buffers: pcap, tap, null. */
#ifndef LEAT_DRIVERS_COPYING_H
#define LEAT_DRIVERS_COPYING_H

#include "lib/core/driver.h"
#include <string.h>

#define COPYING_SEGMENTS_MAX 32u /* buffers of a frame, the default batch of a program */

/* What a port can send. */
struct copying_limits {
    uint32_t frame_min, frame_max; /* bytes */
    uint32_t segments_max;
    uint16_t requests; /* LEAT_PKT_REQUESTS that it takes */
};

/* Refuses what a port without descriptor rings cannot do: rings, and more than `queues_max`. */
int copying_check_options(struct leat_port *port, uint32_t queues_max);

/* Copies a frame into new buffers, all but the last one full. Returns how many packets that made;
 * 0, and nothing done, when there are fewer than that `places` or buffers. */
uint32_t copying_receive(struct leat_cache *cache, struct leat_pkt *pkts, uint32_t places,
                         const uint8_t *bytes, uint32_t length);

/* The same into `n` buffers that the caller has allocated: how many of them it took, 0 if there are
 * too few. */
uint32_t copying_fill_many(const struct leat_pool *pool, struct leat_pkt *pkts, uint32_t n,
                           const uint8_t *bytes, uint32_t length);
static inline uint32_t copying_fill(const struct leat_pool *pool, struct leat_pkt *pkts, uint32_t n,
                                    const uint8_t *bytes, uint32_t length) {
    if (length > pool->stride - LEAT_BUFFER_START || n == 0)
        return copying_fill_many(pool, pkts, n, bytes, length);
    pkts->len = (uint16_t)length;
    pkts->flags = 0;
    memcpy(pkts->data, bytes, length);
    return 1;
}

/* The longest frame of COPYING_SEGMENTS_MAX buffers. */
uint32_t copying_frame_max(const struct leat_pool *pool);

/* Bytes of a frame of `segments` packets. */
uint32_t copying_frame_bytes(const struct leat_pkt *pkts, uint32_t segments);

/* Why the port can never send the frame, or LEAT_DROP_COUNT when it can. */
enum leat_drop copying_refusal(const struct copying_limits *limits, const struct leat_pkt *pkts,
                               uint32_t segments, uint32_t bytes);

/* Frees the queues, which are one allocation each, and keeps their counts in port->lost. */
void copying_close_queues(struct leat_port *port);

#endif
