/* SPDX-License-Identifier: BSD-2-Clause */
/* Which interfaces there are for xdp: ports, and what a program should know before it takes one. */
#include "xdp.h"
#include <stdio.h>
#include <string.h>

/* Frames of these come straight from a stack, of this machine's or a guest's, which leaves
 * checksums to a "hardware" that there is not (CHECKSUM_PARTIAL in include/linux/skbuff.h). */
static bool from_a_stack(const struct leat_netdev *netdev) {
    static const char *const drivers[] = { "veth", "tun", "bridge", "macvlan", "ipvlan" };
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (strcmp(netdev->driver, drivers[i]) == 0)
            return true;
    return false;
}

/* The other end of a veth is the sender: its own setting tells, if this namespace has it. */
static bool sender_finishes(const struct leat_netdev *netdev, char sender[IFNAMSIZ]) {
    struct leat_netdev peer;
    *sender = '\0';
    if (strcmp(netdev->driver, "veth") || !netdev->link || !if_indextoname(netdev->link, sender) ||
        leat_netdev_open(&peer, sender) < 0)
        return false;
    bool finishes = !peer.tx_checksum;
    leat_netdev_restore(&peer);
    return finishes;
}

bool xdp_warning(const struct leat_netdev *netdev, char sentence[XDP_WARNING_BYTES]) {
    char sender[IFNAMSIZ];
    if (!from_a_stack(netdev) || sender_finishes(netdev, sender))
        return false;
    snprintf(
        sentence, XDP_WARNING_BYTES,
        "AF_XDP cannot tell which frames reach %s with a TCP or UDP checksum that their sender "
        "left unfinished; %s'ethtool -K %s tx off' has it finished",
        netdev->name, *sender ? "" : "where they are sent, ", *sender ? sender : "IFACE");
    return true;
}

static const char *abilities(const struct leat_netdev *netdev) {
    if (!netdev->features_known)
        return "what its driver can do shows on opening";
    if (!(netdev->xdp_features & LEAT_NETDEV_XDP_REDIRECT))
        return "generic only";
    return netdev->xdp_features & LEAT_NETDEV_XDP_ZEROCOPY ? "native, zero-copy" : "native";
}

static void describe(const struct leat_netdev *netdev, char *to, size_t bytes) {
    snprintf(to, bytes, "%s, %s, MTU %u, %u queue%s; %s%s%s",
             *netdev->driver ? netdev->driver : "no driver", netdev->up ? "up" : "down",
             netdev->mtu, netdev->rx_queues, netdev->rx_queues == 1 ? "" : "s", abilities(netdev),
             netdev->xdp_program ? "; has an XDP program" : "",
             netdev->default_route ? "; carries the default route" : "");
}

static void look_at(const char *interface,
                    void (*found)(void *ctx, const struct leat_port_found *port), void *ctx) {
    char name[IFNAMSIZ + 4], about[160], warning[XDP_WARNING_BYTES];
    struct leat_netdev netdev;
    if (leat_netdev_open(&netdev, interface) < 0)
        return; /* it has gone meanwhile */
    snprintf(name, sizeof(name), "xdp:%s", interface);
    describe(&netdev, about, sizeof(about));
    bool warns = xdp_warning(&netdev, warning);
    found(ctx, &(struct leat_port_found){ name, about, warns ? warning : NULL });
    leat_netdev_restore(&netdev);
}

void xdp_look(void (*found)(void *ctx, const struct leat_port_found *port), void *ctx) {
    struct if_nameindex *all = if_nameindex();
    for (const struct if_nameindex *at = all; at && at->if_index; at++)
        if (strcmp(at->if_name, "lo") != 0)
            look_at(at->if_name, found, ctx);
    if (all)
        if_freenameindex(all);
}
