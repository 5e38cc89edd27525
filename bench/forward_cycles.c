/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What does it cost to forward a 64 B packet through the 82599 driver, pool included? In lockstep,
 * by batch size and by ring size (figures 6 and 7 of the ixy paper), beside the bound of the same
 * machine and a run in which device and driver work at the same time. Prints CSV.
 */
#include "bound.h"
#include "lib/core/cycles.h"
#include "options.h"
#include "rig.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    uint32_t runs, packets, driver_core, device_core;
    bool quick;
} opts = { .runs = 7, .packets = 400000, .driver_core = 0, .device_core = 1 };

/* Device and driver at the same time: cycles of wall clock a packet. */
static double concurrent(struct rig *rig, uint32_t batch) {
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    uint64_t frames = 0, target = opts.packets * 4;
    rig_run_free(rig);
    uint64_t start = leat_cycles();
    while (frames < target) {
        int n = leat_rx(rig->lane.in, pkts, batch);
        if (n < 0)
            return -1;
        for (int i = 0; i < n; i++)
            lane_touch(&pkts[i]);
        for (int sent = 0; sent < n;) { /* nothing is dropped: wait for room */
            int more = leat_tx(rig->lane.out, &pkts[sent], (uint32_t)(n - sent));
            if (more < 0)
                return -1;
            sent += more;
        }
        frames += (uint64_t)n;
    }
    return (double)(leat_cycles() - start) / (double)frames;
}

/* Every point is measured in turn within a run, and runs are repeated: what disturbs the machine
 * for a while disturbs all of them alike. */
static int measure(uint32_t ring, const uint32_t *batches, uint32_t count) {
    static double lock[9][RUNS_MAX], free_run[9][RUNS_MAX], bound[9][RUNS_MAX],
        stage[LANE_STAGES][RUNS_MAX];
    struct rig rig;
    struct rig_opts rig_opts = { .ring = ring,
                                 .wire = "gen,size=64",
                                 .driver_core = (int)opts.driver_core,
                                 .device_core = (int)opts.device_core };
    for (uint32_t run = 0; run < opts.runs; run++) {
        for (uint32_t b = 0; b < count; b++)
            bound[b][run] = bound_cycles(ring, batches[b], LEAT_BUFFER_STRIDE,
                                         opts.packets / ring + 1, (int)opts.device_core);
        if (rig_open(&rig, &rig_opts) < 0)
            return 1;
        for (uint32_t b = 0; b < count; b++) {
            lock[b][run] =
                lane_cost(&rig.lane, batches[b], opts.packets, false, rig_device_turn, &rig).total;
            if (batches[b] != 32)
                continue;
            struct lane_cost cost =
                lane_cost(&rig.lane, 32, opts.packets, true, rig_device_turn, &rig);
            for (int s = 0; s < LANE_STAGES; s++)
                stage[s][run] = cost.stages[s];
        }
        for (uint32_t b = 0; b < count; b++)
            free_run[b][run] = concurrent(&rig, batches[b]);
        rig_close(&rig);
    }
    for (uint32_t b = 0; b < count; b++) {
        lane_print_row("bound", batches[b], ring, bound[b], opts.runs);
        lane_print_row("lockstep", batches[b], ring, lock[b], opts.runs);
        lane_print_row("concurrent", batches[b], ring, free_run[b], opts.runs);
        for (int s = 0; batches[b] == 32 && s < LANE_STAGES; s++)
            lane_print_row(lane_stage_names[s], 32, ring, stage[s], opts.runs);
    }
    return 0;
}

static const char usage[] =
    "Usage: forward_cycles [--runs N] [--packets N] [--driver-core N] [--device-core N] "
    "[--quick]\n\n"
    "Cycles a forwarded 64 B packet, by batch size at ring 512 and by ring size at batch 32, as "
    "CSV:\nmin, median, max over the runs. --quick: batch 32, ring 512 only.\n";

int main(int argc, char **argv) {
    static const struct bench_option options[] = {
        { "runs", .number = &opts.runs, .min = 1, .max = RUNS_MAX },
        { "packets", .number = &opts.packets, .min = 10000 },
        { "driver-core", .number = &opts.driver_core, .max = 1023 },
        { "device-core", .number = &opts.device_core, .max = 1023 },
        { "quick", .flag = &opts.quick },
        { 0 },
    };
    int exit_code;
    if (!bench_options(argc, argv, options, usage, &exit_code))
        return exit_code;
    static const uint32_t batches[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };
    static const uint32_t rings[] = { 64, 128, 256, 1024, 2048, 4096 }, usual = 32;
    puts(LANE_COLUMNS);
    if (opts.quick)
        return measure(512, &usual, 1);
    int err = measure(512, batches, sizeof(batches) / sizeof(batches[0]));
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]) && !err; i++)
        err = measure(rings[i], &usual, 1);
    return err;
}
