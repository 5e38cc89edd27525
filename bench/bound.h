/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bound: what forwarding costs at least on this machine. The same reads and writes of
 * descriptors, frames and buffer numbers as the driver's, in lockstep with another core that writes
 * and reads them as a device would, without any decision between them.
 */
#ifndef BENCH_BOUND_H
#define BENCH_BOUND_H

#include <stdint.h>

/* Cycles a packet for `rings` rings full of `ring` packets each, worked on in batches of `batch`,
 * with packet starts `stride` bytes apart. */
double bound_cycles(uint32_t ring, uint32_t batch, uint32_t stride, uint32_t rings,
                    int device_core);

#endif
