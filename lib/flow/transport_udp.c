/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP (RFC 7011, 10.3): a message a datagram, no larger than the path takes. The socket is
 * connected so that ICMP errors reach it; they queue up there, each with a piece of the datagram
 * that it is about (ip(7), IP_RECVERR).
 */
#include "transport_kind.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define SEND_BUFFER_OCTETS (1 << 20)
/* No path but loopback takes more, and collectors' buffers are made for that. */
#define MTU_MAX       9000
#define MTU_DEFAULT   1500
#define ERRORS_A_TIME 64
#define QUOTED_OCTETS 64 /* of a message: its header is enough */

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
    const int octets = SEND_BUFFER_OCTETS, on = 1;
    const bool v6 = transport->address->ai_family == AF_INET6;
    setsockopt(transport->fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
    setsockopt(transport->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
               sizeof(on));
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

static bool is_icmp(struct msghdr *message) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        struct sock_extended_err error;
        const bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
        const bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;
        if ((!v4 && !v6) || part->cmsg_len < CMSG_LEN(sizeof(error)))
            continue;
        memcpy(&error, CMSG_DATA(part), sizeof(error));
        return error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6;
    }
    return false;
}

/* Takes in the ICMP errors that wait; how many they were. */
static uint32_t hear_errors(struct leat_transport *transport) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < ERRORS_A_TIME; i++) {
        uint8_t quoted[QUOTED_OCTETS];
        _Alignas(struct cmsghdr) char control[256];
        struct iovec room = { quoted, sizeof(quoted) };
        struct msghdr message = { .msg_iov = &room,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control) };
        const ssize_t n = recvmsg(transport->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (n < 0)
            break;
        if (!is_icmp(&message))
            continue;
        count++;
        if (transport->refused)
            transport->refused(transport->refused_ctx, quoted, (uint32_t)n);
    }
    return count;
}

/* Whether a failed call only told of earlier datagrams, and sending goes on. */
static bool goes_on(struct leat_transport *transport) {
    const uint32_t errors = hear_errors(transport);
    if (errors && transport->spooled)
        transport->trial = true;
    if (!errors || transport->spooled)
        return false;
    transport->failures += errors;
    return true;
}

static ssize_t write_datagram(struct leat_transport *transport, const uint8_t *bytes, uint32_t n) {
    const ssize_t sent = leat_socket_write(transport, bytes, n);
    if (sent >= 0 || sent == -EAGAIN || !goes_on(transport))
        return sent;
    return leat_socket_write(transport, bytes, n);
}

static ssize_t read_datagram(struct leat_transport *transport, uint8_t *bytes, uint32_t n) {
    const ssize_t got = leat_socket_read(transport, bytes, n);
    return got >= 0 || got == -EAGAIN || !goes_on(transport) ? got : 0;
}

const struct leat_transport_ops leat_transport_udp = {
    .socket_type = SOCK_DGRAM,
    .open = open_udp,
    .prepare = prepare,
    .handshake = handshake,
    .write = write_datagram,
    .read = read_datagram,
};
