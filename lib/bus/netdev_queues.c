/* SPDX-License-Identifier: BSD-2-Clause */
/* How many queues an interface has: ethtool's channels, which serve both directions or one. */
#include "../core/error.h"
#include "netdev_private.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>

static int write_channels(int fd, const struct leat_netdev *dev, struct ethtool_channels *ch) {
    ch->cmd = ETHTOOL_SCHANNELS;
    int err = netdev_ethtool(fd, dev, ch);
    return err ? netdev_refused(dev, err, "set the number of its queues", "") : 0;
}

static int undo_queues(struct netdev_access *access, struct leat_netdev *now, const char *values) {
    struct ethtool_channels before, set, ch = { .cmd = ETHTOOL_GCHANNELS };
    int err = netdev_ethtool(access->route.fd, now, &ch);
    if (err || sscanf(values, "%u %u %u %u %u %u", &before.combined_count, &before.rx_count,
                      &before.tx_count, &set.combined_count, &set.rx_count, &set.tx_count) != 6)
        return err;
    if (ch.combined_count != set.combined_count || ch.rx_count != set.rx_count ||
        ch.tx_count != set.tx_count)
        return 0;
    ch.combined_count = before.combined_count;
    ch.rx_count = before.rx_count;
    ch.tx_count = before.tx_count;
    return write_channels(access->route.fd, now, &ch);
}

const struct netdev_setting netdev_queues = { "queues", undo_queues };

int leat_netdev_set_queues(struct leat_netdev *dev, uint32_t queues) {
    struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
    char values[80];
    int err = netdev_begin(dev);
    if (err)
        return err;
    int fd = dev->changes->access.route.fd;
    if (dev->rx_queues == queues && dev->tx_queues == queues)
        return 0;
    if (netdev_ethtool(fd, dev, &ch) < 0 || dev->queues_max == 0)
        return leat_fail(ENOTSUP, "%s: its driver %s does not let us set the number of queues",
                         dev->name, dev->driver);
    if (queues == 0 || queues > dev->queues_max)
        return leat_fail(ENOTSUP, "%s: it can have 1 to %u queues, not %u", dev->name,
                         dev->queues_max, queues);
    uint32_t both = ch.max_combined ? queues : 0, each = ch.max_combined ? 0 : queues;
    snprintf(values, sizeof(values), "%u %u %u %u %u %u", ch.combined_count, ch.rx_count,
             ch.tx_count, both, each, each);
    err = netdev_note(dev, &netdev_queues, values);
    if (err)
        return err;
    ch.combined_count = both;
    ch.rx_count = ch.tx_count = each;
    err = netdev_end(dev, write_channels(fd, dev, &ch));
    netdev_ask_ethtool(fd, dev);
    return err;
}
