/* SPDX-License-Identifier: BSD-2-Clause */
/* One pool with the ports on it, opened in order and closed in reverse. */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include "report.h"
#include <leat/error.h>
#include <leat/worker.h>

#define SESSION_PORTS_MAX  2
#define SESSION_QUEUES_MAX 64

struct session {
    struct leat_pool *pool;
    struct leat_cache *caches[SESSION_QUEUES_MAX]; /* one a worker */
    uint32_t workers;
    struct leat_port *ports[SESSION_PORTS_MAX];
    uint32_t port_count;
    struct leat_stats own[SESSION_PORTS_MAX]; /* what the program itself lost, by port */
};

/* Makes the pool and a cache for each worker; `stride` 0: the default. Like all functions here, it
 * returns 0, or a negative errno after saying why on standard error. */
int session_open(struct session *session, uint32_t workers, uint32_t stride);

/* Opens a port with a queue for each worker, fills queues[worker] for all of them and waits for its
 * link, up to `link_ms`. */
int session_port(struct session *session, const char *name, struct leat_port_opts opts,
                 uint32_t link_ms, struct leat_queue **queues);

/* Closes all; with a report, adds the ports' final statistics and our own to it, in the order of
 * opening. */
void session_close(struct session *session, struct report *report);

/* Says the library's last error on standard error and returns `status`. */
int session_error(int status);

#endif
