/* SPDX-License-Identifier: BSD-2-Clause */
/* Match expressions (lib/bpf/match.h) of programs that are not trusted. */
#ifndef LEAT_DRIVERS_XDP_MATCH_H
#define LEAT_DRIVERS_XDP_MATCH_H

#include <stddef.h>

/* Whether an expression compiles by itself. */
int xdp_match_check(const char *expression);

/* Writes what both take into `match`: what the server allows (NULL: all) and what a program wants
 * ("": all), and nothing if that is all. -EINVAL: it does not compile, or holds names, which would
 * have to be looked up; -E2BIG. */
int xdp_match_join(char *match, size_t bytes, const char *allowed, const char *wanted);

#endif
