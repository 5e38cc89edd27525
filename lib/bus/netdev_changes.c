/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of an interface's settings: noted in the journal before they are made, undone newest
 * first by who made them or by the next start. The journal's text is "SETTING INDEX NAME VALUES".
 */
#include "../core/error.h"
#include "../core/journal.h"
#include "netdev_private.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct netdev_setting *const settings[] = { &netdev_mtu, &netdev_mac, &netdev_queues,
                                                         &netdev_rss, &netdev_defer };

static int open_access(struct netdev_access *access) {
    access->sysfs = -1;
    int err = netlink_open(&access->route, NETLINK_ROUTE);
    return err ? leat_fail(-err, "cannot open a netlink socket: %s", strerror(-err)) : 0;
}

static void close_access(struct netdev_access *access) {
    netlink_close(&access->route);
    if (access->sysfs >= 0)
        close(access->sysfs);
}

static const struct netdev_setting *find_setting(const char *name) {
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (!strcmp(settings[i]->name, name))
            return settings[i];
    return NULL;
}

/* An interface has its index as long as it lives; its name may have changed meanwhile. */
static int undo(struct netdev_access *access, const char *text) {
    struct leat_netdev now = { 0 };
    char name[16];
    int at = 0;
    if (sscanf(text, "%15s %u %*15s %n", name, &now.index, &at) != 2 || at == 0 || now.index == 0)
        return leat_fail(ENOENT, "journal: what is '%s'?", text);
    const struct netdev_setting *setting = find_setting(name);
    if (!setting)
        return leat_fail(ENOTSUP, "journal: '%s' is a setting that this version does not know",
                         name);
    int err = netdev_ask_link(&access->route, &now);
    if (err)
        return leat_fail(-err, "'%s' cannot be put back: %s", text, strerror(-err));
    return setting->undo(access, &now, text + at);
}

static int undo_of_another(const char *text) {
    struct netdev_access access;
    int err = open_access(&access);
    if (err)
        return err;
    err = undo(&access, text);
    close_access(&access);
    return err;
}

static const struct leat_journal_kind journal_kind = { "netdev", undo_of_another };

int netdev_begin(struct leat_netdev *dev) {
    if (!dev->changes) {
        struct leat_netdev_changes *changes = malloc(sizeof(*changes));
        if (!changes)
            return leat_fail(ENOMEM, "%s: no memory", dev->name);
        int failed = open_access(&changes->access);
        if (failed) {
            free(changes);
            return leat_fail_in(failed, dev->name);
        }
        changes->newest = NULL;
        changes->process = getpid();
        changes->promisc = changes->multicast = -1;
        dev->changes = changes;
    }
    return netdev_look(&dev->changes->access.route, dev);
}

int netdev_note(struct leat_netdev *dev, const struct netdev_setting *setting, const char *values) {
    size_t bytes = strlen(setting->name) + IFNAMSIZ + strlen(values) + 16;
    struct netdev_change *change = malloc(sizeof(*change) + bytes);
    if (!change)
        return leat_fail(ENOMEM, "%s: no memory", dev->name);
    snprintf(change->text, bytes, "%s %u %s %s", setting->name, dev->index, dev->name, values);
    change->note = leat_journal_note(&journal_kind, change->text);
    if (change->note < 0)
        leat_log(LEAT_LOG_NOTICE, "%s: should this process be killed, '%s' is not put back: %s",
                 dev->name, setting->name, leat_error());
    change->older = dev->changes->newest;
    dev->changes->newest = change;
    return 0;
}

static void drop_newest(struct leat_netdev_changes *changes, bool strike) {
    struct netdev_change *change = changes->newest;
    if (strike && change->note > 0)
        leat_journal_strike(change->note);
    changes->newest = change->older;
    free(change);
}

int netdev_end(struct leat_netdev *dev, int err) {
    if (err)
        drop_newest(dev->changes, true);
    return err;
}

int netdev_refused(const struct leat_netdev *dev, int err, const char *what, const char *why) {
    const char *mend = err == -EPERM || err == -EACCES ? "; it takes CAP_NET_ADMIN" : "";
    return leat_fail(-err, "%s: cannot %s: %s%s%s", dev->name, what, strerror(-err), why, mend);
}

/* What cannot be undone now stays in the journal for the next start. */
void leat_netdev_restore(struct leat_netdev *dev) {
    struct leat_netdev_changes *changes = dev->changes;
    if (!changes)
        return;
    if (changes->promisc >= 0)
        close(changes->promisc);
    if (changes->multicast >= 0)
        close(changes->multicast);
    while (changes->newest && changes->process != getpid())
        drop_newest(changes, false);
    while (changes->newest) {
        int err = undo(&changes->access, changes->newest->text);
        bool undone = !err || err == -ENODEV || err == -ENOENT;
        if (!undone)
            leat_log(LEAT_LOG_NOTICE, "%s", leat_error());
        drop_newest(changes, undone);
    }
    close_access(&changes->access);
    free(changes);
    dev->changes = NULL;
}

int leat_netdev_replay(void) {
    static const struct leat_journal_kind *const kinds[] = { &journal_kind, NULL };
    return leat_journal_replay(kinds);
}
