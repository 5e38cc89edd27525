/* SPDX-License-Identifier: BSD-2-Clause */
/* json: an object a line. */
#include "record_text.h"
#include "sink_kinds.h"
#include "sink_lines.h"

static void json_record(struct leat_text *line, const struct leat_fields *fields,
                        const struct leat_flow *flow) {
    leat_record_json(line, fields, flow, LEAT_RECORD_TIMES_TEXT);
    leat_text_char(line, '\n');
}

const struct leat_line_format leat_lines_json = {
    .record = json_record,
};

static int json_open(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                     const char *name, const char *rest, const struct leat_flow_sink_opts *opts) {
    (void)kind;
    return leat_lines_open(sink, &leat_lines_json, name, rest, opts);
}

const struct leat_flow_sink_kind leat_sink_json = {
    .name = "json",
    .summary = "json:PATH, a JSON object a line; json:- to standard output",
    .open = json_open,
};
