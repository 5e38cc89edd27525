/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --inline: interfaces that carry live traffic. Their frames are counted by an XDP
 * program and go on to the network stack; the worker sweeps the table that it shares with it, and
 * looks into copies of first packets. */
#include "probe.h"
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define INLINE_FLOWS 65536

/* The interface of a port's name: "eth0", or "xdp:eth0"; NULL: it is another kind of port, or has
 * options. */
static const char *interface_in(const char *name) {
    if (!strncmp(name, "xdp:", 4))
        name += 4;
    return name[strcspn(name, ":,@")] ? NULL : name;
}

/* With options, or a queue's number, it is a port of AF_XDP, whose interface goes to `interface`.
 */
static bool is_xdp_port(const char *name, char interface[IF_NAMESIZE]) {
    if (!strncmp(name, "xdp:", 4))
        name += 4;
    const size_t n = strcspn(name, ":,@");
    snprintf(interface, IF_NAMESIZE, "%.*s", (int)n, name);
    return (name[n] == ',' || name[n] == '@') && n < IF_NAMESIZE;
}

/* Of the machine's own; every interface that is up has a link-local one. */
static bool is_own(const struct sockaddr *address) {
    if (!address || address->sa_family != AF_INET6)
        return address && address->sa_family == AF_INET;
    return !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* What it sends it receives again, which is to be counted once. */
static bool is_loopback(const char *interface) {
    struct ifaddrs *all;
    bool loopback = false;
    if (getifaddrs(&all) < 0)
        return false;
    for (const struct ifaddrs *each = all; each; each = each->ifa_next)
        loopback |= !strcmp(each->ifa_name, interface) && each->ifa_flags & IFF_LOOPBACK;
    freeifaddrs(all);
    return loopback;
}

static bool has_address(const char *interface) {
    struct ifaddrs *all;
    bool found = false;
    if (getifaddrs(&all) < 0)
        return false;
    for (const struct ifaddrs *each = all; each && !found; each = each->ifa_next)
        found = !strcmp(each->ifa_name, interface) && is_own(each->ifa_addr);
    freeifaddrs(all);
    return found;
}

static bool takes_live_traffic(const char *port) {
    char interface[IF_NAMESIZE];
    if (!is_xdp_port(port, interface) || !has_address(interface))
        return false;
    fprintf(stderr,
            "leat probe: %s: %s has addresses of its own and carries live traffic: say --consume, "
            "or only the interface's name to count it in passing\n",
            port, interface);
    return true;
}

static int refuse(const char *what) {
    fprintf(stderr, "leat probe: --inline: %s; --consume takes the frames instead\n", what);
    return -ENOTSUP;
}

/* Whether the field stands there for the way there, too. */
static bool is_repeated(const struct leat_fields *fields, const struct leat_field_choice *choice) {
    for (uint32_t i = 0; choice->side && i < fields->count; i++)
        if (fields->choice[i].field == choice->field && !fields->choice[i].side)
            return true;
    return false;
}

/* Those fields that take a look at whole packets, each once for both directions. */
static void name_limited(const char *before, const struct leat_fields *fields) {
    fprintf(stderr, "leat probe: %s", before);
    const char *between = "";
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct leat_field_choice *choice = &fields->choice[i];
        if (!choice->field->features || is_repeated(fields, choice))
            continue;
        fprintf(stderr, "%s%s", between, choice->field->name);
        between = ", ";
    }
    fputc('\n', stderr);
}

/* What takes more of a packet than the XDP program looks at. */
static int check_options(struct probe *probe) {
    struct probe_config *config = &probe->config;
    struct leat_fields fields;
    if (config->queues)
        return refuse("--queues cannot be had: the program runs wherever a frame comes");
    if (config->tunnels != LEAT_FLOW_TUNNELS_INNER)
        return refuse("only the outermost packet of a tunnel is looked at");
    int status = leat_fields_parse(&fields, config->fields, config->uniflow);
    if (status)
        return session_error(status);
    if (config->copy_packets || !leat_fields_features(&fields))
        return 0;
    name_limited("--copy-packets 0: nothing is looked into for ", &fields);
    return refuse("without copies of packets these fields cannot be had");
}

static void say_unsent(const struct probe_port *port) {
    const char *interface = interface_in(port->name);
    if (is_loopback(interface))
        fprintf(stderr, "leat probe: %s receives all that it sends, which is counted once\n",
                interface);
    else if (port->unsent)
        fprintf(stderr, "leat probe: what is sent is not counted: %s\n", port->unsent);
}

/* Behind the first line: what is not as it says. */
void probe_say_inline(const struct probe *probe) {
    char before[64];
    for (uint32_t i = 0; i < probe->port_count; i++)
        say_unsent(&probe->ports[i]);
    if (!probe->features)
        return;
    snprintf(before, sizeof(before),
             "of the first %u packets of a record only: ", probe->config.copy_packets);
    name_limited(before, &probe->fields);
}

int probe_choose_inline(struct probe *probe) {
    const struct probe_config *config = &probe->config;
    uint32_t wanted = 0;
    if (probe->files || config->consume) {
        if (!config->pass_on)
            return 0;
        fputs("leat probe: --inline is for interfaces only, and excludes --consume\n", stderr);
        return -EINVAL;
    }
    for (uint32_t i = 0; i < probe->port_count; i++) {
        const char *interface = interface_in(probe->ports[i].name);
        if (config->pass_on && !interface) {
            fprintf(stderr, "leat probe: --inline is for interfaces: %s is none\n",
                    probe->ports[i].name);
            return -EINVAL;
        }
        if (takes_live_traffic(probe->ports[i].name))
            return -EINVAL;
        wanted += interface && (config->pass_on || has_address(interface));
    }
    if (wanted && wanted < probe->port_count) {
        fputs("leat probe: some of these interfaces have addresses of their own and carry live "
              "traffic: say --inline or --consume\n",
              stderr);
        return -EINVAL;
    }
    probe->passing = wanted > 0;
    return probe->passing ? check_options(probe) : 0;
}

static bool put(void *ctx, const struct leat_flow *flow) {
    return leat_flow_queue_put(((struct probe_queue *)ctx)->records, flow);
}

/* One worker a port, without frames. */
int probe_open_inline(struct probe *probe, uint32_t index) {
    struct probe_port *port = &probe->ports[index];
    struct probe_queue *queue = &probe->queues[index];
    const struct probe_config *config = &probe->config;
    struct leat_flow_meter_opts meter;
    probe_meter_opts(probe, config, &meter);
    const struct leat_flow_inline_opts opts = {
        .flows = config->flows ? config->flows : INLINE_FLOWS,
        .active_ns = meter.cache.active_ns,
        .idle_ns = meter.cache.idle_ns,
        .received_only = is_loopback(interface_in(port->name)),
        .copy_packets = probe->features ? config->copy_packets : 0,
        .features = probe->features,
        .uniflow = config->uniflow,
        .key = config->key,
        .filter = config->filter,
        .sampling = config->sampling,
        .worker = index,
        .ended = put,
        .ctx = queue,
    };
    int status = leat_flow_queue_create(&queue->records, 0, probe->features);
    if (status == 0)
        status = leat_flow_inline_open(&queue->passing, interface_in(port->name), &opts);
    if (status) {
        leat_flow_queue_destroy(queue->records);
        return session_error(status);
    }
    snprintf(port->mode, sizeof(port->mode), "%s, inline", leat_flow_inline_mode(queue->passing));
    port->unsent = leat_flow_inline_unsent(queue->passing);
    queue->port = index;
    port->queues = 1;
    probe->lanes[index].queues[0] = queue;
    probe->lanes[index].count = 1;
    probe->queue_count++;
    return 0;
}
