/* SPDX-License-Identifier: BSD-2-Clause */
/* leat fwd: forwards between two ports. */
#include "fwd.h"
#include "command.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct lane {
    struct forward directions[2];
    uint32_t count;
    struct run *run;
};

static struct fwd_opts opts;

static const char *const touch_choices[] = { "none", "read", "write", NULL };

static const struct option_spec specs[] = {
    { "batch", 'b', "N", "packets a batch, 1 to 256 (32)", OPTION_U32, &opts.forward.batch, 1,
      LEAT_BATCH_MAX },
    { "one-way", '1', NULL, "only from A to B", OPTION_FLAG, &opts.one_way },
    { "touch", 0, "none|read|write",
      "do this to each buffer's first byte (write: the\nsame value, so that frames stay as they "
      "are)",
      OPTION_CHOICE, &opts.touch, .choices = touch_choices },
    { "lossless", 'l', NULL,
      "when the sending port is full, wait instead of\nlosing the packets as tx_full", OPTION_FLAG,
      &opts.forward.lossless },
    { "profile", 'p', NULL, "split the cycles a packet by stage", OPTION_FLAG,
      &opts.forward.profile },
    { "queues", 'q', "N", "queues a port, each with a worker of its own (1)", OPTION_U32,
      &opts.queues, 1, SESSION_QUEUES_MAX },
    { "rx-ring", 0, "N", "receive descriptors a queue (512)", OPTION_U32, &opts.rx_ring, 1, 65536 },
    { "tx-ring", 0, "N", "transmit descriptors a queue (512)", OPTION_U32, &opts.tx_ring, 1,
      65536 },
    { "count", 'n', "N", "stop after N frames from A and N from B", OPTION_U64, &opts.count, 1,
      UINT64_MAX - 1 },
    RUN_OPTION_SECONDS(opts.run),
    RUN_OPTION_WAIT(opts.run),
    RUN_OPTION_CORE(opts.run),
    RUN_OPTION_JSON(opts.run),
    { 0 },
};

static const char *const examples[] = {
    "between two emulated NICs, on core 0, with cycles by stage",
    "leat fwd --core 0 --profile vfio-user:/tmp/nic0.sock vfio-user:/tmp/nic1.sock",
    "between a tap and a NIC, sleeping when there is nothing to do",
    "leat fwd tap:tap0 vfio-user:/tmp/nic0.sock",
    "convert a capture to pcapng",
    "leat fwd --lossless 'pcap:in.pcap' 'pcap:>out.pcapng'",
    NULL,
};

static const struct options options = {
    .command = "fwd",
    .operands = "A B",
    .about =
        "Forwards frames from port A to port B and back, without copying, until Ctrl-C or the\n"
        "end of its files.",
    .specs = specs,
    .examples = examples,
    .operands_min = 2,
    .operands_max = 2,
};

static int batch(void *ctx) {
    struct lane *lane = ctx;
    int moved = 0;
    bool ended = true;
    for (uint32_t i = 0; i < lane->count; i++) {
        int n = forward_batch(&lane->directions[i]);
        if (n < 0)
            return n;
        moved += n;
        ended &= lane->directions[i].ended && lane->directions[i].count == 0;
    }
    if (ended)
        run_stop(lane->run);
    return moved;
}

static void add_direction(struct lane *lane, struct run_lane *runner, struct leat_queue *from,
                          struct leat_queue *to, uint32_t whole) {
    struct forward *forward = &lane->directions[lane->count++];
    forward->opts = &opts.forward;
    forward->from = from;
    forward->to = to;
    forward->whole = whole;
    forward->left = opts.count ? opts.count : UINT64_MAX;
    runner->queues[runner->queue_count++] = from;
    leat_queue_profile(from, opts.forward.profile);
    leat_queue_profile(to, opts.forward.profile);
}

/* Which directions there are: a port may only receive, or only send. */
static int join(struct session *session, struct leat_queue *queues[2][SESSION_QUEUES_MAX],
                struct lane *lanes, struct run_lane *runners, struct run *run) {
    struct leat_caps caps[2];
    for (int i = 0; i < 2; i++)
        leat_port_caps(session->ports[i], &caps[i], sizeof(caps[i]));
    bool there = caps[0].rx && caps[1].tx, back = caps[1].rx && caps[0].tx && !opts.one_way;
    if (!there && !back) {
        fprintf(stderr, "leat fwd: %s cannot receive, or %s cannot send\n",
                leat_port_name(session->ports[0]), leat_port_name(session->ports[1]));
        return -ENOTSUP;
    }
    for (uint32_t i = 0; i < opts.queues; i++) {
        if (there)
            add_direction(&lanes[i], &runners[i], queues[0][i], queues[1][i], caps[0].segments_max);
        if (back)
            add_direction(&lanes[i], &runners[i], queues[1][i], queues[0][i], caps[1].segments_max);
        lanes[i].run = run;
        runners[i].batch = batch;
        runners[i].ctx = &lanes[i];
    }
    return 0;
}

/* What the program itself lost: under the port that could not send it, or that it came from. */
static void count_lost(const struct lane *lanes, struct session *session) {
    for (uint32_t i = 0; i < opts.queues; i++)
        for (uint32_t d = 0; d < lanes[i].count; d++) {
            const struct forward *forward = &lanes[i].directions[d];
            uint32_t to = forward->to->port == session->ports[1];
            session->own[to].drops[LEAT_DROP_TX_FULL] += forward->lost;
            session->own[to].drops[LEAT_DROP_TX_ABORTED] += forward->aborted;
            session->own[!to].drops[LEAT_DROP_BY_PROGRAM] += forward->refused;
        }
}

static void count_cycles(const struct lane *lanes, const struct run *run, struct report *report) {
    struct forward_cycles sum = { 0 };
    uint64_t packets = 0;
    for (uint32_t i = 0; i < opts.queues; i++)
        for (uint32_t d = 0; d < lanes[i].count; d++) {
            const struct forward *forward = &lanes[i].directions[d];
            packets += forward->packets;
            sum.receive += forward->cycles.receive;
            sum.touch += forward->cycles.touch;
            sum.transmit += forward->cycles.transmit;
            sum.buffers += forward->cycles.buffers;
        }
    if (packets == 0)
        return;
    struct report_cycles *cycles = &report->cycles;
    double n = (double)packets;
    cycles->measured = true;
    cycles->split = opts.forward.profile;
    cycles->receive = (double)sum.receive / n;
    cycles->touch = (double)sum.touch / n;
    cycles->transmit = (double)sum.transmit / n;
    cycles->buffers = (double)sum.buffers / n;
    cycles->total = cycles->split
                        ? cycles->receive + cycles->touch + cycles->transmit + cycles->buffers
                        : (double)run->busy_cycles / n;
}

static int forward_between(struct session *session, struct lane *lanes, struct run_lane *runners,
                           char **names, struct report *report) {
    static struct leat_queue *queues[2][SESSION_QUEUES_MAX];
    const struct leat_port_opts port_opts = { .rx_ring = opts.rx_ring,
                                              .tx_ring = opts.tx_ring,
                                              .promisc = true };
    for (int i = 0; i < 2; i++) {
        int status = session_port(session, names[i], port_opts, 5000, queues[i]);
        if (status)
            return status;
    }
    struct run run = {
        .opts = &opts.run, .session = session, .lanes = runners, .lane_count = opts.queues
    };
    int status = join(session, queues, lanes, runners, &run);
    if (status)
        return status;
    status = run_lanes(&run);
    for (uint32_t i = 0; i < opts.queues; i++)
        for (uint32_t d = 0; d < lanes[i].count; d++)
            forward_drain(&lanes[i].directions[d]);
    report->seconds = run.seconds;
    count_lost(lanes, session);
    count_cycles(lanes, &run, report);
    return status;
}

int fwd_run(const struct fwd_opts *with, char **names, struct report *report) {
    opts = *with;
    opts.forward.touch = (enum forward_touch)opts.touch;
    memset(report, 0, sizeof(*report));
    struct session session;
    int status = session_open(&session, opts.queues, 0);
    if (status)
        return status;
    struct lane *lanes = calloc(opts.queues, sizeof(*lanes));
    struct run_lane *runners = calloc(opts.queues, sizeof(*runners));
    status = -ENOMEM;
    if (lanes && runners)
        status = forward_between(&session, lanes, runners, names, report);
    session_close(&session, report);
    free(lanes);
    free(runners);
    return status;
}

int cmd_fwd(int argc, char **argv) {
    opts = (struct fwd_opts)FWD_OPTS_INIT;
    int first, exit_code;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    if (opts.count && opts.queues > 1) {
        options_wrong("--count and --queues do not go together");
        return COMMAND_USAGE;
    }
    if (!run_spare_stdout(&opts.run,
                          run_port_on_stdout(argv[first]) || run_port_on_stdout(argv[first + 1])))
        return COMMAND_USAGE;
    const struct fwd_opts parsed = opts;
    struct report report;
    int status = fwd_run(&parsed, &argv[first], &report);
    return report.seconds > 0 ? run_report(&parsed.run, &report, status) : COMMAND_FAILED;
}
