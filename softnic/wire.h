/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire behind a NIC's port: a pair (the other port), a loop, a tap, captures, a generator and
 * sink. Wires push: towards the host with nic_deliver(), away from it through transmit().
 */
#ifndef SOFTNIC_WIRE_H
#define SOFTNIC_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct nic;
struct wire;

struct wire_ops {
    const char *name;
    /* A frame leaves the NIC; its bytes are valid during the call only. False: not now, the NIC
     * keeps the descriptor and offers the frame again. */
    bool (*transmit)(struct wire *wire, const uint8_t *frame, uint32_t bytes);
    /* One turn: bring frames in by nic_deliver(), at most `budget`. Returns how many. */
    uint32_t (*poll)(struct wire *wire, uint32_t budget);
    /* Whether it has brought all it will ever bring (a capture at its end, a generator's count). */
    bool (*done)(const struct wire *wire);
    void (*close)(struct wire *wire);
};

struct wire_stats {
    uint64_t out_frames, out_bytes; /* from the NIC onto the wire */
    uint64_t in_frames, in_bytes;   /* from the wire to the NIC, accepted by it or not */
    uint64_t generated;             /* by the wire itself; in_frames plus what loss= took of them */
    uint64_t lost_injected;         /* loss= took them */
    uint64_t lost_full;             /* the NIC had no room and the wire does not wait */
    uint64_t lost_far;              /* the far end (tap, file, other port) did not take them */
    /* Of probe frames (docs/probe-frames.md), at a sink. */
    uint64_t probes, missing, duplicate, reordered, corrupt;
    uint64_t latency_count, latency_p50_ns, latency_p99_ns, latency_p999_ns, latency_max_ns;
};

struct wire {
    const struct wire_ops *ops;
    struct nic *nic;
    struct wire_stats stats;
};

/* Makes the wire that `spec` describes, e.g. "gen,rate=1000000,size=64,flows=16", for `nic`.
 * "pair" joins it with the peer NIC's wire: pass the wire made for the peer, or NULL for the first
 * of the two. Errors as softnic_error(). */
int wire_open(struct wire **wire, const char *spec, struct nic *nic, struct wire *peer);
void wire_close(struct wire *wire);
void wire_stats(const struct wire *wire, struct wire_stats *stats);

#endif
