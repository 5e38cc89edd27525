/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What does it cost to forward a 60 B frame from one AF_XDP queue to another, pool included, the
 * kernel's part left out? Its four rings are driven in lockstep by a stand-in for the kernel. By
 * batch size, beside the bound of the same machine. Prints CSV.
 */
#include "bound.h"
#include "options.h"
#include "xdp_rig.h"
#include <stdio.h>
#include <stdlib.h>

#define RING  2048u
#define SPLIT 64u /* the batch whose stages are told */

static struct {
    uint32_t runs, packets, driver_core, kernel_core;
    bool quick;
} opts = { .runs = 7, .packets = 400000, .driver_core = 0, .kernel_core = 1 };

/* Every point is measured in turn within a run, as in forward_cycles. */
static int measure(const uint32_t *batches, uint32_t count) {
    static double lock[9][RUNS_MAX], bound[9][RUNS_MAX], stage[LANE_STAGES][RUNS_MAX];
    struct xdp_rig rig;
    struct xdp_rig_opts rig_opts = { .ring = RING,
                                     .driver_core = (int)opts.driver_core,
                                     .kernel_core = (int)opts.kernel_core };
    for (uint32_t run = 0; run < opts.runs; run++) {
        if (xdp_rig_open(&rig, &rig_opts) < 0)
            return 1;
        for (uint32_t b = 0; b < count; b++) {
            bound[b][run] = bound_cycles(RING, batches[b], LEAT_BUFFER_STRIDE,
                                         opts.packets / RING + 1, opts.kernel_core);
            lock[b][run] =
                lane_cost(&rig.lane, batches[b], opts.packets, false, xdp_rig_kernel_turn, &rig)
                    .total;
            if (batches[b] != SPLIT)
                continue;
            struct lane_cost cost =
                lane_cost(&rig.lane, SPLIT, opts.packets, true, xdp_rig_kernel_turn, &rig);
            for (int s = 0; s < LANE_STAGES; s++)
                stage[s][run] = cost.stages[s];
        }
        xdp_rig_close(&rig);
    }
    for (uint32_t b = 0; b < count; b++) {
        lane_print_row("bound", batches[b], RING, bound[b], opts.runs);
        lane_print_row("lockstep", batches[b], RING, lock[b], opts.runs);
        for (int s = 0; batches[b] == SPLIT && s < LANE_STAGES; s++)
            lane_print_row(lane_stage_names[s], SPLIT, RING, stage[s], opts.runs);
    }
    return 0;
}

static const char usage[] =
    "Usage: xdp_cycles [--runs N] [--packets N] [--driver-core N] [--kernel-core N] [--quick]\n\n"
    "Cycles a 60 B frame from one AF_XDP queue to another, by batch size, as CSV: min, median, "
    "max\nover the runs. --quick: batch 64 only.\n";

int main(int argc, char **argv) {
    static const struct bench_option options[] = {
        { "runs", .number = &opts.runs, .min = 1, .max = RUNS_MAX },
        { "packets", .number = &opts.packets, .min = 10000 },
        { "driver-core", .number = &opts.driver_core, .max = 1023 },
        { "kernel-core", .number = &opts.kernel_core, .max = 1023 },
        { "quick", .flag = &opts.quick },
        { 0 },
    };
    int exit_code;
    if (!bench_options(argc, argv, options, usage, &exit_code))
        return exit_code;
    static const uint32_t batches[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 }, split = SPLIT;
    puts(LANE_COLUMNS);
    return opts.quick ? measure(&split, 1) : measure(batches, sizeof(batches) / sizeof(batches[0]));
}
