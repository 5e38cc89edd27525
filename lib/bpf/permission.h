/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel's EPERM does not say: which capability is missing. */
#ifndef LEAT_BPF_PERMISSION_H
#define LEAT_BPF_PERMISSION_H

#include <stdbool.h>

/* Whether the calling thread has what AF_XDP takes: CAP_NET_RAW for its sockets, CAP_NET_ADMIN and
 * CAP_BPF for the programs that feed them. 0, or -EPERM with a sentence that names what it lacks;
 * `what` is what it is for: "make a BPF map". */
int leat_permission_check(const char *name, const char *what);

/* The same once the kernel has refused: always -EPERM. */
int leat_permission_missing(const char *name, const char *what);

/* The same for what takes CAP_SYS_ADMIN: reaching programs of other processes by their number. */
int leat_permission_missing_admin(const char *name, const char *what);

/* Whether the verifier lets the calling thread's programs compute addresses in frames. */
bool leat_permission_perfmon(void);

#endif
