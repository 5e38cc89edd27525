/* SPDX-License-Identifier: BSD-2-Clause */
/* `leat softnic` as a child process of the demonstration. */
#ifndef CMD_CHILD_H
#define CMD_CHILD_H

#include "report.h"
#include <sys/types.h>

#define CHILD_PORTS 2

struct child {
    char directory[64]; /* of sockets and results; its own */
    char sockets[CHILD_PORTS][96];
    char json[96]; /* where the child writes its report */
    pid_t pid;     /* 0: none runs */
    int said;      /* what it says on standard error */
};

/* Makes the directory. 0, or a negative errno after saying why on standard error, as below. */
int child_prepare(struct child *child);

/* Starts an emulated NIC with two ports on these wires, pinned to `core` (-1: not), and waits until
 * it listens. */
int child_start(struct child *child, const char *const wires[CHILD_PORTS], int core);

/* Ends it and waits for that. An error if it did not end well: what it said is passed on. */
int child_stop(struct child *child);

/* What its port `port` found out about probe frames, after child_stop(). */
int child_read(const struct child *child, uint32_t port, struct report_sequence *sequence,
               struct report_latency *latency);

/* Stops what still runs and removes the directory with all that is in it. */
void child_clean(struct child *child);

#endif
