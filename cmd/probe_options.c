/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe's command line, and how it goes together with the configuration file. */
#include "command.h"
#include "probe.h"
#include <leat/error.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_S     10
#define INTERVAL_TOP_S 2

static struct probe_config parsing;

static const char *const tunnel_choices[] = { "outer", "inner", "both", NULL };
static const char *const join_choices[] = { "auto", "always", "never", NULL };
static const char *const sort_choices[] = { "octets", "packets", "duration", NULL };
static const char *const output_choices[] = { "none", "text", "json", "csv", NULL };

static bool parse_to(const char *value, void *to) {
    (void)to;
    if (parsing.to_of_file) {
        parsing.to_of_file = false;
        parsing.to_count = 0;
    }
    if (parsing.to_count == PROBE_SINKS_MAX)
        return options_wrong("--to can be given %d times", PROBE_SINKS_MAX);
    parsing.to[parsing.to_count++] = value;
    return true;
}

/* Goes over "a,b=1,...": `item` gets each, with its value or NULL. */
static bool each_item(const char *list, bool (*item)(const char *name, const char *value)) {
    char copy[1024];
    if (strlen(list) >= sizeof(copy))
        return options_wrong("'%.20s...' is too long", list);
    strcpy(copy, list);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, ","));) {
        char *value = strchr(word, '=');
        if (value)
            *value++ = '\0';
        if (!item(word, value))
            return false;
    }
    return true;
}

static bool key_item(const char *name, const char *value) {
    static const char *const names[] = { "vlan", "mpls", "tos", "interface", "tunnel" };
    for (uint32_t i = 0; !value && i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(name, names[i])) {
            parsing.key |= 1u << i; /* LEAT_FLOW_KEY_* stand in this order */
            return true;
        }
    }
    return options_wrong("--key is a list of vlan, mpls, tos, interface, tunnel, not '%s'", name);
}

static bool parse_key(const char *value, void *to) {
    (void)to;
    parsing.key = 0;
    return each_item(value, key_item);
}

static bool select_item(const char *name, const char *value) {
    struct leat_flow_selection *selection = &parsing.selection;
    uint64_t sample;
    if (value && !strcmp(name, "min-packets") &&
        options_number(value, 1, UINT64_MAX, &selection->min_packets))
        return true;
    if (value && !strcmp(name, "min-octets") &&
        options_number(value, 1, UINT64_MAX, &selection->min_octets))
        return true;
    if (value && !strcmp(name, "sample") && !strncmp(value, "1/", 2) &&
        options_number(value + 2, 1, UINT32_MAX, &sample)) {
        selection->sample = (uint32_t)sample;
        return true;
    }
    return options_wrong(
        "--select is a list of min-packets=N, min-octets=N, sample=1/N, not '%s%s%s'", name,
        value ? "=" : "", value ? value : "");
}

static bool parse_select(const char *value, void *to) {
    (void)to;
    parsing.selection = (struct leat_flow_selection){ 0 };
    return each_item(value, select_item);
}

static bool parse_sample(const char *value, void *to) {
    (void)to;
    parsing.sample = value;
    return leat_flow_sampling_parse(&parsing.sampling, value) == 0 ||
           options_wrong("--sample: %s", leat_error());
}

static bool rotate_item(const char *name, const char *value) {
    size_t end = strlen(name);
    bool seconds = end > 1 && name[end - 1] == 's';
    char number[32];
    if (value || end >= sizeof(number))
        return options_wrong("--rotate takes seconds (3600s), octets (1G), or both (3600s,1G)");
    strcpy(number, name);
    number[end - seconds] = '\0';
    return options_number(number, 1, seconds ? UINT32_MAX : UINT64_MAX,
                          seconds ? &parsing.rotation.seconds : &parsing.rotation.octets) ||
           options_wrong(
               "--rotate takes seconds (3600s), octets (1G), or both (3600s,1G), not '%s'", name);
}

static bool parse_rotate(const char *value, void *to) {
    (void)to;
    parsing.rotation = (struct leat_flow_rotation){ 0 };
    return each_item(value, rotate_item);
}

/* Seconds, of which 0 means never. */
static bool parse_interval(const char *value, void *to) {
    const char *end;
    double seconds = options_decimal(value, &end);
    if (end == value || *end || seconds > 1e6)
        return options_wrong("--interval takes seconds, 0 for no lines, not '%s'", value);
    *(double *)to = seconds;
    return true;
}

static const struct option_spec specs[] = {
    { "to", 't', "SINK",
      "where records go; may be given several times, for\nseveral copies. ipfix://HOST[:4739], "
      "ipfix+tcp, ipfix+tls\n..., netflow9://HOST, file:NAME.ipfix, json:-; the\nmanual has the "
      "list. Without: text on standard output",
      OPTION_PARSED, NULL, .parse = parse_to },
    { "failover", 0, NULL, "not copies: to the first --to that is not away", OPTION_FLAG,
      &parsing.failover },
    { "output", 'o', "none|text|json|csv", "records on standard output, beside --to", OPTION_CHOICE,
      &parsing.output, .choices = output_choices },
    { "fields", 'F', "LIST",
      "what of a record is exported: IANA's names, or default,\nbasic, full, joined by commas; "
      "help shows them all",
      OPTION_STRING, &parsing.fields },
    { "flows", 'n', "N", "flows at a time, a queue (1,048,576; --inline 65,536)", OPTION_U32,
      &parsing.flows, 1, 1u << 28 },
    { "active", 'a', "SECONDS", "a record at least so often of a flow that goes on (300)",
      OPTION_DOUBLE, &parsing.active, 0, 10000000 },
    { "idle", 'i', "SECONDS", "a flow has ended after so long without a packet (30)", OPTION_DOUBLE,
      &parsing.idle, 0, 10000000 },
    { "inline", 0, NULL,
      "count what interfaces receive and send, and pass it\non; the default of interfaces with "
      "addresses",
      OPTION_FLAG, &parsing.pass_on },
    { "copy-packets", 0, "N",
      "--inline: first packets of a record that are looked into\nfor options, payload and names "
      "(16); 0: none",
      OPTION_U32, &parsing.copy_packets, 0, PROBE_COPY_PACKETS_MAX },
    { "consume", 0, NULL, "take the frames, also of an interface with addresses", OPTION_FLAG,
      &parsing.consume },
    { "uniflow", 'u', NULL, "a record a direction; default: one for both", OPTION_FLAG,
      &parsing.uniflow },
    { "join", 0, "auto|always|never",
      "records of one flow from several queues; auto (default):\nhalves of connections, where the "
      "port cannot steer both\nto one queue; always: any records",
      OPTION_CHOICE, &parsing.join, .choices = join_choices },
    { "key", 'k', "LIST",
      "what makes flows differ, beside addresses, ports and\nprotocol: vlan, mpls, tos, interface, "
      "tunnel",
      OPTION_PARSED, NULL, .parse = parse_key },
    { "tunnels", 0, "outer|inner|both",
      "which packet of GRE, IPIP, VXLAN, Geneve, GTP-U counts\n(inner)", OPTION_CHOICE,
      &parsing.tunnels, .choices = tunnel_choices },
    { "filter", 'f', "EXPR", "only frames that tcpdump's expression matches", OPTION_STRING,
      &parsing.filter },
    { "sample", 'S', "1/N",
      "only 1 of N packets; random:1/N, uniform:1/N and\nhash:1/N:SEED choose otherwise",
      OPTION_PARSED, NULL, .parse = parse_sample },
    { "select", 0, "LIST",
      "only records with min-packets=N, min-octets=N, or\nsample=1/N of the flows", OPTION_PARSED,
      NULL, .parse = parse_select },
    { "top", 0, "N", "the N biggest flows at each interval, with their rates", OPTION_U32,
      &parsing.top, 1, PROBE_TOP_MAX },
    { "sort", 0, "octets|packets|duration", "which flows are the biggest of --top (octets)",
      OPTION_CHOICE, &parsing.sort, .choices = sort_choices },
    { "interval", 'I', "SECONDS", "how often to tell how it goes (10, with --top 2); 0: never",
      OPTION_PARSED, &parsing.interval, .parse = parse_interval },
    { "queues", 'q', "N", "queues a port; default: all of an interface, else 1", OPTION_U32,
      &parsing.queues, 1, SESSION_QUEUES_MAX },
    { "cores", 0, "LIST",
      "run on these cores, 2,4-6: a worker each, and with one\ncore more than queues the exporter "
      "on the last",
      OPTION_PARSED, &parsing.run.cores, .parse = cores_parse },
    { "spool", 0, "DIR", "keep there what a collector that is away does not get", OPTION_STRING,
      &parsing.spool },
    { "spool-size", 0, "BYTES", "at most so much (1G)", OPTION_U64, &parsing.spool_octets, 1000000,
      UINT64_MAX },
    { "rotate", 0, "LIST", "files: a new one after 3600s, 1G, or both", OPTION_PARSED, NULL,
      .parse = parse_rotate },
    { "tls-cert", 0, "FILE", "our certificate, PEM", OPTION_STRING, &parsing.tls.certificate },
    { "tls-key", 0, "FILE", "its key", OPTION_STRING, &parsing.tls.key },
    { "tls-ca", 0, "FILE", "who signs the collectors' certificates", OPTION_STRING,
      &parsing.tls.ca },
    { "tls-name", 0, "NAME", "the collector's name in its certificate; default: HOST",
      OPTION_STRING, &parsing.tls.name },
    { "mtu", 0, "N", "of the path to collectors over UDP; default: the route's", OPTION_U32,
      &parsing.mtu, 576, 65535 },
    { "domain", 0, "N", "observation domain (1)", OPTION_U32, &parsing.domain, 0, UINT32_MAX },
    { "pen", 0, "N", "enterprise number of Leat's own elements (32473)", OPTION_U32, &parsing.pen,
      1, UINT32_MAX },
    { "config", 'c', "FILE", "YAML with these options as keys, and `ports`; SIGHUP\nreads it again",
      OPTION_STRING, &parsing.file },
    { "user", 0, "NAME", "go on as this user once all is open", OPTION_STRING, &parsing.user },
    { "read", 'r', "FILE", "print the records of an IPFIX file, and meter nothing", OPTION_STRING,
      &parsing.read },
    RUN_OPTION_SECONDS(parsing.run),
    RUN_OPTION_WAIT(parsing.run),
    RUN_OPTION_JSON(parsing.run),
    RUN_OPTION_BUFFER_BYTES(parsing.run),
    { 0 },
};

static const char *const examples[] = {
    "the flows of a capture, as text",
    "leat probe capture.pcap",
    "of an interface without addresses, such as a mirror, to a collector; frames go no further",
    "leat probe eth1 --to ipfix://collector:4739",
    "of live traffic, both directions, counted in passing; with a table of the biggest",
    "leat probe eth0 --to ipfix://collector:4739 --top 20",
    "with what TLS, DNS and HTTP tell, as JSON lines",
    "leat probe eth1 --fields full --output json",
    "over TLS, with a spool for when the collector is away",
    "leat probe eth1 --to ipfix+tls://collector:4740 --tls-ca ca.pem --spool /var/spool/leat",
    "all from a file",
    "leat probe --config probe.yaml",
    NULL,
};

static const struct options options = {
    .command = "probe",
    .operands = "PORT|FILE...",
    .about =
        "Meters the flows of what ports receive, or of captures, one read after the other, and\n"
        "exports them: IPFIX, NetFlow, JSON, CSV, text. Goes on until Ctrl-C or the end of its\n"
        "files; then all flows are exported, and every frame is accounted for.",
    .specs = specs,
    .examples = examples,
    .operands_min = 0,
    .operands_max = PROBE_PORTS_MAX,
};

static const char *keep(void *ctx, const char *text) {
    (void)ctx;
    char **more = realloc(parsing.kept, (parsing.kept_count + 1) * sizeof(*more));
    if (!more)
        return NULL;
    parsing.kept = more;
    char *copy = strdup(text);
    if (copy)
        parsing.kept[parsing.kept_count++] = copy;
    return copy;
}

static bool add_port(void *ctx, const char *name, const char *place) {
    (void)ctx;
    if (parsing.port_count == PROBE_PORTS_MAX)
        return options_wrong("%s: there are more than %d", place, PROBE_PORTS_MAX);
    parsing.ports[parsing.port_count++] = name;
    return true;
}

static void set_defaults(void) {
    memset(&parsing, 0, sizeof(parsing));
    parsing.run.core = -1;
    parsing.fields = "default";
    parsing.active = 300;
    parsing.idle = 30;
    parsing.interval = -1;
    parsing.sort = -1;
    parsing.domain = 1;
    parsing.copy_packets = PROBE_COPY_PACKETS;
    parsing.tunnels = LEAT_FLOW_TUNNELS_INNER;
}

static bool read_file(const char *path) {
    const struct probe_config_reader reader = { &options, add_port, keep, NULL };
    set_defaults();
    if (!probe_config_read(path, &reader))
        return false;
    parsing.to_of_file = true;
    return true;
}

/* What no option can tell alone. */
static bool check(void) {
    bool to_stdout = parsing.output != PROBE_OUTPUT_NONE || !parsing.to_count;
    if (parsing.interval < 0)
        parsing.interval = parsing.top ? INTERVAL_TOP_S : INTERVAL_S;
    if (parsing.sort >= 0 && !parsing.top)
        return options_wrong("--sort wants --top");
    if (parsing.sort < 0)
        parsing.sort = LEAT_FLOW_TOP_OCTETS;
    if (parsing.read)
        return !parsing.port_count || options_wrong("--read meters no ports");
    if (!strcmp(parsing.fields, PROBE_FIELDS_HELP))
        return true;
    if (!parsing.port_count)
        return options_wrong("too little: expected a port or a file; 'leat help probe' shows how");
    if (parsing.failover && parsing.to_count < 2)
        return options_wrong("--failover wants --to twice or more");
    if (parsing.run.json && !strcmp(parsing.run.json, "-") && to_stdout)
        return options_wrong("records and --json - cannot both go to standard output");
    if (parsing.spool_octets && !parsing.spool)
        return options_wrong("--spool-size wants --spool");
    return true;
}

bool probe_config_parse(struct probe_config *config, int argc, char **argv, int *exit_code) {
    int first;
    set_defaults();
    bool done = options_parse(&options, argc, argv, &first, exit_code);
    const char *file = parsing.file;
    if (done && file) {
        *exit_code = COMMAND_USAGE;
        done = read_file(file) && options_parse(&options, argc, argv, &first, exit_code);
    }
    if (done) {
        if (first < argc)
            parsing.port_count = 0;
        for (int i = first; i < argc; i++)
            add_port(NULL, argv[i], "");
        done = check();
        *exit_code = done ? COMMAND_OK : COMMAND_USAGE;
    }
    *config = parsing;
    parsing.kept = NULL;
    if (!done)
        probe_config_free(config);
    return done;
}

void probe_config_free(struct probe_config *config) {
    while (config->kept_count > 0)
        free(config->kept[--config->kept_count]);
    free(config->kept);
    config->kept = NULL;
}
