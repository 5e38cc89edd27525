/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rig of the driver benchmarks: softnic with two ports in a thread of this process, on one
 * core, and the driver's ports opened on the other.
 *
 *   core 0 (the caller)                     core 1
 *   leat_rx(in) -> touch -> leat_tx(out)    softnic: port 0 generates, port 1 swallows and checks
 *
 * In lockstep only one of the two cores works at a time: the device fills the receive ring and
 * drains the transmit ring, then stands still while the driver works under the clock.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include "lib/core/cycles.h"
#include "softnic/softnic.h"
#include <leat/error.h>
#include <leat/port.h>
#include <pthread.h>
#include <stdatomic.h>

enum rig_turn { RIG_FREE, RIG_DEVICE, RIG_DRIVER, RIG_QUIT };

struct rig {
    char directory[32], sockets[2][48];
    struct softnic *softnic;
    pthread_t device;
    int device_core;
    _Alignas(64) _Atomic int turn; /* enum rig_turn */

    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port *ports[2];
    struct leat_queue *in, *out;
};

struct rig_opts {
    uint32_t ring;    /* descriptors of each ring */
    uint32_t buffers; /* of the pool; 0: enough for both rings */
    const char *wire; /* of port 0: "gen,size=64" */
    int driver_core, device_core;
};

/* 0, or a negative errno with the sentence on stderr. The device runs freely at first. */
int rig_open(struct rig *rig, const struct rig_opts *opts);
void rig_close(struct rig *rig);

/* Hands the turn to the device and waits until it stands still again. Returns the frames that now
 * lie in the receive ring: those that it delivered and the driver has not taken. */
uint64_t rig_device_turn(struct rig *rig, uint64_t taken);

void rig_run_free(struct rig *rig);

/* Of port 1's sink and port 0's device, since the start. */
void rig_stats(struct rig *rig, struct nic_stats nics[2], struct wire_stats wires[2]);

/* TSC ticks a second, measured once against CLOCK_MONOTONIC. */
double rig_tsc_hz(void);

/* Rewrites the first byte with its own value: the frame's line is fetched and made dirty, as by a
 * forwarder that changes an address, and the bytes stay as they were. */
static inline void rig_touch(const struct leat_pkt *pkt) {
    *(volatile uint8_t *)pkt->data = *(volatile uint8_t *)pkt->data;
}

#endif
