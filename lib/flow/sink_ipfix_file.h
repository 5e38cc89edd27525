/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of IPFIX messages (RFC 5655). */
#ifndef LEAT_FLOW_SINK_IPFIX_FILE_H
#define LEAT_FLOW_SINK_IPFIX_FILE_H

#include "sinks.h"

int leat_ipfix_file_open(struct leat_flow_sink **sink, const char *name, const char *path,
                         const struct leat_flow_sink_opts *opts);

#endif
