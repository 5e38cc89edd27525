/* SPDX-License-Identifier: BSD-2-Clause */
/* The forwarder, for `leat fwd` and for the demonstration. */
#ifndef CMD_FWD_H
#define CMD_FWD_H

#include "forward.h"
#include "run.h"

struct fwd_opts {
    struct forward_opts forward; /* `touch` is taken from below */
    struct run_opts run;
    uint32_t queues, rx_ring, tx_ring; /* 0 is the port's default */
    uint64_t count;                    /* frames in each direction; 0: no end */
    bool one_way;
    int touch; /* enum forward_touch */
};

#define FWD_OPTS_INIT \
    { .forward = { .batch = 32 }, .run = { .core = -1 }, .touch = FORWARD_TOUCH_WRITE }

/* Forwards between the two ports named until it is over. 0, or the negative errno that ended it,
 * said on standard error; `report` tells what was done until then, its `seconds` 0 if nothing. */
int fwd_run(const struct fwd_opts *opts, char **names, struct report *report);

#endif
