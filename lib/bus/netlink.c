/* SPDX-License-Identifier: BSD-2-Clause */
#include "netlink.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_SECONDS 5
#define DUMP_TRIES       5
#define ALIGNED(bytes)   (((size_t)(bytes) + 3) & ~(size_t)3)

int netlink_open(struct netlink *nl, int protocol) {
    const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
    const int on = 1;
    nl->sequence = 0;
    nl->why[0] = '\0';
    nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (nl->fd < 0)
        return -errno;
    /* Errors come with a sentence, and dumps are of what was asked for only. */
    setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    setsockopt(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
    setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return 0;
}

void netlink_close(struct netlink *nl) {
    close(nl->fd);
    nl->fd = -1;
}

void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags,
                   const void *fixed, size_t bytes) {
    memset(request, 0, sizeof(*request));
    request->header.nlmsg_len = (uint32_t)ALIGNED(sizeof(request->header) + bytes);
    request->header.nlmsg_type = type;
    request->header.nlmsg_flags = NLM_F_REQUEST | flags;
    memcpy(request->body, fixed, bytes);
}

void netlink_put(struct netlink_request *request, uint16_t type, const void *data, size_t bytes) {
    const struct nlattr header = { (uint16_t)(NLA_HDRLEN + bytes), type };
    uint8_t *at = (uint8_t *)request + request->header.nlmsg_len;
    memcpy(at, &header, sizeof(header));
    if (bytes > 0)
        memcpy(at + NLA_HDRLEN, data, bytes);
    request->header.nlmsg_len += (uint32_t)ALIGNED(NLA_HDRLEN + bytes);
}

bool netlink_next(struct netlink_attributes *rest, struct netlink_attribute *attribute) {
    struct nlattr header;
    size_t left = (size_t)(rest->end - rest->at);
    if (left < sizeof(header))
        return false;
    memcpy(&header, rest->at, sizeof(header));
    if (header.nla_len < NLA_HDRLEN || header.nla_len > left)
        return false;
    attribute->type = header.nla_type & NLA_TYPE_MASK;
    attribute->bytes = header.nla_len - NLA_HDRLEN;
    attribute->data = rest->at + NLA_HDRLEN;
    size_t step = ALIGNED(header.nla_len);
    rest->at += step < left ? step : left;
    return true;
}

struct netlink_attributes netlink_attributes(const struct nlmsghdr *message, size_t fixed) {
    const uint8_t *start = (const uint8_t *)message, *end = start + message->nlmsg_len;
    size_t before = NLMSG_HDRLEN + ALIGNED(fixed);
    bool whole = message->nlmsg_len >= before;
    return (struct netlink_attributes){ whole ? start + before : end, end };
}

struct netlink_attributes netlink_nested(const struct netlink_attribute *attribute) {
    return (struct netlink_attributes){ attribute->data, attribute->data + attribute->bytes };
}

uint64_t netlink_integer(const struct netlink_attribute *attribute) {
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
    } value = { .u64 = 0 };
    if (attribute->bytes <= sizeof(value))
        memcpy(&value, attribute->data, attribute->bytes);
    switch (attribute->bytes) {
    case 1:
        return value.u8;
    case 2:
        return value.u16;
    case 4:
        return value.u32;
    case 8:
        return value.u64;
    default:
        return 0;
    }
}

void netlink_text(const struct netlink_attribute *attribute, char *text, size_t bytes) {
    size_t length = strnlen((const char *)attribute->data, attribute->bytes);
    if (length >= bytes)
        length = bytes - 1;
    memcpy(text, attribute->data, length);
    text[length] = '\0';
}

/* The kernel's sentence lies behind the refused request, of which only the header is repeated when
 * the answer is capped (NLMSGERR_ATTR_MSG). */
static void read_why(struct netlink *nl, const struct nlmsghdr *message) {
    const struct nlmsgerr *error = (const struct nlmsgerr *)(message + 1);
    size_t repeated = sizeof(*error);
    char text[sizeof(nl->why) - 2];
    if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
        return;
    if (!(message->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len >= sizeof(error->msg))
        repeated += error->msg.nlmsg_len - sizeof(error->msg);
    struct netlink_attributes rest = netlink_attributes(message, repeated);
    for (struct netlink_attribute a; netlink_next(&rest, &a);)
        if (a.type == NLMSGERR_ATTR_MSG) {
            netlink_text(&a, text, sizeof(text));
            snprintf(nl->why, sizeof(nl->why), ": %s", text);
        }
}

static int read_end(struct netlink *nl, const struct nlmsghdr *message) {
    int error;
    if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(error))
        return -EPROTO;
    memcpy(&error, message + 1, sizeof(error));
    if (message->nlmsg_type == NLMSG_ERROR && error < 0 &&
        message->nlmsg_len >= NLMSG_HDRLEN + sizeof(struct nlmsgerr))
        read_why(nl, message);
    return error < 0 ? error : 1;
}

static int read_message(struct netlink *nl, const struct nlmsghdr *message, netlink_each *each,
                        void *ctx) {
    if (message->nlmsg_flags & NLM_F_DUMP_INTR)
        return -EINTR;
    switch (message->nlmsg_type) {
    case NLMSG_NOOP:
        return 0;
    case NLMSG_ERROR:
    case NLMSG_DONE:
        return read_end(nl, message);
    default:
        return each ? each(ctx, message) : 0;
    }
}

int netlink_read(struct netlink *nl, size_t bytes, uint32_t sequence, netlink_each *each,
                 void *ctx) {
    for (size_t at = 0; bytes - at >= sizeof(struct nlmsghdr);) {
        const struct nlmsghdr *message = (const struct nlmsghdr *)(nl->answer + at);
        size_t length = message->nlmsg_len;
        if (length < sizeof(*message) || length > bytes - at)
            return -EPROTO;
        int rc = message->nlmsg_seq == sequence ? read_message(nl, message, each, ctx) : 0;
        if (rc != 0)
            return rc;
        at += ALIGNED(length) < bytes - at ? ALIGNED(length) : bytes - at;
    }
    return 0;
}

/* One datagram of the kernel's; others may write to the socket too. */
static ssize_t receive(struct netlink *nl) {
    struct sockaddr_nl from = { 0 };
    struct iovec part = { nl->answer, sizeof(nl->answer) };
    struct msghdr message = { &from, sizeof(from), &part, 1 };
    for (;;) {
        ssize_t bytes = recvmsg(nl->fd, &message, 0);
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (message.msg_flags & MSG_TRUNC)
            return -EMSGSIZE;
        if (from.nl_pid == 0)
            return bytes;
    }
}

static int exchange_once(struct netlink *nl, struct netlink_request *request, netlink_each *each,
                         void *ctx) {
    const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    uint32_t sequence = request->header.nlmsg_seq = ++nl->sequence;
    if (sendto(nl->fd, request, request->header.nlmsg_len, 0, (const struct sockaddr *)&kernel,
               sizeof(kernel)) < 0)
        return -errno;
    for (;;) {
        ssize_t bytes = receive(nl);
        int rc = bytes < 0 ? (int)bytes : netlink_read(nl, (size_t)bytes, sequence, each, ctx);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
}

/* A dump during which something changed is asked for again. */
int netlink_exchange(struct netlink *nl, struct netlink_request *request, netlink_each *each,
                     void *ctx) {
    int err = -EINTR;
    nl->why[0] = '\0';
    if (!(request->header.nlmsg_flags & NLM_F_DUMP))
        request->header.nlmsg_flags |= NLM_F_ACK;
    for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++)
        err = exchange_once(nl, request, each, ctx);
    return err;
}
