/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Framing. The header is read first and then exactly as much as it announces, because a stream
 * socket does not tell which byte a descriptor came with: so all that arrive meanwhile belong to
 * this message. While a reply waits for room in the socket no further request is read; that bounds
 * the queue to one reply and pushes back on a client that does not read.
 */
#include "protocol.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_BYTES CMSG_SPACE(PROTOCOL_FDS_MAX * sizeof(int))

void channel_init(struct channel *channel) {
    memset(channel, 0, sizeof(*channel));
    channel->fd = channel->out_fd = -1;
}

void channel_open(struct channel *channel, int fd) {
    channel_init(channel);
    channel->fd = fd;
}

void channel_close(struct channel *channel) {
    channel_done(channel);
    if (channel->fd >= 0)
        close(channel->fd);
    channel_init(channel);
}

static void keep_fd(struct message *message, int fd) {
    if (message->fd_count < PROTOCOL_FDS_MAX) {
        message->fds[message->fd_count++] = fd;
    } else {
        close(fd);
        message->fds_lost = true;
    }
}

static void keep_fds(struct message *message, struct msghdr *received) {
    if (received->msg_flags & MSG_CTRUNC)
        message->fds_lost = true;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(received); c; c = CMSG_NXTHDR(received, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
            keep_fd(message, fd);
        }
    }
}

/* Reads until in[] holds `want` bytes: 1, 0 when the rest is still to come, or a negative errno. */
static int fill(struct channel *channel, uint32_t want) {
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
    while (channel->in_bytes < want) {
        struct iovec io = { .iov_base = channel->in + channel->in_bytes,
                            .iov_len = want - channel->in_bytes };
        struct msghdr received = {
            .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CONTROL_BYTES
        };
        ssize_t n = recvmsg(channel->fd, &received, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -ECONNRESET;
        keep_fds(&channel->request, &received);
        if (n == 0)
            return -ECONNRESET;
        channel->in_bytes += (uint32_t)n;
    }
    return 1;
}

int channel_receive(struct channel *channel) {
    struct message *request = &channel->request;
    if (channel_is_blocked(channel))
        return 0;
    int got = fill(channel, sizeof(request->header));
    if (got <= 0)
        return got;
    memcpy(&request->header, channel->in, sizeof(request->header));
    uint32_t size = request->header.size;
    if (size < sizeof(request->header) || size > PROTOCOL_MESSAGE_MAX ||
        (request->header.flags & PROTOCOL_TYPE) != 0) /* we ask nothing, so no reply may come */
        return -EPROTO;
    got = fill(channel, size);
    if (got <= 0)
        return got;
    request->payload = channel->in + sizeof(request->header);
    request->payload_bytes = size - sizeof(request->header);
    return 1;
}

void channel_done(struct channel *channel) {
    struct message *request = &channel->request;
    for (uint32_t i = 0; i < request->fd_count; i++)
        if (request->fds[i] >= 0)
            close(request->fds[i]);
    request->fd_count = 0;
    request->fds_lost = false;
    channel->in_bytes = 0;
}

int message_take_fd(struct message *message, uint32_t index) {
    int fd = message->fds[index];
    message->fds[index] = -1;
    return fd;
}

void *channel_reply_payload(struct channel *channel) {
    return channel->out + sizeof(struct protocol_header);
}

/* The descriptor goes with the first bytes. */
static ssize_t send_rest(struct channel *channel) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec io = { .iov_base = channel->out + channel->out_sent,
                        .iov_len = channel->out_bytes - channel->out_sent };
    struct msghdr sent = { .msg_iov = &io, .msg_iovlen = 1 };
    if (channel->out_fd >= 0 && channel->out_sent == 0) {
        sent.msg_control = control;
        sent.msg_controllen = sizeof(control);
        struct cmsghdr *c = CMSG_FIRSTHDR(&sent);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &channel->out_fd, sizeof(int));
    }
    return sendmsg(channel->fd, &sent, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int channel_flush(struct channel *channel) {
    while (channel_is_blocked(channel)) {
        ssize_t n = send_rest(channel);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -ECONNRESET;
        channel->out_sent += (uint32_t)n;
    }
    channel->out_bytes = channel->out_sent = 0;
    channel->out_fd = -1;
    return 0;
}

static int answer(struct channel *channel, struct protocol_header *header, int fd) {
    const struct protocol_header *asked = &channel->request.header;
    if (asked->flags & PROTOCOL_NO_REPLY)
        return 0;
    header->id = asked->id;
    header->command = asked->command;
    memcpy(channel->out, header, sizeof(*header));
    channel->out_bytes = header->size;
    channel->out_sent = 0;
    channel->out_fd = fd;
    return channel_flush(channel);
}

int channel_reply(struct channel *channel, uint32_t payload_bytes, int fd) {
    struct protocol_header header = { .size = sizeof(header) + payload_bytes,
                                      .flags = PROTOCOL_REPLY };
    return answer(channel, &header, fd);
}

int channel_refuse(struct channel *channel, int error) {
    struct protocol_header header = { .size = sizeof(header),
                                      .flags = PROTOCOL_REPLY | PROTOCOL_ERROR,
                                      .error = (uint32_t)error };
    return answer(channel, &header, -1);
}
