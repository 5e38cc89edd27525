/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --json: the final report, with stable keys (docs/report.md). */
#include "json_file.h"
#include "probe.h"

static json_t *number(uint64_t value) {
    return json_integer((json_int_t)value);
}

static json_t *meter_json(const struct leat_flow_meter_stats *stats) {
    json_t *skipped = json_object();
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        json_object_set_new(skipped, leat_flow_skip_name((enum leat_flow_skip)i),
                            number(stats->skipped[i]));
    const struct leat_flow_cache_stats *cache = &stats->cache;
    const uint64_t *ended = cache->flows_ended;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o}, s:o, "
        "s:o, s:o}",
        "frames", number(stats->frames), "octets", number(stats->octets), "filtered",
        number(stats->filtered), "unsampled", number(stats->unsampled), "skipped", skipped,
        "in_flows", number(stats->selected), "copied", number(stats->copied), "uncopied",
        number(stats->uncopied), "packets", number(cache->packets), "ip_octets",
        number(cache->octets), "flows", number(cache->flows_made), "ended", "idle",
        number(ended[LEAT_FLOW_END_IDLE]), "active", number(ended[LEAT_FLOW_END_ACTIVE]),
        "detected", number(ended[LEAT_FLOW_END_DETECTED]), "forced",
        number(ended[LEAT_FLOW_END_FORCED]), "resources", number(ended[LEAT_FLOW_END_RESOURCES]),
        "lost_records", number(cache->flows_lost), "lost_packets", number(cache->packets_lost),
        "memory_bytes", number(cache->memory_bytes));
}

static json_t *port_json(const struct probe_port *port) {
    json_t *drops = json_object();
    for (uint32_t i = 0; i < LEAT_DROP_COUNT; i++)
        json_object_set_new(drops, leat_drop_name((enum leat_drop)i), number(port->stats.drops[i]));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", port->name, "mode", port->mode,
                     "rx_packets", number(port->stats.rx_packets), "rx_bytes",
                     number(port->stats.rx_bytes), "drops", drops);
}

static json_t *run_json(const struct probe_port *port) {
    return json_pack("{s:f, s:f}", "seconds", port->seconds, "busy_seconds", port->busy_seconds);
}

static json_t *sink_json(const char *name, const struct leat_flow_sink_stats *stats) {
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "name", name,
                     "taken", number(stats->taken), "records", number(stats->records), "octets",
                     number(stats->octets), "messages", number(stats->messages), "held",
                     number(stats->held), "lost", number(stats->lost), "lost_packets",
                     number(stats->lost_packets), "refused", number(stats->refused), "trimmed",
                     number(stats->trimmed), "failures", number(stats->failures), "state",
                     stats->state);
}

static json_t *report_json(const struct probe *probe) {
    struct leat_flow_meter_stats meters;
    struct leat_flow_exporter_stats exporter;
    json_t *ports = json_array(), *runs = json_array(), *queues = json_array(),
           *sinks = json_array();
    for (uint32_t i = 0; i < probe->port_count; i++)
        json_array_append_new(ports, port_json(&probe->ports[i]));
    for (uint32_t i = 0; i < (probe->files ? probe->port_count : 1); i++)
        json_array_append_new(runs, run_json(&probe->ports[i]));
    for (uint32_t i = 0; i < probe->queue_count; i++) {
        probe_queue_stats(&probe->queues[i], &meters);
        json_array_append_new(queues, meter_json(&meters));
    }
    for (uint32_t i = 0; i < probe->sinks.count; i++) {
        struct leat_flow_sink_stats stats;
        leat_flow_exporter_sink_stats(probe->exporter, i, &stats);
        json_array_append_new(sinks, sink_json(probe->sinks.sink[i].name, &stats));
    }
    probe_meter_stats(probe, &meters);
    leat_flow_exporter_stats(probe->exporter, &exporter);
    if (exporter.replaced.records || exporter.replaced.lost)
        json_array_append_new(sinks, sink_json("replaced", &exporter.replaced));
    return json_pack("{s:f, s:b, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o}, s:o}",
                     "seconds", probe->seconds, "conserved", probe_conserved(probe), "ports", ports,
                     "runs", runs, "total", meter_json(&meters), "queues", queues, "exporter",
                     "records", number(exporter.records), "joined", number(exporter.joined),
                     "alone", number(exporter.alone), "unselected", number(exporter.unselected),
                     "unselected_packets", number(exporter.unselected_packets), "exported",
                     number(exporter.exported), "exported_packets",
                     number(exporter.exported_packets), "sinks", sinks);
}

int probe_write_json(const struct probe *probe, const char *path) {
    return json_file_write(report_json(probe), path);
}
