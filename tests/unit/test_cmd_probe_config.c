/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe's configuration: command line and file mean the same, the command line wins, and what
 * is wrong is told by file, line and key. */
#include "cmd/command.h"
#include "cmd/probe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants those before it. */
#include <cmocka.h>

#define WORDS_MAX 32

static char path[] = "/tmp/lt-probe-config.XXXXXX";
static char said[4096];

static void write_file(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Parses a command line, whose words are separated by blanks, with what it says in `said`. */
static bool parse(struct probe_config *config, const char *line, int *exit_code) {
    static char copy[1024];
    char *argv[WORDS_MAX] = { "probe" }, *rest = copy;
    int argc = 1;
    strcpy(copy, line);
    for (char *word; (word = strsep(&rest, " "));)
        if (*word)
            argv[argc++] = word;
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    FILE *log = tmpfile();
    dup2(fileno(log), STDERR_FILENO);
    bool done = probe_config_parse(config, argc, argv, exit_code);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(log);
    said[fread(said, 1, sizeof(said) - 1, log)] = '\0';
    fclose(log);
    return done;
}

static bool parse_file(struct probe_config *config, const char *text, const char *more) {
    char line[512];
    int exit_code;
    write_file(text);
    snprintf(line, sizeof(line), "--config %s %s", path, more);
    bool done = parse(config, line, &exit_code);
    assert_int_equal(exit_code, done ? COMMAND_OK : COMMAND_USAGE);
    return done;
}

static void test_the_command_line(void **state) {
    (void)state;
    struct probe_config config;
    int exit_code;
    assert_true(parse(
        &config,
        "a.pcap b.pcap --to ipfix://h --to json:- --active 1.5 --key vlan,tos "
        "--select min-packets=3,sample=1/10 --rotate 60s,1M --sample 1/100 "
        "--tunnels both --interval 0 --top 5 --sort packets --domain 7 --join never --cores 3,0",
        &exit_code));
    assert_int_equal(config.port_count, 2);
    assert_string_equal(config.ports[1], "b.pcap");
    assert_int_equal(config.to_count, 2);
    assert_string_equal(config.to[1], "json:-");
    assert_true(config.active == 1.5 && config.idle == 30 && config.interval == 0);
    assert_int_equal(config.key, LEAT_FLOW_KEY_VLAN | LEAT_FLOW_KEY_TOS);
    assert_int_equal(config.selection.min_packets, 3);
    assert_int_equal(config.selection.sample, 10);
    assert_int_equal(config.rotation.seconds, 60);
    assert_int_equal(config.rotation.octets, 1000000);
    assert_int_equal(config.sampling.kind, LEAT_FLOW_SAMPLING_COUNT);
    assert_int_equal(config.tunnels, LEAT_FLOW_TUNNELS_BOTH);
    assert_int_equal(config.top, 5);
    assert_int_equal(config.sort, LEAT_FLOW_TOP_PACKETS);
    assert_int_equal(config.domain, 7);
    assert_int_equal(config.join, PROBE_JOIN_NEVER);
    assert_int_equal(config.run.cores.count, 2);
    assert_int_equal(config.run.cores.core[0], 3);
    probe_config_free(&config);
}

static void test_a_file_means_the_same(void **state) {
    (void)state;
    struct probe_config config;
    assert_true(parse_file(&config,
                           "# a probe\n"
                           "ports: [eth0, eth1]\n"
                           "to:\n"
                           "  - ipfix+tls://a:4740\n"
                           "  - json:-\n"
                           "key: [vlan, tunnel]\n"
                           "fields: [default, dnsQueryName]\n"
                           "active: 60\n"
                           "uniflow: true\n"
                           "failover: false\n"
                           "filter: \"udp port 53\"\n"
                           "flows: 4M\n"
                           "cores: [2, 4-6]\n"
                           "queues: 4\n"
                           "join: always\n"
                           "select: min-octets=100\n",
                           ""));
    assert_int_equal(config.port_count, 2);
    assert_string_equal(config.ports[0], "eth0");
    assert_int_equal(config.to_count, 2);
    assert_string_equal(config.to[0], "ipfix+tls://a:4740");
    assert_int_equal(config.key, LEAT_FLOW_KEY_VLAN | LEAT_FLOW_KEY_TUNNEL);
    assert_string_equal(config.fields, "default,dnsQueryName");
    assert_string_equal(config.filter, "udp port 53");
    assert_int_equal(config.run.cores.count, 4);
    assert_int_equal(config.run.cores.core[3], 6);
    assert_int_equal(config.queues, 4);
    assert_int_equal(config.join, PROBE_JOIN_ALWAYS);
    assert_true(config.active == 60);
    assert_true(config.uniflow);
    assert_int_equal(config.flows, 4000000);
    assert_int_equal(config.selection.min_octets, 100);
    probe_config_free(&config);
}

static void test_the_command_line_wins(void **state) {
    (void)state;
    struct probe_config config;
    assert_true(parse_file(&config, "ports: [eth0]\nto: [json:a, json:b]\nactive: 60\nidle: 9\n",
                           "--active 5 --to csv:c eth7"));
    assert_int_equal(config.port_count, 1);
    assert_string_equal(config.ports[0], "eth7");
    assert_int_equal(config.to_count, 1);
    assert_string_equal(config.to[0], "csv:c");
    assert_true(config.active == 5 && config.idle == 9);
    probe_config_free(&config);
}

static void test_what_is_wrong_is_told_by_file_line_and_key(void **state) {
    (void)state;
    static const struct {
        const char *text, *line, *sentence;
    } wrong[] = {
        { "ports: [a]\nactive: soon\n", ":2: active: ", "takes a number above 0" },
        { "ports: [a]\n\nactiv: 5\n", ":3: activ: ", "there is no option of that name" },
        { "ports: [a]\nuniflow: perhaps\n", ":2: uniflow: ", "takes true or false" },
        { "ports: [a]\nidle: 1\nidle: 2\n", ":3: idle: ", "stands there twice" },
        { "ports: [a]\nkey:\n  - vlan\n  - colour\n", ":3: key: ", "not 'colour'" },
        { "ports: [a]\nto:\n  - json:-\n  - {}\n", ":4: to: ", "something else than words" },
        { "ports: [a]\ntop: { a: 1 }\n", ":2: top: ", "takes a value or a list" },
        { "ports: [a]\nsample: 1\n", ":2: sample: ", "--sample" },
        { "ports: [a]\nselect: sample=5\n", ":2: select: ", "sample=1/N" },
        { "ports: [a]\nconfig: b.yaml\n", ":2: config: ", "command line only" },
        { "ports: [a]\nflows: 0\n", ":2: flows: ", "takes a number from 1" },
        { "- a\n- b\n", ":1", "expected lines of 'option: value'" },
        { "ports: [a\nactive: 5\n", ":2", "is not YAML" },
        { "ports: [a]\nactive: \"5\\0\"\n", ":2: active: ", "takes a value" },
    };
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct probe_config config;
        char expected[128];
        snprintf(expected, sizeof(expected), "leat probe: %s%s", path, wrong[i].line);
        bool done = parse_file(&config, wrong[i].text, "");
        if (done || strncmp(said, expected, strlen(expected)) || !strstr(said, wrong[i].sentence))
            fail_msg("%s: said: %s", wrong[i].text, said);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
    }
}

static void test_what_does_not_go_together(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        { "", "expected a port" },
        { "--to json:- --failover eth0", "--failover wants --to twice" },
        { "--json - eth0", "cannot both go to standard output" },
        { "--read f.ipfix eth0", "--read meters no ports" },
        { "--spool-size 1G eth0", "wants --spool" },
        { "--config /nonexistent/probe.yaml", "cannot read the configuration" },
        { "--rotate tomorrow eth0", "not 'tomorrow'" },
        { "--interval -1 eth0", "not '-1'" },
    };
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct probe_config config;
        int exit_code;
        if (parse(&config, wrong[i][0], &exit_code) || !strstr(said, wrong[i][1]))
            fail_msg("%s: said: %s", wrong[i][0], said);
        assert_int_equal(exit_code, COMMAND_USAGE);
    }
}

static int make_path(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_command_line),
        cmocka_unit_test(test_a_file_means_the_same),
        cmocka_unit_test(test_the_command_line_wins),
        cmocka_unit_test(test_what_is_wrong_is_told_by_file_line_and_key),
        cmocka_unit_test(test_what_does_not_go_together),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
