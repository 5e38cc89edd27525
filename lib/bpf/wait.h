/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for BPF programs that are running. */
#ifndef LEAT_BPF_WAIT_H
#define LEAT_BPF_WAIT_H

/* What waiting takes. It is made with the privileges that loading programs takes, and used without.
 */
struct leat_bpf_wait {
    int inner, outer; /* maps, of which one is in the other */
};

int leat_bpf_wait_open(struct leat_bpf_wait *wait);
void leat_bpf_wait_close(struct leat_bpf_wait *wait);

/* Returns 0 when every program that ran on any processor at the time of the call has ended; takes
 * milliseconds. What they may have found in a table before, nobody works on after. */
int leat_bpf_wait_for_programs(const struct leat_bpf_wait *wait);

#endif
