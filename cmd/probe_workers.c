/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --cores: a worker a queue, as far as there are cores, and the exporter's thread. */
#include "probe.h"
#include <errno.h>

/* One core more than workers is the exporter's, since every queue has a worker then. Interfaces
 * that are metered inline have workers that only sweep. */
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
    bool each = probe->passing || workers > probe->queue_count;
    probe->lane_count = each ? probe->queue_count : workers;
    if (cores->count <= probe->queue_count + 1)
        return 0;
    fprintf(stderr,
            "leat probe: --cores: %u cores are more than there is work for: %u queue%s, and the "
            "exporter\n",
            cores->count, probe->queue_count, probe->queue_count > 1 ? "s" : "");
    return -EINVAL;
}

int probe_exporter_core(const struct probe *probe) {
    const struct cores *cores = &probe->config.run.cores;
    return cores->count > probe->lane_count ? cores->core[probe->lane_count] : -1;
}
