/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks that write files: names, rotation, readers that stand still, and disks that are full. */
#include "lib/flow/reader.h"
#include "sink_rig.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
    closed(sink);
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
    closed(sink);
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
    closed(second);
    closed(first);
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
    stats = closed(sink);
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
    stats = stats_of(sink);
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
    stats = closed(sink);
    assert_int_equal(times_told, 3);
    assert_int_equal(stats.lost, lost + 10);
    assert_int_equal(stats.records, 30000 - lost);
    assert_int_equal(stats.held, 0);
}

/* A limit of this process in place of a disk: half of a write fits, and the file ends with the
 * record before. */
static void fill_disk_and_go_on(struct leat_flow_sink *sink) {
    const struct rlimit narrow = { 1000, RLIM_INFINITY }, wide = { RLIM_INFINITY, RLIM_INFINITY };
    signal(SIGXFSZ, SIG_IGN);
    give(sink, 0, 10);
    sink->ops->tick(sink, BASE_NS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    give(sink, 10, 100);
    sink->ops->tick(sink, BASE_NS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &wide), 0);
    assert_int_equal(times_told, 1);
    give(sink, 110, 5);
}

static void a_file_ends_with_a_whole_record(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    struct leat_flow_sink *sink = opened("file", "flows.json", &opts);
    fill_disk_and_go_on(sink);
    struct leat_flow_sink_stats stats = closed(sink);
    assert_int_equal(times_told, 2);
    assert_non_null(strstr(last_told, "writes again"));
    assert_int_equal(stats.records, 15);
    assert_int_equal(stats.lost, 100);
    const char *text = contents("flows.json");
    assert_int_equal(count(text, '\n'), 15);
    assert_int_equal(count(text, '}'), 15);
}

/* What is written there cannot be taken back by its name, but by its length. */
static void standard_output_is_a_file_of_whole_records(void **state) {
    (void)state;
    char path[200];
    struct leat_flow_sink_opts opts = options("octetDeltaCount");
    struct leat_flow_sink *sink;
    snprintf(path, sizeof(path), "%s/flows.json", directory);
    int own = dup(STDOUT_FILENO), file = open(path, O_CREAT | O_WRONLY, 0644);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    int opening = leat_flow_sink_open(&sink, "json:-", &opts);
    dup2(own, STDOUT_FILENO);
    close(own);
    close(file);
    assert_int_equal(opening, 0);
    fill_disk_and_go_on(sink);
    struct leat_flow_sink_stats stats = closed(sink);
    const char *text = contents("flows.json");
    assert_int_equal(stats.octets, strlen(text));
    assert_int_equal(count(text, '\n'), stats.records);
    assert_int_equal(count(text, '{'), stats.records);
    assert_int_equal(stats.records + stats.lost, 115);
    assert_in_range(stats.lost, 50, 100);
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
    stats = stats_of(sink);
    assert_true(stats.lost > 0 && stats.failures > 0);
    assert_int_equal(times_told, 1);
    assert_int_equal(rename(moved, away), 0);
    sink->ops->tick(sink, far + 2000000000);
    uint64_t lost = stats.lost;
    give(sink, 50, 1);
    stats = closed(sink);
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
    final = closed(sink);
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

/* Of a disk that is full at first, and then is not. */
static struct leat_flow_sink_stats begun_on_a_full_disk(const char *file, const char *chosen) {
    const struct rlimit narrow = { 10, RLIM_INFINITY }, wide = { RLIM_INFINITY, RLIM_INFINITY };
    struct leat_flow_sink_opts opts = options(chosen);
    opts.domain = 9;
    struct leat_flow_sink *sink = opened("file", file, &opts);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    give(sink, 0, 100);
    sink->ops->tick(sink, BASE_NS);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &wide), 0);
    assert_int_equal(times_told, 1);
    assert_true(stats_of(sink).lost > 0);
    give(sink, 100, 5);
    return closed(sink);
}

static void lost_templates_come_again(void **state) {
    (void)state;
    static const struct leat_ipfix_reader_ops ops = { .record = saw_record,
                                                      .problem = saw_problem };
    const struct leat_flow_sink_stats final = begun_on_a_full_disk("flows.ipfix", "default");
    struct leat_ipfix_reader *reader;
    struct seen seen = { 0 };
    char path[300];
    snprintf(path, sizeof(path), "%s/flows.ipfix", directory);
    assert_int_equal(leat_ipfix_reader_create(&reader, &ops, &seen), 0);
    assert_int_equal(leat_ipfix_reader_file(reader, path), 0);
    leat_ipfix_reader_destroy(reader);
    assert_int_equal(seen.problems, 0);
    assert_int_equal(seen.flows, final.records);
    assert_true(final.records >= 5);
}

static void a_lost_header_comes_again(void **state) {
    (void)state;
    const struct leat_flow_sink_stats final = begun_on_a_full_disk("flows.csv", "octetDeltaCount");
    const char *text = contents("flows.csv");
    assert_int_equal(final.records, 5);
    assert_int_equal(count(text, '\n'), 6);
    assert_int_equal(strncmp(text, "octetDeltaCount\r\n200\r\n", 22), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(files_rotate_by_size),
        IN_DIRECTORY(files_rotate_by_time),
        IN_DIRECTORY(a_part_of_another_process_is_not_touched),
        IN_DIRECTORY(a_full_disk_is_told_once_and_counted),
        IN_DIRECTORY(a_reader_that_stands_still_costs_what_does_not_fit),
        IN_DIRECTORY(a_file_ends_with_a_whole_record),
        IN_DIRECTORY(standard_output_is_a_file_of_whole_records),
        IN_DIRECTORY(a_directory_that_vanishes_ends_nothing),
        IN_DIRECTORY(every_ipfix_file_can_be_read_alone),
        IN_DIRECTORY(lost_templates_come_again),
        IN_DIRECTORY(a_lost_header_comes_again),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
