/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat probe --join: both directions of a connection belong into one record. Either the port brings
 * them to one queue by a symmetric hash, or two workers have a half each, which the exporter joins.
 */
#include "probe.h"

#define LATE_NS 2000000000ull

/* Interfaces that are metered inline see both, or only what they receive. */
static bool halved(const struct probe *probe) {
    if (probe->queue_count == 1 || probe->config.uniflow)
        return false;
    bool halves = !probe->passing;
    for (uint32_t i = 0; i < probe->port_count && !halves; i++)
        halves = probe->ports[i].unsent != NULL;
    return halves;
}

static bool steered(const struct probe *probe) {
    return !probe->passing && probe->port_count == 1 && probe->ports[0].rss_symmetric;
}

void probe_choose_joining(struct probe *probe) {
    const struct probe_config *config = &probe->config;
    probe->joining = !halved(probe) || config->join == PROBE_JOIN_NEVER ? LEAT_FLOW_JOIN_NONE
                     : config->join == PROBE_JOIN_ALWAYS || !steered(probe)
                         ? LEAT_FLOW_JOIN_ALL
                         : LEAT_FLOW_JOIN_TUNNELS;
}

/* One half of a connection may end by a reset, the other one only by the idle timeout. */
uint64_t probe_join_wait_ns(const struct probe_config *config) {
    return (uint64_t)(config->idle * 1e9) + LATE_NS;
}

void probe_say_joining(const struct probe *probe) {
    if (!halved(probe))
        return;
    fputs("leat probe: both directions of a connection ", stderr);
    if (steered(probe))
        fprintf(stderr, "come to one queue (symmetric RSS)%s\n",
                probe->joining == LEAT_FLOW_JOIN_NONE  ? ""
                : probe->joining == LEAT_FLOW_JOIN_ALL ? "; what does not is joined before export"
                                                       : "; those in tunnels are joined before "
                                                         "export");
    else if (probe->joining == LEAT_FLOW_JOIN_NONE)
        fputs("that come to two queues stay two records (--join never)\n", stderr);
    else
        fprintf(stderr, "that come to two queues are joined before export, within %.0f s\n",
                (double)probe_join_wait_ns(&probe->config) / 1e9);
}
