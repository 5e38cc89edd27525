/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames chosen by an expression in tcpdump's language (pcap-filter(7)). */
#ifndef LEAT_FLOW_FILTER_H
#define LEAT_FLOW_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct leat_flow_filter;
/* -EINVAL, with libpcap's sentence; -ENOTSUP: this build has no libpcap. */
int leat_flow_filter_create(struct leat_flow_filter **filter, const char *expression);
void leat_flow_filter_destroy(struct leat_flow_filter *filter);

/* Whether a frame of `len` bytes, of which `captured` may be read, passes. */
bool leat_flow_filter_passes(const struct leat_flow_filter *filter, const uint8_t *frame,
                             uint32_t captured, uint32_t len);

#endif
