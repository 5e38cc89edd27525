/* SPDX-License-Identifier: BSD-2-Clause */
#include "permission.h"
#include "lib/core/error.h"
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool have(unsigned int capability) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* Returns whether any is missing. */
static bool list_missing(char *list, size_t room) {
    const struct {
        bool held;
        const char *name;
    } needed[] = {
        { have(CAP_NET_RAW), "CAP_NET_RAW" },
        { have(CAP_NET_ADMIN), "CAP_NET_ADMIN" },
        { have(CAP_BPF) || have(CAP_SYS_ADMIN), "CAP_BPF" },
    };
    size_t at = 0;
    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
        if (!needed[i].held)
            at += (size_t)snprintf(list + at, room - at, "%s%s", at ? ", " : "", needed[i].name);
    return at > 0;
}

int leat_permission_check(const char *name, const char *what) {
    char list[64];
    if (!list_missing(list, sizeof(list)))
        return 0;
    return leat_fail(EPERM, "%s: cannot %s: it takes %s", name, what, list);
}

int leat_permission_missing(const char *name, const char *what) {
    if (leat_permission_check(name, what) < 0)
        return -EPERM;
    return leat_fail(EPERM,
                     "%s: cannot %s: not permitted, though CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF "
                     "are held; is it a user namespace, a container's filter or lockdown?",
                     name, what);
}

int leat_permission_missing_admin(const char *name, const char *what) {
    if (have(CAP_SYS_ADMIN))
        return leat_permission_missing(name, what);
    return leat_fail(EPERM,
                     "%s: cannot %s: it takes CAP_SYS_ADMIN, by which programs of other "
                     "processes are reached",
                     name, what);
}

bool leat_permission_perfmon(void) {
    return have(CAP_PERFMON) || have(CAP_SYS_ADMIN);
}
