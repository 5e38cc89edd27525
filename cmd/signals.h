/* SPDX-License-Identifier: BSD-2-Clause */
/* Ctrl-C (and SIGTERM): the first one stops cleanly, with the report; a second one exits at once.
 */
#ifndef CMD_SIGNALS_H
#define CMD_SIGNALS_H

#include <stdbool.h>

/* Calls `stop` (async-signal-safe) in the signal handler. NULL: only note it. */
void signals_install(void (*stop)(void *ctx), void *ctx);

/* Whether one came. */
bool signals_seen(void);

#endif
