/* SPDX-License-Identifier: BSD-2-Clause */
/* leat demo: forwards between two ports of an emulated NIC, without root, hardware or set-up. */
#include "child.h"
#include "command.h"
#include "compare.h"
#include "fwd.h"
#include "json_file.h"
#include "signals.h"
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPTURE_SECONDS 20 /* more than enough; for a forwarder that loses frames */
#define PACED_SECONDS   2
#define PACED_RATE      "1M"

static struct {
    struct run_opts run;
    const char *capture;
} opts;

static const struct option_spec specs[] = {
    { "capture", 'f', "FILE", "the capture to forward first, instead of the\nproject's own",
      OPTION_STRING, &opts.capture },
    { "seconds", 's', "N", "how long the flood takes (5)", OPTION_DOUBLE, &opts.run.seconds, 1,
      1000000 },
    RUN_OPTION_JSON(opts.run),
    { 0 },
};

static const char *const examples[] = {
    "show it",
    "leat demo",
    "a capture of your own, then a minute of flood, with the report as JSON",
    "leat demo --capture my.pcap --seconds 60 --json report.json",
    NULL,
};

static const struct options options = {
    .command = "demo",
    .operands = "",
    .about =
        "Starts an emulated NIC with two ports and forwards from one to the other: a capture of\n"
        "real protocols, which must arrive byte for byte; a million frames a second, for the\n"
        "latency; and a flood of 64 B frames, for the speed.",
    .specs = specs,
    .examples = examples,
};

/* The first two cores that are ours, for forwarder and NIC; -1 and -1 where there is only one. */
static void choose_cores(int cores[2]) {
    cpu_set_t ours;
    cores[0] = cores[1] = -1;
    if (sched_getaffinity(0, sizeof(ours), &ours) || CPU_COUNT(&ours) < 2)
        return;
    int core = 0;
    for (int i = 0; i < 2; i++, core++) {
        while (!CPU_ISSET((size_t)core, &ours))
            core++;
        cores[i] = core;
    }
}

/* Forwards from the NIC's port 0 to its port 1 while the wires there do what they are told. */
static int stage(struct child *child, const char *const wires[CHILD_PORTS],
                 const struct fwd_opts *with, struct report *report) {
    int cores[2], status;
    choose_cores(cores);
    struct fwd_opts fwd = *with;
    fwd.one_way = true;
    fwd.run.core = cores[0];
    fwd.run.wait = cores[0] < 0 ? LEAT_WAIT_ADAPTIVE : LEAT_WAIT_SPIN;
    status = child_start(child, wires, cores[1]);
    if (status == 0) {
        char names[CHILD_PORTS][128];
        char *both[CHILD_PORTS] = { names[0], names[1] };
        for (int i = 0; i < CHILD_PORTS; i++)
            snprintf(names[i], sizeof(names[i]), "vfio-user:%s", child->sockets[i]);
        status = fwd_run(&fwd, both, report);
    }
    int stopped = child_stop(child);
    return status ? status : stopped;
}

static int find_capture(void) {
    static const char *const places[] = { LEAT_DEMO_CAPTURES };
    for (size_t i = 0; !opts.capture && i < sizeof(places) / sizeof(places[0]); i++)
        if (access(places[i], R_OK) == 0)
            opts.capture = places[i];
    if (opts.capture)
        return 0;
    fprintf(stderr, "leat demo: %s is not there; name another with --capture\n", places[0]);
    return -ENOENT;
}

static int judge_capture(const char *came) {
    struct compare result;
    int status = compare_captures(opts.capture, came, &result);
    if (status)
        return COMMAND_FAILED;
    if (!result.different) {
        printf("   all %" PRIu64 " frames, %" PRIu64 " bytes, arrived byte for byte\n",
               result.came_frames, result.sent_bytes);
        return COMMAND_OK;
    }
    printf("   %" PRIu64 " frames were sent, %" PRIu64 " arrived; frame %" PRIu64
           " is the first that differs\n",
           result.sent_frames, result.came_frames, result.different);
    return COMMAND_CHECKED;
}

static int forward_capture(struct child *child) {
    int64_t frames = compare_count(opts.capture);
    if (frames < 0)
        return COMMAND_FAILED;
    printf("1. A capture of real protocols: %s\n", opts.capture);
    fflush(stdout);
    char in[400], out[400], came[128];
    snprintf(came, sizeof(came), "%s/came.pcap", child->directory);
    snprintf(in, sizeof(in), "pcap,in=%s", opts.capture);
    snprintf(out, sizeof(out), "pcap,out=%s", came);
    const char *const wires[CHILD_PORTS] = { in, out };
    struct fwd_opts fwd = FWD_OPTS_INIT;
    fwd.forward.lossless = true;
    fwd.count = (uint64_t)frames;
    fwd.run.seconds = CAPTURE_SECONDS;
    struct report report;
    if (stage(child, wires, &fwd, &report))
        return COMMAND_FAILED;
    return signals_seen() ? COMMAND_OK : judge_capture(came);
}

static int measure_latency(struct child *child, struct report_latency *latency) {
    puts("2. A million 64 B frames a second, for the latency");
    fflush(stdout);
    const char *const wires[CHILD_PORTS] = { "gen,rate=" PACED_RATE ",size=64,flows=16", "sink" };
    struct fwd_opts fwd = FWD_OPTS_INIT;
    fwd.run.seconds = PACED_SECONDS;
    fwd.forward.lossless = true;
    struct report report;
    struct report_sequence sequence;
    if (stage(child, wires, &fwd, &report) || child_read(child, 1, &sequence, latency))
        return COMMAND_FAILED;
    printf("   %" PRIu64 " frames arrived, %" PRIu64 " missing, %" PRIu64 " altered\n",
           sequence.received, sequence.missing, sequence.corrupt);
    return sequence.corrupt || sequence.duplicate ? COMMAND_CHECKED : COMMAND_OK;
}

static int flood(struct child *child, struct report *report) {
    printf("3. A flood of 64 B frames, for %.0f seconds\n", opts.run.seconds);
    fflush(stdout);
    const char *const wires[CHILD_PORTS] = { "gen,rate=max,size=64,flows=16", "sink" };
    struct fwd_opts fwd = FWD_OPTS_INIT;
    fwd.forward.profile = true;
    fwd.run.seconds = opts.run.seconds;
    if (stage(child, wires, &fwd, report) ||
        child_read(child, 1, &report->sequence, &report->latency))
        return COMMAND_FAILED;
    return report->sequence.corrupt || report->sequence.duplicate ? COMMAND_CHECKED : COMMAND_OK;
}

static int show(struct child *child, struct report *report) {
    struct report_latency paced = { 0 };
    int exit_code = forward_capture(child);
    if (exit_code == COMMAND_OK && !signals_seen())
        exit_code = measure_latency(child, &paced);
    if (exit_code == COMMAND_OK && !signals_seen())
        exit_code = flood(child, report);
    if (report->seconds > 0) {
        report->paced_latency = paced;
        putchar('\n');
        int reported = run_report(&opts.run, report, 0);
        exit_code = exit_code ? exit_code : reported;
    }
    return exit_code;
}

int cmd_demo(int argc, char **argv) {
    memset(&opts, 0, sizeof(opts));
    opts.run.seconds = 5;
    int first, exit_code;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    struct child child;
    struct report report = { 0 };
    signals_install(NULL, NULL);
    if (json_file_check(opts.run.json) || find_capture() || child_prepare(&child))
        return COMMAND_FAILED;
    exit_code = show(&child, &report);
    child_clean(&child);
    return exit_code;
}
