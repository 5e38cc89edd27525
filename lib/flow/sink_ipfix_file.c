/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of IPFIX messages (RFC 5655), each to be read alone. */
#include "sink_ipfix_file.h"

#include "lib/core/error.h"
#include "output.h"
#include "sink_kinds.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Of a file no path's MTU limits messages; a page of memory's worth keeps what a crash may cut off
 * small. */
enum { MESSAGE_MAX = 4096 };

struct file_sink {
    struct leat_flow_sink sink;
    struct leat_output *output;
    struct leat_ipfix *ipfix;
    struct leat_tally pending; /* records in the message that the encoder holds */
    uint64_t taken, now_ns;
    void (*facts)(void *ctx, struct leat_ipfix_facts *facts);
    void *facts_ctx;
};

static int write_message(void *ctx, const uint8_t *bytes, uint32_t n, uint32_t records,
                         bool templates) {
    struct file_sink *file = ctx;
    (void)records;
    (void)templates;
    leat_output_put(file->output, bytes, n, &file->pending);
    file->pending = (struct leat_tally){ 0 };
    return 0;
}

/* Each file can be read alone: it begins with the templates, and counts from 0. */
static void rotate_when_due(struct file_sink *file) {
    if (!leat_output_due(file->output))
        return;
    leat_ipfix_flush(file->ipfix, file->now_ns);
    if (leat_output_rotate(file->output))
        leat_ipfix_restart(file->ipfix, file->now_ns);
}

/* What a full disk did not take may have been templates: they come again before what is read by
 * them. Flows in the message at hand stay there. */
static void repeat_lost_templates(struct file_sink *file) {
    bool empty;
    if (!leat_output_gap(file->output, &empty))
        return;
    const struct leat_tally pending = file->pending;
    file->pending = (struct leat_tally){ 0 };
    leat_ipfix_restart(file->ipfix, file->now_ns);
    file->pending = pending;
}

static void file_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct file_sink *file = (struct file_sink *)sink;
    struct leat_tally tally = leat_tally_of(flow);
    repeat_lost_templates(file);
    leat_ipfix_record(file->ipfix, flow, file->now_ns);
    leat_tally_add(&file->pending, &tally);
    file->taken++;
    rotate_when_due(file);
}

static void file_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    struct file_sink *file = (struct file_sink *)sink;
    file->now_ns = now_ns;
    repeat_lost_templates(file);
    leat_ipfix_tick(file->ipfix, now_ns);
    leat_output_tick(file->output, now_ns);
    rotate_when_due(file);
}

static void file_stats(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    const struct file_sink *file = (const struct file_sink *)sink;
    leat_output_stats(file->output, stats);
    stats->taken = file->taken;
    stats->held += file->pending.records;
    stats->trimmed = leat_ipfix_trimmed(file->ipfix);
}

static void file_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                       struct leat_flow_sink_stats *final) {
    struct file_sink *file = (struct file_sink *)sink;
    (void)timeout_ms;
    repeat_lost_templates(file);
    leat_ipfix_finish(file->ipfix, file->now_ns);
    leat_output_close(file->output, final);
    if (final) {
        final->taken = file->taken;
        final->trimmed = leat_ipfix_trimmed(file->ipfix);
    }
    leat_ipfix_destroy(file->ipfix);
    free(file);
}

static const struct leat_flow_sink_ops file_ops = {
    .record = file_record,
    .tick = file_tick,
    .stats = file_stats,
    .close = file_close,
};

static void ask_facts(void *ctx, struct leat_ipfix_facts *facts) {
    const struct file_sink *file = ctx;
    struct leat_flow_sink_stats stats;
    leat_output_stats(file->output, &stats);
    file->facts(file->facts_ctx, facts);
    facts->unsent_flows += stats.lost;
    facts->unsent_packets += stats.lost_packets;
    facts->unsent_octets += stats.lost_octets;
    leat_span_join(&facts->unsent, &stats.lost_when);
}

static int open_encoder(struct file_sink *file, const struct leat_flow_sink_opts *opts) {
    struct leat_ipfix_opts ipfix = leat_flow_sink_encoder(opts);
    ipfix.message_max = MESSAGE_MAX;
    ipfix.withdraw = true; /* once told, a file's templates are known */
    ipfix.facts = opts->facts ? ask_facts : NULL;
    ipfix.message = write_message;
    ipfix.ctx = file;
    return leat_ipfix_create(&file->ipfix, &ipfix);
}

int leat_ipfix_file_open(struct leat_flow_sink **sink, const char *name, const char *path,
                         const struct leat_flow_sink_opts *opts) {
    struct file_sink *file = calloc(1, sizeof(*file));
    if (!file)
        return leat_fail(ENOMEM, "%s: cannot open the sink: out of memory", name);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    file->now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    file->sink.ops = &file_ops;
    snprintf(file->sink.name, sizeof(file->sink.name), "%s", name);
    file->facts = opts->facts;
    file->facts_ctx = opts->facts_ctx;
    int err = open_encoder(file, opts);
    if (!err) {
        err = leat_output_open(&file->output, name, path, opts);
        if (err)
            leat_ipfix_destroy(file->ipfix);
    }
    if (err) {
        free(file);
        return err;
    }
    *sink = &file->sink;
    return 0;
}
