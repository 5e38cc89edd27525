/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const struct bench_option *option, const char *text) {
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    uint32_t max = option->max ? option->max : UINT32_MAX;
    if (errno || end == text || *end || number < option->min || number > max) {
        fprintf(stderr, "--%s takes a number from %u to %u, not '%s'\n", option->name, option->min,
                max, text);
        return false;
    }
    *option->number = (uint32_t)number;
    return true;
}

/* Takes the option at argv[0] and its value; returns how many words that were, 0 if it is wrong. */
static int read_option(const struct bench_option *options, char **argv) {
    const struct bench_option *option = options;
    while (option->name && (strncmp(argv[0], "--", 2) || strcmp(argv[0] + 2, option->name)))
        option++;
    if (!option->name)
        return 0;
    if (option->flag) {
        *option->flag = true;
        return 1;
    }
    if (!argv[1] || (option->number && !read_number(option, argv[1])))
        return 0;
    if (option->text)
        *option->text = argv[1];
    return 2;
}

bool bench_options(int argc, char **argv, const struct bench_option *options, const char *usage,
                   int *exit_code) {
    for (int i = 1; i < argc;) {
        bool help = !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h");
        int words = help ? 0 : read_option(options, &argv[i]);
        if (words == 0) {
            fputs(usage, help ? stdout : stderr);
            *exit_code = help ? 0 : 2;
            return false;
        }
        i += words;
    }
    return true;
}
