/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of records: written in large pieces, as NAME.part until they are complete, and rotated.
 * What goes wrong with a disk is told once, counted, and tried again; a file never holds half a
 * record.
 * A pipe's reader that stands still is waited for once; then records that do not fit the buffer are
 * lost, and counted, until it reads on.
 */
#ifndef LEAT_FLOW_OUTPUT_H
#define LEAT_FLOW_OUTPUT_H

#include "sinks.h"
#include "tally.h"
#include <stddef.h>

struct leat_output;

/* `path`: "-" is standard output. With rotation the time goes before its ending:
 * flows-20261121T075347Z.json. A device or FIFO is written to as it is. */
int leat_output_open(struct leat_output **output, const char *name, const char *path,
                     const struct leat_flow_sink_opts *opts);
/* Completes the file. `final` may be NULL. */
void leat_output_close(struct leat_output *output, struct leat_flow_sink_stats *final);

/* Whole records, `tally` of them. */
void leat_output_put(struct leat_output *output, const void *bytes, size_t n,
                     const struct leat_tally *tally);
/* Records that could not even be made. */
void leat_output_lose(struct leat_output *output, const struct leat_tally *tally);
void leat_output_flush(struct leat_output *output);
/* Whether something that was put got lost since this was last asked, what the file begins with
 * perhaps. `*empty`: nothing else is in it. */
bool leat_output_gap(struct leat_output *output, bool *empty);

/* Whether it is time for the next file: then flush what belongs into this one, and rotate. */
bool leat_output_due(const struct leat_output *output);
/* Completes the file and begins the next; false: that failed, and is tried again in a second. */
bool leat_output_rotate(struct leat_output *output);
void leat_output_tick(struct leat_output *output, uint64_t now_ns);
void leat_output_stats(const struct leat_output *output, struct leat_flow_sink_stats *stats);

#endif
