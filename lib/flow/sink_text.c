/* SPDX-License-Identifier: BSD-2-Clause */
/* text: a line a record for people, in columns. */
#include "record_text.h"
#include "sink_kinds.h"
#include "sink_lines.h"

static void pad(struct leat_text *line, size_t from, size_t width) {
    do
        leat_text_char(line, ' ');
    while (line->n < from + width && !line->failed);
}

static void tcp_flags(struct leat_text *line, uint16_t flags) {
    static const char letters[] = "FSRPAUEC"; /* RFC 9293, 3.1, bit 0 first */
    for (uint32_t bit = 0; bit < 8; bit++)
        if (flags & 1u << bit)
            leat_text_char(line, letters[bit]);
}

/* "12" or, of both directions, "12/9". */
static void both(struct leat_text *line, const struct leat_flow *flow, uint64_t there,
                 uint64_t back) {
    leat_text_number(line, there);
    if (flow->biflow) {
        leat_text_char(line, '/');
        leat_text_number(line, back);
    }
}

static void duration(struct leat_text *line, const struct leat_flow *flow) {
    uint64_t first = flow->side[0].first_ns, last = flow->side[0].last_ns;
    if (flow->biflow && flow->side[1].packets && flow->side[1].last_ns > last)
        last = flow->side[1].last_ns;
    uint64_t ms = last > first ? (last - first) / 1000000 : 0;
    leat_text_number(line, ms / 1000);
    leat_text_char(line, '.');
    leat_text_digits(line, ms % 1000, 3);
}

/* How wide columns are. Both ends come last, as those of IPv6 may be longer. */
enum {
    TIME_WIDTH = 25,
    DURATION_WIDTH = 10,
    PROTOCOL_WIDTH = 6,
    COUNT_WIDTH = 14,
    FLAGS_WIDTH = 9,
    END_WIDTH = 7,
    ADDRESS_WIDTH = 22,
};

static void text_header(struct leat_text *line, const struct leat_fields *fields) {
    static const struct {
        const char *title;
        size_t width;
    } columns[] = {
        { "first packet", TIME_WIDTH },
        { "seconds", DURATION_WIDTH },
        { "proto", PROTOCOL_WIDTH },
        { "packets", COUNT_WIDTH },
        { "octets", COUNT_WIDTH },
        { "flags", FLAGS_WIDTH },
        { "end", END_WIDTH },
        { "source", ADDRESS_WIDTH },
        { "destination", ADDRESS_WIDTH },
    };
    (void)fields;
    for (uint32_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        size_t from = line->n;
        leat_text_string(line, columns[i].title);
        pad(line, from, columns[i].width);
    }
    leat_text_string(line, "name\n");
}

static void end_points(struct leat_text *line, const struct leat_flow *flow) {
    const struct leat_flow_application *application = flow->parts.application;
    size_t from = line->n;
    leat_record_end_point(line, flow, 0);
    pad(line, from, ADDRESS_WIDTH);
    from = line->n;
    leat_record_end_point(line, flow, 1);
    if (application && application->name[0]) {
        pad(line, from, ADDRESS_WIDTH);
        leat_text_string(line, application->name);
    }
}

static void text_record(struct leat_text *line, const struct leat_fields *fields,
                        const struct leat_flow *flow) {
    static const char *const ends[] = { "-", "idle", "active", "tcp", "forced", "full" };
    char number[4];
    (void)fields;
    size_t from = line->n;
    leat_text_time(line, flow->side[0].first_ns, 3);
    pad(line, from, TIME_WIDTH);
    from = line->n;
    duration(line, flow);
    pad(line, from, DURATION_WIDTH);
    from = line->n;
    leat_text_string(line, leat_record_protocol(flow->protocol, number));
    pad(line, from, PROTOCOL_WIDTH);
    from = line->n;
    both(line, flow, flow->side[0].packets, flow->side[1].packets);
    pad(line, from, COUNT_WIDTH);
    from = line->n;
    both(line, flow, flow->side[0].octets, flow->side[1].octets);
    pad(line, from, COUNT_WIDTH);
    from = line->n;
    tcp_flags(line, flow->side[0].tcp_flags | flow->side[1].tcp_flags);
    pad(line, from, FLAGS_WIDTH);
    from = line->n;
    leat_text_string(line, ends[flow->end <= LEAT_FLOW_END_RESOURCES ? flow->end : 0]);
    pad(line, from, END_WIDTH);
    end_points(line, flow);
    leat_text_char(line, '\n');
}

const struct leat_line_format leat_lines_text = {
    .header = text_header,
    .record = text_record,
};

static int text_open(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                     const char *name, const char *rest, const struct leat_flow_sink_opts *opts) {
    (void)kind;
    return leat_lines_open(sink, &leat_lines_text, name, rest, opts);
}

const struct leat_flow_sink_kind leat_sink_text = {
    .name = "text",
    .summary = "text:PATH, a line a record, in columns; text:- to standard output",
    .open = text_open,
};
