/* SPDX-License-Identifier: BSD-2-Clause */
/* leat fwd: forwards between two ports. */
#include "fwd.h"
#include "command.h"
#include "json_file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One worker's part: all directions that begin at its queues. */
struct lane {
    struct forward *directions;
    uint32_t count;
    struct leat_queue *waits[SESSION_PORTS_MAX * SESSION_QUEUES_MAX];
    struct run *run;
};

static struct fwd_opts opts;
static uint64_t left[2]; /* frames still to be forwarded from A, and from B */

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
    { "queues", 'q', "N", "queues a port; default: all of an interface, else 1", OPTION_U32,
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
    RUN_OPTION_BUFFER_BYTES(opts.run),
    { 0 },
};

static const char *const examples[] = {
    "between two emulated NICs, on core 0, with cycles by stage",
    "leat fwd --core 0 --profile vfio-user:/tmp/nic0.sock vfio-user:/tmp/nic1.sock",
    "between a tap and a NIC, sleeping when there is nothing to do",
    "leat fwd tap:tap0 vfio-user:/tmp/nic0.sock",
    "between two network interfaces, only what VXLAN carries; the rest stays the kernel's",
    "leat fwd 'eth1,match=udp port 4789' 'eth2,match=udp port 4789'",
    "convert a capture to pcapng",
    "leat fwd --lossless 'pcap:in.pcap' 'pcap:>out.pcapng'",
    NULL,
};

static const struct options options = {
    .command = "fwd",
    .operands = "A B",
    .about =
        "Forwards frames from port A to port B and back, without copying, until Ctrl-C or the\n"
        "end of its files; with a worker for each queue, as far as there are cores.",
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

static void add_direction(struct lane *lane, struct leat_queue *from, struct leat_queue *to,
                          uint32_t whole, uint64_t *frames_left) {
    lane->waits[lane->count] = from;
    struct forward *forward = &lane->directions[lane->count++];
    forward->opts = &opts.forward;
    forward->from = from;
    forward->to = to;
    forward->whole = whole;
    forward->left = frames_left;
    leat_queue_profile(from, opts.forward.profile);
    leat_queue_profile(to, opts.forward.profile);
}

/* From a worker's queues of one port to its queues of the other, of which there may be more or
 * fewer; what comes from one queue always goes to the same one, so that flows keep their order. */
static void join_ports(struct lane *lane, uint32_t worker, const struct session *session,
                       uint32_t source) {
    const struct session_port *from = &session->ports[source], *to = &session->ports[!source];
    uint32_t target = worker;
    for (uint32_t i = worker; i < from->caps.queues; i += session->workers) {
        add_direction(lane, from->queues[i], to->queues[target], from->caps.segments_max,
                      &left[source]);
        target += session->workers;
        if (target >= to->caps.queues)
            target = worker;
    }
}

/* Which directions there are: a port may only receive, or only send. */
static int join(struct session *session, struct lane *lanes, struct run_lane *runners,
                struct run *run) {
    const struct session_port *a = &session->ports[0], *b = &session->ports[1];
    bool there = a->caps.rx && b->caps.tx, back = b->caps.rx && a->caps.tx && !opts.one_way;
    if (!there && !back) {
        fprintf(stderr, "leat fwd: %s cannot receive, or %s cannot send\n", leat_port_name(a->port),
                leat_port_name(b->port));
        return -ENOTSUP;
    }
    for (uint32_t i = 0; i < session->workers; i++) {
        struct lane *lane = &lanes[i];
        lane->directions = calloc(a->caps.queues + b->caps.queues, sizeof(*lane->directions));
        if (!lane->directions)
            return -ENOMEM;
        if (there)
            join_ports(lane, i, session, 0);
        if (back)
            join_ports(lane, i, session, 1);
        lane->run = run;
        runners[i] = (struct run_lane){
            .batch = batch, .ctx = lane, .queues = lane->waits, .queue_count = lane->count
        };
    }
    return 0;
}

/* What the program itself lost: under the port that could not send it, or that it came from. */
static void count_lost(const struct lane *lanes, struct session *session) {
    struct session_port *ports = session->ports;
    for (uint32_t i = 0; i < session->workers; i++)
        for (uint32_t d = 0; d < lanes[i].count; d++) {
            const struct forward *forward = &lanes[i].directions[d];
            uint32_t to = forward->to->port == ports[1].port;
            ports[to].own.drops[LEAT_DROP_TX_FULL] += forward->lost;
            ports[to].own.drops[LEAT_DROP_TX_ABORTED] += forward->aborted;
            ports[!to].own.drops[LEAT_DROP_BY_PROGRAM] += forward->refused;
        }
}

static void count_cycles(const struct lane *lanes, const struct run *run, struct report *report) {
    struct forward_cycles sum = { 0 };
    uint64_t packets = 0;
    for (uint32_t i = 0; i < run->lane_count; i++)
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

static int open_ports(struct session *session, char **names) {
    const struct leat_port_opts port_opts = {
        .queues = opts.queues, .rx_ring = opts.rx_ring, .tx_ring = opts.tx_ring, .promisc = true
    };
    int status = session_port(session, names[0], port_opts);
    if (status == 0)
        status = session_port(session, names[1], port_opts);
    if (status)
        return status;
    /* Frames are counted down without locks, by one worker. */
    return session_start(session, opts.count ? 1 : session_workers_max(session), 5000);
}

static int forward_between(struct session *session, struct lane *lanes, struct report *report) {
    struct run_lane runners[SESSION_QUEUES_MAX];
    struct run run = {
        .opts = &opts.run, .session = session, .lanes = runners, .lane_count = session->workers
    };
    left[0] = left[1] = opts.count ? opts.count : UINT64_MAX;
    int status = join(session, lanes, runners, &run);
    if (status)
        return status;
    status = run_lanes(&run);
    for (uint32_t i = 0; i < session->workers; i++)
        for (uint32_t d = 0; d < lanes[i].count; d++)
            forward_drain(&lanes[i].directions[d]);
    report->seconds = run.seconds;
    count_lost(lanes, session);
    count_cycles(lanes, &run, report);
    return status;
}

int fwd_run(const struct fwd_opts *with, char **names, struct report *report) {
    struct lane *lanes = calloc(SESSION_QUEUES_MAX, sizeof(*lanes));
    struct session session;
    opts = *with;
    opts.forward.touch = (enum forward_touch)opts.touch;
    memset(report, 0, sizeof(*report));
    int status = lanes ? session_open(&session, 0, opts.run.buffer_bytes) : -ENOMEM;
    if (status) {
        free(lanes);
        return status;
    }
    status = open_ports(&session, names);
    if (status == 0)
        status = forward_between(&session, lanes, report);
    session_close(&session, report);
    for (uint32_t i = 0; i < SESSION_QUEUES_MAX; i++)
        free(lanes[i].directions);
    free(lanes);
    return status;
}

int cmd_fwd(int argc, char **argv) {
    opts = (struct fwd_opts)FWD_OPTS_INIT;
    int first, exit_code;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    if (!run_spare_stdout(&opts.run,
                          run_port_on_stdout(argv[first]) || run_port_on_stdout(argv[first + 1])))
        return COMMAND_USAGE;
    if (json_file_check(opts.run.json))
        return COMMAND_FAILED;
    const struct fwd_opts parsed = opts;
    struct report report;
    int status = fwd_run(&parsed, &argv[first], &report);
    return report.seconds > 0 ? run_report(&parsed.run, &report, status) : COMMAND_FAILED;
}
