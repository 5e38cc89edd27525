/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat probe --join: all packets of a flow belong into one record. Either the port brings both
 * directions of a connection to one queue by a symmetric hash, or two workers have a half each,
 * which the exporter joins. Where packets are spread over queues or ports without regard to flows,
 * every record waits for others (--join always).
 */
#include "probe.h"

#define LATE_NS 2000000000ull

/* Interfaces that are metered inline see both directions, or only what they receive; what passes
 * two of them is counted twice, and stays two records. */
static bool halved(const struct probe *probe) {
    bool halves = !probe->passing;
    for (uint32_t i = 0; i < probe->port_count && !halves; i++)
        halves = probe->ports[i].unsent != NULL;
    return halves && probe->queue_count > 1;
}

static bool steered(const struct probe *probe) {
    return !probe->passing && probe->port_count == 1 && probe->ports[0].rss_symmetric;
}

static enum leat_flow_joining chosen(const struct probe *probe) {
    const struct probe_config *config = &probe->config;
    if (!halved(probe) || config->join == PROBE_JOIN_NEVER)
        return LEAT_FLOW_JOIN_NONE;
    if (config->join == PROBE_JOIN_ALWAYS)
        return probe->passing ? LEAT_FLOW_JOIN_HALVES : LEAT_FLOW_JOIN_ALL;
    if (config->uniflow)
        return LEAT_FLOW_JOIN_NONE;
    return steered(probe) ? LEAT_FLOW_JOIN_TUNNELS : LEAT_FLOW_JOIN_HALVES;
}

void probe_choose_joining(struct probe *probe) {
    probe->joining = chosen(probe);
}

/* One half of a connection may end by a reset, the other one only by the idle timeout. */
struct leat_flow_join_times probe_join_times(const struct probe_config *config) {
    const uint64_t idle_ns = (uint64_t)(config->idle * 1e9);
    return (struct leat_flow_join_times){ .wait_ns = idle_ns + LATE_NS,
                                          .idle_ns = idle_ns,
                                          .active_ns = (uint64_t)(config->active * 1e9) };
}

static void say_steered(const struct probe *probe) {
    fprintf(stderr,
            "leat probe: both directions of a connection come to one queue (symmetric RSS)%s\n",
            probe->joining == LEAT_FLOW_JOIN_TUNNELS ? "; those in tunnels are joined before export"
                                                     : "");
}

void probe_say_joining(const struct probe *probe) {
    double seconds = (double)probe_join_times(&probe->config).wait_ns / 1e9;
    if (!halved(probe))
        return;
    if (probe->joining == LEAT_FLOW_JOIN_ALL)
        fprintf(stderr,
                "leat probe: records of one flow from several queues are joined before export, "
                "within %.0f s (--join always)\n",
                seconds);
    else if (probe->config.uniflow)
        return;
    else if (steered(probe))
        say_steered(probe);
    else if (probe->joining == LEAT_FLOW_JOIN_NONE)
        fputs("leat probe: both directions of a connection that come to two queues stay two "
              "records (--join never)\n",
              stderr);
    else
        fprintf(stderr,
                "leat probe: both directions of a connection that come to two queues are joined "
                "before export, within %.0f s\n",
                seconds);
}
