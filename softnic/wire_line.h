/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all wires have in common: injected loss, waiting for a full NIC, counters. Each kind of wire
 * has a struct that begins with a wire_line, and a wire_kind that wire.c lists.
 */
#ifndef SOFTNIC_WIRE_LINE_H
#define SOFTNIC_WIRE_LINE_H

#include "nic.h"
#include "wire.h"
#include "wire_spec.h"
#include <stddef.h>

/* One direction's loss: which frames it takes depends on the seed and their number alone. */
struct wire_loss {
    uint64_t threshold; /* of 2^63; 0: takes nothing */
    uint64_t state;
    bool spared; /* the frame to come has been judged, and was refused since */
};

struct wire_line {
    struct wire wire;
    const struct wire_kind *kind;
    struct wire_loss out_loss, in_loss;
    struct wire_ops lossy_ops; /* stand before the kind's own, so that only loss= pays for it */
    bool waits;                /* for a full NIC */
    uint32_t brought;          /* to the NIC, since the last wire_line_turn() */
};

struct wire_kind {
    struct wire_ops ops;
    size_t bytes;            /* of its struct */
    const char *const *keys; /* its own options; NULL ends */
    bool loses_both_ways;    /* loss= applies also to frames towards the NIC */
    /* `line` is zeroed but for the common part. What a failed open leaves is its own to undo. */
    int (*open)(struct wire_line *line, const struct wire_spec *spec, struct wire *peer);
    /* Completes counters that are not kept up to date; may be NULL. */
    void (*sum)(const struct wire_line *line, struct wire_stats *stats);
};

extern const struct wire_kind wire_pair, wire_loop, wire_tap, wire_pcap, wire_gen, wire_sink;

bool wire_loss_takes(struct wire_loss *loss);

/* The end of a turn: the NIC shows its driver what was brought. Returns how many frames. */
uint32_t wire_line_turn(struct wire_line *line);

/* For wires that bring nothing of themselves, and hold nothing. */
int wire_line_open(struct wire_line *line, const struct wire_spec *spec, struct wire *peer);
uint32_t wire_line_poll(struct wire *wire, uint32_t budget);
bool wire_line_done(const struct wire *wire);
void wire_line_close(struct wire *wire);
extern const char *const wire_line_no_keys[];

static inline void wire_line_sent(struct wire_line *line, uint32_t bytes) {
    line->wire.stats.out_frames++;
    line->wire.stats.out_bytes += bytes;
}

/* Brings a frame to the NIC. False: the NIC is full and the wire waits, bring it again. */
static inline bool wire_line_bring(struct wire_line *line, const uint8_t *frame, uint32_t bytes) {
    struct wire_stats *stats = &line->wire.stats;
    if (__builtin_expect(line->in_loss.threshold != 0, 0) && wire_loss_takes(&line->in_loss)) {
        stats->lost_injected++;
        return true;
    }
    if (__builtin_expect(nic_deliver(line->wire.nic, frame, bytes) == NIC_FULL, 0)) {
        if (line->waits) {
            line->in_loss.spared = true;
            return false;
        }
        nic_missed(line->wire.nic);
        stats->lost_full++;
    }
    line->brought++;
    stats->in_frames++;
    stats->in_bytes += bytes;
    return true;
}

#endif
