/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"
#include "cores.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINK_SOON_MS 500

int session_error(int status) {
    fprintf(stderr, "leat: %s\n", leat_error());
    return status;
}

int session_open(struct session *session, uint32_t buffers, uint32_t stride) {
    memset(session, 0, sizeof(*session));
    struct leat_pool_opts opts = {
        .size = sizeof(opts), .buffers = buffers, .stride = stride, .numa_node = -1
    };
    int status = leat_pool_create(&session->pool, &opts);
    return status ? session_error(status) : 0;
}

int session_port(struct session *session, const char *name, struct leat_port_opts opts) {
    struct session_port *port = &session->ports[session->port_count];
    opts.size = sizeof(opts);
    int status = leat_port_open(&port->port, name, session->pool, &opts);
    if (status)
        return session_error(status);
    session->port_count++;
    leat_port_caps(port->port, &port->caps, sizeof(port->caps));
    return 0;
}

uint32_t session_workers_max(const struct session *session) {
    uint32_t workers = cores_ours();
    for (uint32_t i = 0; i < session->port_count; i++)
        if (session->ports[i].caps.queues < workers)
            workers = session->ports[i].caps.queues;
    return workers;
}

uint32_t session_worker_of(const struct session *session, const struct session_port *port,
                           uint32_t index) {
    return (port->first_worker + index) % session->workers;
}

static int open_caches(struct session *session, uint32_t workers) {
    int status = 0;
    while (status == 0 && session->workers < workers) {
        status = leat_cache_open(&session->caches[session->workers], session->pool);
        session->workers += status == 0;
    }
    return status;
}

static int start_queues(struct session *session, struct session_port *port) {
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < port->caps.queues; i++)
        status = leat_port_queue(
            port->port, i, session->caches[session_worker_of(session, port, i)], &port->queues[i]);
    return status;
}

/* Most links are there, or come at once. */
static int wait_link(const struct session_port *port, uint32_t link_ms) {
    int status = leat_port_wait_link(port->port, LINK_SOON_MS);
    if (status != -ETIMEDOUT)
        return status;
    fprintf(stderr, "leat: waiting for the link of %s\n", leat_port_name(port->port));
    return leat_port_wait_link(port->port, link_ms);
}

int session_start(struct session *session, uint32_t workers, uint32_t link_ms) {
    int status = open_caches(session, workers);
    for (uint32_t i = 0; status == 0 && i < session->port_count; i++)
        status = start_queues(session, &session->ports[i]);
    for (uint32_t i = 0; status == 0 && link_ms && i < session->port_count; i++)
        status = wait_link(&session->ports[i], link_ms);
    return status ? session_error(status) : 0;
}

void session_close(struct session *session, struct report *report) {
    struct leat_stats *reported[SESSION_PORTS_MAX];
    for (uint32_t i = 0; report && i < session->port_count; i++) {
        const struct session_port *port = &session->ports[i];
        reported[i] = report_add_port(report, leat_port_name(port->port), port->caps.mode);
        *reported[i] = port->own;
    }
    while (session->port_count > 0) {
        struct leat_stats final;
        leat_port_close(session->ports[--session->port_count].port, &final);
        if (report)
            leat_stats_add(reported[session->port_count], &final);
    }
    while (session->workers > 0)
        leat_cache_close(session->caches[--session->workers]);
    if (session->pool && leat_pool_destroy(session->pool))
        session_error(0);
    session->pool = NULL;
}
