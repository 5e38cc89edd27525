/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "command.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 48
#define HELP_COLUMN 26

static const char *running = ""; /* the subcommand, for messages */
static const char *said_of;      /* the place in a configuration file; NULL: the command line */

bool options_wrong(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "leat %s: ", running);
    if (said_of)
        fprintf(stderr, "%s: ", said_of);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *number) {
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10), unit = 1;
    if (errno)
        return false;
    switch (*end) {
    case 'k':
        unit = 1000;
        break;
    case 'M':
        unit = 1000000;
        break;
    case 'G':
        unit = 1000000000;
        break;
    }
    if (unit > 1)
        end++;
    if (*end || __builtin_mul_overflow(value, unit, &value) || value < min || value > max)
        return false;
    *number = value;
    return true;
}

double options_decimal(const char *text, const char **end) {
    size_t digits = strspn(text, "0123456789");
    char *parsed = (char *)text;
    /* strtod() alone would also take blanks, signs, hexadecimal, "inf" and "nan". */
    bool plain = digits > 0 && text[digits] != 'x' && text[digits] != 'X';
    double number = plain ? strtod(text, &parsed) : 0;
    *end = parsed;
    return number;
}

static void print_option(FILE *to, const struct option_spec *spec) {
    char head[64];
    int column = snprintf(head, sizeof(head), "  %c%c%s --%s%s%s", spec->letter ? '-' : ' ',
                          spec->letter ? spec->letter : ' ', spec->letter ? "," : " ", spec->name,
                          spec->value ? " " : "", spec->value ? spec->value : "");
    fputs(head, to);
    if (column >= HELP_COLUMN) {
        fputc('\n', to);
        column = 0;
    }
    for (const char *line = spec->help; *line; column = 0) {
        size_t bytes = strcspn(line, "\n");
        fprintf(to, "%*s%.*s\n", HELP_COLUMN - column, "", (int)bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
}

static void print_help(FILE *to, const struct options *options) {
    fprintf(to, "usage: leat %s [OPTION...]%s%s\n\n%s\n\nOptions:\n", options->command,
            *options->operands ? " " : "", options->operands, options->about);
    for (const struct option_spec *spec = options->specs; spec->name; spec++)
        print_option(to, spec);
    const struct option_spec help = { "help", 'h', NULL, "show this text" };
    print_option(to, &help);
    if (options->examples[0])
        fputs("\nExamples:\n", to);
    for (const char *const *pair = options->examples; *pair; pair += 2)
        fprintf(to, "  %s:\n    %s\n", pair[0], pair[1]);
}

static bool set_choice(const struct option_spec *spec, const char *value) {
    for (int i = 0; spec->choices[i]; i++) {
        if (!strcmp(value, spec->choices[i])) {
            *(int *)spec->to = i;
            return true;
        }
    }
    return options_wrong("--%s is one of %s, not '%s'", spec->name, spec->value, value);
}

static bool set_number(const struct option_spec *spec, const char *value) {
    uint64_t number;
    if (!options_number(value, spec->min, spec->max, &number))
        return options_wrong("--%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'",
                             spec->name, spec->min, spec->max, value);
    if (spec->kind == OPTION_U32)
        *(uint32_t *)spec->to = (uint32_t)number;
    else
        *(uint64_t *)spec->to = number;
    return true;
}

static bool set_double(const struct option_spec *spec, const char *value) {
    const char *end;
    double number = options_decimal(value, &end);
    bool enough = spec->min ? number >= (double)spec->min : number > 0;
    if (*end || !enough || number > (double)spec->max)
        return options_wrong("--%s takes a number %s %" PRIu64 " and up to %" PRIu64 ", not '%s'",
                             spec->name, spec->min ? "from" : "above", spec->min, spec->max, value);
    *(double *)spec->to = number;
    return true;
}

static bool set(const struct option_spec *spec, const char *value) {
    switch (spec->kind) {
    case OPTION_FLAG:
        *(bool *)spec->to = true;
        return true;
    case OPTION_STRING:
        *(const char **)spec->to = value;
        return true;
    case OPTION_CHOICE:
        return set_choice(spec, value);
    case OPTION_PARSED:
        return spec->parse(value, spec->to);
    case OPTION_DOUBLE:
        return set_double(spec, value);
    case OPTION_U32:
    case OPTION_U64:
        return set_number(spec, value);
    }
    return false;
}

static bool set_flag(const struct option_spec *spec, const char *value) {
    bool on = !strcmp(value, "true");
    if (!on && strcmp(value, "false"))
        return options_wrong("takes true or false, not '%s'", value);
    *(bool *)spec->to = on;
    return true;
}

int options_set(const struct options *options, const char *name, const char *value,
                const char *place) {
    const struct option_spec *spec = options->specs;
    while (spec->name && strcmp(spec->name, name))
        spec++;
    if (!spec->name)
        return -1;
    said_of = place;
    bool done = spec->kind == OPTION_FLAG ? set_flag(spec, value) : set(spec, value);
    said_of = NULL;
    return done;
}

/* getopt's two tables from ours. A long option's value is its place in `specs`, plus 256 to stay
 * clear of the letters. */
static void getopt_tables(const struct option_spec *specs, struct option *longs, char *letters) {
    int i = 0;
    *letters++ = ':'; /* report a missing value as such */
    for (; i < OPTIONS_MAX && specs[i].name; i++) {
        bool takes = specs[i].kind != OPTION_FLAG;
        longs[i] = (struct option){ specs[i].name, takes, NULL, 256 + i };
        if (specs[i].letter) {
            *letters++ = specs[i].letter;
            if (takes)
                *letters++ = ':';
        }
    }
    longs[i] = (struct option){ "help", no_argument, NULL, 'h' };
    longs[i + 1] = (struct option){ 0 };
    *letters++ = 'h';
    *letters = '\0';
}

static const struct option_spec *find(const struct option_spec *specs, int found) {
    if (found >= 256)
        return &specs[found - 256];
    while (specs->letter != found)
        specs++;
    return specs;
}

/* getopt leaves the letter in optopt; of a long option, which may be the last argument it read, it
 * leaves 0 or the value from our table. */
static bool refuse(const struct options *options, bool missing, const char *last) {
    const char letter[] = { '-', (char)optopt, '\0' };
    return options_wrong("%s '%s'; 'leat help %s' shows the options",
                         missing ? "a value is missing after" : "cannot take option",
                         optopt > 0 && optopt < 256 ? letter : last, options->command);
}

bool options_parse(const struct options *options, int argc, char **argv, int *first, int *status) {
    struct option longs[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 3];
    getopt_tables(options->specs, longs, letters);
    running = options->command;
    *status = COMMAND_USAGE;
    optind = 0; /* start over; opterr: we say it ourselves */
    opterr = 0;
    for (int found; (found = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (found == 'h') {
            print_help(stdout, options);
            *status = COMMAND_OK;
            return false;
        }
        if (found == '?' || found == ':')
            return refuse(options, found == ':', argv[optind - 1]);
        if (!set(find(options->specs, found), optarg))
            return false;
    }
    int operands = argc - optind;
    if (operands < options->operands_min || operands > options->operands_max)
        return options_wrong("%s: expected %s; 'leat help %s' shows how",
                             operands < options->operands_min ? "too little" : "too much",
                             *options->operands ? options->operands : "only options",
                             options->command);
    *first = optind;
    *status = COMMAND_OK;
    return true;
}
