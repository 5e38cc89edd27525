/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate.h"
#include <errno.h>
#include <leat/pool.h>
#include <string.h>

#define BATCH         64
#define FRAME_MIN     60
#define LINE_OVERHEAD 24 /* frame check sequence 4, preamble and start 8, gap 12 (IEEE 802.3) */

static uint64_t cost(const struct generate *generate, uint32_t bytes) {
    if (generate->rate != GENERATE_LINE)
        return 1;
    return ((bytes < FRAME_MIN ? FRAME_MIN : bytes) + LINE_OVERHEAD) * (uint64_t)8;
}

/* A frame in as many buffers as it takes. */
static void spread(const struct generate *generate, const uint8_t *frame, uint32_t bytes,
                   struct leat_pkt *pkts) {
    for (uint32_t at = 0; at < bytes; at += pkts++->len) {
        uint32_t rest = bytes - at;
        pkts->len = (uint16_t)(rest < generate->room ? rest : generate->room);
        pkts->flags = rest > generate->room ? LEAT_PKT_MORE : 0;
        memcpy(pkts->data, frame + at, pkts->len);
    }
}

static void make_frame(struct generate *generate, struct leat_pkt *pkts, uint64_t now_ns) {
    uint8_t large[GENERATE_BYTES_MAX];
    struct probe *probe = &generate->probe;
    uint32_t bytes = generate->sizes[generate->size_at];
    probe->time_ns = generate->stamp ? now_ns : 0;
    if (generate->segments[generate->size_at] == 1) {
        pkts->len = (uint16_t)bytes;
        probe_make(pkts->data, bytes, &generate->flows.flow, probe);
    } else {
        probe_make(large, bytes, &generate->flows.flow, probe);
        spread(generate, large, bytes, pkts);
    }
    probe->sequence++;
    if (++generate->size_at == generate->size_count)
        generate->size_at = 0;
    flows_next(&generate->flows);
}

/* Makes as many frames as are due, up to a batch. */
static void make(struct generate *generate, uint64_t now_ns) {
    if (!pacer_due(&generate->pacer, cost(generate, generate->sizes[generate->size_at])))
        return;
    struct leat_pkt *pkts = generate->pkts;
    uint32_t n = leat_alloc(generate->queue->cache, pkts, BATCH), due = 0;
    while (generate->frames < generate->limit) {
        uint32_t bytes = generate->sizes[generate->size_at];
        uint32_t segments = generate->segments[generate->size_at];
        if (due + segments > n || !pacer_take(&generate->pacer, cost(generate, bytes)))
            break;
        make_frame(generate, &pkts[due], now_ns);
        due += segments;
        generate->frames++;
    }
    leat_free(generate->queue->cache, &pkts[due], n - due);
    generate->first = 0;
    generate->due = due;
    generate->ended = generate->frames == generate->limit;
}

/* Reads on in the capture, no more than is left to be sent; but one frame may be many packets. */
static int load(struct generate *generate) {
    uint64_t left = generate->limit - generate->frames;
    int n = leat_rx(generate->source, generate->pkts, left < BATCH ? (uint32_t)left : BATCH);
    if (n == 0 && left < BATCH)
        n = leat_rx(generate->source, generate->pkts, BATCH);
    if (n == -ENODATA) {
        generate->ended = true;
        return 0;
    }
    if (n > 0) {
        generate->first = 0;
        generate->held = (uint32_t)n;
    }
    return n;
}

static bool frame_due(struct generate *generate, const struct leat_pkt *pkts, uint32_t segments,
                      uint64_t now_ns) {
    if (generate->rate == GENERATE_RECORDED) {
        if (!(pkts[0].flags & LEAT_PKT_TIME))
            return true;
        uint64_t time_ns = leat_pkt_meta(generate->pool, &pkts[0])->time_ns;
        if (generate->frames == 0)
            generate->first_ns = time_ns;
        return time_ns < generate->first_ns ||
               time_ns - generate->first_ns <= now_ns - generate->pacer.start_ns;
    }
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < segments; i++)
        bytes += pkts[i].len;
    return pacer_take(&generate->pacer, cost(generate, bytes));
}

/* Moves what is due from the frames held to those that may be sent. */
static void release(struct generate *generate, uint64_t now_ns) {
    while (generate->held > 0 && generate->frames < generate->limit) {
        const struct leat_pkt *pkts = &generate->pkts[generate->first + generate->due];
        uint32_t segments = leat_frame_segments(pkts, generate->held);
        if (!frame_due(generate, pkts, segments, now_ns))
            return;
        generate->due += segments;
        generate->held -= segments;
        generate->frames++;
    }
    if (generate->frames == generate->limit)
        generate->ended = true;
}

int generate_batch(struct generate *generate) {
    uint64_t now_ns = clock_ns();
    if (!generate->started) {
        pacer_start(&generate->pacer, generate->rate_units, now_ns);
        generate->started = true;
    }
    pacer_look(&generate->pacer, now_ns);
    if (generate->source) {
        if (generate->due + generate->held == 0 && !generate->ended) {
            int n = load(generate);
            if (n < 0)
                return n;
        }
        release(generate, now_ns);
    } else if (generate->due == 0 && !generate->ended) {
        make(generate, now_ns);
    }
    if (generate->due == 0)
        return 0;
    int sent = leat_tx(generate->queue, &generate->pkts[generate->first], generate->due);
    if (sent < 0)
        return sent;
    generate->first += (uint32_t)sent;
    generate->due -= (uint32_t)sent;
    return sent + (generate->due > 0);
}

uint64_t generate_drain(struct generate *generate) {
    const struct leat_pkt *pkts = &generate->pkts[generate->first];
    uint32_t n = generate->due + generate->held;
    uint64_t frames = 0;
    for (uint32_t i = 0; i < n; i++)
        frames += !(pkts[i].flags & LEAT_PKT_MORE);
    leat_free(generate->queue->cache, pkts, n);
    generate->due = generate->held = 0;
    return generate->source ? frames : 0;
}
