/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --cores: a worker a queue, as far as there are cores, and the exporter's thread. */
#include "probe.h"
#include <errno.h>

/* A worker a queue, as far as there are cores and a session has room; one core more than these is
 * the exporter's. Interfaces that are metered inline have workers that only sweep. */
int probe_count_workers(struct probe *probe) {
    const struct cores *cores = &probe->config.run.cores;
    uint32_t workers = cores->count ? cores->count : cores_ours();
    int missing = cores_missing(cores);
    if (missing >= 0) {
        fprintf(stderr,
                "leat probe: --cores: there is no core %d that it may run on; 'lscpu -e' lists "
                "what there is\n",
                missing);
        return -EINVAL;
    }
    uint32_t most =
        probe->queue_count < SESSION_QUEUES_MAX ? probe->queue_count : SESSION_QUEUES_MAX;
    probe->lane_count = probe->passing || workers > most ? most : workers;
    if (cores->count <= most + 1)
        return 0;
    fprintf(stderr,
            "leat probe: --cores: %u cores are more than there is work for: %u worker%s, and the "
            "exporter\n",
            cores->count, most, most > 1 ? "s" : "");
    return -EINVAL;
}

int probe_exporter_core(const struct probe *probe) {
    const struct cores *cores = &probe->config.run.cores;
    return cores->count > probe->lane_count ? cores->core[probe->lane_count] : -1;
}
