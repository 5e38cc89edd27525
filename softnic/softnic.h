/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * softnic: an emulated Intel 82599 behind a vfio-user socket, for running and debugging a driver
 * without a NIC. This is the whole of its interface; `leat softnic` is a thin command around it,
 * and tests and lockstep benchmarks run it in their own process.
 *
 * One thread calls all functions of a softnic, except softnic_stop().
 */
#ifndef SOFTNIC_SOFTNIC_H
#define SOFTNIC_SOFTNIC_H

#include "nic.h"
#include "wire.h"
#include <stddef.h>

#define SOFTNIC_PORTS_MAX 16

struct softnic;

struct softnic_port {
    const char
        *socket; /* path to listen on; NULL: `fd` is a connected socket that softnic takes over */
    int fd;
    const char *wire; /* wire_open() */
    struct nic_config nic;
    bool no_mmap; /* offer no doorbell pages: every register access is a message */
};

struct softnic_opts {
    struct softnic_port ports[SOFTNIC_PORTS_MAX];
    uint32_t port_count;
    bool sleep_when_idle; /* poll(2) on the sockets after a while without work, instead of spinning
                           */
};

/* Sets everything up; sockets listen when it returns. A socket file that nobody answers on is
 * replaced, one that is in use is -EADDRINUSE. */
int softnic_create(struct softnic **softnic, const struct softnic_opts *opts);

/* One turn over all ports: messages, transmit, wires. Returns the work done, 0 when idle. */
uint32_t softnic_poll(struct softnic *softnic);

/* Turns until softnic_stop() or, in strict mode, a violation (-EPROTO, softnic_error() says it). */
int softnic_run(struct softnic *softnic);
void softnic_stop(struct softnic *softnic); /* any thread, signal handlers */

/* The first violation in strict mode, a sentence; NULL: none. The port it happened on is unplugged.
 */
const char *softnic_violation(const struct softnic *softnic);

/* Commands at run time, as typed on `leat softnic`'s control: "link 0 down", "link 0 up",
 * "unplug 0", "plug 0", "stats". Answers into `answer`. */
int softnic_command(struct softnic *softnic, const char *line, char *answer, size_t answer_bytes);

/* Whether every wire has brought all it will ever bring. */
bool softnic_done(const struct softnic *softnic);

/* Whether a driver is connected to that port, and the frames it may still have to drain. */
bool softnic_connected(const struct softnic *softnic, uint32_t port);

void softnic_port_stats(const struct softnic *softnic, uint32_t port, struct nic_stats *nic,
                        struct wire_stats *wire);

void softnic_destroy(struct softnic *softnic); /* unlinks its sockets */

/* The calling thread's last error, a sentence. */
const char *softnic_error(void);

#endif
