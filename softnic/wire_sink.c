/* SPDX-License-Identifier: BSD-2-Clause */
/* A wire that only takes frames: it counts them all and checks those that are probes. */
#include "sink.h"
#include "wire_line.h"

struct sink_wire {
    struct wire_line line;
    struct sink sink;
};

static int sink_wire_open(struct wire_line *line, const struct wire_spec *spec, struct wire *peer) {
    (void)spec;
    (void)peer;
    return sink_open(&((struct sink_wire *)line)->sink);
}

static bool sink_transmit(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    struct sink_wire *sink = (struct sink_wire *)wire;
    sink_take(&sink->sink, frame, bytes);
    wire_line_sent(&sink->line, bytes);
    return true;
}

static uint32_t sink_poll(struct wire *wire, uint32_t budget) {
    (void)budget;
    sink_turn(&((struct sink_wire *)wire)->sink);
    return 0;
}

static void sink_wire_close(struct wire *wire) {
    sink_close(&((struct sink_wire *)wire)->sink);
}

static void sink_wire_sum(const struct wire_line *line, struct wire_stats *stats) {
    sink_sum(&((const struct sink_wire *)line)->sink, stats);
}

const struct wire_kind wire_sink = {
    .ops = { .name = "sink",
             .transmit = sink_transmit,
             .poll = sink_poll,
             .done = wire_line_done,
             .close = sink_wire_close },
    .bytes = sizeof(struct sink_wire),
    .keys = wire_line_no_keys,
    .open = sink_wire_open,
    .sum = sink_wire_sum,
};
