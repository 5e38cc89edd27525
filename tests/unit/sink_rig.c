/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink_rig.h"
#include <dirent.h>
#include <fcntl.h>
#include <leat/error.h>
#include <stdlib.h>
#include <unistd.h>

char directory[] = "/tmp/lt-sinks.XXXXXX";
char last_told[512];
uint32_t times_told;

static void told(void *ctx, const char *sentence) {
    (void)ctx;
    snprintf(last_told, sizeof(last_told), "%s", sentence);
    times_told++;
}

static struct leat_fields fields;
struct leat_flow_sink_opts options(const char *chosen) {
    assert_int_equal(leat_fields_parse(&fields, chosen, false), 0);
    times_told = 0;
    return (struct leat_flow_sink_opts){ .size = sizeof(struct leat_flow_sink_opts),
                                         .fields = &fields,
                                         .told = told };
}

struct leat_flow_sink *opened(const char *kind, const char *file,
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

void give(struct leat_flow_sink *sink, uint32_t from, uint32_t n) {
    struct flow_record record;
    for (uint32_t i = from; i < from + n; i++) {
        flow_record_make(&record, i, BASE_NS);
        sink->ops->record(sink, &record.flow);
    }
}

static void check(const struct leat_flow_sink_stats *stats) {
    assert_int_equal(stats->taken, stats->records + stats->held + stats->lost);
}

struct leat_flow_sink_stats stats_of(struct leat_flow_sink *sink) {
    struct leat_flow_sink_stats stats;
    sink->ops->stats(sink, &stats);
    check(&stats);
    return stats;
}

struct leat_flow_sink_stats closed(struct leat_flow_sink *sink) {
    struct leat_flow_sink_stats final;
    sink->ops->close(sink, 0, &final);
    check(&final);
    return final;
}

char *contents(const char *file) {
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

uint32_t count(const char *text, char c) {
    uint32_t n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

int empty_directory(void **state) {
    (void)state;
    DIR *entries = opendir(directory);
    for (struct dirent *entry; (entry = readdir(entries));)
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    return 0;
}

int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

int remove_directory(void **state) {
    empty_directory(state);
    return rmdir(directory);
}
