/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks that write a line a record: one kind of text each, one way of writing it. */
#ifndef LEAT_FLOW_SINK_LINES_H
#define LEAT_FLOW_SINK_LINES_H

#include "sinks.h"
#include "text.h"

struct leat_line_format {
    void (*header)(struct leat_text *line, const struct leat_fields *fields); /* may be NULL */
    void (*record)(struct leat_text *line, const struct leat_fields *fields,
                   const struct leat_flow *flow);
};

extern const struct leat_line_format leat_lines_text, leat_lines_json, leat_lines_csv;

int leat_lines_open(struct leat_flow_sink **sink, const struct leat_line_format *format,
                    const char *name, const char *path, const struct leat_flow_sink_opts *opts);

#endif
