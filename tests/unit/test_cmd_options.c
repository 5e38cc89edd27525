/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: what is taken, what is refused and with which exit code. */
#include "cmd/command.h"
#include "cmd/options.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants those before it. */
#include <cmocka.h>

static struct {
    bool flag;
    uint32_t small;
    uint64_t large;
    double real;
    const char *text;
    int choice;
    char parsed[16];
} values;

static bool parse_three(const char *value, void *to) {
    if (strlen(value) != 3)
        return options_wrong("three letters, not '%s'", value);
    strcpy(to, value);
    return true;
}

static const char *const colours[] = { "red", "green", NULL };

static const struct option_spec specs[] = {
    { "flag", 'f', NULL, "a flag", OPTION_FLAG, &values.flag },
    { "small", 's', "N", "a small number", OPTION_U32, &values.small, 2, 300 },
    { "large", 0, "N", "a large number", OPTION_U64, &values.large, 0, UINT64_MAX },
    { "real", 'r', "X", "a real number", OPTION_DOUBLE, &values.real, 0, 10 },
    { "text", 't', "TEXT", "first line\nsecond line", OPTION_STRING, &values.text },
    { "colour", 0, "red|green", "a colour", OPTION_CHOICE, &values.choice, .choices = colours },
    { "three", 0, "ABC", "three letters", OPTION_PARSED, values.parsed, .parse = parse_three },
    { 0 },
};

static const char *const examples[] = { "do it", "leat do --flag X", NULL };

static const struct options options = {
    .command = "do",
    .operands = "X [Y]",
    .about = "Does it.",
    .specs = specs,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 2,
};

#define WORDS_MAX 16

/* Splits a line at spaces and parses it with what it prints turned away to `log`. */
static bool parse(const char *line, int *first, int *status, FILE **log) {
    static char copy[256];
    char *argv[WORDS_MAX + 1] = { 0 };
    int argc = 0;
    snprintf(copy, sizeof(copy), "do %s", line);
    for (char *word = strtok(copy, " "); word && argc < WORDS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    memset(&values, 0, sizeof(values));
    *log = tmpfile();
    assert_non_null(*log);
    fflush(NULL);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    dup2(fileno(*log), STDOUT_FILENO);
    dup2(fileno(*log), STDERR_FILENO);
    bool go_on = options_parse(&options, argc, argv, first, status);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    rewind(*log);
    return go_on;
}

static void taken(const char *line, int first) {
    int where, status;
    FILE *log;
    assert_true(parse(line, &where, &status, &log));
    assert_int_equal(where, first);
    assert_int_equal(status, COMMAND_OK);
    assert_int_equal(fgetc(log), EOF);
    fclose(log);
}

static void refused(const char *line, const char *because) {
    int where, status;
    FILE *log;
    char said[256] = "";
    if (parse(line, &where, &status, &log))
        fail_msg("'%s' was taken", line);
    assert_int_equal(status, COMMAND_USAGE);
    assert_non_null(fgets(said, sizeof(said), log));
    if (strncmp(said, "leat do: ", 9) || !strstr(said, because))
        fail_msg("'%s' was refused with: %s", line, said);
    fclose(log);
}

static void every_kind_is_taken(void **state) {
    (void)state;
    taken("-f --small 300 --large=18M -r 2.5 --text hi --colour green --three abc one two", 13);
    assert_true(values.flag);
    assert_int_equal(values.small, 300);
    assert_int_equal(values.large, 18000000);
    assert_true(values.real == 2.5);
    assert_string_equal(values.text, "hi");
    assert_int_equal(values.choice, 1);
    assert_string_equal(values.parsed, "abc");
}

static void operands_may_stand_anywhere_and_behind_dashes(void **state) {
    (void)state;
    taken("one -f", 2);
    assert_true(values.flag);
    taken("-- -f", 2);
    assert_false(values.flag);
    taken("--small 2 one", 3);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    refused("", "expected X [Y]");
    refused("a b c", "too much");
    refused("--small 1 a", "from 2 to 300, not '1'");
    refused("--small 301 a", "'301'");
    refused("--small 2x a", "'2x'");
    refused("--small -2 a", "'-2'");
    refused("--large 18446744073709551616 a", "'18446744073709551616'");
    refused("--large 18446744073709552k a", "'18446744073709552k'");
    refused("--real 10.5 a", "'10.5'");
    refused("--real nan a", "'nan'");
    refused("--real 0 a", "a number above 0 and up to 10, not '0'");
    refused("--real 0x5 a", "'0x5'");
    refused("--real +5 a", "'+5'");
    refused("--real -5 a", "'-5'");
    refused("--real 5s a", "'5s'");
    refused("--colour blue a", "red|green, not 'blue'");
    refused("--three ab a", "three letters, not 'ab'");
    refused("--bogus a", "cannot take option '--bogus'");
    refused("-fx a", "cannot take option '-x'");
    refused("a --text", "missing after '--text'");
    refused("a -s", "missing after '-s'");
}

static void help_shows_options_and_examples(void **state) {
    (void)state;
    int where, status;
    FILE *log;
    assert_false(parse("--help", &where, &status, &log));
    assert_int_equal(status, COMMAND_OK);
    char text[4096];
    text[fread(text, 1, sizeof(text) - 1, log)] = '\0';
    fclose(log);
    assert_non_null(strstr(text, "usage: leat do [OPTION...] X [Y]\n\nDoes it.\n"));
    assert_non_null(strstr(text, "  -s, --small N           a small number\n"));
    assert_non_null(strstr(text, "  -t, --text TEXT         first line\n"
                                 "                          second line\n"));
    assert_non_null(strstr(text, "  do it:\n    leat do --flag X\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_taken),
        cmocka_unit_test(operands_may_stand_anywhere_and_behind_dashes),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(help_shows_options_and_examples),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
