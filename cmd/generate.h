/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator's loops: probe frames made, or a capture replayed, at a rate. */
#ifndef CMD_GENERATE_H
#define CMD_GENERATE_H

#include "flows.h"
#include "pacer.h"
#include <leat/port.h>

enum generate_rate {
    GENERATE_MAX,
    GENERATE_PPS,      /* units are packets */
    GENERATE_LINE,     /* units are bits on a line of 10 Gbit/s */
    GENERATE_RECORDED, /* a capture's own times */
};

#define GENERATE_LINE_BPS  10000000000
#define GENERATE_SIZES_MAX 12
#define GENERATE_BYTES_MAX 9216 /* of a frame */

struct generate {
    struct leat_queue *queue;
    struct leat_queue *source; /* of a capture; NULL: make frames */
    const struct leat_pool *pool;
    uint32_t room; /* bytes of a frame in each of its buffers */
    enum generate_rate rate;
    uint64_t rate_units; /* a second */
    uint64_t limit;      /* frames; UINT64_MAX: no end */

    /* Of frames made. */
    struct flows flows;
    uint32_t sizes[GENERATE_SIZES_MAX]; /* in turn; bytes without frame check sequence */
    uint32_t size_count, size_at;
    uint32_t segments[GENERATE_SIZES_MAX]; /* buffers that they take */
    struct probe probe;                    /* of the next frame */
    bool stamp;

    struct pacer pacer;
    bool started;
    bool ended;                /* the limit is reached, or the capture is at its end */
    uint64_t first_ns;         /* the capture's first time */
    uint64_t frames;           /* made or due so far */
    uint32_t first, due, held; /* pkts[first ...]: `due` may be sent, `held` more may not yet */
    struct leat_pkt pkts[LEAT_BATCH_MAX];
};

/* One turn, as a worker's batch function: how many packets it moved, at least 1 while some wait for
 * the port, 0 while none is due. */
int generate_batch(struct generate *generate);

/* Gives back what was never sent; returns how many frames of the capture that were. */
uint64_t generate_drain(struct generate *generate);

#endif
