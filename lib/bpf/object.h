/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One program as the ELF object that a compiler would have made of it: the form in which libxdp
 * takes programs, since to replace a function of its dispatcher one has to be loaded with types.
 */
#ifndef LEAT_BPF_OBJECT_H
#define LEAT_BPF_OBJECT_H

#include "assembler.h"
#include <stddef.h>

/* int NAME(struct xdp_md *ctx), which takes frames of several buffers. Returns the object, to be
 * freed, and its size; NULL: no memory. */
void *leat_object_make(const char *name, const char *terms, const struct code *code, size_t *bytes);

#endif
