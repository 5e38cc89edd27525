/* SPDX-License-Identifier: BSD-2-Clause */
/* The report's JSON: its keys are a promise to scripts (docs/report.md). */
#include "cmd/histogram.h"
#include "cmd/json_file.h"
#include "cmd/progress.h"
#include "cmd/report.h"
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants those before it. */
#include <cmocka.h>

static json_t *written(const struct report *report) {
    char path[] = "/tmp/lt-report-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(report_write_json(report, path), 0);
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    unlink(path);
    if (!json)
        fail_msg("%s", error.text);
    return json;
}

static struct report filled(void) {
    struct report report = { .seconds = 2 };
    struct leat_stats *stats = report_add_port(&report, "null:", "");
    stats->rx_packets = 3000000;
    stats->rx_bytes = 180000000;
    stats->drops[LEAT_DROP_TX_FULL] = 7;
    stats = report_add_port(&report, "pcap:\"a\"", "native, copy");
    stats->tx_packets = UINT64_C(1) << 53;
    stats->tx_bytes = 1;
    report.cycles = (struct report_cycles){ true, true, 1.5, 2.5, 3.5, 4.5, 12 };
    report.latency = (struct report_latency){ 9, 100, 200, 300, 400 };
    report.paced_latency = (struct report_latency){ 8, 10, 20, 30, 40 };
    report.sequence = (struct report_sequence){ true, 10, 1, 2, 3, 4 };
    return report;
}

static uint64_t integer(const json_t *in, const char *key) {
    const json_t *value = json_object_get(in, key);
    if (!json_is_integer(value))
        fail_msg("%s is no integer", key);
    return (uint64_t)json_integer_value(value);
}

static double number(const json_t *in, const char *key) {
    const json_t *value = json_object_get(in, key);
    if (!json_is_real(value))
        fail_msg("%s is no real number", key);
    return json_real_value(value);
}

static void every_key_is_there(void **state) {
    (void)state;
    const struct report report = filled();
    json_t *json = written(&report);
    assert_int_equal(json_object_size(json), 8);
    assert_true(number(json, "seconds") == 2);
    assert_true(number(json, "rx_mpps") == 1.5);
    assert_true(number(json, "tx_mpps") > 0);

    const json_t *ports = json_object_get(json, "ports");
    assert_int_equal(json_array_size(ports), 2);
    const json_t *port = json_array_get(ports, 0);
    assert_int_equal(json_object_size(port), 7);
    assert_true(json_is_null(json_object_get(port, "mode")));
    assert_string_equal(json_string_value(json_object_get(port, "name")), "null:");
    assert_int_equal(integer(port, "rx_packets"), 3000000);
    assert_int_equal(integer(port, "rx_bytes"), 180000000);
    assert_int_equal(integer(port, "tx_packets"), 0);
    const json_t *drops = json_object_get(port, "drops");
    assert_int_equal(json_object_size(drops), LEAT_DROP_COUNT);
    assert_int_equal(integer(drops, "tx_full"), 7);
    assert_int_equal(integer(drops, "rx_missed"), 0);
    port = json_array_get(ports, 1);
    assert_string_equal(json_string_value(json_object_get(port, "name")), "pcap:\"a\"");
    assert_string_equal(json_string_value(json_object_get(port, "mode")), "native, copy");
    assert_int_equal(integer(port, "tx_packets"), UINT64_C(1) << 53);
    assert_int_equal(integer(port, "tx_bytes"), 1);

    const json_t *cycles = json_object_get(json, "cycles_per_packet");
    assert_int_equal(json_object_size(cycles), 5);
    assert_true(number(cycles, "receive") == 1.5);
    assert_true(number(cycles, "touch") == 2.5);
    assert_true(number(cycles, "transmit") == 3.5);
    assert_true(number(cycles, "buffers") == 4.5);
    assert_true(number(cycles, "total") == 12);
    const json_t *latency = json_object_get(json, "latency_ns");
    assert_int_equal(json_object_size(latency), 4);
    assert_int_equal(integer(latency, "p50"), 100);
    assert_int_equal(integer(latency, "p99"), 200);
    assert_int_equal(integer(latency, "p999"), 300);
    assert_int_equal(integer(latency, "max"), 400);
    assert_int_equal(integer(json_object_get(json, "paced_latency_ns"), "p50"), 10);
    const json_t *sequence = json_object_get(json, "sequence");
    assert_int_equal(json_object_size(sequence), 5);
    assert_int_equal(integer(sequence, "received"), 10);
    assert_int_equal(integer(sequence, "missing"), 1);
    assert_int_equal(integer(sequence, "duplicate"), 2);
    assert_int_equal(integer(sequence, "reordered"), 3);
    assert_int_equal(integer(sequence, "corrupt"), 4);
    json_decref(json);
}

static void what_was_not_measured_is_null(void **state) {
    (void)state;
    struct report report = { 0 };
    json_t *json = written(&report);
    assert_int_equal(json_object_size(json), 8);
    assert_true(json_is_null(json_object_get(json, "cycles_per_packet")));
    assert_true(json_is_null(json_object_get(json, "latency_ns")));
    assert_true(json_is_null(json_object_get(json, "paced_latency_ns")));
    assert_true(json_is_null(json_object_get(json, "sequence")));
    assert_true(number(json, "rx_mpps") == 0); /* not infinite */
    json_decref(json);

    report.cycles = (struct report_cycles){ .measured = true, .total = 5 };
    json = written(&report);
    const json_t *cycles = json_object_get(json, "cycles_per_packet");
    assert_true(json_is_null(json_object_get(cycles, "touch")));
    assert_true(number(cycles, "total") == 5);
    json_decref(json);
}

static void a_file_that_cannot_be_written_is_an_error(void **state) {
    (void)state;
    const struct report report = filled();
    assert_int_equal(report_write_json(&report, "/nowhere/report.json"), -ENOENT);
    assert_int_equal(report_write_json(&report, "/dev/full"), -ENOSPC);
}

static void what_cannot_be_written_is_known_before(void **state) {
    (void)state;
    assert_int_equal(json_file_check(NULL), 0);
    assert_int_equal(json_file_check("-"), 0);
    assert_int_equal(json_file_check("/dev/null"), 0);
    assert_int_equal(json_file_check(""), -ENOENT);
    assert_int_equal(json_file_check("/nowhere/report.json"), -ENOENT);
    assert_int_equal(json_file_check("/dev/null/report.json"), -ENOTDIR);
    assert_int_equal(json_file_check("/tmp"), -EISDIR);
}

static void check_text(const char *path, const char *text) {
    char found[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(found, text);
}

/* The file before stays whole until the next one is, also where that comes to nothing. */
static void a_file_is_whole_or_as_it_was(void **state) {
    (void)state;
    char directory[] = "/tmp/lt-report-XXXXXX", path[64], link_path[64], old[8] = "";
    const struct report report = filled();
    json_error_t error;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/report.json", directory);
    snprintf(link_path, sizeof(link_path), "%s/link", directory);
    assert_int_equal(json_file_check(path), 0);
    assert_int_equal(access(path, F_OK), -1);

    FILE *file = fopen(path, "w+");
    assert_non_null(file);
    fputs("old", file);
    fflush(file);
    assert_int_equal(json_file_check(path), 0);
    assert_int_equal(json_file_write(NULL, path), -ENOMEM);
    check_text(path, "old");

    assert_int_equal(symlink("report.json", link_path), 0);
    assert_int_equal(report_write_json(&report, path), 0);
    rewind(file);
    assert_non_null(fgets(old, sizeof(old), file));
    assert_string_equal(old, "old"); /* who reads it now reads on */
    fclose(file);
    json_t *json = json_load_file(path, 0, &error);
    assert_non_null(json);
    json_decref(json);

    assert_int_equal(json_file_check(link_path), 0);
    assert_int_equal(json_file_write(json_object(), link_path), 0);
    check_text(path, "{}\n"); /* a link stays a link */
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0); /* nothing else is left in it */
}

static void the_table_names_every_loss(void **state) {
    (void)state;
    const struct report report = filled();
    char text[4096] = "";
    FILE *to = fmemopen(text, sizeof(text), "w");
    report_print(&report, to);
    fclose(to);
    assert_non_null(strstr(text, "pcap:\"a\": native, copy\n"));
    assert_null(strstr(text, "null:: \n"));
    assert_non_null(strstr(text, "lost 7 at null:: tx_full\n     ("));
    assert_non_null(strstr(text, "1 missing, 2 duplicate, 3 reordered, 4 altered"));
    assert_non_null(strstr(text, " 1.5       2.5       3.5       4.5      12.0\n"));
    assert_non_null(strstr(text, " 0.1       0.2       0.3       0.4   of 9 packets\n"));
    assert_null(strstr(text, "lost none"));
}

static void latency_comes_from_a_histogram(void **state) {
    (void)state;
    static struct histogram histogram;
    struct report report = { 0 };
    for (uint64_t value = 1; value <= 100; value++)
        histogram_add(&histogram, value);
    report_set_latency(&report, &histogram);
    assert_int_equal(report.latency.count, 100);
    assert_int_equal(report.latency.p50_ns, 50);
    assert_int_equal(report.latency.p99_ns, 99);
    assert_int_equal(report.latency.p999_ns, 100);
    assert_int_equal(report.latency.max_ns, 100);
}

static void the_live_line_shows_rates(void **state) {
    (void)state;
    const struct leat_stats before = { .rx_packets = 1000000, .tx_packets = 5 };
    struct leat_stats now = { .rx_packets = 4000000, .rx_bytes = 180000000, .tx_packets = 5 };
    now.drops[LEAT_DROP_RX_MISSED] = 3;
    now.drops[LEAT_DROP_TX_FULL] = 4;
    char line[160];
    progress_line(line, sizeof(line), 12, 2, &before, &now);
    assert_string_equal(line, "12 s  in  1.500 Mpps  0.72 Gbit/s  "
                              "out  0.000 Mpps  0.00 Gbit/s  lost 7");
}

/* Else it would wrap, and each second leave a line behind. */
static void the_live_line_fits_a_terminal(void **state) {
    (void)state;
    const struct leat_stats before = { 0 };
    struct leat_stats now = {
        .rx_packets = 40000000, .rx_bytes = 2500000000, .tx_packets = 40000000, .tx_bytes = 1
    };
    now.drops[LEAT_DROP_TX_FULL] = 999999;
    char line[160];
    assert_in_range(progress_line(line, sizeof(line), 99999, 1, &before, &now), 1, 79);
}

static void names_are_whole_and_always_there(void **state) {
    (void)state;
    struct report report = { .seconds = 1 };
    char path[4100] = "pcap:";
    memset(path + 5, 'x', sizeof(path) - 6);
    report_add_port(&report, path, "");
    report_add_port(&report, "pcap:\xff\xfe.pcap", "");
    json_t *json = written(&report);
    const json_t *ports = json_object_get(json, "ports");
    assert_int_equal(json_array_size(ports), 2);
    const char *names[2];
    for (size_t i = 0; i < 2; i++)
        names[i] = json_string_value(json_object_get(json_array_get(ports, i), "name"));
    assert_string_equal(names[0], path);
    assert_string_equal(names[1], "pcap:??.pcap");
    json_decref(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_there),
        cmocka_unit_test(what_was_not_measured_is_null),
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_error),
        cmocka_unit_test(what_cannot_be_written_is_known_before),
        cmocka_unit_test(a_file_is_whole_or_as_it_was),
        cmocka_unit_test(the_table_names_every_loss),
        cmocka_unit_test(latency_comes_from_a_histogram),
        cmocka_unit_test(the_live_line_shows_rates),
        cmocka_unit_test(the_live_line_fits_a_terminal),
        cmocka_unit_test(names_are_whole_and_always_there),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
