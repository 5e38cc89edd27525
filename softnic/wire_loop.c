/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop-back plug: what leaves the port arrives at the same port. */
#include "wire_line.h"

static bool loop_transmit(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    struct wire_line *line = (struct wire_line *)wire;
    if (!wire_line_bring(line, frame, bytes))
        return false;
    wire_line_sent(line, bytes);
    return true;
}

const struct wire_kind wire_loop = {
    .ops = { .name = "loop",
             .transmit = loop_transmit,
             .poll = wire_line_poll,
             .done = wire_line_done,
             .close = wire_line_close },
    .bytes = sizeof(struct wire_line),
    .keys = wire_line_no_keys,
    .open = wire_line_open,
};
