/* SPDX-License-Identifier: BSD-2-Clause */
#include "permission.h"
#include "lib/core/error.h"
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool have(unsigned int capability) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

int leat_permission_missing(const char *name, const char *what) {
    bool net = have(CAP_NET_ADMIN), bpf = have(CAP_BPF) || have(CAP_SYS_ADMIN);
    if (net && bpf)
        return leat_fail(EPERM,
                         "%s: cannot %s: not permitted, though CAP_NET_ADMIN and CAP_BPF are "
                         "held; is it a user namespace, a container's filter or lockdown?",
                         name, what);
    return leat_fail(EPERM, "%s: cannot %s: it takes %s%s%s", name, what,
                     net ? "" : "CAP_NET_ADMIN", net || bpf ? "" : " and ", bpf ? "" : "CAP_BPF");
}

int leat_permission_missing_admin(const char *name, const char *what) {
    if (have(CAP_SYS_ADMIN))
        return leat_permission_missing(name, what);
    return leat_fail(EPERM,
                     "%s: cannot %s: it takes CAP_SYS_ADMIN, by which programs of other "
                     "processes are reached",
                     name, what);
}
