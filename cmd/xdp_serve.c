/* SPDX-License-Identifier: BSD-2-Clause */
/* leat xdp serve: interfaces for programs without privilege. */
#include "command.h"
#include "options.h"
#include "signals.h"
#include "xdp.h"
#include <grp.h>
#include <leat/error.h>
#include <leat/xdp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 32

static struct leat_xdp_served served[LIST_MAX];
static uint32_t uids[LIST_MAX], gids[LIST_MAX];
static struct leat_xdp_server_opts opts;
static uint64_t memory_mib;
static int attach;
static bool quiet;

static const char *const attach_choices[] = { "auto", "native", "generic", NULL };

static bool room_in(uint32_t count, const char *option) {
    return count < LIST_MAX || options_wrong("--%s is given more than %d times", option, LIST_MAX);
}

/* "eth0", "eth0@3", "eth0@0-3": cuts the queues off. */
static bool read_interface(char *text, struct leat_xdp_served *entry) {
    uint64_t first, last;
    char *queues = strchr(text, '@'), *dash = queues ? strchr(queues, '-') : NULL;
    entry->interface = text;
    if (!queues)
        return true;
    *queues++ = '\0';
    if (dash)
        *dash++ = '\0';
    if (!options_number(queues, 0, 65535, &first) ||
        !options_number(dash ? dash : queues, first, 65535, &last))
        return false;
    entry->queue_first = (uint32_t)first;
    entry->queue_count = (uint32_t)(last - first + 1);
    return true;
}

static bool add_interface(const char *value, void *to) {
    (void)to;
    if (!room_in(opts.served_count, "interface"))
        return false;
    char *text = strdup(value); /* lives as long as the command */
    return (text && read_interface(text, &served[opts.served_count++])) ||
           options_wrong("--interface takes a name and queues, as in eth0@0-3, not '%s'", value);
}

static bool add_user(const char *value, void *to) {
    const struct passwd *user = getpwnam(value);
    uint64_t number = user ? user->pw_uid : 0;
    (void)to;
    if (!user && !options_number(value, 0, UINT32_MAX - 1, &number))
        return options_wrong("--allow-user: there is no user '%s'", value);
    if (!room_in(opts.uid_count, "allow-user"))
        return false;
    uids[opts.uid_count++] = (uint32_t)number;
    return true;
}

static bool add_group(const char *value, void *to) {
    const struct group *group = getgrnam(value);
    uint64_t number = group ? group->gr_gid : 0;
    (void)to;
    if (!group && !options_number(value, 0, UINT32_MAX - 1, &number))
        return options_wrong("--allow-group: there is no group '%s'", value);
    if (!room_in(opts.gid_count, "allow-group"))
        return false;
    gids[opts.gid_count++] = (uint32_t)number;
    return true;
}

static bool set_socket_mode(const char *value, void *to) {
    char *end;
    unsigned long mode = strtoul(value, &end, 8);
    if (*value < '0' || *value > '7' || *end || mode == 0 || mode > 0777)
        return options_wrong("--socket-mode takes permissions such as 0660, not '%s'", value);
    *(uint32_t *)to = (uint32_t)mode;
    return true;
}

static const struct option_spec specs[] = {
    { "interface", 'i', "IFACE[@Q[-Q]]", "serve it, or these queues of it; may be repeated",
      OPTION_PARSED, .parse = add_interface },
    { "allow-user", 'u', "USER", "who may use it; may be repeated", OPTION_PARSED,
      .parse = add_user },
    { "allow-group", 'g', "GROUP", "the same for members of a group", OPTION_PARSED,
      .parse = add_group },
    { "match", 'm', "EXPRESSION",
      "frames that programs may take, in tcpdump's language;\nthe rest goes to the kernel",
      OPTION_STRING, &opts.match },
    { "attach", 'a', "auto|native|generic", "how to attach to interfaces (auto)", OPTION_CHOICE,
      &attach, .choices = attach_choices },
    { "memory", 0, "MIB", "of all programs' pools together, pinned (1024)", OPTION_U64, &memory_mib,
      1, 1 << 20 },
    { "socket-mode", 0, "MODE", "permissions of the socket's file (0666)", OPTION_PARSED,
      &opts.socket_mode, .parse = set_socket_mode },
    { "force", 'f', NULL, "serve the interface of the default route without\n--match, too",
      OPTION_FLAG, &opts.force },
    { "quiet", 'q', NULL, "do not tell who is given what", OPTION_FLAG, &quiet },
    { 0 },
};

static const char *const examples[] = {
    "let members of group net use two interfaces",
    "leat xdp serve -g net -i eth1 -i eth2 /run/leat-xdp.sock",
    "then, as one of them",
    "leat fwd xdp-fd:/run/leat-xdp.sock/eth1 xdp-fd:/run/leat-xdp.sock/eth2",
    "one queue, and VXLAN only",
    "leat xdp serve -u alice -i eth0@3 --match 'udp port 4789' /run/leat-xdp.sock",
    NULL,
};

static const struct options options = {
    .command = "xdp serve",
    .operands = "SOCKET",
    .about = "Opens AF_XDP sockets for programs without privilege, whose ports are named\n"
             "xdp-fd:SOCKET/IFACE, until Ctrl-C. Frames do not pass the server. It takes\n"
             "CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF.",
    .specs = specs,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
};

static void tell(void *ctx, const char *sentence) {
    (void)ctx;
    puts(sentence);
    fflush(stdout);
}

static void stop(void *ctx) {
    leat_xdp_server_stop(ctx);
}

static int failed(void) {
    fprintf(stderr, "leat: %s\n", leat_error());
    return COMMAND_FAILED;
}

int xdp_serve(int argc, char **argv) {
    struct leat_xdp_server *server;
    int first, exit_code;
    opts = (struct leat_xdp_server_opts){ .size = sizeof(opts) };
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    if (opts.served_count == 0) {
        options_wrong("nothing is served but what --interface names");
        return COMMAND_USAGE;
    }
    opts.socket = argv[first];
    opts.served = served;
    opts.uids = uids;
    opts.gids = gids;
    opts.attach = (enum leat_xdp_attach)attach;
    opts.memory_bytes = memory_mib << 20;
    opts.told = quiet ? NULL : tell;
    if (leat_xdp_server_open(&server, &opts) < 0)
        return failed();
    signals_install(stop, server);
    exit_code = leat_xdp_server_run(server) < 0 ? failed() : COMMAND_OK;
    signals_install(NULL, NULL);
    leat_xdp_server_close(server);
    return exit_code;
}
