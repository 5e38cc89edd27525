/* SPDX-License-Identifier: BSD-2-Clause */
/* One pool with the ports on it, opened in order and closed in reverse. */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include "report.h"
#include <leat/error.h>
#include <leat/worker.h>

#define SESSION_PORTS_MAX  8
#define SESSION_QUEUES_MAX 64

/* A port and its queues, each of which is one worker's. */
struct session_port {
    struct leat_port *port;
    struct leat_caps caps;
    struct leat_queue *queues[SESSION_QUEUES_MAX];
    struct leat_stats own; /* what the program itself lost there */
    uint32_t first_worker; /* of queue 0; the next ones have the next workers */
};

struct session {
    struct leat_pool *pool;
    struct leat_cache *caches[SESSION_QUEUES_MAX]; /* one a worker */
    uint32_t workers;
    struct session_port ports[SESSION_PORTS_MAX];
    uint32_t port_count;
};

/* Makes the pool; `buffers` and `stride` 0: the default. Like all functions here, it returns 0, or
 * a negative errno after saying why on standard error. */
int session_open(struct session *session, uint32_t buffers, uint32_t stride);

/* Opens a port. Its queues, where the options leave them out, are as many as it has itself. */
int session_port(struct session *session, const char *name, struct leat_port_opts opts);

/* How many workers the ports opened can have: one a core, each with a queue of every port. */
uint32_t session_workers_max(const struct session *session);

/* Whose queue `index` of a port is. */
uint32_t session_worker_of(const struct session *session, const struct session_port *port,
                           uint32_t index);

/* Starts all queues for that many workers and waits for the links, up to `link_ms` each. */
int session_start(struct session *session, uint32_t workers, uint32_t link_ms);

/* Closes all; with a report, adds the ports' final statistics and our own to it, in the order of
 * opening. */
void session_close(struct session *session, struct report *report);

/* Says the library's last error on standard error and returns `status`. */
int session_error(int status);

#endif
