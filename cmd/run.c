/* SPDX-License-Identifier: BSD-2-Clause */
#include "run.h"
#include "clock.h"
#include "command.h"
#include "progress.h"
#include "signals.h"
#include <string.h>

const char *const run_wait_choices[] = { "adaptive", "spin", "sleep", NULL };

bool run_parse_core(const char *value, void *to) {
    uint64_t core;
    if (!options_number(value, 0, 1023, &core))
        return options_wrong("--core takes the number of a core, not '%s'", value);
    *(int *)to = (int)core;
    return true;
}

bool run_port_on_stdout(const char *name) {
    size_t end = strcspn(name, ",");
    return !strncmp(name, "pcap:", 5) && end >= 7 && !memcmp(&name[end - 2], ">-", 2);
}

bool run_spare_stdout(struct run_opts *opts, bool taken) {
    opts->quiet_stdout = taken;
    return !taken || !opts->json || strcmp(opts->json, "-") ||
           options_wrong("frames and --json - cannot both go to standard output");
}

void run_stop(struct run *run) {
    for (uint32_t i = 0; i < run->lane_count; i++)
        leat_worker_stop(run->lanes[i].worker);
}

static void on_signal(void *ctx) {
    run_stop(ctx);
}

static int lane_batch(void *ctx) {
    struct run_lane *lane = ctx;
    int moved = lane->batch(lane->ctx);
    if (__builtin_expect(moved < 0, 0))
        run_stop(lane->run);
    return moved;
}

static int lane_tick(void *ctx) {
    struct run_lane *lane = ctx;
    if (lane->run->deadline_ns && clock_ns() >= lane->run->deadline_ns)
        run_stop(lane->run);
    int status = lane->tick ? lane->tick(lane->ctx) : 0;
    if (status < 0)
        run_stop(lane->run);
    return status;
}

static void sample(void *ctx, struct leat_stats *stats) {
    const struct run *run = ctx;
    memset(stats, 0, sizeof(*stats));
    for (uint32_t i = 0; i < run->session->port_count; i++) {
        struct leat_stats of_port;
        leat_port_stats(run->session->ports[i].port, &of_port);
        leat_stats_add(stats, &of_port);
    }
    if (run->sample)
        run->sample(run->sample_ctx, stats);
}

static int core_of(const struct run_opts *opts, uint32_t worker) {
    if (opts->cores.count)
        return worker < opts->cores.count ? opts->cores.core[worker] : -1;
    return opts->core < 0 ? -1 : opts->core + (int)worker;
}

static int create_worker(struct run *run, uint32_t index) {
    struct run_lane *lane = &run->lanes[index];
    lane->run = run;
    const struct leat_worker_opts opts = {
        .size = sizeof(opts),
        .core = core_of(run->opts, index),
        .wait = (enum leat_wait)run->opts->wait,
        .queues = lane->queues,
        .queue_count = lane->queue_count,
        .batch = lane_batch,
        .tick = run->opts->seconds > 0 || lane->tick ? lane_tick : NULL,
        .ctx = lane,
    };
    return leat_worker_create(&lane->worker, &opts);
}

/* The first lane runs in this thread, the others in their own. */
static int run_workers(struct run *run) {
    uint32_t started = 1;
    int status = 0;
    while (status == 0 && started < run->lane_count) {
        status = leat_worker_start(run->lanes[started].worker);
        started += status == 0;
    }
    if (status == 0)
        status = leat_worker_run(run->lanes[0].worker);
    if (status)
        session_error(status);
    run_stop(run);
    while (started-- > 1) {
        int joined = leat_worker_join(run->lanes[started].worker);
        if (joined)
            status = session_error(joined);
    }
    return status;
}

static void add_cycles(struct run *run) {
    for (uint32_t i = 0; i < run->lane_count; i++) {
        struct leat_worker_stats stats;
        leat_worker_stats(run->lanes[i].worker, &stats);
        run->busy_cycles += stats.busy_cycles;
        run->total_cycles += stats.total_cycles;
    }
}

int run_lanes(struct run *run) {
    int status = 0;
    uint32_t created = 0;
    while (status == 0 && created < run->lane_count) {
        status = create_worker(run, created);
        created += status == 0;
    }
    if (status) {
        session_error(status);
    } else {
        struct progress *progress = run->own_progress ? NULL : progress_start(sample, run);
        uint64_t start = clock_ns();
        if (run->opts->seconds > 0)
            run->deadline_ns = start + (uint64_t)(run->opts->seconds * NS_PER_S);
        signals_install(on_signal, run);
        if (signals_seen()) /* while the ports were being opened */
            run_stop(run);
        status = run_workers(run);
        run->seconds = (double)(clock_ns() - start) / NS_PER_S;
        signals_install(NULL, NULL);
        progress_stop(progress);
        add_cycles(run);
    }
    while (created-- > 0)
        leat_worker_destroy(run->lanes[created].worker);
    return status;
}

int run_report(const struct run_opts *opts, const struct report *report, int status) {
    bool only_json = opts->json && !strcmp(opts->json, "-");
    if (!only_json)
        report_print(report, opts->quiet_stdout ? stderr : stdout);
    int written = opts->json ? report_write_json(report, opts->json) : 0;
    return status || written ? COMMAND_FAILED : COMMAND_OK;
}
