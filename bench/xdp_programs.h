/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XDP programs of the AF_XDP benchmark, as instructions: what the kernel itself can do at best, and
 * the one that turns a test run into load.
 */
#ifndef BENCH_XDP_PROGRAMS_H
#define BENCH_XDP_PROGRAMS_H

#include <stdint.h>

/* Each loads a program and returns its descriptor, or a negative errno. */
int xdp_program_drop(void);
int xdp_program_return(void); /* swaps the MAC addresses, XDP_TX */
int xdp_program_redirect(uint32_t ifindex);

/* As xdp_program_redirect(), and makes each frame of IPv4 one of any of so many flows, by its
 * source address. With `fresh_shift` a flow takes the place of the oldest one each 2^fresh_shift
 * ns; 0: they stay. */
int xdp_program_flows(uint32_t ifindex, uint32_t flows, uint32_t fresh_shift);

#endif
