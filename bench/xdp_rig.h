/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rig for the AF_XDP queue without a kernel: two queues whose four rings lie in ordinary memory,
 * and in a thread on another core what stands in for the kernel in copy mode.
 *
 *   in:   takes addresses from the fill ring, writes a frame there, puts it on the rx ring
 *   out:  takes descriptors from the tx ring, reads the frame, puts its address on completion
 *
 * No system call is made: the rings never ask for a wake-up.
 */
#ifndef BENCH_XDP_RIG_H
#define BENCH_XDP_RIG_H

#include "lane.h"
#include "lib/drivers/xdp_socket.h"
#include "turns.h"

struct xdp_rig {
    struct turns turns;
    struct leat_pool *pool;
    struct xdp_queue in, out;
    struct xdp_ring kernel[2][4]; /* the same rings, seen from the other side */
    struct lane lane;
    uint64_t delivered, sent; /* frames; `sent` by the kernel */
    uint32_t wakeup_flags;    /* never set */
};

struct xdp_rig_opts {
    uint32_t ring; /* descriptors of rx and tx */
    int driver_core, kernel_core;
};

/* 0, or a negative errno with the sentence on stderr. */
int xdp_rig_open(struct xdp_rig *rig, const struct xdp_rig_opts *opts);
void xdp_rig_close(struct xdp_rig *rig);

/* The kernel's turn, of a struct xdp_rig: sends all there is, then receives until the rx ring or
 * the fill ring ends. Returns how many frames it received. */
uint64_t xdp_rig_kernel_turn(void *rig);

#endif
