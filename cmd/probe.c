/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: meters the flows of ports or captures and exports them. */
#include "probe.h"
#include "clock.h"
#include "command.h"
#include "json_file.h"
#include "signals.h"
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 64
/* Of a capture's pool: batches of the longest frames fit, and it is made before a small one is
 * read. */
#define FILE_BUFFERS 2048
#define CLOSE_MS     5000
#define PAUSE_NS     200000
/* A batch that all makes flows in a full cache ends as many, and what the sweep finds beside. */
#define ROOM_MIN 4096

static void pause_a_little(void) {
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    nanosleep(&pause, NULL);
}

static int meter_queue(struct probe_queue *queue) {
    struct leat_pkt pkts[BATCH];
    if (queue->passing)
        return probe_queue_look(queue);
    if (queue->ended)
        return 0;
    if (queue->lossless && leat_flow_queue_room(queue->records) < ROOM_MIN) {
        pause_a_little(); /* the file waits for the exporter */
        return 0;
    }
    int n = leat_rx(queue->queue, pkts, BATCH);
    if (n == -ENODATA) {
        queue->ended = true;
        return 0;
    }
    if (n <= 0)
        return n;
    leat_flow_meter_add(queue->meter, queue->pool, pkts, (uint32_t)n);
    leat_free(queue->queue->cache, pkts, (uint32_t)n);
    return n;
}

static int batch(void *ctx) {
    struct probe_lane *lane = ctx;
    int moved = 0;
    bool ended = true;
    for (uint32_t i = 0; i < lane->count; i++) {
        int n = meter_queue(lane->queues[i]);
        if (n < 0)
            return n;
        moved += n;
        ended &= lane->queues[i]->ended;
    }
    if (ended)
        run_stop(lane->run);
    return moved;
}

static int tick(void *ctx) {
    struct probe_lane *lane = ctx;
    const uint64_t now_ns = clock_real_ns();
    int status = 0;
    for (uint32_t i = 0; lane->live && status == 0 && i < lane->count; i++)
        status = probe_queue_tick(lane->queues[i], now_ns);
    probe_top_answer(lane);
    return status;
}

/* Also of a name that is no capture's by itself, when there is such a file. */
static bool is_file(const char *name) {
    struct stat status;
    return leat_port_is_capture(name) || !strcmp(name, "-") ||
           (stat(name, &status) == 0 && !S_ISDIR(status.st_mode));
}

/* Files are opened one after the other: one that is not there is told before any is metered. */
static int check_file(const char *path) {
    char *bare = strndup(path, strcspn(path, ",>"));
    if (!bare)
        return -ENOMEM;
    bool named = *bare && strcmp(bare, "-");
    int status = named && access(bare, F_OK) < 0 ? -errno : 0;
    if (status)
        fprintf(stderr, "leat probe: %s: %s\n", bare, strerror(-status));
    free(bare);
    return status;
}

static int name_port(struct probe *probe, const char *name) {
    struct probe_port *port = &probe->ports[probe->port_count];
    bool file = is_file(name), plain_file = file && strncmp(name, "pcap:", 5);
    char *full = NULL;
    int status = file ? check_file(plain_file ? name : name + 5) : 0;
    if (status)
        return status;
    if (asprintf(&full, "%s%s", plain_file ? "pcap:" : "", name) < 0)
        return -ENOMEM;
    port->name = full;
    probe->port_count++;
    return 0;
}

static int name_ports(struct probe *probe) {
    const struct probe_config *config = &probe->config;
    uint32_t files = 0;
    for (uint32_t i = 0; i < config->port_count; i++)
        files += is_file(config->ports[i]);
    probe->files = files > 0;
    if (files && files < config->port_count) {
        fputs("leat probe: files and other ports cannot be metered at once\n", stderr);
        return -EINVAL;
    }
    if (!files && config->port_count > SESSION_PORTS_MAX) {
        fprintf(stderr, "leat probe: more than %d ports cannot be metered at once\n",
                SESSION_PORTS_MAX);
        return -EINVAL;
    }
    probe->ports = calloc(config->port_count + 1, sizeof(*probe->ports));
    int status = probe->ports ? 0 : -ENOMEM;
    for (uint32_t i = 0; status == 0 && i < config->port_count; i++)
        status = name_port(probe, config->ports[i]);
    return status;
}

static int open_port(struct probe *probe, uint32_t index) {
    const struct leat_port_opts opts = { .queues = probe->queues_wanted,
                                         .promisc = true,
                                         .rss = probe->uniflow ? LEAT_RSS_DEFAULT
                                                               : LEAT_RSS_PREFER_SYMMETRIC };
    struct probe_port *port = &probe->ports[index];
    char *name = NULL;
    /* What a capture has of a frame is mostly what is needed of it. */
    bool keep = probe->files && !strstr(port->name, ",truncated=");
    if (asprintf(&name, "%s%s", port->name, keep ? ",truncated=keep" : "") < 0)
        return -ENOMEM;
    int status = session_port(&probe->session, name, opts);
    free(name);
    if (status)
        return status;
    const struct leat_caps *caps = &probe->session.ports[probe->session.port_count - 1].caps;
    if (!caps->rx) {
        fprintf(stderr, "leat probe: %s cannot receive\n", port->name);
        return -ENOTSUP;
    }
    memcpy(port->mode, caps->mode, sizeof(port->mode));
    port->queues = caps->queues;
    port->rss_symmetric = caps->rss_symmetric;
    return 0;
}

static int open_live_ports(struct probe *probe) {
    int status = session_open(&probe->session, 0, probe->run_opts.buffer_bytes);
    for (uint32_t i = 0; status == 0 && i < probe->port_count; i++)
        status = open_port(probe, i);
    for (uint32_t i = 0; status == 0 && i < probe->port_count; i++) {
        probe->session.ports[i].first_worker = probe->queue_count;
        probe->queue_count += probe->ports[i].queues;
    }
    if (status == 0)
        status = probe_count_workers(probe);
    return status ? status : session_start(&probe->session, probe->lane_count, 5000);
}

/* ingressInterface: the interface's number where the port is one, else the port's. */
static uint32_t interface_of(struct probe *probe, uint32_t index) {
    const char *name = probe->ports[index].name;
    struct leat_ipfix_interface *interface = &probe->interfaces[index];
    char device[IF_NAMESIZE] = "";
    const char *bare = strrchr(name, ':');
    snprintf(device, sizeof(device), "%.*s", (int)strcspn(bare ? bare + 1 : name, ",@"),
             bare ? bare + 1 : name);
    uint32_t number = if_nametoindex(device);
    interface->index = number ? number : index + 1;
    snprintf(interface->name, sizeof(interface->name), "%.63s", number ? device : name);
    snprintf(interface->about, sizeof(interface->about), "%.63s", name);
    return interface->index;
}

/* The meter of queue `index` of a port, which is worker `worker`'s. */
static int make_meter(struct probe *probe, uint32_t port, uint32_t index, uint32_t worker,
                      const struct leat_caps *caps) {
    struct probe_lane *lane = &probe->lanes[worker];
    struct probe_queue *queue = &probe->queues[probe->queue_count];
    struct leat_flow_meter_opts opts;
    probe_meter_opts(probe, &probe->config, &opts);
    opts.times = probe->files || (caps->rx_flags & LEAT_PKT_TIME);
    opts.interface = probe->files ? 0 : probe->interfaces[port].index;
    opts.cache.worker = probe->queue_count;
    int status = leat_flow_queue_create(&queue->records, 0, probe->features);
    opts.queue = queue->records;
    if (status == 0)
        status = leat_flow_meter_create(&queue->meter, &opts);
    if (status) {
        leat_flow_queue_destroy(queue->records);
        return session_error(status);
    }
    queue->port = port;
    queue->index = index;
    queue->lossless = probe->files || caps->rx_lossless;
    lane->queues[lane->count++] = queue;
    probe->queue_count++;
    return 0;
}

static int make_inline_meter(struct probe *probe, uint32_t port) {
    interface_of(probe, port);
    return probe_open_inline(probe, port);
}

static int make_port_meters(struct probe *probe, uint32_t port) {
    const struct session_port *of_session = &probe->session.ports[port];
    int status = 0;
    interface_of(probe, port);
    for (uint32_t i = 0; status == 0 && i < of_session->caps.queues; i++) {
        uint32_t worker = session_worker_of(&probe->session, of_session, i);
        struct probe_lane *lane = &probe->lanes[worker];
        status = make_meter(probe, port, i, worker, &of_session->caps);
        if (status == 0) {
            lane->queues[lane->count - 1]->queue = of_session->queues[i];
            lane->queues[lane->count - 1]->pool = probe->session.pool;
        }
    }
    return status;
}

/* One after the other, so that one meter does for all files. */
static int make_file_meter(struct probe *probe) {
    static const struct leat_caps file = { .rx = true };
    return make_meter(probe, 0, 0, 0, &file);
}

/* What meters the frames of `lane_count` workers and `queue_count` queues. */
static int make_meters(struct probe *probe) {
    probe->queues = calloc(probe->queue_count, sizeof(*probe->queues));
    probe->lanes = calloc(probe->lane_count, sizeof(*probe->lanes));
    probe->queue_count = 0;
    if (!probe->queues || !probe->lanes)
        return -ENOMEM;
    if (probe->files)
        return make_file_meter(probe);
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < probe->port_count; i++)
        status = probe->passing ? make_inline_meter(probe, i) : make_port_meters(probe, i);
    return status;
}

static int start_exporter(struct probe *probe) {
    struct leat_flow_sink *sinks[PROBE_SINKS_MAX + 1];
    struct leat_flow_queue **queues = calloc(probe->queue_count, sizeof(*queues));
    if (!queues)
        return -ENOMEM;
    for (uint32_t i = 0; i < probe->queue_count; i++)
        queues[i] = probe->queues[i].records;
    const struct leat_flow_exporter_opts opts = {
        .queues = queues,
        .queue_count = probe->queue_count,
        .sinks = sinks,
        .sink_count = probe_sinks_list(&probe->sinks, false, sinks),
        .selection = probe->config.selection,
        .join = probe->joining,
        .join_key = probe->config.key,
        .join_times = probe_join_times(&probe->config),
        .core = probe_exporter_core(probe),
    };
    struct leat_flow_exporter *exporter;
    int status = leat_flow_exporter_start(&exporter, &opts);
    free(queues);
    if (status) {
        session_error(status);
        probe_sinks_close(&probe->sinks);
        return status;
    }
    __atomic_store_n(&probe->exporter, exporter, __ATOMIC_RELEASE);
    return 0;
}

/* Keeps how long a run took, and how long workers had frames to meter meanwhile. */
static void keep_times(struct probe *probe, struct probe_port *port, const struct run *run) {
    port->seconds = run->seconds;
    if (run->total_cycles)
        port->busy_seconds =
            run->seconds * run->lane_count * (double)run->busy_cycles / (double)run->total_cycles;
    probe->seconds += run->seconds;
}

/* One run over what is open now: port `first`, and those beside it that are live, too. */
static int run_once(struct probe *probe, uint32_t first) {
    struct run_lane runners[SESSION_QUEUES_MAX];
    struct run run = { .opts = &probe->run_opts,
                       .session = &probe->session,
                       .lanes = runners,
                       .lane_count = probe->lane_count,
                       .own_progress = true };
    for (uint32_t i = 0; i < probe->lane_count; i++) {
        struct probe_lane *lane = &probe->lanes[i];
        lane->run = &run;
        lane->live = !probe->files;
        uint32_t waits = probe->passing ? 0 : lane->count;
        for (uint32_t q = 0; q < waits; q++)
            lane->waits[q] = lane->queues[q]->queue;
        runners[i] = (struct run_lane){
            .batch = batch, .tick = tick, .ctx = lane, .queues = lane->waits, .queue_count = waits
        };
    }
    int status = run_lanes(&run);
    keep_times(probe, &probe->ports[first], &run);
    return status;
}

/* Closes what is open, and keeps its final counts from port `first` on. */
static void close_ports(struct probe *probe, uint32_t first) {
    static struct report report; /* large */
    uint32_t count = probe->session.port_count;
    report.port_count = 0;
    pthread_mutex_lock(&probe->ports_lock);
    session_close(&probe->session, &report);
    for (uint32_t i = 0; i < count; i++)
        probe->ports[first + i].stats = report.ports[i].stats;
    pthread_mutex_unlock(&probe->ports_lock);
}

static int meter_file(struct probe *probe, uint32_t index) {
    struct probe_queue *queue = &probe->queues[0];
    int status = session_open(&probe->session, FILE_BUFFERS, probe->run_opts.buffer_bytes);
    if (status)
        return status;
    status = open_port(probe, index);
    if (status == 0)
        status = session_start(&probe->session, 1, 0);
    if (status == 0) {
        queue->queue = probe->session.ports[0].queues[0];
        queue->pool = probe->session.pool;
        queue->port = index;
        queue->ended = false;
        status = run_once(probe, index);
    }
    close_ports(probe, index);
    return status;
}

static int meter_files(struct probe *probe) {
    double seconds = probe->run_opts.seconds;
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < probe->port_count && !signals_seen(); i++) {
        if (seconds > 0 && probe->seconds >= seconds)
            break;
        if (seconds > 0)
            probe->run_opts.seconds = seconds - probe->seconds;
        status = meter_file(probe, i);
    }
    if (status == -EINTR && signals_seen())
        status = 0; /* it was to end, and a pipe had nothing yet */
    return status;
}

/* All flows go to the exporter, which empties its queues meanwhile. What it sends for that, over an
 * interface that was metered inline, would be in no record, and is not counted either. */
static int flush(struct probe *probe) {
    int left = 0;
    for (uint32_t i = 0; left == 0 && i < probe->queue_count; i++)
        left = probe_queue_stop(&probe->queues[i]);
    for (uint32_t i = 0; left == 0 && i < probe->queue_count; i++)
        while ((left = probe_queue_flush(&probe->queues[i])) > 0)
            pause_a_little();
    return left < 0 ? session_error(left) : 0;
}

/* Ports first, since they tell how many queues there are; files and interfaces whose frames pass
 * have one each. */
static int open_ports(struct probe *probe) {
    if (!probe->files && !probe->passing)
        return open_live_ports(probe);
    probe->queue_count = probe->files ? 1 : probe->port_count;
    return probe_count_workers(probe);
}

static int start(struct probe *probe) {
    const char *json = probe->config.run.json, *user = probe->config.user;
    int status = user ? probe_forbid_new_privileges(user) : 0;
    if (status == 0)
        status = json_file_check(json);
    if (status == 0)
        status = name_ports(probe);
    if (status == 0)
        status = probe_choose_inline(probe);
    if (status == 0)
        status = open_ports(probe);
    if (status)
        return status;
    struct leat_fields *fields = &probe->fields;
    status = leat_fields_parse(fields, probe->config.fields, probe->config.uniflow);
    if (status)
        return session_error(status);
    probe->features = leat_fields_features(fields);
    status = make_meters(probe);
    probe_choose_joining(probe);
    if (status == 0)
        status = probe_sinks_plan(&probe->config, &probe->sinks);
    if (status == 0)
        status = probe_sinks_open(probe, &probe->config, fields, &probe->sinks, NULL);
    if (status)
        return status;
    if (user && ((status = probe_drop_privileges(user)) || (status = json_file_check(json)))) {
        probe_sinks_close(&probe->sinks);
        return status;
    }
    return start_exporter(probe);
}

static int meter(struct probe *probe) {
    struct probe_watch *watch = NULL;
    probe_say_start(probe);
    int status = probe_watch_start(&watch, probe);
    if (status == 0)
        status = probe->files ? meter_files(probe) : run_once(probe, 0);
    int unflushed = flush(probe);
    probe_watch_stop(watch);
    if (!probe->files && !probe->passing)
        close_ports(probe, 0); /* what they have lost is final when collectors are told */
    leat_flow_exporter_stop(probe->exporter, CLOSE_MS);
    return status ? status : unflushed;
}

static void release(struct probe *probe) {
    leat_flow_exporter_destroy(probe->exporter);
    for (uint32_t i = 0; i < probe->queue_count && probe->queues; i++)
        probe_queue_close(&probe->queues[i]);
    if (probe->session.pool)
        session_close(&probe->session, NULL);
    for (uint32_t i = 0; i < probe->port_count; i++)
        free((char *)probe->ports[i].name);
    free(probe->ports);
    free(probe->queues);
    free(probe->lanes);
    probe_sinks_forget(&probe->sinks);
    probe_config_free(&probe->config);
}

static int report(const struct probe *probe, int status) {
    const char *json = probe->config.run.json;
    bool conserved = probe_say_end(probe);
    int written = json ? probe_write_json(probe, json) : 0;
    if (status || written)
        return COMMAND_FAILED;
    return conserved ? COMMAND_OK : COMMAND_CHECKED;
}

int cmd_probe(int argc, char **argv) {
    static struct probe probe = { .ports_lock = PTHREAD_MUTEX_INITIALIZER };
    int exit_code;
    /* By lines: another thread prints records, perhaps on the same terminal. */
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    if (!probe_config_parse(&probe.config, argc, argv, &exit_code))
        return exit_code;
    bool fields = !strcmp(probe.config.fields, PROBE_FIELDS_HELP);
    if (fields || probe.config.read) {
        if (fields)
            probe_print_fields(probe.config.pen);
        else
            exit_code = probe_print_file(&probe.config);
        probe_config_free(&probe.config);
        return exit_code;
    }
    probe.argc = argc;
    probe.argv = argv;
    probe.run_opts = probe.config.run;
    probe.queues_wanted = probe.config.queues;
    probe.uniflow = probe.config.uniflow;
    probe_watch_block();
    signals_install(NULL, NULL); /* a signal from now on ends it in order */
    exit_code = COMMAND_FAILED;
    int status = start(&probe);
    if (status == 0)
        exit_code = report(&probe, meter(&probe));
    else if (status == -ENOMEM)
        fputs("leat probe: no memory\n", stderr);
    release(&probe);
    return exit_code;
}
