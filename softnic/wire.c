/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens wires of all kinds, and loses frames where that was asked for. */
#include "wire.h"
#include "error.h"
#include "wire_line.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct wire_kind *const kinds[] = {
    &wire_pair, &wire_loop, &wire_tap, &wire_gen, &wire_sink,
#ifdef SOFTNIC_PCAP
    &wire_pcap,
#endif
};
static const char *const common_keys[] = { "loss", "seed", "wait", NULL };

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016. */
static uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

bool wire_loss_takes(struct wire_loss *loss) {
    if (loss->spared) {
        loss->spared = false;
        return false;
    }
    return random_next(&loss->state) >> 1 < loss->threshold;
}

static bool lossy_transmit(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    struct wire_line *line = (struct wire_line *)wire;
    if (wire_loss_takes(&line->out_loss)) {
        wire_line_sent(line, bytes);
        wire->stats.lost_injected++;
        return true;
    }
    bool sent = line->kind->ops.transmit(wire, frame, bytes);
    line->out_loss.spared = !sent;
    return sent;
}

static int set_loss(struct wire_line *line, const struct wire_spec *spec) {
    double percent = 0;
    uint64_t seed = 1;
    int err = wire_spec_percent(spec, "loss", &percent);
    if (!err)
        err = wire_spec_number(spec, "seed", 1, UINT64_MAX, &seed);
    if (err || percent <= 0)
        return err;
    /* The two directions must not lose the same numbers, nor depend on how they interleave. */
    line->out_loss.threshold = (uint64_t)(percent / 100 * 0x1p63);
    line->out_loss.state = seed * 0x9e3779b97f4a7c15; /* odd: no seed becomes 0 */
    line->lossy_ops = line->kind->ops;
    line->lossy_ops.transmit = lossy_transmit;
    line->wire.ops = &line->lossy_ops;
    if (line->kind->loses_both_ways) {
        line->in_loss = line->out_loss;
        line->in_loss.state = seed * 0xbf58476d1ce4e5b9;
    }
    return 0;
}

uint32_t wire_line_turn(struct wire_line *line) {
    uint32_t brought = line->brought;
    line->brought = 0;
    if (brought)
        nic_deliver_done(line->wire.nic);
    return brought;
}

const char *const wire_line_no_keys[] = { NULL };

int wire_line_open(struct wire_line *line, const struct wire_spec *spec, struct wire *peer) {
    (void)line;
    (void)spec;
    (void)peer;
    return 0;
}

uint32_t wire_line_poll(struct wire *wire, uint32_t budget) {
    (void)budget; /* the budget of whoever transmits has bounded it */
    return wire_line_turn((struct wire_line *)wire);
}

bool wire_line_done(const struct wire *wire) {
    (void)wire;
    return true;
}

void wire_line_close(struct wire *wire) {
    (void)wire;
}

static const struct wire_kind *find_kind(const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i]->ops.name, name))
            return kinds[i];
    return NULL;
}

static int open_line(struct wire_line *line, const struct wire_spec *spec, struct wire *peer) {
    line->waits = true;
    int err = wire_spec_switch(spec, "wait", &line->waits);
    if (!err)
        err = set_loss(line, spec);
    return err ? err : line->kind->open(line, spec, peer);
}

int wire_open(struct wire **wire, const char *text, struct nic *nic, struct wire *peer) {
    struct wire_spec spec;
    int err = wire_spec_parse(&spec, text);
    if (err)
        return err;
    const struct wire_kind *kind = find_kind(spec.kind);
    if (!kind)
        return softnic_fail(EINVAL,
                            "wire '%s': no kind '%s'; there are pair, loop, tap, pcap, gen, sink",
                            text, spec.kind);
    err = wire_spec_check(&spec, common_keys, kind->keys);
    if (err)
        return err;
    struct wire_line *line = calloc(1, kind->bytes);
    if (!line)
        return softnic_fail(ENOMEM, "wire '%s': no memory", text);
    line->wire.ops = &kind->ops;
    line->wire.nic = nic;
    line->kind = kind;
    err = open_line(line, &spec, peer);
    if (err) {
        free(line);
        return err;
    }
    *wire = &line->wire;
    return 0;
}

void wire_close(struct wire *wire) {
    if (!wire)
        return;
    wire->ops->close(wire);
    free(wire);
}

void wire_stats(const struct wire *wire, struct wire_stats *stats) {
    const struct wire_line *line = (const struct wire_line *)wire;
    *stats = wire->stats;
    if (line->kind->sum)
        line->kind->sum(line, stats);
}
