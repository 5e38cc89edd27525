/* SPDX-License-Identifier: BSD-2-Clause */
/* What the driver tells through ethtool (linux/ethtool.h). */
#include "netdev_private.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#define LINK_MODE_WORDS_MAX 127 /* link_mode_masks_nwords is a signed byte */

int netdev_ethtool(int fd, const struct leat_netdev *dev, void *command) {
    struct ifreq request = { .ifr_data = command };
    memcpy(request.ifr_name, dev->name, sizeof(request.ifr_name));
    return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* The first answer only says how many words the masks of link modes have. */
static uint32_t ask_speed(int fd, const struct leat_netdev *dev) {
    uint32_t room[sizeof(struct ethtool_link_settings) / 4 + 3 * LINK_MODE_WORDS_MAX] = { 0 };
    struct ethtool_link_settings *ask = (struct ethtool_link_settings *)room;
    ask->cmd = ETHTOOL_GLINKSETTINGS;
    if (netdev_ethtool(fd, dev, ask) < 0 || ask->link_mode_masks_nwords >= 0)
        return 0;
    ask->cmd = ETHTOOL_GLINKSETTINGS;
    ask->link_mode_masks_nwords = (int8_t)-ask->link_mode_masks_nwords;
    if (netdev_ethtool(fd, dev, ask) < 0 || ask->speed == (uint32_t)SPEED_UNKNOWN)
        return 0;
    return ask->speed;
}

/* Channels are either for both directions or for one; a driver has one sort or the other. */
static bool ask_channels(int fd, struct leat_netdev *dev) {
    struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
    dev->queues_max = 0;
    if (netdev_ethtool(fd, dev, &ch) < 0 || ch.combined_count + ch.rx_count == 0)
        return false;
    uint32_t separate = ch.max_rx < ch.max_tx ? ch.max_rx : ch.max_tx;
    dev->queues_max = ch.max_combined ? ch.max_combined : separate;
    dev->rx_queues = ch.combined_count + ch.rx_count;
    dev->tx_queues = ch.combined_count + ch.tx_count;
    return true;
}

void netdev_ask_ethtool(int fd, struct leat_netdev *dev) {
    struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
    struct ethtool_value checksum = { .cmd = ETHTOOL_GTXCSUM };
    if (netdev_ethtool(fd, dev, &driver) == 0)
        memcpy(dev->driver, driver.driver, sizeof(dev->driver) - 1);
    dev->speed_mbps = ask_speed(fd, dev);
    dev->tx_checksum = netdev_ethtool(fd, dev, &checksum) == 0 && checksum.data;
    if (!ask_channels(fd, dev))
        netdev_count_queues(dev);
}
