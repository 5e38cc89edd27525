/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe: from the configuration to sinks and meters. */
#include "clock.h"
#include "probe.h"
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void tell(void *ctx, const char *sentence) {
    (void)ctx;
    fprintf(stderr, "leat probe: %s\n", sentence);
}

static uint64_t ns_of(double seconds) {
    return (uint64_t)(seconds * 1e9);
}

static struct leat_flow_sink_opts sink_opts(struct probe *probe, const struct probe_config *config,
                                            const struct leat_fields *fields) {
    const struct passwd *user = config->user ? getpwnam(config->user) : NULL;
    return (struct leat_flow_sink_opts){
        .size = sizeof(struct leat_flow_sink_opts),
        .fields = fields,
        .domain = config->domain,
        .pen = config->pen,
        .key = config->key,
        .uniflow = config->uniflow,
        .mtu = config->mtu,
        .active_ns = ns_of(config->active),
        .idle_ns = ns_of(config->idle),
        .sampling = config->sampling,
        .interfaces = probe->interfaces,
        .interface_count = probe->files ? 0 : probe->port_count,
        .facts = probe_tell_facts,
        .facts_ctx = probe,
        .tls = config->tls,
        .spool = config->spool,
        .spool_octets = config->spool_octets,
        .spool_user = user ? user->pw_uid : 0,
        .spool_group = user ? user->pw_gid : 0,
        .rotation = config->rotation,
        .told = tell,
    };
}

/* A file's place and age: certificates are renewed under the same name. */
static void say_file(FILE *to, const char *path) {
    struct stat at;
    if (!path || stat(path, &at))
        memset(&at, 0, sizeof(at));
    fprintf(to, "%s %ju %ju %ju.%ld\n", path ? path : "", (uintmax_t)at.st_ino,
            (uintmax_t)at.st_size, (uintmax_t)at.st_mtim.tv_sec, at.st_mtim.tv_nsec);
}

static bool begins(const char *name, const char *with) {
    return !strncmp(name, with, strlen(with));
}

static void say_made_of(FILE *to, const struct probe_config *config, const char *name) {
    const bool ipfix = begins(name, "ipfix");
    fprintf(to, "%s\nfields %s, domain %u, pen %u, mtu %u\n", name, config->fields, config->domain,
            config->pen, config->mtu);
    fprintf(to, "sample %s\n", config->sample ? config->sample : "");
    if (ipfix)
        fprintf(to, "active %g, idle %g, spool %s of %ju\n", config->active, config->idle,
                config->spool ? config->spool : "", (uintmax_t)config->spool_octets);
    else
        fprintf(to, "rotate %ju s, %ju\n", (uintmax_t)config->rotation.seconds,
                (uintmax_t)config->rotation.octets);
    if (!begins(name, "ipfix+tls:") && !begins(name, "ipfix+dtls:"))
        return;
    fprintf(to, "%s\n", config->tls.name ? config->tls.name : "");
    say_file(to, config->tls.certificate);
    say_file(to, config->tls.key);
    say_file(to, config->tls.ca);
}

static int plan_one(const struct probe_config *config, struct probe_sinks *sinks,
                    const char *const *to, uint32_t to_count) {
    struct probe_sink *sink = &sinks->sink[sinks->count++];
    size_t size;
    *sink = (struct probe_sink){ .to_count = to_count };
    memcpy(sink->to, to, to_count * sizeof(*to));
    FILE *text = open_memstream(&sink->made_of, &size);
    for (uint32_t i = 0; text && i < to_count; i++)
        say_made_of(text, config, to[i]);
    return text && fclose(text) == 0 ? 0 : -ENOMEM;
}

int probe_sinks_plan(const struct probe_config *config, struct probe_sinks *sinks) {
    static const char *const to_stdout[] = { NULL, "text:-", "json:-", "csv:-" };
    int output = config->output;
    int status = 0;
    sinks->count = 0;
    if (output == PROBE_OUTPUT_NONE && !config->to_count)
        output = PROBE_OUTPUT_TEXT;
    if (config->failover)
        status = plan_one(config, sinks, config->to, config->to_count);
    for (uint32_t i = 0; status == 0 && !config->failover && i < config->to_count; i++)
        status = plan_one(config, sinks, &config->to[i], 1);
    if (status == 0 && to_stdout[output])
        status = plan_one(config, sinks, &to_stdout[output], 1);
    if (status) {
        fputs("leat probe: no memory\n", stderr);
        probe_sinks_forget(sinks);
    }
    return status;
}

void probe_sinks_keep(struct probe_sinks *sinks, struct probe_sinks *open) {
    for (uint32_t i = 0; i < open->count; i++)
        open->sink[i].kept = false;
    for (uint32_t i = 0; i < sinks->count; i++) {
        struct probe_sink *sink = &sinks->sink[i];
        for (uint32_t k = 0; !sink->kept && k < open->count; k++) {
            struct probe_sink *old = &open->sink[k];
            if (!old->sink || old->kept || strcmp(old->made_of, sink->made_of))
                continue;
            sink->sink = old->sink;
            memcpy(sink->name, old->name, sizeof(sink->name));
            sink->kept = old->kept = true;
        }
    }
}

static int open_one(struct probe_sink *sink, const struct leat_flow_sink_opts *opts) {
    struct leat_flow_sink *members[PROBE_SINKS_MAX];
    uint32_t n = 0;
    int status = 0;
    while (n < sink->to_count && !status) {
        status = leat_flow_sink_open(&members[n], sink->to[n], opts);
        n += !status;
    }
    if (!status && n == 1)
        sink->sink = members[0];
    else if (!status)
        status = leat_flow_sink_failover(&sink->sink, members, n);
    if (!status) {
        memcpy(sink->name, sink->sink->name, sizeof(sink->name));
        return 0;
    }
    session_error(status);
    while (n-- > 0)
        members[n]->ops->close(members[n], 0, NULL);
    return status;
}

static bool is_to(const struct probe_sink *sink, const char *name) {
    for (uint32_t i = 0; i < sink->to_count; i++)
        if (!strcmp(sink->to[i], name))
            return true;
    return false;
}

/* Two of one name cannot both be open: they would have one spool, or one file. */
static bool clashes(const struct probe_sink *sink, const struct probe_sinks *beside) {
    for (uint32_t i = 0; i < beside->count; i++)
        for (uint32_t k = 0; beside->sink[i].sink && k < sink->to_count; k++)
            if (!beside->sink[i].kept && is_to(&beside->sink[i], sink->to[k]))
                return true;
    return false;
}

int probe_sinks_open(struct probe *probe, const struct probe_config *config,
                     const struct leat_fields *fields, struct probe_sinks *sinks,
                     const struct probe_sinks *beside) {
    const struct leat_flow_sink_opts opts = sink_opts(probe, config, fields);
    int status = 0;
    for (uint32_t i = 0; status >= 0 && i < sinks->count; i++) {
        struct probe_sink *sink = &sinks->sink[i];
        if (!sink->sink && beside && clashes(sink, beside))
            status = 1;
        else if (!sink->sink && open_one(sink, &opts))
            status = -EIO;
    }
    if (status < 0)
        probe_sinks_close(sinks);
    return status;
}

void probe_sinks_reopen(struct probe *probe) {
    const struct leat_flow_sink_opts opts = sink_opts(probe, &probe->config, &probe->fields);
    for (uint32_t i = 0; i < probe->sinks.count; i++) {
        struct probe_sink *sink = &probe->sinks.sink[i];
        if (sink->sink || open_one(sink, &opts) == 0)
            continue;
        fprintf(stderr,
                "leat probe: %s: it could not be opened again: until a reload its records "
                "are lost\n",
                sink->name);
        if (leat_flow_sink_absent(&sink->sink, sink->name, clock_real_ns()))
            session_error(0);
        sink->made_of[0] = '\0'; /* the next reload opens it anew */
    }
}

uint32_t probe_sinks_list(const struct probe_sinks *sinks, bool kept_only,
                          struct leat_flow_sink *list[PROBE_SINKS_MAX + 1]) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < sinks->count; i++)
        if (sinks->sink[i].sink && (sinks->sink[i].kept || !kept_only))
            list[n++] = sinks->sink[i].sink;
    return n;
}

void probe_sinks_close(struct probe_sinks *sinks) {
    for (uint32_t i = sinks->count; i-- > 0;) {
        struct probe_sink *sink = &sinks->sink[i];
        if (!sink->sink || sink->kept)
            continue;
        sink->sink->ops->close(sink->sink, 0, NULL);
        sink->sink = NULL;
    }
}

void probe_sinks_forget(struct probe_sinks *sinks) {
    for (uint32_t i = 0; i < sinks->count; i++)
        free(sinks->sink[i].made_of);
    sinks->count = 0;
}

void probe_meter_opts(const struct probe *probe, const struct probe_config *config,
                      struct leat_flow_meter_opts *opts) {
    *opts = (struct leat_flow_meter_opts){
        .decode = { .tunnels = (enum leat_flow_tunnels)config->tunnels,
                    .key = config->key,
                    .uniflow = config->uniflow,
                    .details = (probe->features & LEAT_FLOW_NOTES) != 0 },
        .cache = { .flows = config->flows,
                   .active_ns = ns_of(config->active),
                   .idle_ns = ns_of(config->idle),
                   .features = probe->features,
                   .uniflow = config->uniflow },
        .sampling = config->sampling,
        .filter = config->filter,
    };
}
