/* SPDX-License-Identifier: BSD-2-Clause */
/* The final report of a run: a table for people, JSON with stable keys (docs/report.md). */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <leat/stats.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_PORTS_MAX 16
#define REPORT_NAME_MAX  4352 /* a path and its options */

struct report_port {
    char name[REPORT_NAME_MAX];
    char mode[128]; /* what is in force, as the port tells; "": nothing to tell */
    struct leat_stats stats;
};

/* TSC cycles a packet. Only `total` without `split`. */
struct report_cycles {
    bool measured, split;
    double receive, touch, transmit, buffers, total;
};

/* Of probe frames: from being made to being received. */
struct report_latency {
    uint64_t count; /* 0: none was measured */
    uint64_t p50_ns, p99_ns, p999_ns, max_ns;
};

/* What the sequence numbers of probe frames told. */
struct report_sequence {
    bool checked;
    uint64_t received, missing, duplicate, reordered, corrupt;
};

struct report {
    double seconds;
    struct report_port ports[REPORT_PORTS_MAX];
    uint32_t port_count;
    struct report_cycles cycles;
    struct report_latency latency;
    struct report_latency paced_latency; /* at a rate that loads nothing; of the demonstration */
    struct report_sequence sequence;
};

/* Adds a port; beyond REPORT_PORTS_MAX it is left out. Returns where its statistics go. */
struct leat_stats *report_add_port(struct report *report, const char *name, const char *mode);

/* Millions of packets a second over all ports. */
double report_rx_mpps(const struct report *report);
double report_tx_mpps(const struct report *report);

struct histogram;
void report_set_latency(struct report *report, const struct histogram *latency_ns);

void report_print(const struct report *report, FILE *to);

/* Writes it as JSON, as json_file_write() does. */
int report_write_json(const struct report *report, const char *path);

#endif
