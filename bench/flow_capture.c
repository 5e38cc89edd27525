/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures for bench/probe: the traffic of flow_source.h as pcap files with nanoseconds. The
 * preamble goes into one file and the packets to be measured into another, or all into one.
 */
#include "flow_source.h"
#include "options.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX    1514
#define BUFFER_BYTES (1u << 20)

static uint32_t flows = 100000, new_percent, bytes = 60, packets = 1000000;
static const char *fill_path, *path;

/* As libpcap's pcap-savefile(5): the magic number of nanoseconds, version 2.4, Ethernet. */
static const uint32_t file_header[6] = { 0xa1b23c4d, 0x00040002, 0, 0, 65535, 1 };

struct record {
    uint32_t seconds, nanoseconds, captured, length;
    uint8_t frame[FRAME_MAX];
};

static FILE *open_capture(const char *name) {
    FILE *file = fopen(name, "we");
    if (file && (setvbuf(file, NULL, _IOFBF, BUFFER_BYTES) ||
                 fwrite(file_header, sizeof(file_header), 1, file) != 1)) {
        fclose(file);
        return NULL;
    }
    return file;
}

static bool put(FILE *file, struct record *record, const struct flow_source *source,
                uint32_t flow) {
    flow_source_set_flow(record->frame, flow);
    record->seconds = (uint32_t)(source->now_ns / 1000000000);
    record->nanoseconds = (uint32_t)(source->now_ns % 1000000000);
    return fwrite(record, offsetof(struct record, frame) + bytes, 1, file) == 1;
}

static bool write_fill(FILE *file, struct record *record, struct flow_source *source) {
    uint32_t flow;
    while (flow_source_fill(source, &flow))
        if (!put(file, record, source, flow))
            return false;
    return true;
}

static bool write_packets(FILE *file, struct record *record, struct flow_source *source) {
    for (uint32_t i = 0; i < packets; i++) {
        uint32_t flow = flow_source_next(source);
        if (!put(file, record, source, flow))
            return false;
    }
    return true;
}

static bool close_capture(FILE *file, bool written) {
    return fclose(file) == 0 && written;
}

static bool write_captures(void) {
    struct record record = { .captured = bytes, .length = bytes };
    struct flow_source source;
    flow_source_start(&source, flows, new_percent);
    flow_source_frame(record.frame, bytes);
    FILE *file = open_capture(fill_path ? fill_path : path);
    bool written = file && write_fill(file, &record, &source);
    if (written && fill_path) {
        written = close_capture(file, written);
        file = written ? open_capture(path) : NULL;
    }
    written = written && file && write_packets(file, &record, &source);
    return file && close_capture(file, written);
}

int main(int argc, char **argv) {
    static const struct bench_option options[] = {
        { "flows", .number = &flows, .min = 3, .max = 1 << 24 },
        { "new", .number = &new_percent, .max = 100 },
        { "bytes", .number = &bytes, .min = 60, .max = FRAME_MAX },
        { "packets", .number = &packets },
        { "fill", .text = &fill_path },
        { "to", .text = &path },
        { 0 },
    };
    static const char usage[] =
        "Usage: flow_capture [--flows N] [--new PERCENT] [--bytes N] [--packets N] [--fill FILE] "
        "--to FILE\n\n"
        "Writes the preamble that makes the flows known, then so many packets, 10 million a "
        "second by\ntheir time stamps; the preamble into a file of its own with --fill. Prints the "
        "timeouts that they\nwere made for, in seconds, and the room that a cache needs.\n";
    int exit_code;
    if (!bench_options(argc, argv, options, usage, &exit_code))
        return exit_code;
    if (!path || (new_percent && 100 % new_percent)) {
        fputs(usage, stderr);
        return 2;
    }
    if (!write_captures()) {
        fprintf(stderr, "flow_capture: cannot write: %s\n", strerror(errno));
        return 1;
    }
    struct flow_source source;
    flow_source_start(&source, flows, new_percent);
    printf("active %.9f idle %.9f room %u\n", (double)flow_source_active_ns(&source) / 1e9,
           (double)flow_source_idle_ns(&source) / 1e9, flow_source_room(&source));
    return 0;
}
