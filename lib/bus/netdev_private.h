/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of netdev share. */
#ifndef LEAT_BUS_NETDEV_PRIVATE_H
#define LEAT_BUS_NETDEV_PRIVATE_H

#include "netdev.h"
#include "netlink.h"

/* Readers of answers, each told a struct leat_netdev to fill in (netlink_each). */
int netdev_read_link(void *dev, const struct nlmsghdr *message);
int netdev_read_route(void *dev, const struct nlmsghdr *message);
int netdev_read_address(void *dev, const struct nlmsghdr *message);
int netdev_read_features(void *dev, const struct nlmsghdr *message);
int netdev_read_family(void *id, const struct nlmsghdr *message); /* told a uint16_t */

/* What rtnetlink tells of the interface dev->index or, if that is 0, dev->name. */
int netdev_ask_link(struct netlink *route, struct leat_netdev *dev);

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
