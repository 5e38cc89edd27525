/* SPDX-License-Identifier: BSD-2-Clause */
/* A connected UDP socket, and the size of what it may send. */
#include "datagram.h"

#include "lib/core/error.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ETHERNET_MTU = 1500, /* larger ones of this host's interfaces need not hold on the whole path */
    HEADERS_IP4 = 20 + 8,
    HEADERS_IP6 = 40 + 8,
    MESSAGE_LEAST = 512,
};

static uint32_t path_mtu(int fd, int family) {
    int mtu = 0;
    socklen_t n = sizeof(mtu);
    int err = family == AF_INET ? getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &n)
                                : getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &n);
    return err || mtu <= 0 || mtu > ETHERNET_MTU ? ETHERNET_MTU : (uint32_t)mtu;
}

static int connected(const struct addrinfo *to) {
    int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    return fd < 0 ? -errno : fd;
}

int leat_datagram_open(struct leat_datagram *datagram, const char *name, const char *host,
                       const char *port, uint32_t mtu) {
    const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found;
    int err = getaddrinfo(host, port, &hints, &found);
    if (err)
        return leat_fail(err == EAI_AGAIN ? EAGAIN : EINVAL, "%s: cannot find the collector: %s",
                         name, gai_strerror(err));
    datagram->fd = -ENOENT;
    for (const struct addrinfo *to = found; to && datagram->fd < 0; to = to->ai_next) {
        uint32_t headers = to->ai_family == AF_INET ? HEADERS_IP4 : HEADERS_IP6;
        datagram->fd = connected(to);
        if (datagram->fd >= 0) {
            uint32_t path = mtu ? mtu : path_mtu(datagram->fd, to->ai_family);
            datagram->message_max = path > MESSAGE_LEAST + headers ? path - headers : MESSAGE_LEAST;
        }
    }
    freeaddrinfo(found);
    if (datagram->fd < 0)
        return leat_fail(-datagram->fd, "%s: cannot reach the collector: %s", name,
                         strerror(-datagram->fd));
    return 0;
}

void leat_datagram_close(struct leat_datagram *datagram) {
    close(datagram->fd);
}

int leat_datagram_send(const struct leat_datagram *datagram, const uint8_t *message, uint32_t n) {
    ssize_t sent = send(datagram->fd, message, n, MSG_NOSIGNAL);
    /* That is told of an earlier datagram, in place of sending this one, which goes now: one told
     * for one that nobody took. */
    if (sent < 0 && errno == ECONNREFUSED) {
        send(datagram->fd, message, n, MSG_NOSIGNAL);
        return -ECONNREFUSED;
    }
    return sent < 0 ? -errno : 0;
}
