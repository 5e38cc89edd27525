/* SPDX-License-Identifier: BSD-2-Clause */
/* A subcommand's command line: one table gives the parser, the help text and the examples. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_FLAG,   /* bool *to = true */
    OPTION_U32,    /* uint32_t *to, within min and max */
    OPTION_U64,    /* uint64_t *to, within min and max; takes k, M, G as powers of 1000 */
    OPTION_DOUBLE, /* double *to, above 0, within min and max */
    OPTION_STRING, /* const char **to */
    OPTION_CHOICE, /* int *to = the index in choices[] */
    OPTION_PARSED, /* parse(value, to): true, or false after saying why on standard error */
};

struct option_spec {
    const char *name;  /* "batch" for --batch; NULL ends the table */
    char letter;       /* 'b' for -b; 0: none */
    const char *value; /* "N", as help shows it */
    const char *help;  /* lines after the first are indented by the printer */
    enum option_kind kind;
    void *to;
    uint64_t min, max;
    const char *const *choices; /* ends with NULL */
    bool (*parse)(const char *value, void *to);
};

struct options {
    const char *command;  /* "fwd" */
    const char *operands; /* "A B" */
    const char *about;    /* sentences */
    const struct option_spec *specs;
    const char *const *examples; /* pairs of what it does and the command line; ends with NULL */
    int operands_min, operands_max;
};

/* Parses argv. True: go on, operands are argv[*first] to the end. False: return *status (help was
 * shown, or the command line was wrong and standard error says how). */
bool options_parse(const struct options *options, int argc, char **argv, int *first, int *status);

/* For OPTION_PARSED functions and operands: says "leat fwd: ..." and returns false. */
bool options_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sets one option, as --NAME VALUE does: for configuration files. `place` stands before what is
 * said of it ("probe.yaml:7: active"); a flag takes "true" or "false". -1: no option has that
 * name. */
int options_set(const struct options *options, const char *name, const char *value,
                const char *place);

/* A number such as 1.5, and where it ends; 0, and no end but its start, when there is none. */
double options_decimal(const char *text, const char **end);

/* A number with optional k, M or G (powers of 1000). False when it is none or beyond the bounds. */
bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

#endif
