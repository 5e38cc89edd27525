/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An interface's directory in sysfs. A sysfs shows the network namespace of whoever mounted it, so
 * that after unshare(CLONE_NEWNET) /sys still shows the one before. A mount of one's own, attached
 * nowhere, is right in any namespace; it takes CAP_SYS_ADMIN. Without, /sys has to do, if what it
 * shows is the interface that is meant.
 */
#include "netdev_private.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc 2.36 has names for these calls, older ones have not. */
static int mount_sysfs(void) {
    int sysfs = (int)syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC);
    if (sysfs < 0)
        return -errno;
    int mount = -1;
    if (syscall(SYS_fsconfig, sysfs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        mount = (int)syscall(SYS_fsmount, sysfs, FSMOUNT_CLOEXEC, 0);
    int err = mount < 0 ? -errno : 0;
    close(sysfs);
    return err ? err : mount;
}

/* A file's text without its line end; false: there is no such file. */
static bool read_file(int directory, const char *name, char *text, size_t bytes) {
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, bytes - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return got >= 0;
}

static bool shows(int directory, const struct leat_netdev *dev) {
    char index[16], mac[32], text[32];
    snprintf(index, sizeof(index), "%u", dev->index);
    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", dev->mac[0], dev->mac[1],
             dev->mac[2], dev->mac[3], dev->mac[4], dev->mac[5]);
    return read_file(directory, "ifindex", text, sizeof(text)) && !strcmp(text, index) &&
           read_file(directory, "address", text, sizeof(text)) && !strcmp(text, mac);
}

int netdev_open_sysfs(const struct leat_netdev *dev) {
    char path[32 + IFNAMSIZ];
    int root = mount_sysfs();
    snprintf(path, sizeof(path), "%sclass/net/%s", root < 0 ? "/sys/" : "", dev->name);
    int directory = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = directory < 0 ? -errno : 0;
    if (root >= 0)
        close(root);
    if (err || shows(directory, dev))
        return err ? err : directory;
    close(directory);
    return -ENODEV;
}

bool netdev_count_queues(struct leat_netdev *dev) {
    int directory = netdev_open_sysfs(dev);
    int queues = directory < 0 ? -1 : openat(directory, "queues", O_RDONLY | O_CLOEXEC);
    DIR *entries = queues < 0 ? NULL : fdopendir(queues);
    uint32_t rx = 0, tx = 0;
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        rx += !strncmp(entry->d_name, "rx-", 3);
        tx += !strncmp(entry->d_name, "tx-", 3);
    }
    if (entries)
        closedir(entries);
    else if (queues >= 0)
        close(queues);
    if (directory >= 0)
        close(directory);
    if (rx == 0)
        return false;
    dev->rx_queues = rx;
    dev->tx_queues = tx;
    return true;
}
