/* SPDX-License-Identifier: BSD-2-Clause */
/* leat softnic: emulated 82599 NICs behind vfio-user sockets. */
#include "clock.h"
#include "command.h"
#include "json_file.h"
#include "options.h"
#include "run.h"
#include "signals.h"
#include "softnic_control.h"
#include "softnic_report.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS  (NS_PER_S / 1000) /* at all that is not frames: control, progress, the end */
#define QUIET_NS NS_PER_S          /* without a frame: nothing is under way any more */

static struct {
    bool strict, no_strict, no_mmap, exit_when_done, idle_sleep;
    int id;
    const char *control;
    struct run_opts run;
} opts;

static const char *const id_choices[] = { "10fb", "10f7", NULL };
static const uint16_t ids[] = { 0x10fb, 0x10f7 };

static const struct option_spec specs[] = {
    { "strict", 0, NULL,
      "stop with exit code 3 when a driver does what the\ndatasheet forbids, and say what",
      OPTION_FLAG, &opts.strict },
    { "no-strict", 0, NULL, "bear with such drivers (default)", OPTION_FLAG, &opts.no_strict },
    { "id", 0, "10fb|10f7", "PCI device: 82599ES SFP+ (10fb, default) or\nKX4 backplane (10f7)",
      OPTION_CHOICE, &opts.id, .choices = id_choices },
    { "no-mmap", 0, NULL,
      "offer no mapped doorbells: every register access is\na message, as QEMU needs it",
      OPTION_FLAG, &opts.no_mmap },
    { "control", 'c', "SOCKET",
      "take commands at this unix socket ('-': at standard\ninput): link N down, link N up, unplug "
      "N, "
      "plug N,\nstats, quit",
      OPTION_STRING, &opts.control },
    { "exit-when-done", 'x', NULL,
      "end when captures and counted generators are through,\nor the drivers gone, and no frame "
      "has "
      "moved for a second",
      OPTION_FLAG, &opts.exit_when_done },
    { "idle-sleep", 0, NULL,
      "sleep when there is nothing to do, instead of polling\n(default where there is one core "
      "only)",
      OPTION_FLAG, &opts.idle_sleep },
    RUN_OPTION_SECONDS(opts.run),
    RUN_OPTION_CORE(opts.run),
    RUN_OPTION_JSON(opts.run),
    { 0 },
};

static const char *const examples[] = {
    "two NICs, a generator on the first and a sink on the second",
    "leat softnic /tmp/nic0.sock=gen,rate=1M,flows=16 /tmp/nic1.sock=sink",
    "two NICs joined by a cable that loses every hundredth frame",
    "leat softnic /tmp/nic0.sock=pair,loss=1 /tmp/nic1.sock=pair,loss=1",
    "a NIC whose wire is a tap, for QEMU",
    "leat softnic --no-mmap /tmp/nic0.sock=tap=lt0",
    "replay a capture, record what comes back, end after that",
    "leat softnic -x /tmp/nic0.sock=pcap,in=in.pcap /tmp/nic1.sock=pcap,out=out.pcap",
    NULL,
};

static const struct options options = {
    .command = "softnic",
    .operands = "SOCKET=WIRE...",
    .about =
        "Emulates an Intel 82599 for each SOCKET=WIRE, until Ctrl-C: a driver connects to the\n"
        "socket by the vfio-user protocol, as 'leat fwd vfio-user:SOCKET ...' and QEMU do.\n"
        "\n"
        "Wires, each with loss=PERCENT,seed=N and wait=on|off (for a full NIC):\n"
        "  pair                         a cable to the next port with a pair\n"
        "  loop                         frames come back\n"
        "  tap=NAME                     a TAP device\n"
        "  pcap,in=FILE,out=FILE        replay (rate=PPS,loops=N) and record\n"
        "  gen,rate=PPS|max             generate, and check what comes back; size=64..1518,\n"
        "                               flows=N,count=N,stream=N,stamp=N,burst=N,dst=MAC,src=MAC\n"
        "  sink                         check what comes",
    .specs = specs,
    .examples = examples,
    .operands_min = 1,
    .operands_max = SOFTNIC_PORTS_MAX,
};

/* Splits "SOCKET=WIRE" at its first '='. */
static bool parse_port(struct softnic_port *port, uint32_t number, char *operand) {
    char *wire = strchr(operand, '=');
    if (!wire || wire == operand || !wire[1])
        return options_wrong("'%s' is not SOCKET=WIRE; 'leat help softnic' shows how", operand);
    *wire = '\0';
    *port = (struct softnic_port){
        .socket = operand,
        .wire = wire + 1,
        .no_mmap = opts.no_mmap,
        .nic = { .device_id = ids[opts.id],
                 .mac = { 0x02, 0x1e, 0xa7, 0x82, 0x99, (uint8_t)number },
                 .port = number % 2, /* an 82599 has two */
                 .strict = opts.strict },
    };
    return true;
}

static bool parse(int argc, char **argv, struct softnic_opts *nics, int *status) {
    int first;
    memset(&opts, 0, sizeof(opts));
    opts.run.core = -1;
    if (!options_parse(&options, argc, argv, &first, status))
        return false;
    *status = COMMAND_USAGE;
    if (opts.strict && opts.no_strict)
        return options_wrong("--strict or --no-strict, not both");
    for (; first < argc; first++, nics->port_count++)
        if (!parse_port(&nics->ports[nics->port_count], nics->port_count, argv[first]))
            return false;
    return true;
}

/* Pins this thread; or, where there is one core only, lets the drivers have it now and then. */
static int settle(struct softnic_opts *nics) {
    cpu_set_t cores;
    nics->sleep_when_idle =
        opts.idle_sleep || (!sched_getaffinity(0, sizeof(cores), &cores) && CPU_COUNT(&cores) == 1);
    if (opts.run.core < 0)
        return 0;
    CPU_ZERO(&cores);
    CPU_SET((size_t)opts.run.core, &cores);
    if (!sched_setaffinity(0, sizeof(cores), &cores))
        return 0;
    fprintf(stderr, "leat softnic: cannot run on core %d: %s\n", opts.run.core, strerror(errno));
    return -errno;
}

struct watch {
    struct softnic *softnic;
    const struct softnic_opts *nics;
    struct softnic_control control;
    uint64_t start_ns, look_ns; /* the last one */
    uint64_t frames, first_ns, last_ns;
    struct softnic_report shown;
    uint64_t shown_ns;
    bool live; /* standard error is a terminal */
};

static void show_progress(struct watch *watch, uint64_t now_ns) {
    if (!watch->live || now_ns - watch->shown_ns < NS_PER_S)
        return;
    struct softnic_report now;
    softnic_report_take(&now, watch->softnic, watch->nics);
    softnic_report_progress(&watch->shown, &now, (double)(now_ns - watch->shown_ns) / NS_PER_S,
                            stderr);
    watch->shown = now;
    watch->shown_ns = now_ns;
}

/* Whether frames have moved, and since when and until when they have. */
static void note_frames(struct watch *watch, uint64_t now_ns) {
    uint64_t frames = 0;
    for (uint32_t i = 0; i < watch->nics->port_count; i++) {
        struct nic_stats stats;
        softnic_port_stats(watch->softnic, i, &stats, NULL);
        frames += stats.rx_frames + stats.tx_frames;
    }
    if (frames == watch->frames)
        return;
    if (!watch->frames)
        watch->first_ns = watch->look_ns;
    watch->frames = frames;
    watch->last_ns = now_ns;
}

/* Whether nothing more will come: all is brought, or nobody is left to bring it to. */
static bool is_done(const struct watch *watch) {
    bool left = true;
    for (uint32_t i = 0; i < watch->nics->port_count; i++)
        left = left && !softnic_connected(watch->softnic, i);
    return left || softnic_done(watch->softnic);
}

static bool is_over(const struct watch *watch, uint64_t now_ns) {
    if (opts.run.seconds > 0 &&
        (double)(now_ns - watch->start_ns) >= opts.run.seconds * (double)NS_PER_S)
        return true;
    return opts.exit_when_done && watch->frames && now_ns - watch->last_ns >= QUIET_NS &&
           is_done(watch);
}

/* All that is not frames. False: it is time to end. */
static bool look(struct watch *watch, uint64_t now_ns) {
    note_frames(watch, now_ns);
    show_progress(watch, now_ns);
    bool go_on = softnic_control_serve(&watch->control, watch->softnic);
    watch->look_ns = now_ns;
    return go_on && !is_over(watch, now_ns);
}

static void turn_until_the_end(struct watch *watch) {
    watch->start_ns = watch->look_ns = watch->shown_ns = clock_ns();
    watch->live = isatty(STDERR_FILENO);
    bool go_on = true;
    while (go_on && !signals_seen() && !softnic_violation(watch->softnic)) {
        softnic_poll(watch->softnic);
        uint64_t now_ns = clock_ns();
        if (now_ns - watch->look_ns >= LOOK_NS)
            go_on = look(watch, now_ns);
    }
    note_frames(watch, clock_ns());
    if (watch->live)
        fputs("\r\033[K", stderr);
}

static int report(const struct watch *watch) {
    const char *json = opts.run.json;
    struct softnic_report result = { .seconds =
                                         (double)(watch->last_ns - watch->first_ns) / NS_PER_S };
    softnic_report_take(&result, watch->softnic, watch->nics);
    if (!json || strcmp(json, "-"))
        softnic_report_print(&result, stdout);
    return json && softnic_report_write_json(&result, json) ? COMMAND_FAILED : COMMAND_OK;
}

static int run(struct watch *watch) {
    for (uint32_t i = 0; i < watch->nics->port_count; i++)
        fprintf(stderr, "leat softnic: port %u, %s, waits for a driver at %s\n", i,
                watch->nics->ports[i].wire, watch->nics->ports[i].socket);
    turn_until_the_end(watch);
    int status = report(watch);
    const char *violation = softnic_violation(watch->softnic);
    if (!violation)
        return status;
    fprintf(stderr, "leat softnic: %s\n", violation);
    return COMMAND_CHECKED;
}

int cmd_softnic(int argc, char **argv) {
    struct softnic_opts nics = { 0 };
    struct watch watch = { .nics = &nics };
    int status;
    if (!parse(argc, argv, &nics, &status))
        return status;
    if (json_file_check(opts.run.json) || settle(&nics))
        return COMMAND_FAILED;
    signals_install(NULL, NULL);
    if (softnic_create(&watch.softnic, &nics)) {
        fprintf(stderr, "leat softnic: %s\n", softnic_error());
        return COMMAND_FAILED;
    }
    status = COMMAND_FAILED;
    if (!softnic_control_open(&watch.control, opts.control)) {
        status = run(&watch);
        softnic_control_close(&watch.control);
    }
    softnic_destroy(watch.softnic);
    return status;
}
