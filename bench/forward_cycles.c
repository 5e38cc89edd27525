/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What does it cost to forward a 64 B packet through the 82599 driver, pool included? In lockstep,
 * by batch size and by ring size (figures 6 and 7 of the ixy paper), beside the bound of the same
 * machine and a run in which device and driver work at the same time. Prints CSV.
 */
#include "bound.h"
#include "rig.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 64

static struct {
    uint32_t runs, packets;
    int driver_core, device_core;
    bool quick;
} opts = { .runs = 7, .packets = 400000, .driver_core = 0, .device_core = 1 };

/* How the cycles of a packet are spent; `total` alone without profiling. */
struct cost {
    double total, receive, touch, transmit, buffers;
};

/* Forwards exactly `frames` frames; stage cycles only when `stages` is set. */
static void forward(struct rig *rig, uint64_t frames, uint32_t batch, uint64_t stages[3]) {
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    while (frames > 0) {
        uint64_t t0 = stages ? leat_cycles() : 0;
        int n = leat_rx(rig->in, pkts, frames < batch ? (uint32_t)frames : batch);
        if (n <= 0)
            break;
        uint64_t t1 = stages ? leat_cycles() : 0;
        for (int i = 0; i < n; i++)
            rig_touch(&pkts[i]);
        uint64_t t2 = stages ? leat_cycles() : 0;
        int sent = leat_tx(rig->out, pkts, (uint32_t)n);
        if (sent < n)
            leat_free(rig->cache, &pkts[sent < 0 ? 0 : sent],
                      (uint32_t)(n - (sent < 0 ? 0 : sent)));
        if (stages) {
            uint64_t t3 = leat_cycles();
            stages[0] += t1 - t0;
            stages[1] += t2 - t1;
            stages[2] += t3 - t2;
        }
        frames -= (uint64_t)n;
    }
}

/* The driver under the clock, the device standing still. */
static struct cost lockstep(struct rig *rig, uint32_t batch, bool split) {
    uint64_t cycles = 0, frames = 0, taken, stages[3] = { 0 }, buffers[2];
    struct leat_stats before, after;
    leat_queue_stats(rig->in, &before);
    taken = before.rx_packets;
    leat_queue_profile(rig->in, split);
    leat_queue_profile(rig->out, split);
    for (int warm = 2; frames<opts.packets; warm -= warm> 0) {
        uint64_t ready = rig_device_turn(rig, taken);
        buffers[0] = leat_queue_buffer_cycles(rig->in);
        buffers[1] = leat_queue_buffer_cycles(rig->out);
        uint64_t start = leat_cycles();
        forward(rig, ready, batch, split && !warm ? stages : NULL);
        uint64_t end = leat_cycles();
        taken += ready;
        if (warm)
            continue;
        cycles += end - start;
        frames += ready;
        stages[0] -= leat_queue_buffer_cycles(rig->in) - buffers[0];
        stages[2] -= leat_queue_buffer_cycles(rig->out) - buffers[1];
    }
    leat_queue_stats(rig->in, &after);
    if (after.rx_packets != taken)
        fprintf(stderr, "bench: the device delivered %lu frames, the driver received %lu\n", taken,
                after.rx_packets);
    double n = (double)frames, total = (double)cycles / n;
    double receive = (double)stages[0] / n, touch = (double)stages[1] / n;
    double transmit = (double)stages[2] / n;
    return (struct cost){ total, receive, touch, transmit, total - receive - touch - transmit };
}

/* Device and driver at the same time: cycles of wall clock a packet. */
static double concurrent(struct rig *rig, uint32_t batch) {
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    uint64_t frames = 0, target = opts.packets * 4;
    rig_run_free(rig);
    uint64_t start = leat_cycles();
    while (frames < target) {
        int n = leat_rx(rig->in, pkts, batch);
        if (n < 0)
            return -1;
        for (int i = 0; i < n; i++)
            rig_touch(&pkts[i]);
        for (int sent = 0; sent < n;) { /* nothing is dropped: wait for room */
            int more = leat_tx(rig->out, &pkts[sent], (uint32_t)(n - sent));
            if (more < 0)
                return -1;
            sent += more;
        }
        frames += (uint64_t)n;
    }
    return (double)(leat_cycles() - start) / (double)frames;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(const char *what, uint32_t batch, uint32_t ring, double *values, uint32_t n) {
    qsort(values, n, sizeof(*values), by_value);
    double median = values[n / 2];
    printf("%s,%u,%u,%.1f,%.1f,%.1f,%.2f\n", what, batch, ring, values[0], median, values[n - 1],
           rig_tsc_hz() / median / 1e6);
    fflush(stdout);
}

/* Every point is measured in turn within a run, and runs are repeated: what disturbs the machine
 * for a while disturbs all of them alike. */
static int measure(uint32_t ring, const uint32_t *batches, uint32_t count) {
    static const char *const stage_names[] = { "receive", "touch", "transmit", "buffers" };
    static double lock[9][RUNS_MAX], free_run[9][RUNS_MAX], bound[9][RUNS_MAX], stage[4][RUNS_MAX];
    struct rig rig;
    struct rig_opts rig_opts = { .ring = ring,
                                 .wire = "gen,size=64",
                                 .driver_core = opts.driver_core,
                                 .device_core = opts.device_core };
    for (uint32_t run = 0; run < opts.runs; run++) {
        for (uint32_t b = 0; b < count; b++)
            bound[b][run] = bound_cycles(ring, batches[b], LEAT_BUFFER_STRIDE,
                                         opts.packets / ring + 1, opts.device_core);
        if (rig_open(&rig, &rig_opts) < 0)
            return 1;
        for (uint32_t b = 0; b < count; b++) {
            lock[b][run] = lockstep(&rig, batches[b], false).total;
            if (batches[b] == 32) {
                struct cost cost = lockstep(&rig, 32, true);
                double split[] = { cost.receive, cost.touch, cost.transmit, cost.buffers };
                for (int s = 0; s < 4; s++)
                    stage[s][run] = split[s];
            }
        }
        for (uint32_t b = 0; b < count; b++)
            free_run[b][run] = concurrent(&rig, batches[b]);
        rig_close(&rig);
    }
    for (uint32_t b = 0; b < count; b++) {
        print_row("bound", batches[b], ring, bound[b], opts.runs);
        print_row("lockstep", batches[b], ring, lock[b], opts.runs);
        print_row("concurrent", batches[b], ring, free_run[b], opts.runs);
        for (int s = 0; batches[b] == 32 && s < 4; s++)
            print_row(stage_names[s], 32, ring, stage[s], opts.runs);
    }
    return 0;
}

static int usage(FILE *to) {
    fprintf(to, "Usage: forward_cycles [--runs N] [--packets N] [--driver-core N] "
                "[--device-core N] [--quick]\n\n"
                "Cycles a forwarded 64 B packet, by batch size at ring 512 and by ring size at "
                "batch 32, as CSV:\nmin, median, max over the runs. --quick: batch 32, ring 512 "
                "only.\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv) {
    static const struct option longs[] = {
        { "runs", required_argument, NULL, 'r' },
        { "packets", required_argument, NULL, 'p' },
        { "driver-core", required_argument, NULL, 'd' },
        { "device-core", required_argument, NULL, 'c' },
        { "quick", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (c) {
        case 'r':
            opts.runs = (uint32_t)atoi(optarg);
            break;
        case 'p':
            opts.packets = (uint32_t)atoi(optarg);
            break;
        case 'd':
            opts.driver_core = atoi(optarg);
            break;
        case 'c':
            opts.device_core = atoi(optarg);
            break;
        case 'q':
            opts.quick = true;
            break;
        case 'h':
            return usage(stdout);
        default:
            return usage(stderr);
        }
    }
    if (opts.runs < 1 || opts.runs > RUNS_MAX || opts.packets < 10000)
        return usage(stderr);
    static const uint32_t batches[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };
    static const uint32_t rings[] = { 64, 128, 256, 1024, 2048, 4096 }, usual = 32;
    printf("what,batch,ring,min,median,max,mpps_at_median\n");
    if (opts.quick)
        return measure(512, &usual, 1);
    int err = measure(512, batches, sizeof(batches) / sizeof(batches[0]));
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]) && !err; i++)
        err = measure(rings[i], &usual, 1);
    return err;
}
