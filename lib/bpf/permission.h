/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel's EPERM does not say: which capability is missing. */
#ifndef LEAT_BPF_PERMISSION_H
#define LEAT_BPF_PERMISSION_H

#include <stdbool.h>

/* Fails with -EPERM and a sentence that names what the calling thread lacks of CAP_NET_ADMIN and
 * CAP_BPF; `what` is what could not be done: "make a BPF map". */
int leat_permission_missing(const char *name, const char *what);

/* The same for what takes CAP_SYS_ADMIN: reaching programs of other processes by their number. */
int leat_permission_missing_admin(const char *name, const char *what);

#endif
