/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane.h"
#include "lib/core/cycles.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *const lane_stage_names[LANE_STAGES] = { "receive", "touch", "transmit", "buffers" };

/* Forwards exactly `frames` frames; stage cycles only when `stages` is set. */
static void forward(const struct lane *lane, uint64_t frames, uint32_t batch, uint64_t *stages) {
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    while (frames > 0) {
        uint64_t t0 = stages ? leat_cycles() : 0;
        int n = leat_rx(lane->in, pkts, frames < batch ? (uint32_t)frames : batch);
        if (n <= 0)
            break;
        uint64_t t1 = stages ? leat_cycles() : 0;
        for (int i = 0; i < n; i++)
            lane_touch(&pkts[i]);
        uint64_t t2 = stages ? leat_cycles() : 0;
        int sent = leat_tx(lane->out, pkts, (uint32_t)n);
        if (sent < n)
            leat_free(lane->cache, &pkts[sent < 0 ? 0 : sent],
                      (uint32_t)(n - (sent < 0 ? 0 : sent)));
        if (stages) {
            uint64_t t3 = leat_cycles();
            stages[LANE_RECEIVE] += t1 - t0;
            stages[LANE_TOUCH] += t2 - t1;
            stages[LANE_TRANSMIT] += t3 - t2;
        }
        frames -= (uint64_t)n;
    }
}

struct lane_cost lane_cost(const struct lane *lane, uint32_t batch, uint64_t packets, bool split,
                           uint64_t (*ready)(void *ctx), void *ctx) {
    uint64_t cycles = 0, frames = 0, taken = 0, stages[LANE_STAGES] = { 0 }, buffers[2];
    struct leat_stats before, after;
    leat_queue_stats(lane->in, &before);
    leat_queue_profile(lane->in, split);
    leat_queue_profile(lane->out, split);
    for (int warm = 2; frames<packets; warm -= warm> 0) {
        uint64_t round = ready(ctx);
        buffers[0] = leat_queue_buffer_cycles(lane->in);
        buffers[1] = leat_queue_buffer_cycles(lane->out);
        uint64_t start = leat_cycles();
        forward(lane, round, batch, split && !warm ? stages : NULL);
        uint64_t end = leat_cycles();
        taken += round;
        if (warm)
            continue;
        cycles += end - start;
        frames += round;
        buffers[0] = leat_queue_buffer_cycles(lane->in) - buffers[0];
        buffers[1] = leat_queue_buffer_cycles(lane->out) - buffers[1];
        stages[LANE_RECEIVE] -= buffers[0];
        stages[LANE_TRANSMIT] -= buffers[1];
        stages[LANE_BUFFERS] += buffers[0] + buffers[1];
    }
    leat_queue_stats(lane->in, &after);
    if (after.rx_packets - before.rx_packets != taken)
        fprintf(stderr, "bench: the device delivered %lu frames, the driver received %lu\n", taken,
                after.rx_packets - before.rx_packets);
    struct lane_cost cost = { (double)cycles / (double)frames, { 0 } };
    for (int s = 0; s < LANE_STAGES; s++)
        cost.stages[s] = (double)stages[s] / (double)frames;
    return cost;
}

double lane_tsc_hz(void) {
    static double hz;
    if (hz > 0)
        return hz;
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    uint64_t cycles = leat_cycles();
    double seconds;
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
        seconds =
            (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec);
    } while (seconds < 0.1);
    hz = (double)(leat_cycles() - cycles) / seconds;
    return hz;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void lane_print_row(const char *what, uint32_t batch, uint32_t ring, double *values, uint32_t n) {
    qsort(values, n, sizeof(*values), by_value);
    double median = values[n / 2];
    printf("%s,%u,%u,%.1f,%.1f,%.1f,%.2f\n", what, batch, ring, values[0], median, values[n - 1],
           lane_tsc_hz() / median / 1e6);
    fflush(stdout);
}
