/* SPDX-License-Identifier: BSD-2-Clause */
/* What `leat softnic` tells of a run: for people, and as JSON with the keys of every report. */
#ifndef CMD_SOFTNIC_REPORT_H
#define CMD_SOFTNIC_REPORT_H

#include "softnic/softnic.h"
#include <stdio.h>

struct softnic_report {
    double seconds; /* from the first frame to the last */
    uint32_t port_count;
    struct softnic_report_port {
        const char *name, *wire;
        struct nic_stats nic;
        struct wire_stats on_wire;
    } ports[SOFTNIC_PORTS_MAX];
};

/* Takes the counters as they are. */
void softnic_report_take(struct softnic_report *report, const struct softnic *softnic,
                         const struct softnic_opts *opts);

void softnic_report_print(const struct softnic_report *report, FILE *to);

/* As json_file_write(). */
int softnic_report_write_json(const struct softnic_report *report, const char *path);

/* One line between two reports that lie `seconds` apart. */
void softnic_report_progress(const struct softnic_report *before, const struct softnic_report *now,
                             double seconds, FILE *to);

#endif
