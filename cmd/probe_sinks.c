/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: from the configuration to sinks and meters. */
#include "probe.h"
#include <string.h>

static void tell(void *ctx, const char *sentence) {
    (void)ctx;
    fprintf(stderr, "leat probe: %s\n", sentence);
}

/* For the options records (RFC 7011, 4.2 and 4.3), in the exporter's thread. What a sink itself has
 * lost it adds. */
static void tell_facts(void *ctx, struct leat_ipfix_facts *facts) {
    const struct probe *probe = ctx;
    struct leat_flow_meter_stats meters;
    probe_meter_stats(probe, &meters);
    memset(facts, 0, sizeof(*facts));
    facts->observed_flows = meters.cache.flows_made;
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        facts->ignored_packets += meters.skipped[i];
    facts->ignored_octets = meters.skipped_octets;
    facts->ignored = meters.skipped_when;
    facts->unsent_flows = meters.cache.flows_lost;
    facts->unsent_packets = meters.cache.packets_lost;
    facts->unsent_octets = meters.cache.octets_lost;
    facts->unsent = meters.cache.lost;
    facts->selector_observed = meters.frames - meters.filtered;
    facts->selector_selected = facts->selector_observed - meters.unsampled;
}

static uint64_t ns_of(double seconds) {
    return (uint64_t)(seconds * 1e9);
}

static struct leat_flow_sink_opts sink_opts(struct probe *probe, const struct probe_config *config,
                                            const struct leat_fields *fields) {
    return (struct leat_flow_sink_opts){
        .size = sizeof(struct leat_flow_sink_opts),
        .fields = fields,
        .domain = config->domain,
        .pen = config->pen,
        .key = config->key,
        .uniflow = config->uniflow,
        .mtu = config->mtu,
        .active_ns = ns_of(config->active),
        .idle_ns = ns_of(config->idle),
        .sampling = config->sampling,
        .interfaces = probe->interfaces,
        .interface_count = probe->files ? 0 : probe->port_count,
        .facts = tell_facts,
        .facts_ctx = probe,
        .tls = config->tls,
        .spool = config->spool,
        .spool_octets = config->spool_octets,
        .rotation = config->rotation,
        .told = tell,
    };
}

static int open_one(struct leat_flow_sink **sinks, uint32_t *count, const char *name,
                    const struct leat_flow_sink_opts *opts) {
    int status = leat_flow_sink_open(&sinks[*count], name, opts);
    if (status)
        return session_error(status);
    ++*count;
    return 0;
}

int probe_sinks_open(struct probe *probe, const struct probe_config *config,
                     const struct leat_fields *fields, struct leat_flow_sink **sinks,
                     uint32_t *count) {
    static const char *const to_stdout[] = { NULL, "text:-", "json:-", "csv:-" };
    const struct leat_flow_sink_opts opts = sink_opts(probe, config, fields);
    int status = 0;
    *count = 0;
    for (uint32_t i = 0; status == 0 && i < config->to_count; i++)
        status = open_one(sinks, count, config->to[i], &opts);
    if (status == 0 && config->failover) {
        struct leat_flow_sink *whole;
        status = leat_flow_sink_failover(&whole, sinks, *count);
        if (status) {
            session_error(status);
        } else {
            sinks[0] = whole;
            *count = 1;
        }
    }
    const char *output = to_stdout[config->output];
    if (!output && !config->to_count)
        output = to_stdout[PROBE_OUTPUT_TEXT];
    if (status == 0 && output)
        status = open_one(sinks, count, output, &opts);
    if (status)
        probe_sinks_close(sinks, *count);
    return status;
}

void probe_sinks_close(struct leat_flow_sink **sinks, uint32_t count) {
    while (count-- > 0)
        sinks[count]->ops->close(sinks[count], 0, NULL);
}

void probe_sinks_name(struct probe *probe) {
    for (uint32_t i = 0; i < probe->sink_count; i++)
        memcpy(probe->sink_names[i], probe->sinks[i]->name, sizeof(probe->sink_names[i]));
}

void probe_meter_opts(const struct probe *probe, const struct probe_config *config,
                      struct leat_flow_meter_opts *opts) {
    *opts = (struct leat_flow_meter_opts){
        .decode = { .tunnels = (enum leat_flow_tunnels)config->tunnels,
                    .key = config->key,
                    .uniflow = config->uniflow,
                    .details = (probe->features & LEAT_FLOW_NOTES) != 0 },
        .cache = { .flows = config->flows,
                   .active_ns = ns_of(config->active),
                   .idle_ns = ns_of(config->idle),
                   .features = probe->features,
                   .uniflow = config->uniflow },
        .sampling = config->sampling,
        .filter = config->filter,
    };
}
