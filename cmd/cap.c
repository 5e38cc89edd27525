/* SPDX-License-Identifier: BSD-2-Clause */
/* leat cap: writes what a port receives to pcapng files. */
#include "command.h"
#include "filter.h"
#include "json_file.h"
#include "rotate.h"
#include "run.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct {
    struct run_opts run;
    struct rotate_opts files;
    uint64_t count;
    uint32_t rx_ring;
    bool no_promisc;
} opts;

static const struct option_spec specs[] = {
    { "write", 'w', "FILE",
      "write to FILE; '-' (default, unless that is a\nterminal): standard output", OPTION_STRING,
      &opts.files.name },
    { "count", 'c', "N", "stop after N frames that the filter passes", OPTION_U64, &opts.count, 1,
      UINT64_MAX },
    { "snaplen", 's', "N", "keep the first N bytes of each frame", OPTION_U32, &opts.files.snaplen,
      1, 262144 },
    { "megabytes", 'C', "N", "go on in FILE1, FILE2 ... after N million bytes", OPTION_U64,
      &opts.files.megabytes, 1, 1000000000 },
    { "rotate", 'G', "N",
      "begin a new file after N seconds; FILE is a format\nof strftime (%H%M%S)", OPTION_U32,
      &opts.files.seconds, 1, 1000000000 },
    { "files", 'W', "N", "with -C, overwrite from the first after N files;\nwith -G, stop after N",
      OPTION_U32, &opts.files.files, 1, 1000000 },
    { "no-promiscuous", 'p', NULL, "only frames for the port's own address", OPTION_FLAG,
      &opts.no_promisc },
    { "rx-ring", 0, "N", "receive descriptors (512)", OPTION_U32, &opts.rx_ring, 1, 65536 },
    { "seconds", 0, "N", "stop after N seconds", OPTION_DOUBLE, &opts.run.seconds, 0, 1000000000 },
    RUN_OPTION_CORE(opts.run),
    RUN_OPTION_JSON(opts.run),
    RUN_OPTION_BUFFER_BYTES(opts.run),
    { 0 },
};

static const char *const examples[] = {
    "watch an emulated NIC in Wireshark",
    "leat cap vfio-user:/tmp/nic0.sock -w - | wireshark -k -i -",
    "DNS to a file, a thousand frames",
    "leat cap tap:tap0 -w dns.pcapng -c 1000 port 53",
    "the last 80 MB in eight files",
    "leat cap vfio-user:/tmp/nic0.sock -w ring.pcapng -C 10 -W 8",
    "the frames of one host from another capture",
    "leat cap pcap:in.pcapng -w out.pcapng host 10.0.0.1",
    NULL,
};

static const struct options options = {
    .command = "cap",
    .operands = "PORT [FILTER...]",
    .about =
        "Writes the frames that a port receives as pcapng. FILTER is an expression as tcpdump\n"
        "takes it; what it does not pass is counted as by_program.",
    .specs = specs,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 10000,
};

#define BATCH 64

struct capture {
    struct run run;
    const struct session_port *port;
    struct leat_cache *cache;
    uint32_t turn; /* the queue to receive from next */
    struct filter *filter;
    struct rotate files;
    uint64_t passed, refused; /* frames */
    bool ended;
    uint32_t first, count; /* pkts[first ...] wait to be written */
    struct leat_pkt pkts[BATCH];
};

/* Keeps what the filter passes at the front, in order, and frees the rest. */
static void sieve(struct capture *capture, uint32_t n) {
    struct leat_pkt *pkts = capture->pkts;
    uint32_t kept = 0;
    for (uint32_t at = 0, segments; at < n; at += segments) {
        segments = leat_frame_segments(&pkts[at], n - at);
        bool enough = opts.count && capture->passed == opts.count;
        if (!enough && filter_passes(capture->filter, &pkts[at], segments)) {
            memmove(&pkts[kept], &pkts[at], segments * sizeof(*pkts));
            kept += segments;
            capture->passed++;
        } else {
            leat_free(capture->cache, &pkts[at], segments);
            capture->refused++;
        }
    }
    capture->first = 0;
    capture->count = kept;
    capture->ended |= opts.count && capture->passed == opts.count;
}

/* Writes what waits, in the file where it belongs. */
static int write_frames(struct capture *capture) {
    int wrote = leat_tx(capture->files.queue, &capture->pkts[capture->first], capture->count);
    if (wrote < 0)
        return wrote;
    capture->first += (uint32_t)wrote;
    capture->count -= (uint32_t)wrote;
    return 0;
}

/* From the first queue, in turn, that has something. */
static int receive(struct capture *capture) {
    uint32_t queues = capture->port->caps.queues;
    int received = 0;
    for (uint32_t i = 0; received == 0 && i < queues; i++) {
        received = leat_rx(capture->port->queues[capture->turn], capture->pkts, BATCH);
        capture->turn = capture->turn + 1 < queues ? capture->turn + 1 : 0;
    }
    return received;
}

static int batch(void *ctx) {
    struct capture *capture = ctx;
    int received = 0;
    if (capture->count == 0 && !capture->ended) {
        received = receive(capture);
        if (received == -ENODATA) {
            capture->ended = true;
            received = 0;
        }
        if (received > 0) {
            sieve(capture, (uint32_t)received);
            int status = rotate_look(&capture->files, time(NULL));
            if (status < 0)
                return status;
            capture->ended |= status == 1;
        }
    }
    if (received < 0)
        return received;
    int status = capture->count ? write_frames(capture) : 0;
    if (status < 0)
        return status;
    if (capture->ended && capture->count == 0)
        run_stop(&capture->run);
    return received + (capture->count > 0);
}

/* What could not be written; returns how many frames that were. */
static uint64_t give_back(struct capture *capture) {
    const struct leat_pkt *pkts = &capture->pkts[capture->first];
    uint64_t frames = 0;
    for (uint32_t i = 0; i < capture->count; i++)
        frames += !(pkts[i].flags & LEAT_PKT_MORE);
    leat_free(capture->cache, pkts, capture->count);
    return frames;
}

static int capture_to_files(struct session *session, struct capture *capture,
                            struct report *report) {
    int status = rotate_open(&capture->files, &opts.files, session->caches[0]);
    if (status == 0) {
        struct run_lane lane = {
            .batch = batch,
            .ctx = capture,
            .queues = session->ports[0].queues,
            .queue_count = session->ports[0].caps.queues,
        };
        capture->run =
            (struct run){ .opts = &opts.run, .session = session, .lanes = &lane, .lane_count = 1 };
        status = run_lanes(&capture->run);
        report->seconds = capture->run.seconds;
    }
    session->ports[0].own.drops[LEAT_DROP_BY_PROGRAM] = capture->refused;
    session->ports[0].own.drops[LEAT_DROP_TX_ABORTED] = give_back(capture);
    return status;
}

static int capture_from(struct session *session, struct capture *capture, const char *name,
                        struct report *report) {
    const struct leat_port_opts port_opts = { .rx_ring = opts.rx_ring,
                                              .promisc = !opts.no_promisc };
    int status = session_port(session, name, port_opts);
    if (status == 0)
        status = session_start(session, 1, 5000);
    if (status)
        return status;
    capture->port = &session->ports[0];
    capture->cache = session->caches[0];
    if (capture->port->caps.rx)
        return capture_to_files(session, capture, report);
    fprintf(stderr, "leat cap: %s cannot receive\n", name);
    return -ENOTSUP;
}

static bool files_right(void) {
    struct rotate_opts *files = &opts.files;
    if (!files->name && isatty(STDOUT_FILENO))
        return options_wrong("say with -w where to write to; a terminal shows no pcapng");
    if (!files->name)
        files->name = "-";
    bool standard = !strcmp(files->name, "-");
    if (standard && (files->megabytes || files->seconds))
        return options_wrong("standard output cannot be rotated: -C and -G need -w FILE");
    if (files->files && !files->megabytes && !files->seconds)
        return options_wrong("-W goes with -C or -G");
    if (files->seconds && !strchr(files->name, '%'))
        return options_wrong(
            "with -G the name needs the time in it, as in 'trace-%%H%%M%%S.pcapng',"
            " or each file would replace the one before");
    return run_spare_stdout(&opts.run, standard);
}

int cmd_cap(int argc, char **argv) {
    memset(&opts, 0, sizeof(opts));
    opts.run.core = -1;
    int first, exit_code;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    static struct capture capture;
    memset(&capture, 0, sizeof(capture));
    if (!files_right() || !(capture.filter = filter_compile(&argv[first + 1], argc - first - 1)))
        return COMMAND_USAGE;
    static struct session session; /* as long as `capture`, which points into it */
    struct report report = { 0 };
    int status = json_file_check(opts.run.json);
    if (status == 0)
        status = session_open(&session, 0, opts.run.buffer_bytes);
    if (status == 0) {
        struct leat_stats written = { 0 };
        status = capture_from(&session, &capture, argv[first], &report);
        if (capture.files.opened)
            rotate_close(&capture.files, &written);
        session_close(&session, &report);
        *report_add_port(&report, opts.files.name, "") = written;
    }
    filter_free(capture.filter);
    return report.seconds > 0 ? run_report(&opts.run, &report, status) : COMMAND_FAILED;
}
