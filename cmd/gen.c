/* SPDX-License-Identifier: BSD-2-Clause */
/* leat gen: sends probe frames, or a capture, at a rate. */
#include "command.h"
#include "generate.h"
#include "json_file.h"
#include "run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MIN       64 /* with frame check sequence, as all sizes on the command line */
#define SIZE_MAX_BYTES GENERATE_BYTES_MAX

static struct {
    struct generate generate;
    struct run_opts run;
    uint64_t count;
    uint32_t size; /* 0: IMIX */
    uint32_t stream, tx_ring;
    bool rate_given, no_stamp;
    const char *replay;
} opts;

static bool parse_size(const char *value, void *to) {
    uint64_t size = 0;
    if (strcmp(value, "imix") && !options_number(value, SIZE_MIN, SIZE_MAX_BYTES, &size))
        return options_wrong("--size is a number of bytes from %d to %d, or imix, not '%s'",
                             SIZE_MIN, SIZE_MAX_BYTES, value);
    *(uint32_t *)to = (uint32_t)size;
    return true;
}

/* max, recorded, 14.88M, 40% */
static bool parse_rate(const char *value, void *to) {
    struct generate *generate = to;
    opts.rate_given = true;
    generate->rate_units = 0;
    if (!strcmp(value, "max") || !strcmp(value, "recorded")) {
        generate->rate = *value == 'm' ? GENERATE_MAX : GENERATE_RECORDED;
        return true;
    }
    const char *unit;
    double rate = options_decimal(value, &unit);
    generate->rate = GENERATE_PPS;
    if (!strcmp(unit, "%") && rate <= 100) {
        generate->rate = GENERATE_LINE;
        rate *= GENERATE_LINE_BPS / 100.0;
    } else if (!strcmp(unit, "k") || !strcmp(unit, "M")) {
        rate *= *unit == 'k' ? 1e3 : 1e6;
    } else if (*unit) {
        rate = 0;
    }
    if (!(rate >= 1 && rate <= PACER_RATE_MAX))
        return options_wrong("--rate is packets a second (1000, 250k, 1.5M), a part of 10 Gbit/s "
                             "(40%%), max or recorded, not '%s'",
                             value);
    generate->rate_units = (uint64_t)rate;
    return true;
}

static bool parse_src(const char *value, void *to) {
    struct flows *flows = to;
    return flows_parse_addresses(flows, &flows->src, value) ||
           options_wrong("--src is an address or a range, not '%s'", value);
}

static bool parse_dst(const char *value, void *to) {
    struct flows *flows = to;
    return flows_parse_addresses(flows, &flows->dst, value) ||
           options_wrong("--dst is an address or a range, not '%s'", value);
}

static bool parse_port(const char *value, void *to) {
    return flows_parse_numbers(to, value, 65535) ||
           options_wrong("'%s' is neither a port nor a range of ports", value);
}

static bool parse_vlan(const char *value, void *to) {
    struct flows *flows = to;
    flows->flow.tagged = true;
    return flows_parse_numbers(&flows->vlan, value, 4094) ||
           options_wrong("--vlan is a number up to 4094 or a range, not '%s'", value);
}

static bool parse_mac(const char *value, void *to) {
    return flows_parse_mac(to, value) ||
           options_wrong("'%s' is no MAC address such as 02:00:00:00:00:01", value);
}

static const struct option_spec specs[] = {
    { "size", 'S', "BYTES|imix",
      "frame size with check sequence, 64 (default) to\n9216; imix: of 12 frames 7 of 64 or the "
      "smallest\nthat fits, 4 of 594, 1 of 1518",
      OPTION_PARSED, &opts.size, .parse = parse_size },
    { "rate", 'r', "RATE",
      "packets a second (1000, 250k, 1.5M), percent of\n10 Gbit/s (40%), max (default), or "
      "recorded\n"
      "(a capture's own pace, its default)",
      OPTION_PARSED, &opts.generate, .parse = parse_rate },
    { "count", 'n', "N", "stop after N frames", OPTION_U64, &opts.count, 1, UINT64_MAX - 1 },
    { "src", 0, "A[-B]", "source addresses, IPv4 or IPv6 (10.0.0.1)", OPTION_PARSED,
      &opts.generate.flows, .parse = parse_src },
    { "dst", 0, "A[-B]", "destination addresses (10.0.0.2)", OPTION_PARSED, &opts.generate.flows,
      .parse = parse_dst },
    { "sport", 0, "N[-M]", "UDP source ports (1024)", OPTION_PARSED, &opts.generate.flows.sport,
      .parse = parse_port },
    { "dport", 0, "N[-M]", "UDP destination ports (9)", OPTION_PARSED, &opts.generate.flows.dport,
      .parse = parse_port },
    { "vlan", 0, "N[-M]", "tag with VLANs", OPTION_PARSED, &opts.generate.flows,
      .parse = parse_vlan },
    { "src-mac", 0, "MAC", "source MAC address (02:00:00:00:00:01)", OPTION_PARSED,
      opts.generate.flows.flow.src_mac, .parse = parse_mac },
    { "dst-mac", 0, "MAC", "destination MAC address (02:00:00:00:00:02)", OPTION_PARSED,
      opts.generate.flows.flow.dst_mac, .parse = parse_mac },
    { "stream", 0, "N", "number of the sequence (0)", OPTION_U32, &opts.stream, 0, 65535 },
    { "no-stamp", 0, NULL, "without times: the same frames in every run", OPTION_FLAG,
      &opts.no_stamp },
    { "replay", 'R', "FILE", "send the frames of a capture instead", OPTION_STRING, &opts.replay },
    { "tx-ring", 0, "N", "transmit descriptors (512)", OPTION_U32, &opts.tx_ring, 1, 65536 },
    RUN_OPTION_SECONDS(opts.run),
    RUN_OPTION_CORE(opts.run),
    RUN_OPTION_JSON(opts.run),
    RUN_OPTION_BUFFER_BYTES(opts.run),
    { 0 },
};

static const char *const examples[] = {
    "a million 64 B frames at 40 % of 10 Gbit/s",
    "leat gen --count 1M --rate 40% vfio-user:/tmp/nic0.sock",
    "16 by 1001 flows of mixed sizes, for ten seconds",
    "leat gen --size imix --src 10.0.0.1-10.0.0.16 --sport 1000-2000 --seconds 10 tap:tap0",
    "a capture, as fast as the port takes it",
    "leat gen --replay in.pcapng --rate max vfio-user:/tmp/nic0.sock",
    "write 1000 probe frames to a capture",
    "leat gen --count 1000 'pcap:>probes.pcapng'",
    NULL,
};

static const struct options options = {
    .command = "gen",
    .operands = "PORT",
    .about = "Sends UDP frames with sequence numbers and times, which 'leat recv' checks; or the\n"
             "frames of a capture. Every combination of the ranges given is a flow; the source\n"
             "address changes fastest, then destination address, ports and VLAN.",
    .specs = specs,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
};

static struct run run;

static int batch(void *ctx) {
    struct generate *generate = ctx;
    int moved = generate_batch(generate);
    if (generate->ended && generate->due == 0 && moved >= 0)
        run_stop(&run);
    return moved;
}

/* Seven small, four middle and one large frame, spread as evenly as they go. */
static bool set_sizes(struct generate *generate) {
    static const uint16_t imix[] = { 64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 594, 64 };
    uint32_t least = probe_bytes_min(&generate->flows.flow);
    if (opts.size && opts.size < least + PROBE_FCS)
        return options_wrong("these flows need --size %u at least", least + PROBE_FCS);
    generate->size_count = opts.size ? 1 : sizeof(imix) / sizeof(imix[0]);
    for (uint32_t i = 0; i < generate->size_count; i++) {
        uint32_t bytes = (opts.size ? opts.size : imix[i]) - PROBE_FCS;
        generate->sizes[i] = bytes < least ? least : bytes;
    }
    return true;
}

static bool prepare(struct generate *generate) {
    if (!flows_start(&generate->flows))
        return options_wrong("--src and --dst are both IPv4 or both IPv6");
    if (!opts.replay && generate->rate == GENERATE_RECORDED)
        return options_wrong("--rate recorded goes with --replay");
    if (opts.replay && !opts.rate_given)
        generate->rate = GENERATE_RECORDED;
    generate->limit = opts.count ? opts.count : UINT64_MAX;
    generate->probe.stream = (uint16_t)opts.stream;
    generate->stamp = !opts.no_stamp;
    return set_sizes(generate);
}

static int open_source(struct session *session) {
    char name[4096];
    if (snprintf(name, sizeof(name), "pcap:%s", opts.replay) >= (int)sizeof(name)) {
        fputs("leat gen: the name of the capture is too long\n", stderr);
        return -ENAMETOOLONG;
    }
    return session_port(session, name, (struct leat_port_opts){ 0 });
}

static void set_buffers(struct generate *generate, const struct leat_pool *pool) {
    generate->pool = pool;
    generate->room = pool->stride - LEAT_BUFFER_START;
    for (uint32_t i = 0; i < generate->size_count; i++)
        generate->segments[i] = (generate->sizes[i] + generate->room - 1) / generate->room;
}

static int open_ports(struct session *session, struct generate *generate, const char *name) {
    const struct leat_port_opts port_opts = { .tx_ring = opts.tx_ring };
    int status = session_port(session, name, port_opts);
    if (status)
        return status;
    if (!session->ports[0].caps.tx) {
        fprintf(stderr, "leat gen: %s cannot send\n", name);
        return -ENOTSUP;
    }
    if (opts.replay)
        status = open_source(session);
    if (status == 0)
        status = session_start(session, 1, 5000);
    set_buffers(generate, session->pool);
    generate->queue = session->ports[0].queues[0];
    generate->source = session->ports[1].queues[0]; /* or NULL */
    return status;
}

static int generate_to(struct session *session, const char *name, struct report *report) {
    struct generate *generate = &opts.generate;
    int status = open_ports(session, generate, name);
    if (status)
        return status;
    opts.run.wait = LEAT_WAIT_SPIN; /* the clock decides, and nothing could wake us */
    struct run_lane lane = { .batch = batch, .ctx = generate };
    run = (struct run){ .opts = &opts.run, .session = session, .lanes = &lane, .lane_count = 1 };
    status = run_lanes(&run);
    session->ports[1].own.drops[LEAT_DROP_BY_PROGRAM] = generate_drain(generate);
    report->seconds = run.seconds;
    if (generate->frames && generate->rate == GENERATE_MAX) { /* else it mostly waits */
        report->cycles.measured = true;
        report->cycles.total = (double)run.busy_cycles / (double)generate->frames;
    }
    return status;
}

int cmd_gen(int argc, char **argv) {
    memset(&opts, 0, sizeof(opts));
    flows_init(&opts.generate.flows);
    opts.size = SIZE_MIN;
    opts.run.core = -1;
    int first, exit_code;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    if (!prepare(&opts.generate) || !run_spare_stdout(&opts.run, run_port_on_stdout(argv[first])))
        return COMMAND_USAGE;
    struct session session;
    if (json_file_check(opts.run.json) || session_open(&session, 0, opts.run.buffer_bytes))
        return COMMAND_FAILED;
    struct report report = { 0 };
    int status = generate_to(&session, argv[first], &report);
    session_close(&session, &report);
    return report.seconds > 0 ? run_report(&opts.run, &report, status) : COMMAND_FAILED;
}
