/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program on the way of what an interface sends, behind the network stack:
 *
 *   stack -> queueing of the interface: TCX -> our program -> others' -> driver
 *
 * It is there by a bpf_link, so that it goes with its process, however that ends; others stand
 * beside it. Frames that do not come by there (AF_XDP's, XDP_TX, packet sockets that bypass the
 * queues) are not seen.
 */
#ifndef LEAT_BPF_EGRESS_H
#define LEAT_BPF_EGRESS_H

#include <stdint.h>

/* Puts a program of BPF_PROG_TYPE_SCHED_CLS there. Returns the link, a descriptor to be closed, or
 * a negative errno by leat_fail(): -ENOTSUP: the kernel is older than 6.6, which brought TCX. */
int leat_egress_attach(const char *name, uint32_t ifindex, int program);

#endif
