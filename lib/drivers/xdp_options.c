/* SPDX-License-Identifier: BSD-2-Clause */
/* The name of an xdp: port: "eth0" or "eth0@3", and its options (docs/ports.md). */
#include "xdp.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_address(struct leat_port *port, struct xdp_port_options *options) {
    const char *at = strrchr(port->address, '@');
    size_t length = at ? (size_t)(at - port->address) : strlen(port->address);
    if (length == 0 || length >= sizeof(options->interface))
        return leat_fail(EINVAL, "%s: an interface's name has 1 to %zu characters", port->name,
                         sizeof(options->interface) - 1);
    memcpy(options->interface, port->address, length);
    if (!at)
        return 0;
    char *end;
    unsigned long queue = strtoul(at + 1, &end, 10);
    if (at[1] < '0' || at[1] > '9' || *end || queue > UINT16_MAX)
        return leat_fail(EINVAL, "%s: after the '@' stands the number of a queue, not '%s'",
                         port->name, at + 1);
    options->one_queue = true;
    options->first_queue = (uint32_t)queue;
    if (port->queues_given && port->opts.queues > 1)
        return leat_fail(EINVAL, "%s: %u queues were asked for, and the name says one", port->name,
                         port->opts.queues);
    return 0;
}

static int read_stage(struct leat_port *port, struct leat_stage_opts *stage) {
    int mode = LEAT_XDP_AUTO, attach = 0, err;
    if ((err = leat_option_choice(port, "mode", "auto|native|generic", &mode)) < 0 ||
        (err = leat_option_choice(port, "attach", "link|dispatcher", &attach)) < 0 ||
        (err = leat_option_string(port, "match", &stage->match)) < 0 ||
        (err = leat_option_set(port, "rx-metadata", "time|hash|vlan", &stage->metadata)) < 0)
        return err;
    stage->mode = (enum leat_xdp_mode)mode;
    stage->dispatcher = attach == 1;
    return 0;
}

/* rings= is all four of a socket: the fill ring goes with rx, the completion ring with tx. */
static int read_rings(struct leat_port *port, struct xdp_socket_opts *socket) {
    uint32_t rings;
    int given = leat_option_u32(port, "rings", &rings, XDP_RING_MIN, XDP_RING_MAX);
    if (given < 0)
        return given;
    socket->rx_ring = given ? rings : port->opts.rx_ring;
    socket->tx_ring = given ? rings : port->opts.tx_ring;
    const uint32_t both[] = { socket->rx_ring, socket->tx_ring };
    for (int i = 0; i < 2; i++)
        if (both[i] < XDP_RING_MIN || both[i] > XDP_RING_MAX || both[i] & (both[i] - 1))
            return leat_fail(EINVAL, "%s: a ring has a power of two from %u to %u entries, not %u",
                             port->name, XDP_RING_MIN, XDP_RING_MAX, both[i]);
    return 0;
}

static int read_socket(struct leat_port *port, struct xdp_socket_opts *socket) {
    int zerocopy = XDP_ZEROCOPY_PREFER, wait = XDP_WAIT_POLL, need_wakeup = 1, err;
    if ((err = leat_option_choice(port, "zerocopy", "prefer|require|never", &zerocopy)) < 0 ||
        (err = leat_option_choice(port, "wait", "poll|spin|busy-poll", &wait)) < 0 ||
        (err = leat_option_choice(port, "need-wakeup", "off|on", &need_wakeup)) < 0 ||
        (err = leat_option_u32(port, "frame-size", &socket->frame_bytes, 2048, 4096)) < 0 ||
        (err = leat_option_set(port, "tx-metadata", "time|checksum|launch", &socket->tx_metadata)) <
            0)
        return err;
    socket->name = port->name;
    socket->zerocopy = (enum xdp_zerocopy)zerocopy;
    socket->wait = (enum xdp_wait)wait;
    socket->need_wakeup = need_wakeup == 1;
    return read_rings(port, socket);
}

int xdp_read_options(struct leat_port *port, struct xdp_port_options *options) {
    int err, force;
    if ((err = read_address(port, options)) < 0 || (err = read_stage(port, &options->stage)) < 0 ||
        (err = read_socket(port, &options->socket)) < 0 ||
        (err = leat_option_u32(port, "mtu", &options->mtu, 68, 65521)) < 0)
        return err;
    options->socket.rx_metadata = options->stage.metadata;
    if ((force = leat_option_flag(port, "force")) < 0)
        return force;
    options->force = force == 1;
    return leat_option_unknown(port);
}
