/* SPDX-License-Identifier: BSD-2-Clause */
/* The forwarder's loop: one direction between two queues. */
#ifndef CMD_FORWARD_H
#define CMD_FORWARD_H

#include <leat/port.h>

enum forward_touch { FORWARD_TOUCH_NONE, FORWARD_TOUCH_READ, FORWARD_TOUCH_WRITE };

struct forward_opts {
    uint32_t batch;
    enum forward_touch touch;
    bool lossless; /* keep what the sending port does not take, and offer it again */
    bool profile;
};

/* TSC cycles of batches that found packets. */
struct forward_cycles {
    uint64_t receive, touch, transmit, buffers;
};

struct forward {
    const struct forward_opts *opts;
    struct leat_queue *from, *to;
    uint32_t whole; /* places that hold any frame of the source */
    uint64_t
        *left;  /* frames still to be forwarded, with others of its worker; UINT64_MAX: no end */
    bool ended; /* the source has no more, or `left` is 0 */
    uint32_t first, count;
    struct leat_pkt pkts[LEAT_BATCH_MAX]; /* [first, first + count): not sent yet */
    uint64_t packets;                     /* buffers taken from the source */
    uint64_t lost;                        /* frames; LEAT_DROP_TX_FULL at the sending port */
    uint64_t refused;                     /* frames beyond `left`; LEAT_DROP_BY_PROGRAM */
    uint64_t aborted;                     /* frames in hand at the end; LEAT_DROP_TX_ABORTED */
    struct forward_cycles cycles;
};

/* Moves one batch. Returns how many packets it moved, 0 when idle, at least 1 while packets wait to
 * be sent, or a negative errno. */
int forward_batch(struct forward *forward);

/* Gives back what was never sent. */
void forward_drain(struct forward *forward);

#endif
