/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for BPF programs that are running. */
#ifndef LEAT_BPF_WAIT_H
#define LEAT_BPF_WAIT_H

/* Returns 0 when every program that ran on any processor at the time of the call has ended; takes
 * milliseconds. What they may have found in a table before, nobody works on after. */
int leat_bpf_wait_for_programs(void);

#endif
