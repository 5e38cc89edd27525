/* SPDX-License-Identifier: BSD-2-Clause */
/* The command lines of the benchmarks: a table of long options for each. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct bench_option {
    const char *name; /* without dashes; NULL ends the table */
    uint32_t *number; /* one of the three */
    bool *flag;
    const char **text;
    uint32_t min, max; /* of the number; max 0: any */
};

/* False: `exit_code` says how to end; `usage` was printed, which --help asks for. */
bool bench_options(int argc, char **argv, const struct bench_option *options, const char *usage,
                   int *exit_code);

#endif
