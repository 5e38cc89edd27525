/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred interrupts (Documentation/networking/napi.rst, "IRQ mitigation"): while a program polls,
 * the device's interrupts stay off, until it has not polled for the time-out. Only sysfs sets them
 * for all NAPI instances of an interface, present and future; netlink (6.13) does for one that is
 * there, and an XDP program makes others of them.
 */
#include "../core/error.h"
#include "netdev_private.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Empty polls before interrupts come back, and the time that is waited after one. */
static const uint64_t hard_irqs = 2, flush_timeout_ns = 200000;

static int read_number(int directory, const char *name, uint64_t *value) {
    char text[32];
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    int err = bytes < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (!err) {
        text[bytes] = '\0';
        *value = strtoull(text, NULL, 10);
    }
    return err;
}

static int write_number(int directory, const char *name, uint64_t value) {
    int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
    int err = fd < 0 || dprintf(fd, "%" PRIu64, value) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return err;
}

static int read_both(struct netdev_access *access, const struct leat_netdev *dev, uint64_t *irqs,
                     uint64_t *timeout_ns) {
    if (access->sysfs < 0)
        access->sysfs = netdev_open_sysfs(dev);
    if (access->sysfs < 0)
        return access->sysfs;
    int err = read_number(access->sysfs, "napi_defer_hard_irqs", irqs);
    return err ? err : read_number(access->sysfs, "gro_flush_timeout", timeout_ns);
}

static int refused(const struct leat_netdev *dev, int err) {
    return netdev_refused(dev, err, "set when its interrupts come",
                          err == -EACCES ? "; sysfs wants root" : "");
}

/* Each by itself: the process may have been killed between the two. */
static int undo_defer(struct netdev_access *access, struct leat_netdev *now, const char *values) {
    uint64_t irqs, timeout_ns, irqs_before, timeout_before_ns;
    int err = read_both(access, now, &irqs, &timeout_ns);
    if (err)
        return netdev_refused(now, err, "read when its interrupts come", "");
    if (sscanf(values, "%" SCNu64 " %" SCNu64, &irqs_before, &timeout_before_ns) != 2)
        return 0;
    if (timeout_ns == flush_timeout_ns)
        err = write_number(access->sysfs, "gro_flush_timeout", timeout_before_ns);
    if (!err && irqs == hard_irqs)
        err = write_number(access->sysfs, "napi_defer_hard_irqs", irqs_before);
    return err ? refused(now, err) : 0;
}

const struct netdev_setting netdev_defer = { "interrupts", undo_defer };

static int write_both(struct netdev_access *access, struct leat_netdev *dev, const char *values) {
    int err = write_number(access->sysfs, "napi_defer_hard_irqs", hard_irqs);
    if (!err)
        err = write_number(access->sysfs, "gro_flush_timeout", flush_timeout_ns);
    if (!err)
        return 0;
    undo_defer(access, dev, values);
    return refused(dev, err);
}

int leat_netdev_defer_interrupts(struct leat_netdev *dev) {
    uint64_t irqs, timeout_ns;
    char values[48];
    int err = netdev_begin(dev);
    if (err)
        return err;
    struct netdev_access *access = &dev->changes->access;
    err = read_both(access, dev, &irqs, &timeout_ns);
    if (err)
        return leat_fail(-err,
                         "%s: cannot defer its interrupts: no sysfs of this network namespace can "
                         "be read: %s; it takes CAP_SYS_ADMIN, or 'ip netns exec'",
                         dev->name, strerror(-err));
    if (irqs > 0 && timeout_ns > 0)
        return 0; /* as somebody has set it */
    snprintf(values, sizeof(values), "%" PRIu64 " %" PRIu64, irqs, timeout_ns);
    err = netdev_note(dev, &netdev_defer, values);
    return err ? err : netdev_end(dev, write_both(access, dev, values));
}
