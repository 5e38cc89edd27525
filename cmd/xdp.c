/* SPDX-License-Identifier: BSD-2-Clause */
/* leat xdp: what AF_XDP ports need besides themselves. */
#include "xdp.h"
#include "command.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", "open interfaces for programs without privilege", xdp_serve },
    { "clean", "remove what dead programs left on an interface", xdp_clean },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *to) {
    fputs("usage: leat xdp COMMAND [OPTION...] ...\n\nCommands:\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
}

/* One after another. */
static int print_help(void) {
    char name[] = "xdp", help[] = "--help";
    print_usage(stdout);
    for (size_t i = 0; i < COMMANDS; i++) {
        putchar('\n');
        commands[i].run(2, (char *[]){ name, help, NULL });
    }
    return COMMAND_OK;
}

int cmd_xdp(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stderr);
        return COMMAND_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return print_help();
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "leat xdp: there is no command '%s'; 'leat help xdp' lists them\n", argv[1]);
    return COMMAND_USAGE;
}
