/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving from a capture: as fast as the program takes it, or at the recorded pace. */
#include "pcap.h"
#include <errno.h>
#include <string.h>
#include <time.h>

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int read_choice(struct leat_port *port, const char *key, const char *normal,
                       const char *other, bool *chosen) {
    const char *value = normal;
    int err = leat_option_string(port, key, &value);
    if (err < 0)
        return err;
    *chosen = strcmp(value, other) == 0;
    if (!*chosen && strcmp(value, normal) != 0)
        return leat_fail(EINVAL, "%s: option '%s' must be '%s' or '%s', not '%s'", port->name, key,
                         normal, other, value);
    return 0;
}

int pcap_source_open(struct pcap_source *source, struct leat_port *port, const char *path) {
    int err = read_choice(port, "speed", "max", "recorded", &source->recorded);
    if (err < 0 ||
        (err = read_choice(port, "truncated", "drop", "keep", &source->keep_truncated)) < 0)
        return err;
    source->passes = 1;
    if ((err = leat_option_u32(port, "loop", &source->passes, 0, UINT32_MAX)) < 0)
        return err;
    if ((err = capture_reader_open(&source->reader, path)) < 0)
        return leat_fail_in(err, port->name);
    if (!source->reader.regular && (source->recorded || source->passes != 1))
        return leat_fail(ENOTSUP, "%s: '%s' is no regular file: it can be read once, at full speed",
                         port->name, path);
    return 0;
}

void pcap_source_close(struct pcap_source *source) {
    capture_reader_close(&source->reader);
}

/* A pass without frames is the last one: else an empty capture would be read over and over. */
static int next_pass(struct pcap_source *source) {
    if (source->passes_done + 1 == source->passes || source->pass_frames == 0)
        return leat_fail(ENODATA, "the capture is at its end");
    int err = capture_rewind(&source->reader);
    if (err < 0)
        return err;
    source->passes_done += source->passes > 0;
    source->pass_began = false;
    source->pass_frames = 0;
    return 1;
}

/* The first frame of all is due now, that of a later pass when the last one of the pass before was;
 * a frame without a time is due with the one before it. */
static void set_due(struct pcap_source *source, const struct capture_frame *frame, int64_t now) {
    if (!frame->timed)
        return;
    if (!source->pass_began) {
        source->pass_began = true;
        source->pass_time_ns = frame->time_ns;
        source->pass_due_ns = source->due_ns ? source->due_ns : now;
    }
    uint64_t since_first_ns =
        frame->time_ns > source->pass_time_ns ? frame->time_ns - source->pass_time_ns : 0;
    if (__builtin_add_overflow(source->pass_due_ns, since_first_ns, &source->due_ns))
        source->due_ns = INT64_MAX;
}

/* As capture_peek(), over all passes. */
static inline int next_frame(struct pcap_source *source, const struct capture_frame **frame,
                             int64_t now) {
    int found = capture_peek(&source->reader, frame);
    while (__builtin_expect(found == -ENODATA, 0) && (found = next_pass(source)) > 0)
        found = capture_peek(&source->reader, frame);
    if (found > 0 && source->recorded)
        set_due(source, *frame, now);
    return found;
}

int pcap_source_due(struct pcap_source *source, int64_t *due_ns) {
    const struct capture_frame *frame;
    int found = next_frame(source, &frame, now_ns());
    *due_ns = source->due_ns;
    return found;
}

/* Why the program does not get the frame, or LEAT_DROP_COUNT. */
static inline enum leat_drop refusal(const struct pcap_source *source,
                                     const struct capture_frame *frame, uint32_t frame_max) {
    if (frame->captured > frame_max || frame->captured == 0)
        return LEAT_DROP_RX_LENGTH;
    if (frame->captured < frame->length && !source->keep_truncated)
        return LEAT_DROP_RX_TRUNCATED;
    return LEAT_DROP_COUNT;
}

/* Of a new buffer, whose metadata lies at a known distance. */
static inline void set_meta(struct leat_pkt *pkt, const struct capture_frame *frame,
                            uint16_t in_port, uint16_t in_queue) {
    struct leat_meta *meta = (struct leat_meta *)(pkt->data - LEAT_BUFFER_START);
    *meta = (struct leat_meta){
        .time_ns = frame->time_ns,
        .in_port = in_port,
        .in_queue = in_queue,
        .wire_len = frame->captured < frame->length ? frame->length : 0,
    };
    pkt->flags |= LEAT_PKT_META | (frame->timed ? LEAT_PKT_TIME : 0);
}

/* Buffers are allocated once a batch, when there is a frame for them. */
int pcap_source_rx(struct pcap_source *source, struct leat_queue_head *head, struct leat_pkt *pkts,
                   uint32_t n) {
    struct leat_cache *cache = head->public.cache;
    struct leat_stats *stats = &head->stats;
    const uint16_t in_port = (uint16_t)leat_port_index(head->public.port);
    const uint16_t in_queue = (uint16_t)head->public.index;
    const uint32_t frame_max = copying_frame_max(cache->pool);
    int64_t now = source->recorded ? now_ns() : 0;
    uint32_t buffers = 0, filled = 0, frames = 0;
    uint64_t bytes = 0;
    int found = 1;
    for (uint32_t looked_at = 0; looked_at < n && filled < n; looked_at++) {
        const struct capture_frame *frame;
        found = next_frame(source, &frame, now);
        if (found <= 0 || source->due_ns > now)
            break;
        enum leat_drop reason = refusal(source, frame, frame_max);
        if (reason == LEAT_DROP_COUNT) {
            if (buffers == 0)
                buffers = leat_alloc(cache, pkts, n);
            uint32_t got = copying_fill(cache->pool, pkts + filled, buffers - filled, frame->data,
                                        frame->captured);
            if (got == 0)
                break;
            set_meta(&pkts[filled], frame, in_port, in_queue);
            filled += got;
            frames++;
            bytes += frame->captured;
        } else
            LEAT_COUNT(stats->drops[reason], 1);
        source->pass_frames++;
        capture_next(&source->reader);
    }
    leat_free(cache, pkts + filled, buffers - filled);
    LEAT_COUNT(stats->rx_packets, frames);
    LEAT_COUNT(stats->rx_bytes, bytes);
    return filled > 0 || found >= 0 ? (int)filled : leat_fail_in(found, head->public.port->name);
}
