/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP (RFC 7011, 10.3): a message a datagram, no larger than the path takes. The socket is
 * connected so that ICMP errors reach it.
 */
#include "transport_kind.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define SEND_BUFFER_OCTETS (1 << 20)
/* No path but loopback takes more, and collectors' buffers are made for that. */
#define MTU_MAX     9000
#define MTU_DEFAULT 1500

uint32_t leat_udp_room(const struct leat_transport *transport) {
    const bool v6 = transport->address && transport->address->ai_family == AF_INET6;
    int mtu = (int)transport->mtu;
    socklen_t length = sizeof(mtu);
    if (mtu == 0 && (transport->fd < 0 || getsockopt(transport->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                                     v6 ? IPV6_MTU : IP_MTU, &mtu, &length) < 0))
        mtu = MTU_DEFAULT;
    if (mtu > MTU_MAX)
        mtu = MTU_MAX;
    if (mtu < 576) /* RFC 791: every host takes that */
        mtu = 576;
    return (uint32_t)mtu - (v6 ? 48 : 28); /* IP and UDP headers */
}

static void prepare(struct leat_transport *transport) {
    const int octets = SEND_BUFFER_OCTETS;
    setsockopt(transport->fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
}

static int handshake(struct leat_transport *transport) {
    transport->message_max = leat_udp_room(transport);
    return 0;
}

static int open_udp(struct leat_transport *transport, const struct leat_flow_sink_opts *opts) {
    (void)opts;
    transport->message_max = leat_udp_room(transport);
    return 0;
}

/* An error that ICMP brought concerns an earlier datagram: without a spool it is only noted, and
 * this one is sent. */
static ssize_t write_datagram(struct leat_transport *transport, const uint8_t *bytes, uint32_t n) {
    ssize_t sent = leat_socket_write(transport, bytes, n);
    if (sent == -ECONNREFUSED && !transport->spooled) {
        transport->failures++;
        sent = leat_socket_write(transport, bytes, n);
    }
    if (sent == -ECONNREFUSED)
        transport->trial = true;
    return sent;
}

static ssize_t read_datagram(struct leat_transport *transport, uint8_t *bytes, uint32_t n) {
    ssize_t got = leat_socket_read(transport, bytes, n);
    if (got == -ECONNREFUSED && !transport->spooled) {
        transport->failures++;
        got = 0;
    }
    if (got == -ECONNREFUSED)
        transport->trial = true;
    return got;
}

const struct leat_transport_ops leat_transport_udp = {
    .socket_type = SOCK_DGRAM,
    .open = open_udp,
    .prepare = prepare,
    .handshake = handshake,
    .write = write_datagram,
    .read = read_datagram,
};
