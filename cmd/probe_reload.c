/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: SIGHUP. A configuration that is wrong changes nothing. */
#include "probe.h"
#include <errno.h>
#include <string.h>

static bool refuse(const struct probe_config *config, const char *what) {
    fprintf(stderr, "leat probe: %s: %s cannot change while flows are there; restart for it\n",
            config->file, what);
    return false;
}

static bool same(const char *a, const char *b) {
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_ports(const struct probe_config *a, const struct probe_config *b) {
    bool equal = a->port_count == b->port_count;
    for (uint32_t i = 0; equal && i < a->port_count; i++)
        equal = same(a->ports[i], b->ports[i]);
    return equal;
}

static bool same_sampling(const struct leat_flow_sampling *a, const struct leat_flow_sampling *b) {
    return a->kind == b->kind && a->interval == b->interval && a->space == b->space &&
           a->size == b->size && a->population == b->population && a->seed == b->seed;
}

static bool same_run(const struct run_opts *a, const struct run_opts *b) {
    const struct cores *cores = &a->cores;
    return a->seconds == b->seconds && a->wait == b->wait && a->buffer_bytes == b->buffer_bytes &&
           same(a->json, b->json) && cores->count == b->cores.count &&
           !memcmp(cores->core, b->cores.core, cores->count * sizeof(*cores->core));
}

/* What the caches, programs and ports were made for. */
static bool can_change(const struct probe *probe, const struct probe_config *to,
                       struct leat_fields *fields) {
    const struct probe_config *from = &probe->config;
    if (!same_ports(from, to))
        return refuse(to, "ports");
    if (from->queues != to->queues)
        return refuse(to, "queues");
    if (from->flows != to->flows)
        return refuse(to, "flows");
    if (from->pass_on != to->pass_on || from->consume != to->consume)
        return refuse(to, "inline and consume");
    if (from->copy_packets != to->copy_packets)
        return refuse(to, "copy-packets");
    if (probe->passing &&
        (!same(from->filter, to->filter) || !same_sampling(&from->sampling, &to->sampling)))
        return refuse(to, "filter and sample of interfaces that are metered inline");
    if (from->uniflow != to->uniflow)
        return refuse(to, "uniflow");
    if (from->key != to->key)
        return refuse(to, "key");
    if (from->tunnels != to->tunnels)
        return refuse(to, "tunnels");
    if (from->join != to->join)
        return refuse(to, "join");
    if (!same(from->user, to->user))
        return refuse(to, "user");
    if (!same_run(&from->run, &to->run))
        return refuse(to, "cores, wait, seconds, buffer-bytes and json");
    if (leat_fields_parse(fields, to->fields, to->uniflow)) {
        session_error(0);
        return false;
    }
    if (leat_fields_features(fields) & ~probe->features)
        return refuse(to, "that some fields need what records do not hold yet: fields");
    return true;
}

static int reload_meters(struct probe *probe, const struct probe_config *config) {
    struct leat_flow_meter_opts opts;
    int status = 0;
    probe_meter_opts(probe, config, &opts);
    for (uint32_t i = 0; status == 0 && i < probe->queue_count; i++)
        status = probe_queue_reload(&probe->queues[i], &opts);
    return status ? session_error(status) : 0;
}

static int hand_over(struct probe *probe, const struct probe_sinks *sinks, bool paused,
                     const struct probe_config *config) {
    struct leat_flow_sink *list[PROBE_SINKS_MAX + 1];
    const struct leat_flow_exporter_opts opts = { .sinks = list,
                                                  .sink_count =
                                                      probe_sinks_list(sinks, paused, list),
                                                  .paused = paused,
                                                  .selection = config->selection,
                                                  .join_times = probe_join_times(config) };
    int status = leat_flow_exporter_reload(probe->exporter, &opts);
    return status ? session_error(status) : 0;
}

/* Closes those that are not kept; records wait from now on. */
static int close_replaced(struct probe *probe) {
    int status = hand_over(probe, &probe->sinks, true, &probe->config);
    for (uint32_t i = 0; status == 0 && i < probe->sinks.count; i++)
        if (!probe->sinks.sink[i].kept)
            probe->sinks.sink[i].sink = NULL;
    return status;
}

/* Sinks that nothing has changed for stay as they are, with their sessions. New ones are opened
 * before old ones are closed, so that nothing has happened if one cannot be; where a new one needs
 * what an old one of its name holds, the old ones are closed first, and should it not open then,
 * they are opened again. */
static int replace_sinks(struct probe *probe, const struct probe_config *config,
                         const struct leat_fields *fields) {
    struct probe_sinks sinks;
    int status = probe_sinks_plan(config, &sinks);
    if (status)
        return status;
    probe_sinks_keep(&sinks, &probe->sinks);
    status = probe_sinks_open(probe, config, fields, &sinks, &probe->sinks);
    const bool clash = status > 0;
    if (clash)
        status = close_replaced(probe);
    if (clash && !status)
        status = probe_sinks_open(probe, config, fields, &sinks, NULL);
    if (!status)
        status = hand_over(probe, &sinks, false, config);
    if (!status) {
        probe_sinks_forget(&probe->sinks);
        probe->sinks = sinks;
        return 0;
    }
    probe_sinks_close(&sinks);
    probe_sinks_forget(&sinks);
    if (clash) {
        probe_sinks_reopen(probe);
        hand_over(probe, &probe->sinks, false, &probe->config);
    }
    return status;
}

void probe_reload(struct probe *probe) {
    struct probe_config config;
    struct leat_fields fields;
    int exit_code;
    bool done = probe_config_parse(&config, probe->argc, probe->argv, &exit_code);
    if (done) {
        done = can_change(probe, &config, &fields) && reload_meters(probe, &config) == 0;
        if (done && replace_sinks(probe, &config, &fields)) {
            reload_meters(probe, &probe->config);
            done = false;
        }
        if (done) {
            struct probe_config old = probe->config;
            probe->config = config;
            probe->fields = fields;
            probe_config_free(&old);
        } else {
            probe_config_free(&config);
        }
    }
    fprintf(stderr, "leat probe: %s: %s\n", probe->config.file,
            done ? "read again, and in force" : "not taken over; the old configuration stays");
}
