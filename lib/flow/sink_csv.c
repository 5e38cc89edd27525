/* SPDX-License-Identifier: BSD-2-Clause */
/* csv: a line a record, with a line of names first. */
#include "record_text.h"
#include "sink_kinds.h"
#include "sink_lines.h"

const struct leat_line_format leat_lines_csv = {
    .header = leat_record_csv_names,
    .record = leat_record_csv,
};

static int csv_open(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                    const char *name, const char *rest, const struct leat_flow_sink_opts *opts) {
    (void)kind;
    return leat_lines_open(sink, &leat_lines_csv, name, rest, opts);
}

const struct leat_flow_sink_kind leat_sink_csv = {
    .name = "csv",
    .summary = "csv:PATH, CSV with the fields' names in its first line; csv:- to standard output",
    .open = csv_open,
};
