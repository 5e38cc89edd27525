/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator: makes probe frames (docs/probe-frames.md), flat out or paced, and checks those
 * that come back. Flow f is stream stream + f, and sends every flows-th frame.
 *
 * Frames are made a burst at a time and then delivered: the NIC reads them with wide loads, which
 * would have to wait for the narrow stores of number and time if those had only just been done.
 */
#include "clock.h"
#include "error.h"
#include "probe.h"
#include "sink.h"
#include "wire_line.h"
#include "wire_source.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 64

/* The part of a frame that differs from flow to flow; holds all that is not filling. */
struct header {
    uint8_t bytes[LINE_BYTES];
};

struct gen {
    struct wire_line line;
    struct sink sink;
    struct wire_source source;
    bool prepared; /* the headers are made */
    uint32_t frame_bytes, slot_bytes;
    uint32_t burst, burst_first, burst_end; /* in slots: those made and not yet delivered */
    uint64_t left;                          /* to be made */
    uint64_t generated;
    uint32_t flow, flows;     /* the next one's */
    uint64_t number;          /* of the next frame in its stream */
    uint16_t stream;          /* of flow 0 */
    uint32_t stamp, stamp_in; /* every how many frames, and the next one in so many; 0: none */
    uint8_t dst[6], src[6];
    struct header *headers; /* one a flow */
    uint8_t *slots;         /* one a frame of the burst */
};

static void write_be(uint8_t *at, uint64_t value, uint32_t bytes) {
    while (bytes--) {
        at[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

static uint16_t ipv4_checksum(const uint8_t *ip) {
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* From 198.18.x.y, port 1024 and up, to 198.19.0.1: the benchmarking network of RFC 2544. */
static void make_header(const struct gen *gen, uint8_t *header, uint32_t flow) {
    uint8_t *ip = header + PROBE_IP, *udp = header + PROBE_UDP, *probe = header + PROBE_PAYLOAD;
    uint32_t ip_bytes = gen->frame_bytes - PROBE_IP;
    memcpy(header, gen->dst, 6);
    memcpy(header + 6, gen->src, 6);
    write_be(header + 12, 0x0800, 2);
    write_be(ip, 0x4500, 2);
    write_be(ip + 2, ip_bytes, 2);
    write_be(ip + 6, 0x4000, 2); /* don't fragment */
    write_be(ip + 8, 64 << 8 | 17, 2);
    write_be(ip + 12, (198u << 24 | 18 << 16) + 1 + flow, 4);
    write_be(ip + 16, 198u << 24 | 19 << 16 | 1, 4);
    write_be(ip + 10, ipv4_checksum(ip), 2);
    write_be(udp, 1024 + flow % (65536 - 1024), 2);
    write_be(udp + 2, PROBE_PORT, 2);
    write_be(udp + 4, ip_bytes - 20, 2);
    write_be(probe, PROBE_MAGIC, 2);
}

static void *zeroed_lines(size_t bytes) {
    void *memory = aligned_alloc(LINE_BYTES, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

static int parse_rate(const struct wire_spec *spec, uint64_t *rate_pps) {
    const char *text = wire_spec_text(spec, "rate");
    if (text && !strcmp(text, "max"))
        return 0;
    return wire_spec_number(spec, "rate", 1, PACER_RATE_MAX, rate_pps);
}

static int parse(struct gen *gen, const struct wire_spec *spec) {
    uint64_t size = PROBE_FRAME_MIN + PROBE_FCS_BYTES, flows = 1, stream = 0, stamp = 1;
    uint64_t burst = PACER_BURST_MAX;
    gen->left = UINT64_MAX;
    int err = parse_rate(spec, &gen->source.pacer.rate_pps);
    if (!err)
        err = wire_spec_number(spec, "size", size, PROBE_FRAME_MAX + PROBE_FCS_BYTES, &size);
    if (!err)
        err = wire_spec_number(spec, "stream", 0, SEQUENCE_STREAMS - 1, &stream);
    if (!err)
        err = wire_spec_number(spec, "flows", 1, SEQUENCE_STREAMS - stream, &flows);
    if (!err)
        err = wire_spec_number(spec, "count", 1, UINT64_MAX - 1, &gen->left);
    if (!err)
        err = wire_spec_number(spec, "stamp", 0, UINT32_MAX, &stamp);
    if (!err)
        err = wire_spec_number(spec, "burst", 1, PACER_BURST_MAX, &burst);
    if (!err)
        err = wire_spec_mac(spec, "dst", gen->dst);
    if (!err)
        err = wire_spec_mac(spec, "src", gen->src);
    gen->frame_bytes = (uint32_t)size - PROBE_FCS_BYTES;
    gen->slot_bytes = (gen->frame_bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    gen->flows = (uint32_t)flows;
    gen->stream = (uint16_t)stream;
    gen->stamp = (uint32_t)stamp;
    gen->stamp_in = stamp ? 1 : 0;
    gen->burst = (uint32_t)burst;
    return err;
}

static void gen_close(struct wire *wire) {
    struct gen *gen = (struct gen *)wire;
    sink_close(&gen->sink);
    free(gen->headers);
    free(gen->slots);
}

static int gen_open(struct wire_line *line, const struct wire_spec *spec, struct wire *peer) {
    struct gen *gen = (struct gen *)line;
    (void)peer;
    memcpy(gen->src, (const uint8_t[6]){ 0x02, 0x1e, 0xa7, 0, 0, 1 }, 6);
    int err = parse(gen, spec);
    if (err)
        return err;
    err = sink_open(&gen->sink);
    if (err)
        return err;
    gen->headers = zeroed_lines(gen->flows * sizeof *gen->headers);
    gen->slots = zeroed_lines((size_t)gen->burst * gen->slot_bytes);
    if (gen->headers && gen->slots)
        return 0;
    gen_close(&line->wire);
    return softnic_fail(ENOMEM, "wire '%s': no memory for its frames", spec->whole);
}

/* Only before the first frame, because the driver may have changed the port's address until then,
 * which is whom frames go to unless dst= says otherwise. */
static void prepare(struct gen *gen) {
    if (!memcmp(gen->dst, (const uint8_t[6]){ 0 }, 6))
        wire_source_mac(gen->line.wire.nic, gen->dst);
    for (uint32_t flow = 0; flow < gen->flows; flow++)
        make_header(gen, gen->headers[flow].bytes, flow);
    gen->prepared = true;
}

static uint64_t stamp(struct gen *gen, uint64_t now_ns) {
    if (gen->stamp_in != 1) {
        gen->stamp_in -= gen->stamp_in > 1;
        return 0;
    }
    gen->stamp_in = gen->stamp;
    return now_ns;
}

static void make_frame(struct gen *gen, uint8_t *frame, uint64_t now_ns) {
    const struct header *header = &gen->headers[gen->flow];
    uint64_t stream = (uint64_t)(gen->stream + gen->flow) << PROBE_SEQUENCE_BITS;
    uint64_t stream_and_number = htobe64(stream | gen->number);
    uint64_t made = htobe64(stamp(gen, now_ns));
    uint32_t filling = gen->frame_bytes - PROBE_FRAME_MIN;
    memcpy(frame, header, sizeof *header);
    memcpy(frame + PROBE_PAYLOAD + PROBE_STREAM, &stream_and_number, sizeof stream_and_number);
    memcpy(frame + PROBE_PAYLOAD + PROBE_TIME, &made, sizeof made);
    if (filling)
        memset(frame + PROBE_FRAME_MIN, (uint8_t)gen->number, filling);
    if (++gen->flow == gen->flows) {
        gen->flow = 0;
        gen->number++;
    }
}

static void make_burst(struct gen *gen, uint64_t now_ns) {
    uint32_t count = pacer_due(&gen->source.pacer, now_ns);
    count = count < gen->burst ? count : gen->burst;
    count = count < gen->left ? count : (uint32_t)gen->left;
    for (uint32_t i = 0; i < count; i++)
        make_frame(gen, gen->slots + i * gen->slot_bytes, now_ns);
    gen->source.pacer.sent += count;
    gen->generated += count;
    if (gen->left != UINT64_MAX)
        gen->left -= count;
    gen->burst_first = 0;
    gen->burst_end = count;
}

static uint32_t gen_poll(struct wire *wire, uint32_t budget) {
    struct gen *gen = (struct gen *)wire;
    uint64_t now_ns = clock_monotonic_ns();
    sink_turn(&gen->sink);
    if (!wire_source_turn(&gen->source, &gen->line, now_ns))
        return 0;
    if (!gen->prepared)
        prepare(gen);
    if (gen->burst_first == gen->burst_end)
        make_burst(gen, now_ns);
    uint32_t end =
        gen->burst_end - gen->burst_first > budget ? gen->burst_first + budget : gen->burst_end;
    for (; gen->burst_first < end; gen->burst_first++) {
        const uint8_t *frame = gen->slots + gen->burst_first * gen->slot_bytes;
        if (!wire_line_bring(&gen->line, frame, gen->frame_bytes)) {
            pacer_stand_still(&gen->source.pacer, now_ns);
            break;
        }
    }
    return wire_line_turn(&gen->line);
}

static bool gen_transmit(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    struct gen *gen = (struct gen *)wire;
    sink_take(&gen->sink, frame, bytes);
    wire_line_sent(&gen->line, bytes);
    return true;
}

static bool gen_done(const struct wire *wire) {
    const struct gen *gen = (const struct gen *)wire;
    return !gen->left && gen->burst_first == gen->burst_end;
}

static void gen_sum(const struct wire_line *line, struct wire_stats *stats) {
    const struct gen *gen = (const struct gen *)line;
    sink_sum(&gen->sink, stats);
    stats->generated = gen->generated - (gen->burst_end - gen->burst_first);
}

static const char *const gen_keys[] = { "rate",  "size",  "flows", "count", "stream",
                                        "stamp", "burst", "dst",   "src",   NULL };

const struct wire_kind wire_gen = {
    .ops = { .name = "gen",
             .transmit = gen_transmit,
             .poll = gen_poll,
             .done = gen_done,
             .close = gen_close },
    .bytes = sizeof(struct gen),
    .keys = gen_keys,
    .loses_both_ways = true,
    .open = gen_open,
    .sum = gen_sum,
};
