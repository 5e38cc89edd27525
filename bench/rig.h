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

#include "lane.h"
#include "softnic/softnic.h"
#include "turns.h"
#include <leat/error.h>

struct rig {
    char directory[32], sockets[2][48];
    struct softnic *softnic;
    struct turns turns;

    struct leat_pool *pool;
    struct leat_port *ports[2];
    struct lane lane;
    uint64_t delivered; /* frames, up to the last turn */
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

/* The device's turn, of a struct rig. Returns the frames that it put into the receive ring. */
uint64_t rig_device_turn(void *rig);

void rig_run_free(struct rig *rig);

/* Of port 1's sink and port 0's device, since the start. */
void rig_stats(struct rig *rig, struct nic_stats nics[2], struct wire_stats wires[2]);

#endif
