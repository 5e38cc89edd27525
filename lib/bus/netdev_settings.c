/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of the link itself: MTU and MAC address by rtnetlink; what it receives besides its own
 * address by memberships of packet sockets (packet(7)), which end with their socket. */
#include "../core/error.h"
#include "netdev_private.h"
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_link(struct netlink *route, const struct leat_netdev *dev, uint16_t attribute,
                      const void *value, size_t bytes) {
    const struct ifinfomsg link = { .ifi_index = (int)dev->index };
    struct netlink_request request;
    netlink_begin(&request, RTM_SETLINK, 0, &link, sizeof(link));
    netlink_put(&request, attribute, value, bytes);
    return netlink_exchange(route, &request, NULL, NULL);
}

static int write_mtu(struct netlink *route, struct leat_netdev *dev, uint32_t mtu) {
    char what[48];
    snprintf(what, sizeof(what), "set its MTU to %u", mtu);
    int err = write_link(route, dev, IFLA_MTU, &mtu, sizeof(mtu));
    if (err)
        return netdev_refused(dev, err, what, route->why);
    dev->mtu = mtu;
    return 0;
}

static int undo_mtu(struct netdev_access *access, struct leat_netdev *now, const char *values) {
    uint32_t before, set;
    if (sscanf(values, "%u %u", &before, &set) != 2 || now->mtu != set)
        return 0;
    return write_mtu(&access->route, now, before);
}

const struct netdev_setting netdev_mtu = { "mtu", undo_mtu };

int leat_netdev_set_mtu(struct leat_netdev *dev, uint32_t mtu) {
    char values[32];
    int err = netdev_begin(dev);
    if (err || dev->mtu == mtu)
        return err;
    snprintf(values, sizeof(values), "%u %u", dev->mtu, mtu);
    err = netdev_note(dev, &netdev_mtu, values);
    return err ? err : netdev_end(dev, write_mtu(&dev->changes->access.route, dev, mtu));
}

static int write_mac(struct netlink *route, struct leat_netdev *dev, const uint8_t mac[6]) {
    int err = write_link(route, dev, IFLA_ADDRESS, mac, sizeof(dev->mac));
    if (err)
        return netdev_refused(dev, err, "set its MAC address",
                              err == -EBUSY ? "; its driver wants the interface down for that"
                                            : route->why);
    memcpy(dev->mac, mac, sizeof(dev->mac));
    return 0;
}

static void format_mac(char text[13], const uint8_t mac[6]) {
    for (int i = 0; i < 6; i++)
        snprintf(text + 2 * i, 3, "%02x", mac[i]);
}

static int undo_mac(struct netdev_access *access, struct leat_netdev *now, const char *values) {
    char set[13];
    uint8_t before[6];
    format_mac(set, now->mac);
    if (strlen(values) != 25 || strcmp(values + 13, set) != 0)
        return 0;
    for (int i = 0; i < 6; i++)
        if (sscanf(values + 2 * i, "%2hhx", &before[i]) != 1)
            return 0;
    return write_mac(&access->route, now, before);
}

const struct netdev_setting netdev_mac = { "mac", undo_mac };

int leat_netdev_set_mac(struct leat_netdev *dev, const uint8_t mac[6]) {
    char values[26];
    int err = netdev_begin(dev);
    if (err || !memcmp(dev->mac, mac, sizeof(dev->mac)))
        return err;
    format_mac(values, dev->mac);
    format_mac(values + 13, mac);
    values[12] = ' ';
    err = netdev_note(dev, &netdev_mac, values);
    return err ? err : netdev_end(dev, write_mac(&dev->changes->access.route, dev, mac));
}

/* Protocol 0: it joins and receives nothing. */
static int open_packet_socket(const struct leat_netdev *dev) {
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        return fd;
    return leat_fail(errno, "%s: cannot open a packet socket: %s%s", dev->name, strerror(errno),
                     errno == EPERM ? "; it takes CAP_NET_RAW" : "");
}

static int join(int fd, const struct leat_netdev *dev, uint16_t type, const uint8_t *group) {
    struct packet_mreq membership = { .mr_ifindex = (int)dev->index, .mr_type = type };
    if (group) {
        membership.mr_alen = 6;
        memcpy(membership.mr_address, group, 6);
    }
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership)) == 0)
        return 0;
    return netdev_refused(dev, -errno, group ? "receive a multicast group" : "receive all frames",
                          "");
}

static void replace(int *fd, int by) {
    if (*fd >= 0)
        close(*fd);
    *fd = by;
}

int leat_netdev_set_promisc(struct leat_netdev *dev, bool on) {
    int err = netdev_begin(dev);
    if (err || on == (dev->changes->promisc >= 0))
        return err;
    int fd = on ? open_packet_socket(dev) : -1;
    if (on && fd < 0)
        return fd;
    err = on ? join(fd, dev, PACKET_MR_PROMISC, NULL) : 0;
    replace(&dev->changes->promisc, err ? -1 : fd);
    if (err)
        close(fd);
    return err ? err : netdev_look(&dev->changes->access.route, dev);
}

/* The new groups are joined before the old ones are left. */
int leat_netdev_set_multicast(struct leat_netdev *dev, const uint8_t (*groups)[6], uint32_t n) {
    int err = netdev_begin(dev);
    if (err)
        return err;
    int fd = n > 0 ? open_packet_socket(dev) : -1;
    if (n > 0 && fd < 0)
        return fd;
    for (uint32_t i = 0; i < n && !err; i++)
        err = join(fd, dev, PACKET_MR_MULTICAST, groups[i]);
    if (err)
        close(fd);
    else
        replace(&dev->changes->multicast, fd);
    return err;
}
