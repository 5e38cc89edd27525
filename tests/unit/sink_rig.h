/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory for sinks that write files, records to give to them, and what they were told. */
#ifndef LEAT_TESTS_SINK_RIG_H
#define LEAT_TESTS_SINK_RIG_H

#include "flow_records.h"
#include "lib/flow/sinks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BASE_NS 1700000000000000000ull /* 2023-11-14T22:13:20Z */

extern char directory[];
extern char last_told[512];
extern uint32_t times_told;

/* Options with these fields; nothing was told yet. */
struct leat_flow_sink_opts options(const char *chosen);
/* "kind:directory/file". */
struct leat_flow_sink *opened(const char *kind, const char *file,
                              const struct leat_flow_sink_opts *opts);
/* Records `from` and the n - 1 behind it (flow_records.h). */
void give(struct leat_flow_sink *sink, uint32_t from, uint32_t n);
/* What a sink says, now and in the end: its numbers add up. */
struct leat_flow_sink_stats stats_of(struct leat_flow_sink *sink);
struct leat_flow_sink_stats closed(struct leat_flow_sink *sink);

/* Of a file in the directory; valid until the next call. NULL: it is not there. */
char *contents(const char *file);
uint32_t count(const char *text, char c);

/* For cmocka: of a group, and after each test. */
int make_directory(void **state);
int empty_directory(void **state);
int remove_directory(void **state);
#define IN_DIRECTORY(test) cmocka_unit_test_teardown(test, empty_directory)

#endif
