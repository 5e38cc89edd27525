/* SPDX-License-Identifier: BSD-2-Clause */
/* One live line a second on standard error, in place, when that is a terminal. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <leat/stats.h>

struct progress;

/* Samples once a second, in a thread of its own. NULL, and no line, where there is no terminal. */
struct progress *progress_start(void (*sample)(void *ctx, struct leat_stats *stats), void *ctx);

/* Ends the thread and clears the line. NULL is allowed. */
void progress_stop(struct progress *progress);

/* The line's text between two samples, without the control characters around it. */
int progress_line(char *line, int bytes, double seconds, double since,
                  const struct leat_stats *before, const struct leat_stats *now);

#endif
