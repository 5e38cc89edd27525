/* SPDX-License-Identifier: BSD-2-Clause */
/* What rtnetlink tells of an interface: the link itself, its addresses and default routes
 * (rtnetlink(7)). */
#include "netdev.h"
#include "../core/error.h"
#include "netdev_private.h"
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* XDP_ATTACHED_MULTI has one program of each mode; else there is only the one. */
static void read_xdp(struct leat_netdev *dev, const struct netlink_attribute *xdp) {
    struct netlink_attributes rest = netlink_nested(xdp);
    uint32_t native = 0, generic = 0, only = 0;
    uint64_t mode = XDP_ATTACHED_NONE;
    for (struct netlink_attribute a; netlink_next(&rest, &a);) {
        if (a.type == IFLA_XDP_ATTACHED)
            mode = netlink_integer(&a);
        else if (a.type == IFLA_XDP_PROG_ID)
            only = (uint32_t)netlink_integer(&a);
        else if (a.type == IFLA_XDP_DRV_PROG_ID || a.type == IFLA_XDP_HW_PROG_ID)
            native = (uint32_t)netlink_integer(&a);
        else if (a.type == IFLA_XDP_SKB_PROG_ID)
            generic = (uint32_t)netlink_integer(&a);
    }
    dev->xdp_native = native || mode == XDP_ATTACHED_DRV || mode == XDP_ATTACHED_HW;
    dev->xdp_generic = generic || mode == XDP_ATTACHED_SKB;
    dev->xdp_program = native ? native : generic ? generic : only;
}

static void read_link_attribute(struct leat_netdev *dev, const struct netlink_attribute *a) {
    switch (a->type) {
    case IFLA_IFNAME:
        netlink_text(a, dev->name, sizeof(dev->name));
        break;
    case IFLA_MTU:
        dev->mtu = (uint32_t)netlink_integer(a);
        break;
    case IFLA_ADDRESS:
        if (a->bytes == sizeof(dev->mac))
            memcpy(dev->mac, a->data, sizeof(dev->mac));
        break;
    case IFLA_CARRIER:
        dev->carrier = netlink_integer(a) != 0;
        break;
    case IFLA_PROMISCUITY:
        dev->promisc = netlink_integer(a) != 0;
        break;
    case IFLA_NUM_RX_QUEUES:
        dev->rx_queues = (uint32_t)netlink_integer(a);
        break;
    case IFLA_NUM_TX_QUEUES:
        dev->tx_queues = (uint32_t)netlink_integer(a);
        break;
    case IFLA_LINK:
        dev->link = (uint32_t)netlink_integer(a);
        break;
    case IFLA_XDP:
        read_xdp(dev, a);
        break;
    }
}

int netdev_read_link(void *ctx, const struct nlmsghdr *message) {
    struct leat_netdev *dev = ctx;
    const struct ifinfomsg *link = (const struct ifinfomsg *)(message + 1);
    struct netlink_attributes rest = netlink_attributes(message, sizeof(*link));
    if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
        return -EPROTO;
    dev->index = (uint32_t)link->ifi_index;
    dev->up = link->ifi_flags & IFF_UP;
    bool elsewhere = false;
    for (struct netlink_attribute a; netlink_next(&rest, &a);) {
        read_link_attribute(dev, &a);
        elsewhere |= a.type == IFLA_LINK_NETNSID;
    }
    if (elsewhere)
        dev->link = 0;
    return 0;
}

static bool hop_leads_to(const struct netlink_attribute *multipath, uint32_t index) {
    const uint8_t *at = multipath->data, *end = at + multipath->bytes;
    struct rtnexthop hop;
    while ((size_t)(end - at) >= sizeof(hop)) {
        memcpy(&hop, at, sizeof(hop));
        if (hop.rtnh_ifindex == (int)index)
            return true;
        size_t step = RTNH_ALIGN(hop.rtnh_len);
        if (step < sizeof(hop) || step > (size_t)(end - at))
            break;
        at += step;
    }
    return false;
}

/* VPNs put two halves in place of a default route, to leave that as it is; and 2000::/3 is all
 * there is of IPv6 (RFC 4291, 2.4). */
static bool leads_everywhere(const struct rtmsg *route) {
    return route->rtm_dst_len <= (route->rtm_family == AF_INET6 ? 3 : 1);
}

int netdev_read_route(void *ctx, const struct nlmsghdr *message) {
    struct leat_netdev *dev = ctx;
    const struct rtmsg *route = (const struct rtmsg *)(message + 1);
    struct netlink_attributes rest = netlink_attributes(message, sizeof(*route));
    if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_LENGTH(sizeof(*route)))
        return -EPROTO;
    if (!leads_everywhere(route) || route->rtm_type != RTN_UNICAST)
        return 0;
    bool chosen = message->nlmsg_flags & NLM_F_DUMP_FILTERED; /* by the interface */
    for (struct netlink_attribute a; netlink_next(&rest, &a);)
        if ((a.type == RTA_OIF && netlink_integer(&a) == dev->index) ||
            (a.type == RTA_MULTIPATH && hop_leads_to(&a, dev->index)) ||
            (a.type == RTA_NH_ID && chosen)) /* it may be all that is told of the next hop */
            dev->default_route = true;
    return 0;
}

int netdev_read_address(void *ctx, const struct nlmsghdr *message) {
    struct leat_netdev *dev = ctx;
    const struct ifaddrmsg *address = (const struct ifaddrmsg *)(message + 1);
    if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH(sizeof(*address)))
        return -EPROTO;
    if (address->ifa_index == dev->index && address->ifa_scope == RT_SCOPE_UNIVERSE)
        dev->addressed = true;
    return 0;
}

/* The kernel looks by index where one is given, and leaves out what is zero or false. */
int netdev_ask_link(struct netlink *route, struct leat_netdev *dev) {
    const struct ifinfomsg by_index = { .ifi_index = (int)dev->index };
    struct netlink_request request;
    netlink_begin(&request, RTM_GETLINK, 0, &by_index, sizeof(by_index));
    if (dev->index == 0)
        netlink_put(&request, IFLA_IFNAME, dev->name, strlen(dev->name) + 1);
    dev->carrier = dev->promisc = dev->xdp_native = dev->xdp_generic = false;
    dev->xdp_program = 0;
    return netlink_exchange(route, &request, netdev_read_link, dev);
}

static void ask_routes(struct netlink *route, struct leat_netdev *dev, uint8_t family) {
    const struct rtmsg any = { .rtm_family = family };
    struct netlink_request request;
    netlink_begin(&request, RTM_GETROUTE, NLM_F_DUMP, &any, sizeof(any));
    netlink_put(&request, RTA_OIF, &dev->index, sizeof(dev->index));
    netlink_exchange(route, &request, netdev_read_route, dev);
}

/* The frames of what stands on an interface are the interface's own. */
static void ask_default_routes(struct netlink *route, struct leat_netdev *dev) {
    struct netdev_above above;
    netdev_find_above(route, dev, &above);
    for (uint32_t i = 0; i < above.count && !dev->default_route; i++) {
        struct leat_netdev on = { .index = above.index[i] };
        ask_routes(route, &on, AF_INET);
        ask_routes(route, &on, AF_INET6);
        dev->default_route = on.default_route;
    }
}

static void ask_addresses(struct netlink *route, struct leat_netdev *dev) {
    const struct ifaddrmsg any = { .ifa_index = dev->index };
    struct netlink_request request;
    netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
    netlink_exchange(route, &request, netdev_read_address, dev);
}

static int not_found(const struct leat_netdev *dev, const struct netlink *route, int err) {
    if (err == -ENODEV)
        return leat_fail(ENODEV,
                         "%s: there is no such interface in this network namespace; "
                         "'ip link' lists them",
                         dev->name);
    return leat_fail(-err, "%s: cannot ask the kernel about the interface: %s%s", dev->name,
                     strerror(-err), route->why);
}

int netdev_look(struct netlink *route, struct leat_netdev *dev) {
    int err = netdev_ask_link(route, dev);
    if (err)
        return not_found(dev, route, err);
    netdev_ask_ethtool(route->fd, dev);
    return 0;
}

static int open_route(struct netlink *route, const struct leat_netdev *dev) {
    int err = netlink_open(route, NETLINK_ROUTE);
    return err ? leat_fail(-err, "%s: cannot open a netlink socket: %s", dev->name, strerror(-err))
               : 0;
}

int leat_netdev_open(struct leat_netdev *dev, const char *name) {
    struct netlink route;
    *dev = (struct leat_netdev){ 0 };
    if (!*name || strlen(name) >= sizeof(dev->name))
        return leat_fail(ENODEV, "%s: there is no such interface: names have 1 to %zu characters",
                         name, sizeof(dev->name) - 1);
    strcpy(dev->name, name);
    int err = open_route(&route, dev);
    if (err)
        return err;
    err = netdev_look(&route, dev);
    if (!err) {
        ask_default_routes(&route, dev);
        ask_addresses(&route, dev);
        netdev_ask_features(dev);
    }
    netlink_close(&route);
    return err;
}

int leat_netdev_refresh(struct leat_netdev *dev) {
    struct netlink route;
    int err = open_route(&route, dev);
    if (err)
        return err;
    err = netdev_look(&route, dev);
    netlink_close(&route);
    return err;
}
