/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcpdump's filter language for programs of the kernel: libpcap compiles an expression to classic
 * BPF, which is translated here to eBPF that reads the frame with every access checked.
 */
#ifndef LEAT_BPF_MATCH_H
#define LEAT_BPF_MATCH_H

#include <linux/bpf.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

enum leat_match_context {
    LEAT_MATCH_XDP, /* struct xdp_md */
    LEAT_MATCH_SKB, /* struct __sk_buff: a tag that stands beside the frame is seen in its place */
};

/* Writes eBPF that ends by falling through, with R0 != 0 when the frame matches, else R0 == 0. It
 * expects the context in R6 and the frame's start and end in R7 and R8, keeps these, and uses the
 * rest and the uppermost 104 bytes of the stack. Returns how many instructions, or a negative
 * errno by leat_fail(): -EINVAL with libpcap's own words and the expression; -E2BIG: more than
 * `room`. */
int leat_match_compile(struct bpf_insn *insns, uint32_t room, enum leat_match_context context,
                       const char *expression);

/* The second half of it; `variable`: for a process with CAP_PERFMON, which makes faster code where
 * a filter reads at places that it computes, as the ports behind an IPv4 header. -EINVAL: not a
 * program that may run; -ENOTSUP: it loops, or asks for what only the kernel's stack knows of a
 * frame. */
int leat_match_translate(struct bpf_insn *insns, uint32_t room, const struct sock_filter *filter,
                         uint32_t count, enum leat_match_context context, bool variable);

/* Whether it may run (match_check.c): 0, or the errors above. `scratch_used` has a bit for each
 * word of its memory that it reads or writes. */
int leat_match_check(const struct sock_filter *filter, uint32_t count, uint32_t *scratch_used);

/* The first half (expression.c): `filter` is to be freed. Returns how many instructions. */
int leat_match_parse(struct sock_filter **filter, const char *expression);

#endif
