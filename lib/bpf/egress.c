/* SPDX-License-Identifier: BSD-2-Clause */
#include "egress.h"
#include "lib/core/error.h"
#include "permission.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#define TCX_EGRESS ((enum bpf_attach_type)47) /* BPF_TCX_EGRESS, Linux 6.6 */

/* Older kernels know no such type of attaching, and say EINVAL. */
int leat_egress_attach(const char *name, uint32_t ifindex, int program) {
    int link = bpf_link_create(program, (int)ifindex, TCX_EGRESS, NULL);
    if (link >= 0)
        return link;
    int err = errno;
    if (err == EPERM)
        return leat_permission_missing(name, "attach a program to what the interface sends");
    if (err == EINVAL || err == EOPNOTSUPP)
        return leat_fail(ENOTSUP, "%s: the kernel has no TCX, which came with Linux 6.6", name);
    return leat_fail(err, "%s: cannot attach a program to what the interface sends: %s", name,
                     strerror(err));
}
