/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --user: what is open stays open, everything else is given away. */
#include "probe.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int cannot(const char *user, const char *what) {
    int err = errno;
    fprintf(stderr, "leat probe: --user %s: cannot %s: %s\n", user, what, strerror(err));
    return -err;
}

int probe_forbid_new_privileges(const char *user) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return cannot(user, "renounce new privileges");
    return 0;
}

/* Leaving user 0 empties the capability sets (capabilities(7)), in all threads. The process is no
 * longer dumpable: a core would hold packets. */
int probe_drop_privileges(const char *user) {
    errno = 0;
    const struct passwd *entry = getpwnam(user);
    if (!entry) {
        if (errno == 0)
            errno = ENOENT;
        return cannot(user, "find the user");
    }
    if (initgroups(user, entry->pw_gid) || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid))
        return cannot(user, "change the groups");
    if (setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid))
        return cannot(user, "become the user");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return cannot(user, "give up privileges for good");
    return 0;
}
