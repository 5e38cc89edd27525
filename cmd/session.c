/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"
#include <stdio.h>
#include <string.h>

int session_error(int status) {
    fprintf(stderr, "leat: %s\n", leat_error());
    return status;
}

int session_open(struct session *session, uint32_t workers, uint32_t stride) {
    memset(session, 0, sizeof(*session));
    struct leat_pool_opts opts = { .size = sizeof(opts), .stride = stride, .numa_node = -1 };
    int status = leat_pool_create(&session->pool, &opts);
    while (status == 0 && session->workers < workers) {
        status = leat_cache_open(&session->caches[session->workers], session->pool);
        session->workers += status == 0;
    }
    if (status == 0)
        return 0;
    session_error(status);
    session_close(session, NULL);
    return status;
}

int session_port(struct session *session, const char *name, struct leat_port_opts opts,
                 uint32_t link_ms, struct leat_queue **queues) {
    struct leat_port **port = &session->ports[session->port_count];
    opts.size = sizeof(opts);
    opts.queues = session->workers;
    int status = leat_port_open(port, name, session->pool, &opts);
    if (status)
        return session_error(status);
    session->port_count++;
    for (uint32_t i = 0; status == 0 && i < session->workers; i++)
        status = leat_port_queue(*port, i, session->caches[i], &queues[i]);
    if (status == 0 && link_ms)
        status = leat_port_wait_link(*port, link_ms);
    return status ? session_error(status) : 0;
}

void session_close(struct session *session, struct report *report) {
    for (uint32_t i = 0; report && i < session->port_count; i++)
        *report_add_port(report, leat_port_name(session->ports[i])) = session->own[i];
    while (session->port_count > 0) {
        struct leat_stats final;
        leat_port_close(session->ports[--session->port_count], &final);
        if (report)
            leat_stats_add(&report->ports[session->port_count].stats, &final);
    }
    while (session->workers > 0)
        leat_cache_close(session->caches[--session->workers]);
    if (session->pool && leat_pool_destroy(session->pool))
        session_error(0);
    session->pool = NULL;
}
