/* SPDX-License-Identifier: BSD-2-Clause */
/* Which version of the layout a spool has. */
#include "spool_layout.h"
#include "lib/core/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAYOUT_FORMAT "leat spool %u\n"

/* 0: there is none, or it says something else. */
static unsigned read_layout(int directory) {
    char text[64];
    unsigned version = 0;
    int fd = openat(directory, "layout", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, LAYOUT_FORMAT, &version) == 1 ? version : 0;
}

/* On the disk before any segment is: whatever happens then, it is known what these are. */
static int write_layout(int directory) {
    char text[64];
    const int n = snprintf(text, sizeof(text), LAYOUT_FORMAT, LEAT_SPOOL_LAYOUT);
    int fd =
        openat(directory, "layout", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    int err = fd < 0 ? errno : 0;
    if (!err) {
        const ssize_t wrote = write(fd, text, (size_t)n);
        err = wrote < 0 ? errno : wrote < n ? ENOSPC : 0;
    }
    if (!err && fsync(fd) < 0)
        err = errno;
    if (fd >= 0)
        close(fd);
    return err ? leat_fail(err, "cannot write to it: %s", strerror(err)) : 0;
}

int leat_spool_check_layout(int directory, bool empty) {
    const unsigned version = read_layout(directory);
    if (version == LEAT_SPOOL_LAYOUT)
        return 0;
    if (empty)
        return write_layout(directory);
    char found[32] = "not known";
    if (version)
        snprintf(found, sizeof(found), "%u", version);
    return leat_fail(
        EPROTO,
        "its layout is %s, and this version of Leat has %u: let the version that wrote "
        "it send what is there, or name another directory",
        found, LEAT_SPOOL_LAYOUT);
}
