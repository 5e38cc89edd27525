/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of netdev share. */
#ifndef LEAT_BUS_NETDEV_PRIVATE_H
#define LEAT_BUS_NETDEV_PRIVATE_H

#include "netdev.h"
#include "netlink.h"
#include <sys/types.h>

/* The way to an interface, in the network namespace of who opened it. */
struct netdev_access {
    struct netlink route; /* whose descriptor serves for ethtool too */
    int sysfs;            /* the interface's directory; -1: not opened yet */
};

struct netdev_change {
    struct netdev_change *older;
    int note; /* in the journal; < 0: it could not be written */
    char text[];
};

struct leat_netdev_changes {
    struct netdev_access access;
    struct netdev_change *newest;
    pid_t process;          /* that made them, and puts them back */
    int promisc, multicast; /* packet sockets, with which memberships end; -1: none */
};

/* A setting of an interface, and how a change of it is undone: `now` is what the interface is now,
 * `values` what was written by netdev_note(). Nothing is done where the change does not stand any
 * more, as somebody else has made another. 0 or a negative errno by leat_fail(). */
struct netdev_setting {
    const char *name;
    int (*undo)(struct netdev_access *access, struct leat_netdev *now, const char *values);
};

extern const struct netdev_setting netdev_mtu, netdev_mac, netdev_queues, netdev_rss, netdev_defer;

/* A change begins with a look at what there is now, goes on with a note of what it will be, and
 * ends with how it went: an error takes the note back, and is returned. */
int netdev_begin(struct leat_netdev *dev);
int netdev_note(struct leat_netdev *dev, const struct netdev_setting *setting, const char *values);
int netdev_end(struct leat_netdev *dev, int err);

/* "NAME: cannot WHAT: ...", with what the kernel said and the mend. */
int netdev_refused(const struct leat_netdev *dev, int err, const char *what, const char *why);

/* Readers of answers, each told a struct leat_netdev to fill in (netlink_each). */
int netdev_read_link(void *dev, const struct nlmsghdr *message);
int netdev_read_route(void *dev, const struct nlmsghdr *message);
int netdev_read_address(void *dev, const struct nlmsghdr *message);
int netdev_read_features(void *dev, const struct nlmsghdr *message);
int netdev_read_above(void *above, const struct nlmsghdr *message); /* told a netdev_above */
int netdev_read_family(void *id, const struct nlmsghdr *message);   /* told a uint16_t */

/* What rtnetlink tells of the interface dev->index or, if that is 0, dev->name. */
int netdev_ask_link(struct netlink *route, struct leat_netdev *dev);

/* An interface and all that stands on it: bridges and bonds that it is a port of, VLANs. */
#define NETDEV_ABOVE_MAX 64
struct netdev_above {
    uint32_t index[NETDEV_ABOVE_MAX], count;
};

void netdev_find_above(struct netlink *route, const struct leat_netdev *dev,
                       struct netdev_above *above);

/* The same and what the driver tells: all that may change while it is in use. With a sentence. */
int netdev_look(struct netlink *route, struct leat_netdev *dev);

/* What the netdev family of generic netlink tells: XDP features. */
void netdev_ask_features(struct leat_netdev *dev);

/* What the driver tells through ethtool: its name, speed, channels, checksums. `fd` is any socket
 * of the interface's network namespace. */
void netdev_ask_ethtool(int fd, struct leat_netdev *dev);

/* One ethtool command. 0 or a negative errno. */
int netdev_ethtool(int fd, const struct leat_netdev *dev, void *command);

/* The interface's directory of a sysfs that shows this thread's network namespace, wherever /sys
 * comes from. A descriptor or a negative errno. */
int netdev_open_sysfs(const struct leat_netdev *dev);

/* How many queues there are, counted in sysfs. False: it cannot be told. */
bool netdev_count_queues(struct leat_netdev *dev);

#endif
