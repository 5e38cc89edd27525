/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: the lines on standard error, at the start, every --interval, and at the end. */
#include "probe.h"
#include <inttypes.h>
#include <string.h>

#define END_REASONS 6

static const char *const end_names[END_REASONS] = { NULL,       "idle",   "active",
                                                    "detected", "forced", "resources" };

static void say_mode(const struct probe_port *port) {
    fprintf(stderr, "%s%s%s%s", port->name, *port->mode ? " (" : "", port->mode,
            *port->mode ? ")" : "");
}

static const char *what_is_passed(const struct probe *probe) {
    for (uint32_t i = 0; i < probe->port_count; i++)
        if (!probe->ports[i].unsent)
            return ": what it receives and sends is counted, and passed on to the network stack\n";
    return ": what it receives is counted, and passed on to the network stack\n";
}

void probe_say_start(const struct probe *probe) {
    fputs("leat probe: metering ", stderr);
    for (uint32_t i = 0; i < probe->port_count && i < 8; i++) {
        if (i)
            fputs(", ", stderr);
        say_mode(&probe->ports[i]);
    }
    if (probe->port_count > 8)
        fprintf(stderr, ", and %u more", probe->port_count - 8);
    fputs(probe->passing ? what_is_passed(probe)
          : probe->files ? ": read one after the other\n"
                         : ": frames are consumed, none is passed on to the network stack\n",
          stderr);
    probe_say_joining(probe);
    if (probe->passing)
        probe_say_inline(probe);
}

static void add_meter(struct leat_flow_meter_stats *sum,
                      const struct leat_flow_meter_stats *stats) {
    sum->frames += stats->frames;
    sum->octets += stats->octets;
    sum->filtered += stats->filtered;
    sum->unsampled += stats->unsampled;
    sum->selected += stats->selected;
    sum->copied += stats->copied;
    sum->uncopied += stats->uncopied;
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        sum->skipped[i] += stats->skipped[i];
    sum->ignored_octets += stats->ignored_octets;
    leat_span_join(&sum->ignored_when, &stats->ignored_when);
    struct leat_flow_cache_stats *cache = &sum->cache;
    cache->packets += stats->cache.packets;
    cache->octets += stats->cache.octets;
    cache->flows_made += stats->cache.flows_made;
    for (uint32_t i = 0; i < END_REASONS; i++)
        cache->flows_ended[i] += stats->cache.flows_ended[i];
    cache->flows_lost += stats->cache.flows_lost;
    cache->packets_lost += stats->cache.packets_lost;
    cache->octets_lost += stats->cache.octets_lost;
    leat_span_join(&cache->lost, &stats->cache.lost);
    cache->flows += stats->cache.flows;
    cache->flows_max += stats->cache.flows_max;
    cache->memory_bytes += stats->cache.memory_bytes;
}

void probe_meter_stats(const struct probe *probe, struct leat_flow_meter_stats *sum) {
    memset(sum, 0, sizeof(*sum));
    for (uint32_t i = 0; i < probe->queue_count; i++) {
        struct leat_flow_meter_stats stats;
        probe_queue_stats(&probe->queues[i], &stats);
        add_meter(sum, &stats);
    }
}

static void say_meter(FILE *to, const struct leat_flow_meter_stats *stats) {
    fprintf(to, "%" PRIu64 " frames, %" PRIu64 " in flows", stats->frames, stats->selected);
    if (stats->filtered)
        fprintf(to, ", %" PRIu64 " filtered", stats->filtered);
    if (stats->unsampled)
        fprintf(to, ", %" PRIu64 " not sampled", stats->unsampled);
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        if (stats->skipped[i])
            fprintf(to, ", %" PRIu64 " %s", stats->skipped[i],
                    leat_flow_skip_name((enum leat_flow_skip)i));
    if (stats->copied || stats->uncopied)
        fprintf(to, "; %" PRIu64 " looked into", stats->copied);
    if (stats->uncopied)
        fprintf(to, ", %" PRIu64 " not since their ring was full", stats->uncopied);
}

static void say_cache(FILE *to, const struct leat_flow_cache_stats *cache) {
    fprintf(to, "; %u of %u flows", cache->flows, cache->flows_max);
    if (cache->flows_lost)
        fprintf(to, ", %" PRIu64 " lost", cache->flows_lost);
}

static void say_drops(FILE *to, const char *port, const struct leat_stats *stats,
                      const char *before) {
    for (uint32_t i = 0; i < LEAT_DROP_COUNT; i++)
        if (stats->drops[i])
            fprintf(to, "%s%" PRIu64 " %s at %s", before, stats->drops[i],
                    leat_drop_name((enum leat_drop)i), port);
}

static void say_sink(FILE *to, const char *name, const struct leat_flow_sink_stats *stats) {
    fprintf(to, "  to %s: %" PRIu64 " records", name, stats->records);
    if (stats->held)
        fprintf(to, ", %" PRIu64 " held", stats->held);
    if (stats->lost)
        fprintf(to, ", %" PRIu64 " lost", stats->lost);
    if (stats->refused)
        fprintf(to, " (%" PRIu64 " refused)", stats->refused);
    if (stats->trimmed)
        fprintf(to, ", %" PRIu64 " trimmed", stats->trimmed);
    if (stats->failures)
        fprintf(to, ", %" PRIu64 " failures", stats->failures);
    fprintf(to, "%s%s\n", *stats->state ? "; " : "", stats->state);
}

static void say_sinks(FILE *to, const struct probe *probe) {
    for (uint32_t i = 0; i < probe->sinks.count; i++) {
        struct leat_flow_sink_stats stats;
        leat_flow_exporter_sink_stats(probe->exporter, i, &stats);
        say_sink(to, probe->sinks.sink[i].name, &stats);
    }
}

static void say_queue(FILE *to, const struct probe *probe, const struct probe_queue *queue) {
    struct leat_flow_meter_stats stats;
    struct leat_stats received;
    const char *port = probe->ports[queue->port].name;
    probe_queue_stats(queue, &stats);
    fprintf(to, "  %s%squeue %u: ", probe->port_count > 1 ? port : "",
            probe->port_count > 1 ? " " : "", queue->index);
    say_meter(to, &stats);
    say_cache(to, &stats.cache);
    if (queue->queue) {
        leat_queue_stats(queue->queue, &received);
        say_drops(to, port, &received, "; lost ");
    }
    fputc('\n', to);
}

static void say_pieces(FILE *to, const struct probe *probe) {
    struct leat_flow_exporter_stats stats;
    leat_flow_exporter_stats(probe->exporter, &stats);
    fprintf(to,
            "  pieces of flows: %" PRIu64 " joined to others, %" PRIu64 " wait, %" PRIu64
            " went on with one direction\n",
            stats.joined, stats.waiting, stats.alone);
}

void probe_say_interval(const struct probe *probe, FILE *to, double seconds, bool queues) {
    struct leat_flow_meter_stats stats;
    probe_meter_stats(probe, &stats);
    flockfile(to); /* workers may have something to say, too */
    fprintf(to, "%.0f s: ", seconds);
    say_meter(to, &stats);
    say_cache(to, &stats.cache);
    for (uint32_t i = 0; !probe->files && i < probe->session.port_count; i++) {
        struct leat_stats of_port;
        leat_port_stats(probe->session.ports[i].port, &of_port);
        say_drops(to, probe->ports[i].name, &of_port, "; lost ");
    }
    fputc('\n', to);
    for (uint32_t i = 0; queues && probe->queue_count > 1 && i < probe->queue_count; i++)
        say_queue(to, probe, &probe->queues[i]);
    if (probe->joining != LEAT_FLOW_JOIN_NONE)
        say_pieces(to, probe);
    say_sinks(to, probe);
    funlockfile(to);
}

static void say_ends(const struct leat_flow_cache_stats *cache) {
    const char *before = ", ended: ";
    fprintf(stderr, "%" PRIu64 " flows", cache->flows_made);
    for (uint32_t i = 1; i < END_REASONS; i++) {
        if (!cache->flows_ended[i])
            continue;
        fprintf(stderr, "%s%" PRIu64 " %s", before, cache->flows_ended[i], end_names[i]);
        before = ", ";
    }
    fputc('\n', stderr);
}

static void say_exporter(const struct leat_flow_exporter_stats *stats) {
    fprintf(stderr, "%" PRIu64 " records, %" PRIu64 " packets exported", stats->exported,
            stats->exported_packets);
    if (stats->joined)
        fprintf(stderr, ", %" PRIu64 " more joined to them", stats->joined);
    if (stats->alone)
        fprintf(stderr, ", %" PRIu64 " of a half without the other one", stats->alone);
    if (stats->unselected)
        fprintf(stderr, ", %" PRIu64 " more not selected", stats->unselected);
    fputc('\n', stderr);
}

static bool sink_conserved(const struct leat_flow_sink_stats *stats) {
    return stats->taken == stats->records + stats->held + stats->lost;
}

bool probe_conserved(const struct probe *probe) {
    struct leat_flow_meter_stats meters;
    struct leat_flow_exporter_stats exporter;
    probe_meter_stats(probe, &meters);
    leat_flow_exporter_stats(probe->exporter, &exporter);
    uint64_t frames = meters.filtered + meters.unsampled + meters.selected;
    for (uint32_t i = 0; i < LEAT_FLOW_SKIP_COUNT; i++)
        frames += meters.skipped[i];
    bool conserved = frames == meters.frames && sink_conserved(&exporter.replaced) &&
                     meters.cache.packets == exporter.exported_packets +
                                                 exporter.unselected_packets +
                                                 meters.cache.packets_lost;
    for (uint32_t i = 0; i < probe->sinks.count; i++) {
        struct leat_flow_sink_stats stats;
        leat_flow_exporter_sink_stats(probe->exporter, i, &stats);
        conserved &= sink_conserved(&stats);
    }
    return conserved;
}

bool probe_say_end(const struct probe *probe) {
    struct leat_flow_meter_stats meters;
    struct leat_flow_exporter_stats exporter;
    probe_meter_stats(probe, &meters);
    leat_flow_exporter_stats(probe->exporter, &exporter);
    fprintf(stderr, "leat probe: %.1f s: ", probe->seconds);
    say_meter(stderr, &meters);
    fputs("\n  ", stderr);
    say_ends(&meters.cache);
    fputs("  ", stderr);
    say_exporter(&exporter);
    say_sinks(stderr, probe);
    if (exporter.replaced.records || exporter.replaced.lost)
        say_sink(stderr, "sinks before a reload", &exporter.replaced);
    if (meters.cache.flows_lost)
        fprintf(stderr,
                "  lost: %" PRIu64 " records of %" PRIu64
                " packets, since the exporter could not follow\n",
                meters.cache.flows_lost, meters.cache.packets_lost);
    for (uint32_t i = 0; i < probe->port_count; i++)
        say_drops(stderr, probe->ports[i].name, &probe->ports[i].stats, "  lost: ");
    bool conserved = probe_conserved(probe);
    if (!conserved)
        fputs("leat probe: these numbers do not add up, which is a fault of this program\n",
              stderr);
    return conserved;
}
