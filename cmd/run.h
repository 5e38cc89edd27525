/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a subcommand's workers until they are done, time is up, one fails, or Ctrl-C. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cores.h"
#include "options.h"
#include "report.h"
#include "session.h"

/* What all long-running subcommands take. */
struct run_opts {
    double seconds;        /* --seconds; 0: no end */
    int wait;              /* --wait; enum leat_wait */
    int core;              /* --core; -1: any */
    struct cores cores;    /* --cores, in place of it: each worker's */
    const char *json;      /* --json; NULL: none */
    uint32_t buffer_bytes; /* --buffer-bytes; 0: the pool's default */
    bool quiet_stdout;     /* something else goes to standard output */
};

/* Their lines of the option table. */
#define RUN_OPTION_SECONDS(opts) \
    { "seconds", 's', "N", "stop after N seconds", OPTION_DOUBLE, &(opts).seconds, 0, 1000000000 }
#define RUN_OPTION_WAIT(opts)                                                                      \
    {                                                                                              \
        "wait", 'w', "adaptive|spin|sleep",                                                        \
            "adaptive polls under load and sleeps when idle\n(default), spin always polls, sleep " \
            "never does",                                                                          \
            OPTION_CHOICE, &(opts).wait, .choices = run_wait_choices                               \
    }
#define RUN_OPTION_CORE(opts)                                                             \
    {                                                                                     \
        "core", 0, "N", "run on core N; further workers on the next ones", OPTION_PARSED, \
            &(opts).core, .parse = run_parse_core                                         \
    }
#define RUN_OPTION_JSON(opts)                                                                     \
    {                                                                                             \
        "json", 'j', "FILE", "write the final report as JSON too; '-': only that", OPTION_STRING, \
            &(opts).json                                                                          \
    }

#define RUN_OPTION_BUFFER_BYTES(opts)                                                             \
    {                                                                                             \
        "buffer-bytes", 0, "N",                                                                   \
            "bytes of a packet's buffer, a multiple of 64 (2368);\n4096 for zero-copy of AF_XDP", \
            OPTION_U32, &(opts).buffer_bytes, 512, 65536                                          \
    }

extern const char *const run_wait_choices[];
bool run_parse_core(const char *value, void *to);

struct run;

/* One worker. `batch` as in struct leat_worker_opts; it may call run_stop(). */
struct run_lane {
    int (*batch)(void *ctx);
    int (*tick)(void *ctx); /* about every 10 ms, likewise; or NULL */
    void *ctx;
    struct leat_queue **queues; /* to wait on */
    uint32_t queue_count;
    struct run *run; /* from here on filled in by run_lanes() */
    struct leat_worker *worker;
};

struct run {
    const struct run_opts *opts;
    const struct session *session; /* whose ports the live line shows */
    struct run_lane *lanes;
    uint32_t lane_count;
    void (*sample)(void *ctx,
                   struct leat_stats *stats); /* adds the program's own losses, or NULL */
    void *sample_ctx;
    bool own_progress; /* no live line: the program tells itself how it goes */
    /* Results. */
    double seconds;
    uint64_t busy_cycles, total_cycles; /* of all lanes */
    uint64_t deadline_ns;
};

/* Whether a port of that name writes to standard output: "pcap:IN>-". */
bool run_port_on_stdout(const char *name);

/* With frames on standard output the report goes to standard error. False, after saying so, if
 * --json wants standard output as well. */
bool run_spare_stdout(struct run_opts *opts, bool taken);

/* 0 when stopped, else the negative errno that ended a lane, said on standard error. */
int run_lanes(struct run *run);

/* Stops all lanes. Any thread, and signal handlers. */
void run_stop(struct run *run);

/* Prints the report (on standard error with quiet_stdout) and writes the JSON that was asked for.
 * Returns an exit code: of `status`, the result of run_lanes(), or of the failure to write. */
int run_report(const struct run_opts *opts, const struct report *report, int status);

#endif
