/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stage as a component of libxdp's dispatcher, beside programs of others: the dispatcher calls
 * its components in turn, as long as they return XDP_PASS. It replaces functions of itself by them
 * (freplace); where the kernel does not allow that, libxdp silently attaches the program alone,
 * which is undone and refused here. A component may not make tail calls (kernels from 6.13 on), so
 * that there is no root: each Leat program is a component of its own.
 *
 * Components are pinned below /sys/fs/bpf/xdp and outlive their processes: the journal tells the
 * next start of them.
 */
#ifndef LEAT_BPF_DISPATCHER_H
#define LEAT_BPF_DISPATCHER_H

#include "assembler.h"
#include "root.h"

/* Under the lock. -ENOTSUP: the kernel or this build cannot. */
int leat_dispatcher_open(struct leat_root *root, const char *name, uint32_t ifindex,
                         enum leat_xdp_mode mode, const struct code *code);

void leat_dispatcher_leave(struct leat_root *root);

/* Takes out what dead processes left. Under the lock. */
void leat_dispatcher_replay(void);

/* Takes the dispatcher off the interface, with all that is in it. -ENOENT: there is none. */
int leat_dispatcher_detach(uint32_t ifindex);

#endif
