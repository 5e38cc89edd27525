/* SPDX-License-Identifier: BSD-2-Clause */
/* A line a record, into a file or to standard output. */
#include "sink_lines.h"

#include "lib/core/error.h"
#include "output.h"
#include "uniflow.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct lines {
    struct leat_flow_sink sink;
    const struct leat_line_format *format;
    struct leat_fields fields;
    bool uniflow;
    uint64_t taken;
    struct leat_output *output;
    struct leat_text line;
};

static void put(struct lines *lines, const struct leat_tally *tally) {
    lines->taken += tally->records;
    if (lines->line.failed)
        leat_output_lose(lines->output, tally);
    else
        leat_output_put(lines->output, lines->line.bytes, lines->line.n, tally);
    lines->line.n = 0;
    lines->line.failed = false;
}

static void begin(struct lines *lines) {
    if (lines->format->header) {
        lines->format->header(&lines->line, &lines->fields);
        put(lines, &(struct leat_tally){ 0 });
    }
}

static void rotate_when_due(struct lines *lines) {
    if (leat_output_due(lines->output) && leat_output_rotate(lines->output))
        begin(lines);
}

static void one_record(struct lines *lines, const struct leat_flow *flow) {
    struct leat_tally tally = leat_tally_of(flow);
    bool empty;
    if (leat_output_gap(lines->output, &empty) && empty)
        begin(lines); /* its header was lost, too */
    lines->format->record(&lines->line, &lines->fields, flow);
    put(lines, &tally);
    rotate_when_due(lines);
}

static void lines_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct lines *lines = (struct lines *)sink;
    if (!lines->uniflow) {
        one_record(lines, flow);
        return;
    }
    struct leat_uniflows uniflows;
    uint32_t n = leat_uniflows(flow, &uniflows);
    for (uint32_t i = 0; i < n; i++)
        one_record(lines, &uniflows.flow[i]);
}

static void lines_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    struct lines *lines = (struct lines *)sink;
    leat_output_tick(lines->output, now_ns);
    rotate_when_due(lines);
}

static void lines_stats(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    const struct lines *lines = (const struct lines *)sink;
    leat_output_stats(lines->output, stats);
    stats->taken = lines->taken;
}

static void lines_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                        struct leat_flow_sink_stats *final) {
    (void)timeout_ms;
    struct lines *lines = (struct lines *)sink;
    leat_output_close(lines->output, final);
    if (final)
        final->taken = lines->taken;
    leat_text_free(&lines->line);
    free(lines);
}

static const struct leat_flow_sink_ops lines_ops = {
    .record = lines_record,
    .tick = lines_tick,
    .stats = lines_stats,
    .close = lines_close,
};

int leat_lines_open(struct leat_flow_sink **sink, const struct leat_line_format *format,
                    const char *name, const char *path, const struct leat_flow_sink_opts *opts) {
    struct lines *lines = calloc(1, sizeof(*lines));
    if (!lines)
        return leat_fail(ENOMEM, "%s: cannot open the sink: out of memory", name);
    int err = leat_output_open(&lines->output, name, path, opts);
    if (err) {
        free(lines);
        return err;
    }
    lines->sink.ops = &lines_ops;
    snprintf(lines->sink.name, sizeof(lines->sink.name), "%s", name);
    lines->format = format;
    lines->fields = *opts->fields;
    lines->uniflow = opts->uniflow;
    begin(lines);
    *sink = &lines->sink;
    return 0;
}
