/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks probe frames (docs/probe-frames.md) that leave a NIC. */
#ifndef SOFTNIC_SINK_H
#define SOFTNIC_SINK_H

#include "histogram.h"
#include "sequence.h"
#include "wire.h"

struct sink {
    struct sequence *sequence;
    uint64_t probes, corrupt;
    uint64_t now_ns;
    uint32_t clock_frames; /* that now_ns is still good for */
    struct histogram latency;
};

int sink_open(struct sink *sink);
void sink_close(struct sink *sink);

/* A burst begins: the clock is to be read again. */
static inline void sink_turn(struct sink *sink) {
    sink->clock_frames = 0;
}

/* A frame arrives; others than probe frames are ignored. */
void sink_take(struct sink *sink, const uint8_t *frame, uint32_t bytes);

void sink_sum(const struct sink *sink, struct wire_stats *stats);

#endif
