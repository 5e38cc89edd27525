/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slots of a root's stages. A stage's owner notes his slot in the journal, since nothing else
 * tells the stage of a dead process from one that only waits: the kernel keeps both.
 */
#ifndef LEAT_BPF_SLOTS_H
#define LEAT_BPF_SLOTS_H

#include "root.h"

/* The first slot that is free. -EBUSY: none. */
int leat_slots_find(const char *name, int stages, uint32_t *slot);

/* Puts a program into the slot. Returns the number of its note, or 0 when the journal cannot be
 * written, which is reported. */
int leat_slots_take(const char *name, const struct leat_root *root, uint32_t slot, int program);

/* Nobody else touches a slot as long as its owner lives. */
void leat_slots_leave(int stages, uint32_t slot, int note);

/* Empties the slots of dead processes in this network namespace and tells each. Under the lock.
 * Returns how many or a negative errno. */
int leat_slots_replay(void (*told)(void *ctx, const char *what), void *ctx);

#endif
