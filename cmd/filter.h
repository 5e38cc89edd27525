/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpdump's filter language, compiled by libpcap and run on Ethernet frames. */
#ifndef CMD_FILTER_H
#define CMD_FILTER_H

#include <leat/packet.h>
#include <stdbool.h>

struct filter;

/* Compiles the words of an expression, joined by spaces; of no words, a filter that all pass.
 * NULL after saying why on standard error. */
struct filter *filter_compile(char *const *words, int count);

/* Whether a frame of `n` buffers passes. What lies beyond the first buffer counts as not captured.
 */
bool filter_passes(const struct filter *filter, const struct leat_pkt *pkts, uint32_t n);

void filter_free(struct filter *filter); /* NULL is allowed */

#endif
