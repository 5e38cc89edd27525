/* SPDX-License-Identifier: BSD-2-Clause */
/* leat recv: counts what a port receives, checks probe frames, and measures their latency. */
#include "clock.h"
#include "command.h"
#include "histogram.h"
#include "json_file.h"
#include "probe_frame.h"
#include "run.h"
#include "sequence.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       64
#define STREAMS_MAX 65536

static struct {
    struct run_opts run;
    uint64_t count, expect;
    uint32_t rx_ring;
    bool join;
} opts;

static const struct option_spec specs[] = {
    { "count", 'n', "N", "stop after N probe frames", OPTION_U64, &opts.count, 1, UINT64_MAX },
    { "expect", 'e', "N", "fewer than N probe frames are a failed check,\ntoo", OPTION_U64,
      &opts.expect, 1, UINT64_MAX },
    { "join", 0, NULL,
      "the sender is running already: expect the\nsequence from the first number seen on",
      OPTION_FLAG, &opts.join },
    { "rx-ring", 0, "N", "receive descriptors (512)", OPTION_U32, &opts.rx_ring, 1, 65536 },
    RUN_OPTION_SECONDS(opts.run),
    RUN_OPTION_WAIT(opts.run),
    RUN_OPTION_CORE(opts.run),
    RUN_OPTION_JSON(opts.run),
    RUN_OPTION_BUFFER_BYTES(opts.run),
    { 0 },
};

static const char *const examples[] = {
    "check a million probe frames, or what comes within ten seconds",
    "leat recv --count 1M --expect 1M --seconds 10 vfio-user:/tmp/nic1.sock",
    "check a capture of probe frames",
    "leat recv pcap:probes.pcapng",
    "only the report, as JSON",
    "leat recv --seconds 5 --json - tap:tap0",
    NULL,
};

static const struct options options = {
    .command = "recv",
    .operands = "PORT",
    .about =
        "Receives and counts frames until Ctrl-C or the end of its file. Of those that 'leat gen'\n"
        "made it checks the sequence (missing, duplicate, reordered, altered) and measures the\n"
        "latency; it exits with 3 if any was missing, duplicate or altered.",
    .specs = specs,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
};

struct receiver {
    struct run run;
    const struct session_port *port;
    struct sequence *streams; /* STREAMS_MAX; a page is only there once its streams are */
    uint8_t *started;         /* STREAMS_MAX */
    uint64_t probes, altered;
    uint64_t refused; /* frames behind the last one that was asked for */
    bool live;        /* a capture's frames were received long ago: their latency means nothing */
    struct histogram latency;
};

static void judge(struct receiver *receiver, const struct leat_pkt *pkts, uint32_t segments,
                  uint64_t now_ns) {
    struct probe probe;
    enum probe_verdict verdict = probe_read(pkts, segments, &probe);
    if (verdict == PROBE_OTHER)
        return;
    receiver->probes++;
    if (verdict == PROBE_ALTERED) {
        receiver->altered++; /* its numbers may be, too */
        return;
    }
    struct sequence *sequence = &receiver->streams[probe.stream];
    if (!receiver->started[probe.stream]) {
        receiver->started[probe.stream] = 1;
        sequence_start(sequence, opts.join ? probe.sequence : 0);
    }
    sequence_check(sequence, probe.sequence);
    if (probe.time_ns && receiver->live)
        histogram_add(&receiver->latency, now_ns > probe.time_ns ? now_ns - probe.time_ns : 0);
}

static int receive(struct receiver *receiver, struct leat_queue *queue) {
    struct leat_pkt pkts[BATCH];
    int n = leat_rx(queue, pkts, BATCH);
    if (n == -ENODATA) {
        run_stop(&receiver->run);
        return 0;
    }
    if (n <= 0)
        return n;
    uint64_t now_ns = clock_ns();
    for (uint32_t i = 0; i < (uint32_t)n;) {
        uint32_t segments = leat_frame_segments(&pkts[i], (uint32_t)n - i);
        if (opts.count && receiver->probes == opts.count)
            receiver->refused++;
        else
            judge(receiver, &pkts[i], segments, now_ns);
        i += segments;
    }
    leat_free(queue->cache, pkts, (uint32_t)n);
    if (opts.count && receiver->probes == opts.count)
        run_stop(&receiver->run);
    return n;
}

static int batch(void *ctx) {
    struct receiver *receiver = ctx;
    int moved = 0;
    for (uint32_t i = 0; i < receiver->port->caps.queues; i++) {
        int n = receive(receiver, receiver->port->queues[i]);
        if (n < 0)
            return n;
        moved += n;
    }
    return moved;
}

static void fill_report(const struct receiver *receiver, struct report *report) {
    struct report_sequence *sequence = &report->sequence;
    report->seconds = receiver->run.seconds;
    sequence->checked = true;
    sequence->received = receiver->probes;
    sequence->corrupt = receiver->altered;
    for (uint32_t i = 0; i < STREAMS_MAX; i++) {
        if (!receiver->started[i])
            continue;
        sequence->missing += receiver->streams[i].missing;
        sequence->duplicate += receiver->streams[i].duplicate;
        sequence->reordered += receiver->streams[i].reordered;
    }
    report_set_latency(report, &receiver->latency);
}

static int receive_from(struct session *session, struct receiver *receiver, const char *name,
                        struct report *report) {
    const struct leat_port_opts port_opts = { .rx_ring = opts.rx_ring, .promisc = true };
    struct session_port *port = &session->ports[0];
    int status = session_port(session, name, port_opts);
    if (status == 0)
        status = session_start(session, 1, 5000);
    if (status)
        return status;
    if (!port->caps.rx) {
        fprintf(stderr, "leat recv: %s cannot receive\n", name);
        return -ENOTSUP;
    }
    receiver->port = port;
    receiver->live = strcmp(port->caps.driver, "pcap") != 0;
    struct run_lane lane = {
        .batch = batch, .ctx = receiver, .queues = port->queues, .queue_count = port->caps.queues
    };
    receiver->run =
        (struct run){ .opts = &opts.run, .session = session, .lanes = &lane, .lane_count = 1 };
    status = run_lanes(&receiver->run);
    fill_report(receiver, report);
    port->own.drops[LEAT_DROP_BY_PROGRAM] = receiver->refused;
    return status;
}

/* Beyond what the sequence tells, the end of it may be missing. */
static bool check(const struct report_sequence *sequence) {
    if (sequence->received >= opts.expect)
        return !sequence->missing && !sequence->duplicate && !sequence->corrupt;
    fprintf(stderr, "leat recv: %llu probe frames came, %llu were expected\n",
            (unsigned long long)sequence->received, (unsigned long long)opts.expect);
    return false;
}

int cmd_recv(int argc, char **argv) {
    memset(&opts, 0, sizeof(opts));
    opts.run.core = -1;
    int first, exit_code;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    struct session session;
    if (json_file_check(opts.run.json) || session_open(&session, 0, opts.run.buffer_bytes))
        return COMMAND_FAILED;
    struct report report = { 0 };
    struct receiver *receiver = calloc(1, sizeof(*receiver));
    struct sequence *streams = calloc(STREAMS_MAX, sizeof(*streams));
    uint8_t *started = calloc(STREAMS_MAX, 1);
    int status = -ENOMEM;
    if (receiver && streams && started) {
        receiver->streams = streams;
        receiver->started = started;
        status = receive_from(&session, receiver, argv[first], &report);
    }
    session_close(&session, &report);
    free(receiver);
    free(streams);
    free(started);
    if (report.seconds == 0)
        return COMMAND_FAILED;
    exit_code = run_report(&opts.run, &report, status);
    return exit_code == COMMAND_OK && !check(&report.sequence) ? COMMAND_CHECKED : exit_code;
}
