/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network interface of the kernel's: what it is and can do, and the settings that a port changes
 * for as long as it is open. Facts come by rtnetlink, the netdev family of generic netlink and
 * ethtool; a fact that this kernel does not tell is zero, with its `known` bit clear.
 *
 * Each change is noted in the journal before it is made, and put back by leat_netdev_restore(), or
 * after a `kill -9` by the next start.
 */
#ifndef LEAT_BUS_NETDEV_H
#define LEAT_BUS_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum leat_netdev_xdp_features { /* enum netdev_xdp_act, linux/netdev.h (6.3) */
                                LEAT_NETDEV_XDP_BASIC = 1 << 0,
                                LEAT_NETDEV_XDP_REDIRECT = 1 << 1,
                                LEAT_NETDEV_XDP_NDO_XMIT = 1 << 2,
                                LEAT_NETDEV_XDP_ZEROCOPY = 1 << 3,
                                LEAT_NETDEV_XDP_HW_OFFLOAD = 1 << 4,
                                LEAT_NETDEV_XDP_RX_SG = 1 << 5,
                                LEAT_NETDEV_XDP_NDO_XMIT_SG = 1 << 6,
};

struct leat_netdev {
    char name[IFNAMSIZ];
    uint32_t index;
    uint32_t mtu;
    uint8_t mac[6];
    bool up, carrier, promisc;
    uint32_t link; /* index of a veth's other end, or of what it stands on; 0: none, or elsewhere */
    char driver[32];               /* ethtool's name: "veth", "virtio_net"; "" when it tells none */
    uint32_t speed_mbps;           /* 0: unknown */
    uint32_t rx_queues, tx_queues; /* in use now */
    uint32_t queues_max;           /* combined channels that it could have; 0: cannot be set */
    bool tx_checksum;              /* senders above it leave checksums unfinished for it */
    bool default_route; /* it carries one or half of one, IPv4 or IPv6, or what is on it does */
    bool addressed;     /* it has an address of global scope */

    bool features_known;            /* kernels from 6.3 on tell these: */
    uint64_t xdp_features;          /* LEAT_NETDEV_XDP_* */
    uint32_t zerocopy_segments_max; /* buffers of a frame with zero-copy */
    uint64_t rx_metadata;           /* enum netdev_xdp_rx_metadata: 1 time, 2 hash, 4 VLAN */
    uint64_t xsk_features;          /* enum netdev_xsk_flags: 1 tx time, 2 tx checksum, 4 launch */

    uint32_t xdp_program;         /* id of the program that is attached now; 0: none */
    bool xdp_native, xdp_generic; /* how */

    struct leat_netdev_changes *changes; /* what leat_netdev_restore() puts back */
};

/* Looks the interface up. -ENODEV: no such interface. */
int leat_netdev_open(struct leat_netdev *dev, const char *name);

/* Looks again at what may change: up, carrier, MTU, queues, program. -ENODEV: it is gone. */
int leat_netdev_refresh(struct leat_netdev *dev);

/* Changes, each undone by leat_netdev_restore(). -ENOTSUP: the driver does not let us. */
int leat_netdev_set_queues(struct leat_netdev *dev, uint32_t queues);
int leat_netdev_set_symmetric_rss(struct leat_netdev *dev); /* both directions to one queue */
int leat_netdev_set_mtu(struct leat_netdev *dev, uint32_t mtu);
int leat_netdev_set_promisc(struct leat_netdev *dev, bool on);
int leat_netdev_set_mac(struct leat_netdev *dev, const uint8_t mac[6]);
int leat_netdev_set_multicast(struct leat_netdev *dev, const uint8_t (*groups)[6], uint32_t n);

/* What busy polling needs: interrupts deferred while a program polls (napi_defer_hard_irqs,
 * gro_flush_timeout; Documentation/networking/napi.rst). */
int leat_netdev_defer_interrupts(struct leat_netdev *dev);

/* Puts everything back in reverse order and frees what the structure holds. */
void leat_netdev_restore(struct leat_netdev *dev);

/* Undoes what dead processes left on interfaces of this network namespace. Returns how many changes
 * do not stand any more. */
int leat_netdev_replay(void);

#endif
