/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes on a unix socket, and descriptors with them, as vfio-user has them. */
#ifndef TESTS_SEND_FDS_H
#define TESTS_SEND_FDS_H

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SEND_FDS_MAX 64

/* As sendmsg() with these flags. */
static inline ssize_t send_fds(int socket, const void *bytes, size_t count, const int *fds,
                               uint32_t fd_count, int flags) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(SEND_FDS_MAX * sizeof(int))] = { 0 };
    struct iovec io = { .iov_base = (void *)bytes, .iov_len = count };
    struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1 };
    if (fd_count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
    }
    return sendmsg(socket, &message, flags);
}

#endif
