/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: what its parts share. */
#ifndef CMD_PROBE_H
#define CMD_PROBE_H

#include "run.h"
#include <lib/flow/inline.h>
#include <lib/flow/meter.h>
#include <lib/flow/sinks.h>
#include <pthread.h>

#define PROBE_SINKS_MAX        16
#define PROBE_PORTS_MAX        1024 /* files */
#define PROBE_TOP_MAX          100
#define PROBE_COPY_PACKETS     16 /* as many as the list of first packets has */
#define PROBE_COPY_PACKETS_MAX 65536

enum probe_output { PROBE_OUTPUT_NONE, PROBE_OUTPUT_TEXT, PROBE_OUTPUT_JSON, PROBE_OUTPUT_CSV };

enum probe_join { PROBE_JOIN_AUTO, PROBE_JOIN_ALWAYS, PROBE_JOIN_NEVER };

/* What the command line and the configuration file say (probe_options.c). Strings live as long as
 * argv, or are among `kept`. */
struct probe_config {
    struct run_opts run;
    const char *file; /* --config; NULL: none */
    const char *read;
    const char *ports[PROBE_PORTS_MAX];
    uint32_t port_count;
    const char *to[PROBE_SINKS_MAX];
    uint32_t to_count;
    bool to_of_file; /* from the file: the first one of the command line replaces them */
    bool failover, uniflow;
    bool pass_on, consume; /* --inline, --consume; neither: as the interfaces' addresses suggest */
    const char *fields, *filter, *sample, *spool, *user;
    struct leat_flow_sampling sampling;
    struct leat_flow_selection selection;
    struct leat_flow_rotation rotation;
    struct leat_flow_tls tls;
    uint64_t spool_octets;
    uint32_t flows, key, queues, top, mtu, domain, pen, copy_packets;
    double active, idle, interval;
    int tunnels, output;
    int join; /* enum probe_join */
    int sort; /* enum leat_flow_top */
    char **kept;
    uint32_t kept_count;
};

#define PROBE_FIELDS_HELP "help" /* --fields: show which there are, and meter nothing */

/* False: done, or wrong; then exit with *exit_code. */
bool probe_config_parse(struct probe_config *config, int argc, char **argv, int *exit_code);
void probe_config_free(struct probe_config *config);

/* Reads a YAML file (probe_config.c): `set` gets each option and value, `port` each port. Messages
 * name file, line and key. */
struct probe_config_reader {
    const struct options *options;
    bool (*port)(void *ctx, const char *name, const char *place);
    const char *(*keep)(void *ctx, const char *text); /* a copy that stays, or NULL */
    void *ctx;
};
bool probe_config_read(const char *path, const struct probe_config_reader *reader);

/* One queue of a port, with what meters it. */
struct probe_queue {
    struct leat_queue *queue;
    const struct leat_pool *pool;
    struct leat_flow_meter *meter;
    struct leat_flow_inline *passing; /* instead of a meter: --inline */
    struct leat_flow_queue *records;
    uint32_t port, index;
    bool lossless, ended;
    uint64_t swept_ns; /* of `passing` */
};

/* Where records go, by --to and --output; with --failover several of them are one sink. */
struct probe_sink {
    struct leat_flow_sink *sink; /* NULL: not open; the exporter's once it has started */
    char name[256];
    const char *to[PROBE_SINKS_MAX]; /* what it is opened by */
    uint32_t to_count;
    char *made_of; /* all of the configuration that it depends on */
    bool kept;     /* over a reload */
};

struct probe_sinks {
    struct probe_sink sink[PROBE_SINKS_MAX + 1];
    uint32_t count;
};

struct probe_top {
    uint32_t wanted; /* set by who wants it, cleared by the worker when it is there */
    enum leat_flow_top by;
    uint32_t count;
    struct leat_flow flows[PROBE_TOP_MAX];
};

/* What a flow of the table had counted when it was shown. */
struct probe_top_shown {
    uint64_t id, octets, packets;
};

/* One worker's queues. */
struct probe_lane {
    struct probe_queue *queues[SESSION_QUEUES_MAX * SESSION_PORTS_MAX];
    struct leat_queue *waits[SESSION_QUEUES_MAX * SESSION_PORTS_MAX];
    uint32_t count;
    struct run *run;
    bool live; /* time goes on without frames */
    struct probe_top top;
};

struct probe_port {
    const char *name;
    char mode[128];
    const char *unsent; /* why what it sends is not seen; NULL: it is, or that is no question */
    uint32_t queues;
    bool rss_symmetric;
    struct leat_stats stats;      /* final, once it is closed */
    double seconds, busy_seconds; /* a file's own; the first one's of live ports are those of all */
};

/* Frames that ports have lost, as far as collectors were told. */
struct probe_missed {
    uint64_t packets;
    struct leat_span when;
};

struct probe {
    struct probe_config config;
    int argc;
    char **argv;         /* for a reload */
    bool files, passing; /* passing: frames go on to the network stack (--inline) */
    struct leat_fields fields;
    uint32_t features;

    pthread_mutex_t
        ports_lock; /* of live ports, which are closed while others ask for statistics */
    struct probe_missed missed;
    struct session session; /* of live ports, or of the file at hand */
    struct probe_port *ports;
    uint32_t port_count;
    struct probe_queue *queues;
    uint32_t queue_count;
    struct probe_lane *lanes;
    uint32_t lane_count;
    enum leat_flow_joining joining;
    struct run_opts run_opts; /* of the start; a reload does not change them ... */
    uint32_t queues_wanted;   /* ... and these: files are opened beside one */
    bool uniflow;

    struct leat_ipfix_interface interfaces[SESSION_PORTS_MAX];
    struct probe_sinks sinks;
    struct leat_flow_exporter *exporter;
    double seconds;
    struct probe_top_shown shown[PROBE_TOP_MAX]; /* of --top, the last time */
    uint32_t shown_count;
    double shown_seconds;
};

/* Sum over queues, and of one. */
void probe_meter_stats(const struct probe *probe, struct leat_flow_meter_stats *sum);

/* probe_queue.c: what a queue's frames are metered by, in the worker, or the XDP program of a live
 * interface. */
void probe_queue_stats(const struct probe_queue *queue, struct leat_flow_meter_stats *stats);
/* Looks into copies of packets, if there are any: returns how many, or a negative errno. */
int probe_queue_look(struct probe_queue *queue);
int probe_queue_tick(struct probe_queue *queue, uint64_t now_ns);
/* Nothing is counted any more. */
int probe_queue_stop(struct probe_queue *queue);
/* Returns how many flows are left, or a negative errno. */
int probe_queue_flush(struct probe_queue *queue);
uint32_t probe_queue_top(struct probe_queue *queue, struct leat_flow *flows, uint32_t n,
                         enum leat_flow_top by);
int probe_queue_reload(struct probe_queue *queue, const struct leat_flow_meter_opts *opts);
void probe_queue_close(struct probe_queue *queue);

/* probe_inline.c: 0, or a negative errno after saying why. The first sets probe->passing. */
int probe_choose_inline(struct probe *probe);
int probe_open_inline(struct probe *probe, uint32_t port);
void probe_say_inline(const struct probe *probe);

/* probe_workers.c: how many there are, one a queue as far as there are cores, and where they run.
 * 0, or a negative errno after saying why. */
int probe_count_workers(struct probe *probe);
int probe_exporter_core(const struct probe *probe); /* -1: any */

/* probe_join.c: how all of a flow comes into one record. */
void probe_choose_joining(struct probe *probe);
struct leat_flow_join_times probe_join_times(const struct probe_config *config);
void probe_say_joining(const struct probe *probe);

/* probe_sinks.c: sinks, and what meters are told. 0, or a negative errno after saying why on
 * standard error. */
int probe_sinks_plan(const struct probe_config *config, struct probe_sinks *sinks);
/* Takes those of `open` that nothing has changed for, and marks both as kept. */
void probe_sinks_keep(struct probe_sinks *sinks, struct probe_sinks *open);
/* Opens those that are not; when that fails, none but the kept ones is. 1: some have names of sinks
 * in `beside`, which have to be closed first; NULL: there are none. */
int probe_sinks_open(struct probe *probe, const struct probe_config *config,
                     const struct leat_fields *fields, struct probe_sinks *sinks,
                     const struct probe_sinks *beside);
/* Those in force that were closed are opened as they were. What cannot be is told, and its records
 * are counted as lost. */
void probe_sinks_reopen(struct probe *probe);
/* Those that are open, for the exporter: how many. */
uint32_t probe_sinks_list(const struct probe_sinks *sinks, bool kept_only,
                          struct leat_flow_sink *list[PROBE_SINKS_MAX + 1]);
void probe_sinks_close(struct probe_sinks *sinks); /* but the kept ones */
void probe_sinks_forget(struct probe_sinks *sinks);
void probe_meter_opts(const struct probe *probe, const struct probe_config *config,
                      struct leat_flow_meter_opts *opts);

/* probe_facts.c: for sinks' options records; `ctx` is the probe. Any thread. */
void probe_tell_facts(void *ctx, struct leat_ipfix_facts *facts);

/* probe_watch.c: a thread that tells how it goes every --interval, and reloads on SIGHUP. */
struct probe_watch;
int probe_watch_start(struct probe_watch **watch, struct probe *probe);
void probe_watch_stop(struct probe_watch *watch); /* NULL is allowed */
void probe_watch_block(void);                     /* before any thread is made */

/* probe_reload.c */
void probe_reload(struct probe *probe);

/* probe_lines.c: what is metered, how it goes, how it ended. */
void probe_say_start(const struct probe *probe);
void probe_say_interval(const struct probe *probe, FILE *to, double seconds, bool queues);
/* Whether every frame, every packet, and of each sink every record is accounted for: all are in one
 * of the counts. */
bool probe_conserved(const struct probe *probe);
/* Returns the same. */
bool probe_say_end(const struct probe *probe);

/* probe_json.c: as json_file_write(). */
int probe_write_json(const struct probe *probe, const char *path);

/* probe_top.c: asks the workers, and shows what they have answered below the lines above. */
void probe_top_answer(struct probe_lane *lane);
void probe_top_show(struct probe *probe, double seconds);

/* probe_fields.c: what --fields can name, on standard output. `pen`: of Leat's own elements, 0: as
 * by default. */
void probe_print_fields(uint32_t pen);

/* probe_read.c: --read. Returns an exit code. */
int probe_print_file(const struct probe_config *config);

/* probe_user.c: what --user means; both return 0, or a negative errno after saying why. No program
 * that is executed later gets privileges back: to be called before libraries start threads, which
 * inherit it (PR_SET_NO_NEW_PRIVS is a thread's). */
int probe_forbid_new_privileges(const char *user);
/* From here on as that user. */
int probe_drop_privileges(const char *user);

#endif
