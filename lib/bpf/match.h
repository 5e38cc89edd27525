/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcpdump's filter language for XDP: libpcap compiles an expression to classic BPF, which is
 * translated here to eBPF that reads the frame of a struct xdp_md with every access checked.
 */
#ifndef LEAT_BPF_MATCH_H
#define LEAT_BPF_MATCH_H

#include <linux/bpf.h>
#include <stdint.h>

/* Writes eBPF that ends by falling through, with R0 != 0 when the frame matches, else R0 == 0. It
 * expects the context in R6 and the frame's start and end in R7 and R8, keeps these and R9, and
 * uses the rest and the lowest 96 bytes of the stack. Returns how many instructions, or a negative
 * errno by leat_fail(): -EINVAL with libpcap's own words and the expression; -E2BIG: more than
 * `room`. */
int leat_match_compile(struct bpf_insn *insns, uint32_t room, const char *expression);

#endif
