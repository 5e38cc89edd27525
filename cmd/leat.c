/* SPDX-License-Identifier: BSD-2-Clause */
/* The command `leat`: finds the subcommand and runs it. */
#include "command.h"
#include <leat/error.h>
#include <leat/version.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int cmd_help(int argc, char **argv);

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "demo", "forward through an emulated NIC, and show what comes of it", cmd_demo },
    { "fwd", "forward frames between two ports", cmd_fwd },
    { "gen", "send probe frames, or a capture, at a rate", cmd_gen },
    { "recv", "receive, check probe frames, measure latency", cmd_recv },
#ifdef LEAT_COMMAND_CAP
    { "cap", "write what a port receives to pcapng files", cmd_cap },
#endif
#ifdef LEAT_COMMAND_PROBE
    { "probe", "meter flows, and export them as IPFIX, JSON, text ...", cmd_probe },
#endif
    { "softnic", "emulate 82599 NICs behind vfio-user sockets", cmd_softnic },
    { "ports", "list the kinds of ports, or show what given ones can do", cmd_ports },
#ifdef LEAT_COMMAND_XDP
    { "xdp", "open interfaces for programs without privilege; clean up", cmd_xdp },
#endif
    { "help", "show what a subcommand does and takes", cmd_help },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to) {
    fputs("usage: leat COMMAND [OPTION...] [PORT...]\n"
          "       leat --version\n"
          "\n"
          "Fast packet I/O between ports of any kind.\n"
          "\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'leat help COMMAND' shows a command's options and examples.\n", to);
}

static int run(const char *name, int argc, char **argv) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(name, commands[i].name))
            return commands[i].run(argc, argv);
    fprintf(stderr, "leat: there is no command '%s'; 'leat help' lists them\n", name);
    return COMMAND_USAGE;
}

static int cmd_help(int argc, char **argv) {
    if (argc < 2) {
        print_help(stdout);
        return COMMAND_OK;
    }
    char help[] = "--help";
    char *asked[] = { argv[1], help, NULL };
    return strcmp(argv[1], "help") ? run(argv[1], 2, asked) : cmd_help(1, asked);
}

/* A notice that several pools or ports give alike is said once. */
static void print_notice(void *ctx, enum leat_log_level level, const char *sentence) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char last[256];
    (void)ctx;
    if (level == LEAT_LOG_DEBUG)
        return;
    pthread_mutex_lock(&lock);
    if (level == LEAT_LOG_ERROR || strncmp(last, sentence, sizeof(last) - 1)) {
        fprintf(stderr, "leat: %s%s\n", level == LEAT_LOG_NOTICE ? "note: " : "", sentence);
        snprintf(last, sizeof(last), "%s", sentence);
    }
    pthread_mutex_unlock(&lock);
}

/* What was printed may still not be where it should: a full disk. */
static int written(int exit_code) {
    if (!fflush(stdout) && !ferror(stdout))
        return exit_code;
    fputs("leat: cannot write to standard output\n", stderr);
    return exit_code ? exit_code : COMMAND_FAILED;
}

int main(int argc, char **argv) {
    leat_set_log(print_notice, NULL);
    if (argc < 2) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("leat " LEAT_VERSION);
        return COMMAND_OK;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help(stdout);
        return COMMAND_OK;
    }
    return written(run(argv[1], argc - 1, argv + 1));
}
