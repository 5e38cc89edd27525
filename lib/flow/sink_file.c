/* SPDX-License-Identifier: BSD-2-Clause */
/* file: what its ending says: IPFIX messages one after another (RFC 5655), JSON lines, CSV,
 * columns. */
#include "sink_ipfix_file.h"
#include "sink_kinds.h"
#include "sink_lines.h"

#include "lib/core/error.h"
#include <errno.h>
#include <string.h>

static int file_open(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                     const char *name, const char *rest, const struct leat_flow_sink_opts *opts) {
    static const struct {
        const char *ending;
        const struct leat_line_format *format; /* NULL: IPFIX */
    } kinds[] = {
        { ".ipfix", NULL },
        { ".json", &leat_lines_json },
        { ".csv", &leat_lines_csv },
        { ".txt", &leat_lines_text },
    };
    (void)kind;
    const char *dot = strrchr(rest, '.');
    for (uint32_t i = 0; dot && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(dot, kinds[i].ending) != 0)
            continue;
        return kinds[i].format ? leat_lines_open(sink, kinds[i].format, name, rest, opts)
                               : leat_ipfix_file_open(sink, name, rest, opts);
    }
    return leat_fail(EINVAL,
                     "%s: cannot tell what to write: the path has to end in .ipfix, .json, "
                     ".csv or .txt",
                     name);
}

const struct leat_flow_sink_kind leat_sink_file = {
    .name = "file",
    .summary = "file:PATH, IPFIX (.ipfix), JSON lines (.json), CSV (.csv) or columns (.txt)",
    .open = file_open,
};
