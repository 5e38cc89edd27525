/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The xdp: port: an interface of the kernel's. What its name asks for (xdp_options.c), opening and
 * closing (xdp.c), what it tells and lets be set (xdp_control.c), and which interfaces there are
 * (xdp_look.c). Its queues are in xdp_socket.h, the programs in the kernel in lib/bpf/stage.h.
 */
#ifndef LEAT_DRIVERS_XDP_H
#define LEAT_DRIVERS_XDP_H

#include "lib/bpf/stage.h"
#include "lib/bus/netdev.h"
#include "xdp_socket.h"

#define XDP_TAGS_BYTES    8   /* two VLAN tags, which come on top of the MTU */
#define XDP_WARNING_BYTES 256 /* of a sentence of xdp_warning() */

struct xdp_port_options {
    char interface[IFNAMSIZ];
    bool one_queue;
    uint32_t first_queue; /* of the interface; the port's queue 0 */
    struct leat_stage_opts stage;
    struct xdp_socket_opts socket;
    uint32_t mtu; /* 0: leave it */
    bool force;   /* take all traffic, whatever it cuts off */
};

struct xdp_port {
    struct xdp_port_options options;
    struct leat_netdev netdev;                 /* index 0: not looked up */
    struct leat_stage *stage;                  /* of xdp-fd: NULL, the server has it */
    enum leat_xdp_mode mode;                   /* of the program, in force */
    int native_error;                          /* why it is not native; 0: another chose */
    uint32_t rx_metadata;                      /* LEAT_XDP_META_* that it puts before frames */
    bool rss_symmetric;                        /* in force */
    struct xdp_queue *queues[LEAT_QUEUES_MAX]; /* bound, started or not */
};

/* Whether the driver is known to copy all frames (generic netlink, from Linux 6.3 on). */
static inline bool xdp_lacks_zerocopy(const struct leat_netdev *netdev) {
    return netdev->features_known && !(netdev->xdp_features & LEAT_NETDEV_XDP_ZEROCOPY);
}

/* Reads the address and the options of the port's name. */
int xdp_read_options(struct leat_port *port, struct xdp_port_options *options);

/* xdp.c: what xdp-fd: has in common. Whether the interface's driver has what was asked for; and the
 * options of sockets that follow from the interface. */
int xdp_check_driver(const struct leat_port *port, const struct xdp_port *xdp);
void xdp_size_frames(const struct leat_port *port, struct xdp_port *xdp);

/* Whether frames may arrive with checksums that their sender left unfinished, which AF_XDP cannot
 * tell; then `sentence` says so and how to turn it off. */
bool xdp_warning(const struct leat_netdev *netdev, char sentence[XDP_WARNING_BYTES]);

/* struct leat_driver's look. */
void xdp_look(void (*found)(void *ctx, const struct leat_port_found *port), void *ctx);

/* struct leat_port_ops. */
void xdp_caps(struct leat_port *port, struct leat_caps *caps);
int xdp_link(struct leat_port *port, struct leat_link *link);
int xdp_set_promisc(struct leat_port *port, bool on);
int xdp_set_mac(struct leat_port *port, const uint8_t mac[6]);
int xdp_set_multicast(struct leat_port *port, const uint8_t (*groups)[6], uint32_t n);
int xdp_stats(struct leat_port *port, struct leat_stats *stats);
int xdp_counters(struct leat_port *port, struct leat_counter *counters, uint32_t n);

#endif
