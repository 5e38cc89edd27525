/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks that write files: what is in them, their names, and disks that are full. */
#include "flow_records.h"
#include "lib/flow/reader.h"
#include "lib/flow/record_text.h"
#include "lib/flow/sinks.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <leat/error.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE_NS 1700000000000000000ull /* 2023-11-14T22:13:20Z */

static char directory[] = "/tmp/lt-sinks.XXXXXX";
static char last_told[512];
static uint32_t times_told;

static void told(void *ctx, const char *sentence) {
    (void)ctx;
    snprintf(last_told, sizeof(last_told), "%s", sentence);
    times_told++;
}

static struct leat_fields fields;
static struct leat_flow_sink_opts options(const char *chosen) {
    assert_int_equal(leat_fields_parse(&fields, chosen, false), 0);
    times_told = 0;
    return (struct leat_flow_sink_opts){ .size = sizeof(struct leat_flow_sink_opts),
                                         .fields = &fields,
                                         .told = told };
}

static struct leat_flow_sink *opened(const char *kind, const char *file,
                                     const struct leat_flow_sink_opts *opts) {
    struct leat_flow_sink *sink = NULL;
    char name[200];
    snprintf(name, sizeof(name), "%s:%s/%s", kind, directory, file);
    int err = leat_flow_sink_open(&sink, name, opts);
    if (err)
        fail_msg("%s", leat_error());
    assert_string_equal(sink->name, name);
    return sink;
}

static void give(struct leat_flow_sink *sink, uint32_t from, uint32_t n) {
    struct flow_record record;
    for (uint32_t i = from; i < from + n; i++) {
        flow_record_make(&record, i, BASE_NS);
        sink->ops->record(sink, &record.flow);
    }
}

static char *contents(const char *file) {
    static char text[1 << 20];
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", directory, file);
    FILE *in = fopen(path, "r");
    if (!in)
        return NULL;
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    fclose(in);
    return text;
}

static uint32_t count(const char *text, char c) {
    uint32_t n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

static int empty_directory(void **state) {
    (void)state;
    DIR *entries = opendir(directory);
    for (struct dirent *entry; (entry = readdir(entries));)
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    return 0;
}

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state) {
    empty_directory(state);
    return rmdir(directory);
}

static void json_escapes_what_is_no_plain_text(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *json;
        size_t n;
    } cases[] = {
        { "plain", "plain", 5 },
        { "a\"b\\c", "a\\\"b\\\\c", 5 },
        { "\b\f\n\r\t", "\\b\\f\\n\\r\\t", 5 },
        { "\0\x1f\x7f", "\\u0000\\u001f\\u007f", 3 },
        { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 6 },
        { "\xff\xfe", "\\u00ff\\u00fe", 2 },
        { "\xc0\xaf", "\\u00c0\\u00af", 2 },            /* overlong */
        { "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080", 3 }, /* surrogate */
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 4 },
        { "\xf0\x9f\x98", "\\u00f0\\u009f\\u0098", 3 }, /* cut off */
        { "\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080", 4 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leat_text text = { 0 };
        leat_text_json_string(&text, cases[i].bytes, cases[i].n);
        leat_text_char(&text, '\0');
        assert_string_equal(text.bytes, cases[i].json);
        leat_text_free(&text);
    }
}

/* All bytes, in quotes: another reader takes them, and nothing ends the string early. */
static void json_strings_are_read_by_jansson(void **state) {
    (void)state;
    for (uint32_t a = 0; a < 256; a++)
        for (uint32_t b = 0; b < 256; b++) {
            const char bytes[] = { (char)a, (char)b, 'x' };
            struct leat_text text = { 0 };
            leat_text_char(&text, '"');
            leat_text_json_string(&text, bytes, sizeof(bytes));
            leat_text_char(&text, '"');
            json_t *read = json_loadb(text.bytes, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            if (!read)
                fail_msg("bytes %02x %02x", a, b);
            assert_int_equal(json_string_value(read)[json_string_length(read) - 1], 'x');
            json_decref(read);
            leat_text_free(&text);
        }
}

static void csv_quotes_what_needs_it(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        { "plain", "plain" },
        { "", "" },
        { "a,b", "\"a,b\"" },
        { "say \"x\"", "\"say \"\"x\"\"\"" },
        { "two\r\nlines", "\"two\r\nlines\"" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leat_text text = { 0 };
        leat_text_csv_string(&text, cases[i][0], strlen(cases[i][0]));
        leat_text_char(&text, '\0');
        assert_string_equal(text.bytes, cases[i][1]);
        leat_text_free(&text);
    }
}

static void numbers_and_times(void **state) {
    (void)state;
    struct leat_text text = { 0 };
    leat_text_number(&text, 0);
    leat_text_char(&text, ' ');
    leat_text_number(&text, UINT64_MAX);
    leat_text_char(&text, ' ');
    leat_text_time(&text, BASE_NS + 1234567, 0);
    leat_text_time(&text, BASE_NS + 1234567, 3);
    leat_text_time(&text, BASE_NS + 1234567, 9);
    leat_text_char(&text, '\0');
    assert_string_equal(text.bytes, "0 18446744073709551615 2023-11-14T22:13:20Z"
                                    "2023-11-14T22:13:20.001Z2023-11-14T22:13:20.001234567Z");
    leat_text_free(&text);
}

static void a_json_line_says_what_the_record_says(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options(
        "sourceIPv4Address,sourceIPv6Address,sourceTransportPort,octetDeltaCount,"
        "reverseOctetDeltaCount,flowStartMilliseconds,dnsQueryName,tlsServerName,sourceMacAddress,"
        "firstPacketLengths");
    struct leat_flow_sink *sink = opened("json", "flows", &opts);
    give(sink, 0, 4);
    struct leat_flow_sink_stats final;
    sink->ops->stats(sink, &final);
    assert_string_equal(final.state, "writing");
    sink->ops->close(sink, 0, &final);
    assert_string_equal(final.state, "closed");
    assert_int_equal(final.records, 4);
    assert_int_equal(final.lost, 0);
    char *text = contents("flows");
    assert_non_null(text);
    assert_int_equal(final.octets, strlen(text));
    assert_int_equal(count(text, '\n'), 4);
    const char *line = strtok(text, "\n");
    assert_string_equal(
        line, "{\"sourceIPv4Address\":\"192.0.2.0\",\"sourceTransportPort\":40000,"
              "\"octetDeltaCount\":100,\"reverseOctetDeltaCount\":1100,"
              "\"flowStartMilliseconds\":\"2023-11-14T22:13:20.000Z\","
              "\"tlsServerName\":\"host0.example\",\"sourceMacAddress\":\"02:00:00:00:00:01\","
              "\"firstPacketLengths\":[0,10,20]}");
    line = strtok(NULL, "\n"); /* one way */
    assert_null(strstr(line, "reverse"));
    strtok(NULL, "\n");
    line = strtok(NULL, "\n");
    assert_non_null(strstr(line, "\"sourceIPv6Address\":\"2001:db8::6\""));
    assert_null(strstr(line, "IPv4"));
}

static void every_field_is_json(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("full");
    struct leat_flow_sink *sink = opened("file", "all.json", &opts);
    give(sink, 0, 8);
    sink->ops->close(sink, 0, NULL);
    char *text = contents("all.json");
    uint32_t lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        json_error_t error;
        json_t *read = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (!read)
            fail_msg("%s in %s", error.text, line);
        assert_true(json_object_size(read) > 40);
        json_decref(read);
    }
    assert_int_equal(lines, 8);
}

static void csv_has_names_and_as_many_columns(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts =
        options("sourceIPv4Address,octetDeltaCount,reversePacketDeltaCount,firstPacketSides");
    struct leat_flow_sink *sink = opened("file", "flows.csv", &opts);
    give(sink, 0, 4);
    sink->ops->close(sink, 0, NULL);
    assert_string_equal(
        contents("flows.csv"),
        "sourceIPv4Address,octetDeltaCount,reversePacketDeltaCount,firstPacketSides\r\n"
        "192.0.2.0,100,1,0 1 0\r\n"
        "192.0.2.1,101,,0 1 0\r\n"
        "192.0.2.2,102,3,0 1 0\r\n"
        ",103,4,0 1 0\r\n");
}

static void text_has_columns(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("default");
    struct leat_flow_sink *sink = opened("file", "flows.txt", &opts);
    give(sink, 0, 4);
    sink->ops->close(sink, 0, NULL);
    const char *text = contents("flows.txt");
    assert_int_equal(count(text, '\n'), 5);
    assert_non_null(strstr(text,
                           "2023-11-14T22:13:20.000Z 1.750     TCP   1/1           100/1100"
                           "      FSPA     idle   192.0.2.0:40000       198.51.100.0:443      "
                           "host0.example\n"));
}

/* However long addresses are, what is in a column stands below its title. */
static void long_addresses_break_no_column(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("default");
    struct leat_flow_sink *sink = opened("file", "flows.txt", &opts);
    struct flow_record record;
    flow_record_make(&record, 3, BASE_NS);
    struct leat_flow *flow = &record.flow;
    memset(flow->address, 0xab, sizeof(flow->address));
    flow->port[0] = flow->port[1] = 65535;
    flow->side[0].tcp_flags = 0xff;
    sink->ops->record(sink, flow);
    sink->ops->close(sink, 0, NULL);
    char *title = strtok(contents("flows.txt"), "\n"), *line = strtok(NULL, "\n");
    static const struct {
        const char *title, *value;
    } columns[] = {
        { "flags", "FSRPAUEC " },
        { "end", "" },
        { "source", "[abab:abab:abab:abab:abab:abab:abab:abab]:65535 [abab:abab:" },
    };
    for (uint32_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const char *value = columns[i].value;
        const char *at = line + (strstr(title, columns[i].title) - title);
        assert_int_equal(at[-1], ' ');
        assert_int_not_equal(at[0], ' ');
        assert_memory_equal(at, value, strlen(value));
    }
}

static void uniflow_splits_both_ways(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("sourceIPv4Address,sourceTransportPort,tcpWindowSize,"
                                              "octetDeltaCount");
    opts.uniflow = true;
    struct leat_flow_sink *sink = opened("file", "flows.csv", &opts);
    give(sink, 0, 2);
    sink->ops->close(sink, 0, NULL);
    const char *text = strchr(contents("flows.csv"), '\n') + 1;
    assert_string_equal(text, "192.0.2.0,40000,64240,100\r\n198.51.100.0,443,65160,1100\r\n"
                              "192.0.2.1,40001,64240,101\r\n");
}

static uint32_t files_ending(const char *ending, uint32_t *lines, bool names_first) {
    DIR *entries = opendir(directory);
    uint32_t n = 0;
    *lines = 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ending) != 0)
            continue;
        const char *text = contents(entry->d_name);
        assert_int_equal(names_first, strncmp(text, "octetDeltaCount\r\n", 17) == 0);
        *lines += count(text, '\n') - names_first;
        n++;
    }
    closedir(entries);
    return n;
}

static void files_rotate_by_size(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    opts.rotation.octets = 67; /* names, and ten records of five bytes */
    struct leat_flow_sink *sink = opened("file", "flows.csv", &opts);
    uint32_t lines;
    give(sink, 0, 35);
    assert_int_equal(files_ending(".csv", &lines, true), 3);
    assert_int_equal(lines, 30);
    sink->ops->tick(sink, BASE_NS);
    assert_int_equal(files_ending(".part", &lines, true), 1);
    assert_int_equal(lines, 5);
    sink->ops->close(sink, 0, NULL);
    assert_int_equal(files_ending(".csv", &lines, true), 4);
    assert_int_equal(lines, 35);
    assert_int_equal(files_ending(".part", &lines, true), 0);
}

static void files_rotate_by_time(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    opts.rotation.seconds = 60;
    struct leat_flow_sink *sink = opened("file", "flows.json", &opts);
    uint64_t far = 4000000000ull * 1000000000; /* beyond this machine's clock */
    uint32_t lines;
    give(sink, 0, 3);
    sink->ops->tick(sink, far);
    assert_int_equal(files_ending(".json", &lines, false), 1);
    give(sink, 3, 2);
    sink->ops->tick(sink, far + 59000000000);
    assert_int_equal(files_ending(".json", &lines, false), 1);
    sink->ops->tick(sink, far + 60000000000);
    assert_int_equal(files_ending(".json", &lines, false), 2);
    assert_non_null(contents("flows-20961002T070640Z.json"));
    sink->ops->close(sink, 0, NULL);
    assert_int_equal(files_ending(".json", &lines, false), 3);
    assert_int_equal(lines, 5);
}

static void a_part_of_another_process_is_not_touched(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    struct leat_flow_sink *first = opened("file", "flows.json", &opts);
    give(first, 0, 1);
    struct leat_flow_sink *second = opened("file", "flows.json", &opts);
    assert_int_equal(times_told, 1);
    assert_non_null(strstr(last_told, "flows.json.part"));
    give(second, 1, 1);
    second->ops->close(second, 0, NULL);
    first->ops->close(first, 0, NULL);
    assert_string_equal(contents("flows.json"), "{\"octetDeltaCount\":100}\n");
    assert_string_equal(contents("flows-1.json"), "{\"octetDeltaCount\":101}\n");
}

static void a_full_disk_is_told_once_and_counted(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    char path[200];
    snprintf(path, sizeof(path), "%s/full.json", directory);
    assert_int_equal(symlink("/dev/full", path), 0);
    struct leat_flow_sink *sink = opened("file", "full.json", &opts);
    struct leat_flow_sink_stats stats;
    for (uint32_t i = 0; i < 3; i++) {
        give(sink, 0, 10);
        sink->ops->tick(sink, BASE_NS);
    }
    assert_int_equal(times_told, 1);
    assert_non_null(strstr(last_told, "No space left on device"));
    sink->ops->close(sink, 0, &stats);
    assert_int_equal(stats.records, 0);
    assert_int_equal(stats.lost, 30);
    assert_int_equal(stats.failures, 3);
    assert_string_equal(stats.state, "in trouble");
    assert_true(stats.lost_packets > 30 && stats.lost_octets > 3000);
}

/* Reads what a FIFO holds: whole lines of JSON, which are counted. */
static uint32_t read_lines(int fd, char *bytes, size_t *n, size_t room) {
    uint32_t lines = 0;
    for (ssize_t got; (got = read(fd, bytes + *n, room - *n)) > 0;) {
        char *at = bytes, *end = bytes + *n + got;
        for (char *line; (line = memchr(at, '\n', (size_t)(end - at))); at = line + 1) {
            assert_int_equal(memcmp(at, "{\"octetDeltaCount\":", 19), 0);
            assert_int_equal(line[-1], '}');
            lines++;
        }
        *n = (size_t)(end - at);
        memmove(bytes, at, *n);
    }
    return lines;
}

/* It is waited for once, not at each of a hundred ticks; and gets whole records when it reads on.
 */
static void a_reader_that_stands_still_costs_what_does_not_fit(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    static char bytes[8192];
    char path[200];
    snprintf(path, sizeof(path), "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    struct leat_flow_sink *sink = opened("json", "fifo", &opts);
    struct leat_flow_sink_stats stats;
    for (uint32_t i = 0; i < 100; i++) {
        give(sink, i * 300, 300);
        sink->ops->tick(sink, BASE_NS);
    }
    sink->ops->stats(sink, &stats);
    assert_int_equal(times_told, 1);
    assert_non_null(strstr(last_told, "stands still"));
    assert_int_equal(stats.failures, 1);
    assert_true(stats.records > 0 && stats.held > 0 && stats.lost > 0 && stats.lost_packets > 0);
    assert_int_equal(stats.records + stats.held + stats.lost, 30000);

    const uint64_t lost = stats.lost;
    uint32_t lines = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < 100; i++) {
        lines += read_lines(fd, bytes, &n, sizeof(bytes));
        sink->ops->tick(sink, BASE_NS);
    }
    assert_int_equal(lines, 30000 - lost);
    assert_non_null(strstr(last_told, "writes again"));

    close(fd); /* and when it is gone, that is told, and no signal ends the program */
    signal(SIGPIPE, SIG_IGN);
    give(sink, 0, 10);
    sink->ops->close(sink, 0, &stats);
    assert_int_equal(times_told, 3);
    assert_int_equal(stats.lost, lost + 10);
    assert_int_equal(stats.records, 30000 - lost);
    assert_int_equal(stats.held, 0);
}

/* A limit of this process in place of a disk: half of a write fits, and the file ends with the
 * record before. */
static void a_file_ends_with_a_whole_record(void **state) {
    (void)state;
    const struct rlimit narrow = { 1000, RLIM_INFINITY }, wide = { RLIM_INFINITY, RLIM_INFINITY };
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    struct leat_flow_sink *sink = opened("file", "flows.json", &opts);
    struct leat_flow_sink_stats stats;
    signal(SIGXFSZ, SIG_IGN);
    give(sink, 0, 10);
    sink->ops->tick(sink, BASE_NS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    give(sink, 10, 100);
    sink->ops->tick(sink, BASE_NS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &wide), 0);
    assert_int_equal(times_told, 1);
    give(sink, 110, 5);
    sink->ops->close(sink, 0, &stats);
    assert_int_equal(times_told, 2);
    assert_non_null(strstr(last_told, "writes again"));
    assert_int_equal(stats.records, 15);
    assert_int_equal(stats.lost, 100);
    const char *text = contents("flows.json");
    assert_int_equal(count(text, '\n'), 15);
    assert_int_equal(count(text, '}'), 15);
}

static void a_directory_that_vanishes_ends_nothing(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    opts.rotation.octets = 100;
    char away[200];
    snprintf(away, sizeof(away), "%s/away", directory);
    assert_int_equal(mkdir(away, 0755), 0);
    struct leat_flow_sink *sink = opened("file", "away/flows.json", &opts);
    struct leat_flow_sink_stats stats;
    uint64_t far = 4000000000ull * 1000000000;
    char moved[200];
    snprintf(moved, sizeof(moved), "%s/moved", directory);
    assert_int_equal(rename(away, moved), 0);
    give(sink, 0, 50);
    sink->ops->tick(sink, far);
    sink->ops->stats(sink, &stats);
    assert_true(stats.lost > 0 && stats.failures > 0);
    assert_int_equal(times_told, 1);
    assert_int_equal(rename(moved, away), 0);
    sink->ops->tick(sink, far + 2000000000);
    uint64_t lost = stats.lost;
    give(sink, 50, 1);
    sink->ops->close(sink, 0, &stats);
    assert_int_equal(stats.lost, lost);
    assert_int_equal(stats.records + stats.lost, 51);
    DIR *entries = opendir(away);
    for (struct dirent *entry; (entry = readdir(entries));)
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    assert_int_equal(rmdir(away), 0);
}

struct seen {
    uint32_t flows, options, problems;
    uint64_t octets;
};

static void saw_record(void *ctx, uint32_t domain, uint64_t export_time_s, uint16_t template_id,
                       const struct leat_ipfix_value *values, uint32_t count, uint32_t scopes) {
    struct seen *seen = ctx;
    (void)export_time_s;
    (void)template_id;
    assert_int_equal(domain, 9);
    seen->flows += scopes == 0;
    seen->options += scopes > 0;
    for (uint32_t i = 0; i < count; i++)
        if (values[i].field && values[i].side == 0 &&
            strcmp(values[i].field->name, "octetDeltaCount") == 0)
            for (uint32_t k = 0, octets = 0; k < values[i].length; k++) {
                octets = octets << 8 | values[i].bytes[k];
                if (k + 1 == values[i].length)
                    seen->octets += octets;
            }
}

static void saw_problem(void *ctx, const char *sentence) {
    print_message("%s\n", sentence);
    ((struct seen *)ctx)->problems++;
}

/* Each by a reader of its own, which has learnt no templates from the others. */
static void every_ipfix_file_can_be_read_alone(void **state) {
    (void)state;
    static const struct leat_ipfix_reader_ops ops = { .record = saw_record,
                                                      .problem = saw_problem };
    struct leat_flow_sink_opts opts = options("default");
    struct leat_flow_sink_stats final;
    opts.rotation.octets = 10000;
    opts.domain = 9;
    struct leat_flow_sink *sink = opened("file", "flows.ipfix", &opts);
    give(sink, 0, 1000);
    sink->ops->close(sink, 0, &final);
    assert_int_equal(final.records, 1000);
    struct seen seen = { 0 };
    uint32_t files = 0;
    DIR *entries = opendir(directory);
    for (struct dirent *entry; (entry = readdir(entries));) {
        const char *dot = strrchr(entry->d_name, '.');
        char path[600];
        struct leat_ipfix_reader *reader;
        if (!dot || strcmp(dot, ".ipfix") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        assert_int_equal(leat_ipfix_reader_create(&reader, &ops, &seen), 0);
        assert_int_equal(leat_ipfix_reader_file(reader, path), 0);
        assert_int_equal(leat_ipfix_reader_missing(reader), 0);
        leat_ipfix_reader_destroy(reader);
        files++;
    }
    closedir(entries);
    assert_true(files > 5);
    assert_int_equal(seen.flows, 1000);
    assert_int_equal(seen.problems, 0);
    assert_int_equal(seen.octets, 1000 * 100 + 999 * 1000 / 2);
}

static void names_that_cannot_be_opened(void **state) {
    (void)state;
    static const struct {
        const char *name, *sentence;
        int err;
    } cases[] = {
        { "tsv:-", "has to begin with one of text, json", -EINVAL },
        { "json", "has to begin with one of", -EINVAL },
        { "", "has to begin with one of", -EINVAL },
        { "json:", "its path is missing", -EINVAL },
        { "file:flows.xml", "has to end in", -EINVAL },
        { "file:/nowhere/flows.json", "No such file or directory", -ENOENT },
        { "netflow5://", "there is no host", -EINVAL },
        { "netflow9://[::1", "']' is missing", -EINVAL },
        { "netflow9://::1:2055", "stands in brackets", -EINVAL },
        { "netflow9://127.0.0.1:", "there is no port behind", -EINVAL },
    };
    struct leat_flow_sink_opts opts = options("default");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leat_flow_sink *sink;
        assert_int_equal(leat_flow_sink_open(&sink, cases[i].name, &opts), cases[i].err);
        if (!strstr(leat_error(), cases[i].sentence))
            fail_msg("%s: %s", cases[i].name, leat_error());
    }
}

static void addresses(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        { "//collector", "collector", "4739" },       { "//collector:99", "collector", "99" },
        { "//[2001:db8::1]", "2001:db8::1", "4739" }, { "//[::1]:99/topic", "::1", "99" },
        { "10.0.0.1:1/a:b", "10.0.0.1", "1" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char host[256], port[32];
        assert_int_equal(leat_flow_sink_address("x", cases[i][0], "4739", host, port), 0);
        assert_string_equal(host, cases[i][1]);
        assert_string_equal(port, cases[i][2]);
    }
}

int main(void) {
#define IN_DIRECTORY(test) cmocka_unit_test_teardown(test, empty_directory)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_escapes_what_is_no_plain_text),
        cmocka_unit_test(json_strings_are_read_by_jansson),
        cmocka_unit_test(csv_quotes_what_needs_it),
        cmocka_unit_test(numbers_and_times),
        IN_DIRECTORY(a_json_line_says_what_the_record_says),
        IN_DIRECTORY(every_field_is_json),
        IN_DIRECTORY(csv_has_names_and_as_many_columns),
        IN_DIRECTORY(text_has_columns),
        IN_DIRECTORY(long_addresses_break_no_column),
        IN_DIRECTORY(uniflow_splits_both_ways),
        IN_DIRECTORY(files_rotate_by_size),
        IN_DIRECTORY(files_rotate_by_time),
        IN_DIRECTORY(a_part_of_another_process_is_not_touched),
        IN_DIRECTORY(a_full_disk_is_told_once_and_counted),
        IN_DIRECTORY(a_reader_that_stands_still_costs_what_does_not_fit),
        IN_DIRECTORY(a_file_ends_with_a_whole_record),
        IN_DIRECTORY(a_directory_that_vanishes_ends_nothing),
        IN_DIRECTORY(every_ipfix_file_can_be_read_alone),
        cmocka_unit_test(names_that_cannot_be_opened),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
