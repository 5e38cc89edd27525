/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands on an interface and loses its frames with it: the bridge or bond that it is a port
 * of, its VLANs, what stands on those. */
#include "netdev_private.h"
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define LEVELS_MAX 8 /* of interfaces upon interfaces: as many as the kernel allows */

static bool among(const struct netdev_above *above, uint32_t index) {
    for (uint32_t i = 0; i < above->count; i++)
        if (above->index[i] == index)
            return true;
    return false;
}

static void add(struct netdev_above *above, uint32_t index) {
    if (index && above->count < NETDEV_ABOVE_MAX && !among(above, index))
        above->index[above->count++] = index;
}

/* A pair names its other end where others name what they stand on. */
static bool is_pair(const struct netlink_attribute *info) {
    struct netlink_attributes rest = netlink_nested(info);
    char kind[16] = "";
    for (struct netlink_attribute a; netlink_next(&rest, &a);)
        if (a.type == IFLA_INFO_KIND)
            netlink_text(&a, kind, sizeof(kind));
    return strcmp(kind, "veth") == 0 || strcmp(kind, "netkit") == 0;
}

int netdev_read_above(void *ctx, const struct nlmsghdr *message) {
    struct netdev_above *above = ctx;
    const struct ifinfomsg *link = (const struct ifinfomsg *)(message + 1);
    struct netlink_attributes rest = netlink_attributes(message, sizeof(*link));
    uint32_t master = 0, below = 0;
    bool elsewhere = false;
    if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
        return -EPROTO;
    for (struct netlink_attribute a; netlink_next(&rest, &a);) {
        if (a.type == IFLA_MASTER)
            master = (uint32_t)netlink_integer(&a);
        else if (a.type == IFLA_LINK)
            below = (uint32_t)netlink_integer(&a);
        else if (a.type == IFLA_LINK_NETNSID || (a.type == IFLA_LINKINFO && is_pair(&a)))
            elsewhere = true;
    }
    if (among(above, (uint32_t)link->ifi_index))
        add(above, master);
    else if (!elsewhere && below && among(above, below))
        add(above, (uint32_t)link->ifi_index);
    return 0;
}

void netdev_find_above(struct netlink *route, const struct leat_netdev *dev,
                       struct netdev_above *above) {
    const struct ifinfomsg any = { 0 };
    *above = (struct netdev_above){ .index = { dev->index }, .count = 1 };
    for (uint32_t level = 0, before = 0; level < LEVELS_MAX && before < above->count; level++) {
        struct netlink_request request;
        before = above->count;
        netlink_begin(&request, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
        netlink_exchange(route, &request, netdev_read_above, above);
    }
}
