/* SPDX-License-Identifier: BSD-2-Clause */
/* A cable between two ports: what leaves the one arrives at the other, at once. */
#include "error.h"
#include "wire_line.h"
#include <errno.h>

struct pair {
    struct wire_line line;
    struct pair *peer;
};

static int pair_open(struct wire_line *line, const struct wire_spec *spec, struct wire *peer) {
    struct pair *pair = (struct pair *)line;
    if (!peer)
        return 0;
    struct wire_line *peer_line = (struct wire_line *)peer;
    if (peer_line->kind != &wire_pair || ((struct pair *)peer)->peer)
        return softnic_fail(EINVAL, "wire '%s': its peer is not a pair that waits for one",
                            spec->whole);
    pair->peer = (struct pair *)peer;
    pair->peer->peer = pair;
    return 0;
}

static bool pair_transmit(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    struct pair *pair = (struct pair *)wire;
    if (!pair->peer)
        wire->stats.lost_far++;
    else if (!wire_line_bring(&pair->peer->line, frame, bytes))
        return false;
    wire_line_sent(&pair->line, bytes);
    return true;
}

static void pair_close(struct wire *wire) {
    struct pair *pair = (struct pair *)wire;
    if (pair->peer)
        pair->peer->peer = NULL;
}

const struct wire_kind wire_pair = {
    .ops = { .name = "pair",
             .transmit = pair_transmit,
             .poll = wire_line_poll,
             .done = wire_line_done,
             .close = pair_close },
    .bytes = sizeof(struct pair),
    .keys = wire_line_no_keys,
    .open = pair_open,
};
