/* SPDX-License-Identifier: BSD-2-Clause */
/* libpcap's own interpreter of classic BPF, whose headers cannot stand beside those of eBPF. */
#ifndef TESTS_UNIT_CLASSIC_H
#define TESTS_UNIT_CLASSIC_H

#include <stdbool.h>
#include <stdint.h>

struct sock_filter;

bool classic_matches(const struct sock_filter *filter, const uint8_t *frame, uint32_t bytes);

#endif
