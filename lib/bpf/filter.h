/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A filter in front of programs: two of the caller's stand in a map of programs, and a frame goes
 * to the one or the other. They tell nobody that there was a filter, and count what they like.
 *
 *   frame -> filter -> programs[LEAT_FILTER_MATCHED]
 *                  \-> programs[LEAT_FILTER_OTHERS]
 */
#ifndef LEAT_BPF_FILTER_H
#define LEAT_BPF_FILTER_H

#include <stdint.h>

enum leat_filter_verdict { LEAT_FILTER_OTHERS, LEAT_FILTER_MATCHED };

/* Each loads a filter in tcpdump's language and returns its descriptor, or a negative errno by
 * leat_fail(), as of leat_match_compile(). `name` is for sentences.
 *
 * Of what is received, as the stage in `slot` (leat_stage_opts.load): when the programs' owner
 * died, it goes on with the stages behind it. */
int leat_filter_load_received(const char *name, int programs, const char *expression, int stages,
                              uint32_t slot);

/* Of what is sent, for leat_egress_attach(). */
int leat_filter_load_sent(const char *name, int programs, const char *expression);

#endif
