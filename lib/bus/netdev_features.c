/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver says that it can do with XDP: the netdev family of generic netlink, kernel 6.3 on
 * (Documentation/netlink/specs/netdev.yaml). */
#include "netdev_private.h"
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

/* linux/netdev.h: the last two since 6.6 and 6.8 */
#define NETDEV_CMD_DEV_GET 1
enum {
    NETDEV_DEV_IFINDEX = 1,
    NETDEV_DEV_XDP_FEATURES = 3,
    NETDEV_DEV_XDP_ZC_MAX_SEGS = 4,
    NETDEV_DEV_XDP_RX_METADATA = 5,
    NETDEV_DEV_XSK_FEATURES = 6,
};

int netdev_read_family(void *id, const struct nlmsghdr *message) {
    struct netlink_attributes rest = netlink_attributes(message, sizeof(struct genlmsghdr));
    for (struct netlink_attribute a; netlink_next(&rest, &a);)
        if (a.type == CTRL_ATTR_FAMILY_ID)
            *(uint16_t *)id = (uint16_t)netlink_integer(&a);
    return 0;
}

int netdev_read_features(void *ctx, const struct nlmsghdr *message) {
    struct leat_netdev *dev = ctx;
    struct netlink_attributes rest = netlink_attributes(message, sizeof(struct genlmsghdr));
    for (struct netlink_attribute a; netlink_next(&rest, &a);) {
        uint64_t value = netlink_integer(&a);
        if (a.type == NETDEV_DEV_XDP_FEATURES) {
            dev->xdp_features = value;
            dev->features_known = true;
        } else if (a.type == NETDEV_DEV_XDP_ZC_MAX_SEGS) {
            dev->zerocopy_segments_max = (uint32_t)value;
        } else if (a.type == NETDEV_DEV_XDP_RX_METADATA) {
            dev->rx_metadata = value;
        } else if (a.type == NETDEV_DEV_XSK_FEATURES) {
            dev->xsk_features = value;
        }
    }
    return 0;
}

/* Families get their numbers when they are registered; 0: this kernel has none of that name. */
static uint16_t find_family(struct netlink *generic, const char *name) {
    const struct genlmsghdr get = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
    struct netlink_request request;
    uint16_t id = 0;
    netlink_begin(&request, GENL_ID_CTRL, 0, &get, sizeof(get));
    netlink_put(&request, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
    return netlink_exchange(generic, &request, netdev_read_family, &id) == 0 ? id : 0;
}

void netdev_ask_features(struct leat_netdev *dev) {
    const struct genlmsghdr get = { .cmd = NETDEV_CMD_DEV_GET, .version = 1 };
    struct netlink_request request;
    struct netlink generic;
    if (netlink_open(&generic, NETLINK_GENERIC) < 0)
        return;
    uint16_t family = find_family(&generic, "netdev");
    netlink_begin(&request, family, 0, &get, sizeof(get));
    netlink_put(&request, NETDEV_DEV_IFINDEX, &dev->index, sizeof(dev->index));
    if (family != 0)
        netlink_exchange(&generic, &request, netdev_read_features, dev);
    netlink_close(&generic);
}
