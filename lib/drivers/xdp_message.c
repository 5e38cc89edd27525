/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_message.h"
#include "lib/bpf/stage.h"
#include "xdp_socket.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 253 /* SCM_MAX_FD: a sender cannot send more */

int xdp_message_send(int socket, const void *message, uint32_t bytes, int fd) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
    struct iovec part = { (void *)message, bytes };
    struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof(control);
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    }
    return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == bytes ? 0 : -errno;
}

/* Keeps the first descriptor, so that none is leaked however many a peer sends. */
static void take_descriptors(struct msghdr *msg, int *fd) {
    *fd = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int one;
            memcpy(&one, CMSG_DATA(c) + at, sizeof(one));
            if (*fd < 0)
                *fd = one;
            else
                close(one);
        }
    }
}

int xdp_message_receive(int socket, void *message, uint32_t bytes, int *fd) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control;
    struct iovec part = { message, bytes };
    struct msghdr msg = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    *fd = -1;
    ssize_t got;
    do
        got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    take_descriptors(&msg, fd);
    return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)got;
}

static int check_head(const struct xdp_message_head *head, uint32_t bytes, uint32_t expected) {
    if (bytes < sizeof(*head) || head->magic != XDP_MESSAGE_MAGIC)
        return leat_fail(EPROTO, "the other side of the socket does not speak this protocol");
    if (head->version != XDP_MESSAGE_VERSION)
        return leat_fail(EPROTO,
                         "the other side of the socket speaks version %u, this one version %u; "
                         "use one version of leat for both",
                         head->version, XDP_MESSAGE_VERSION);
    if (bytes != expected)
        return leat_fail(EPROTO, "a message of %u bytes, not %u", bytes, expected);
    return 0;
}

static bool ends(const char *text, size_t room) {
    return memchr(text, '\0', room) != NULL;
}

static int out_of_range(const char *what) {
    return leat_fail(EINVAL, "the request's %s is out of range", what);
}

static bool is_ring(uint32_t entries) {
    return entries >= XDP_RING_MIN && entries <= XDP_RING_MAX && (entries & (entries - 1)) == 0;
}

static int check_open(const struct xdp_request *r) {
    if (!ends(r->interface, sizeof(r->interface)) || !*r->interface)
        return out_of_range("interface");
    if (!ends(r->match, sizeof(r->match)))
        return out_of_range("match expression");
    if ((r->queue >= 65536 && r->queue != XDP_MESSAGE_ANY) || r->queues > LEAT_QUEUES_MAX)
        return out_of_range("list of queues");
    if (r->attach > LEAT_XDP_GENERIC || r->promisc > 1 || r->wait > XDP_WAIT_BUSY_POLL)
        return out_of_range("mode");
    return 0; /* the pool: leat_foreign_map() */
}

static int check_socket(const struct xdp_request *r) {
    if (!is_ring(r->rx_ring) || !is_ring(r->tx_ring))
        return out_of_range("ring");
    if (r->frame_bytes > 65536 || r->frame_max > 65536)
        return out_of_range("frame size");
    if (r->wait > XDP_WAIT_BUSY_POLL || r->zerocopy > XDP_ZEROCOPY_NEVER || r->need_wakeup > 1 ||
        r->segments > 1)
        return out_of_range("mode");
    return 0;
}

int xdp_request_check(const struct xdp_request *request, uint32_t bytes) {
    int err = check_head(&request->head, bytes, sizeof(*request));
    if (err < 0)
        return err;
    switch (request->head.kind) {
    case XDP_MESSAGE_OPEN:
        return check_open(request);
    case XDP_MESSAGE_SOCKET:
        return check_socket(request);
    case XDP_MESSAGE_START:
    case XDP_MESSAGE_LINK:
    case XDP_MESSAGE_CLOSE:
        return 0;
    default:
        return leat_fail(EPROTO, "there is no request %u", request->head.kind);
    }
}

int xdp_answer_check(const struct xdp_answer *answer, uint32_t bytes, uint16_t kind) {
    int err = check_head(&answer->head, bytes, sizeof(*answer));
    if (err < 0)
        return err;
    if (answer->head.kind != kind || !ends(answer->text, sizeof(answer->text)) ||
        !ends(answer->driver, sizeof(answer->driver)) || answer->error > 0 ||
        answer->error < -4095 || answer->attach > LEAT_XDP_GENERIC)
        return leat_fail(EPROTO, "the server's answer is malformed");
    return answer->error < 0 ? leat_fail(-answer->error, "%s", answer->text) : 0;
}
