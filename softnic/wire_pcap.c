/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures as a wire: in= is replayed into the NIC, out= records what the NIC sends, as pcap with
 * nanoseconds.
 */
#include "capture.h"
#include "clock.h"
#include "error.h"
#include "wire_source.h"
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#define SNAP_LENGTH 65535

struct pcap_wire {
    struct wire_line line;
    struct wire_source source;
    struct capture capture;
    uint32_t next;     /* frame of the capture */
    uint64_t loops;    /* left, this one included */
    uint64_t replayed; /* frames */
    pcap_t *writer;
    pcap_dumper_t *out;
    bool written; /* and not yet flushed */
};

static int open_writer(struct pcap_wire *pcap, const struct wire_spec *spec, const char *path) {
    pcap->writer =
        pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAP_LENGTH, PCAP_TSTAMP_PRECISION_NANO);
    if (!pcap->writer)
        return softnic_fail(ENOMEM, "wire '%s': no memory", spec->whole);
    pcap->out = pcap_dump_open(pcap->writer, path);
    if (!pcap->out)
        return softnic_fail(EIO, "wire '%s': cannot write: %s", spec->whole,
                            pcap_geterr(pcap->writer));
    return 0;
}

static void pcap_wire_close(struct wire *wire) {
    struct pcap_wire *pcap = (struct pcap_wire *)wire;
    if (pcap->out)
        pcap_dump_close(pcap->out);
    if (pcap->writer)
        pcap_close(pcap->writer);
    capture_free(&pcap->capture);
}

static int pcap_wire_open(struct wire_line *line, const struct wire_spec *spec, struct wire *peer) {
    struct pcap_wire *pcap = (struct pcap_wire *)line;
    const char *in = wire_spec_text(spec, "in"), *out = wire_spec_text(spec, "out");
    (void)peer;
    if (!in && !out)
        return softnic_fail(EINVAL, "wire '%s': a pcap wire needs in=FILE, out=FILE or both",
                            spec->whole);
    pcap->loops = 1;
    int err = wire_spec_number(spec, "rate", 1, PACER_RATE_MAX, &pcap->source.pacer.rate_pps);
    if (!err)
        err = wire_spec_number(spec, "loops", 1, UINT64_MAX, &pcap->loops);
    if (!err && in)
        err = capture_load(&pcap->capture, in);
    if (!err && out)
        err = open_writer(pcap, spec, out);
    if (err)
        pcap_wire_close(&line->wire);
    return err;
}

static bool pcap_transmit(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    struct pcap_wire *pcap = (struct pcap_wire *)wire;
    wire_line_sent(&pcap->line, bytes);
    if (!pcap->out)
        return true;
    uint64_t now_ns = clock_realtime_ns();
    struct pcap_pkthdr header = {
        .ts = { .tv_sec = (time_t)(now_ns / 1000000000), .tv_usec = (long)(now_ns % 1000000000) },
        .caplen = bytes,
        .len = bytes,
    };
    pcap_dump((u_char *)pcap->out, &header, frame);
    if (ferror(pcap_dump_file(pcap->out)))
        wire->stats.lost_far++;
    pcap->written = true;
    return true;
}

/* When a turn has brought nothing to write: so that others can read along, and a killed process
 * leaves a file that is whole. */
static void flush(struct pcap_wire *pcap) {
    if (pcap->out && !pcap->written)
        pcap_dump_flush(pcap->out);
    pcap->written = false;
}

static bool pcap_done(const struct wire *wire) {
    const struct pcap_wire *pcap = (const struct pcap_wire *)wire;
    return !pcap->capture.count || !pcap->loops;
}

static uint32_t pcap_poll(struct wire *wire, uint32_t budget) {
    struct pcap_wire *pcap = (struct pcap_wire *)wire;
    flush(pcap);
    if (pcap_done(wire))
        return 0;
    uint64_t now_ns = clock_monotonic_ns();
    if (!wire_source_turn(&pcap->source, &pcap->line, now_ns))
        return 0;
    uint32_t due = pacer_due(&pcap->source.pacer, now_ns);
    for (uint32_t i = 0; i < due && i < budget && pcap->loops; i++) {
        const struct capture_frame *frame = &pcap->capture.frames[pcap->next];
        if (!wire_line_bring(&pcap->line, pcap->capture.bytes + frame->offset, frame->length)) {
            pacer_stand_still(&pcap->source.pacer, now_ns);
            break;
        }
        pcap->source.pacer.sent++;
        pcap->replayed++;
        if (++pcap->next == pcap->capture.count) {
            pcap->next = 0;
            pcap->loops--;
        }
    }
    return wire_line_turn(&pcap->line);
}

static void pcap_sum(const struct wire_line *line, struct wire_stats *stats) {
    const struct pcap_wire *pcap = (const struct pcap_wire *)line;
    stats->generated = pcap->replayed;
    stats->lost_far += pcap->capture.truncated;
}

static const char *const pcap_keys[] = { "in", "out", "rate", "loops", NULL };

const struct wire_kind wire_pcap = {
    .ops = { .name = "pcap",
             .transmit = pcap_transmit,
             .poll = pcap_poll,
             .done = pcap_done,
             .close = pcap_wire_close },
    .bytes = sizeof(struct pcap_wire),
    .keys = pcap_keys,
    .loses_both_ways = true,
    .open = pcap_wire_open,
    .sum = pcap_sum,
};
