/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking the kernel by netlink (RFC 3549): a request of a fixed part and attributes, answered by
 * messages of the same form. Attributes are 4-byte aligned and may hold others.
 */
#ifndef LEAT_BUS_NETLINK_H
#define LEAT_BUS_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_REQUEST_MAX 512
#define NETLINK_ANSWER_MAX  32768 /* as much as the kernel puts into one answer of a dump */

struct netlink {
    int fd;
    uint32_t sequence;
    char why[96]; /* the kernel's own words on the last refusal, ": ...", or "" */
    _Alignas(NLMSG_ALIGNTO) uint8_t answer[NETLINK_ANSWER_MAX];
};

struct netlink_request {
    struct nlmsghdr header;
    uint8_t body[NETLINK_REQUEST_MAX];
};

struct netlink_attribute {
    uint16_t type; /* without flags */
    uint16_t bytes;
    const uint8_t *data;
};

/* Attributes still to be read. */
struct netlink_attributes {
    const uint8_t *at, *end;
};

/* Told each message of an answer. A negative errno ends the exchange. */
typedef int netlink_each(void *ctx, const struct nlmsghdr *message);

/* Sockets of the calling thread's network namespace; NETLINK_ROUTE, NETLINK_GENERIC. 0 or a
 * negative errno. */
int netlink_open(struct netlink *nl, int protocol);
void netlink_close(struct netlink *nl);

/* Begins a request with its fixed part; attributes follow. */
void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags,
                   const void *fixed, size_t bytes);
void netlink_put(struct netlink_request *request, uint16_t type, const void *data, size_t bytes);

/* Sends the request and reads the answer to its end, which is an acknowledgement, the end of a dump
 * or an error. Returns 0, the kernel's negative errno, or what `each` (may be NULL) returned. */
int netlink_exchange(struct netlink *nl, struct netlink_request *request, netlink_each *each,
                     void *ctx);

/* Reads the messages of one datagram that answer request `sequence`. Returns 1 when the answer has
 * ended, 0 when more follows, or a negative errno. */
int netlink_read(struct netlink *nl, size_t bytes, uint32_t sequence, netlink_each *each,
                 void *ctx);

/* The attributes of a message behind a fixed part of so many bytes; none when it is too short. */
struct netlink_attributes netlink_attributes(const struct nlmsghdr *message, size_t fixed);

/* The attributes within an attribute. */
struct netlink_attributes netlink_nested(const struct netlink_attribute *attribute);

/* The next one; false: no more, or what follows is none. */
bool netlink_next(struct netlink_attributes *rest, struct netlink_attribute *attribute);

/* Its value, an integer of up to 8 bytes in host order; 0 when it is of another size. */
uint64_t netlink_integer(const struct netlink_attribute *attribute);

/* Its text, at most `bytes` - 1 characters of it. */
void netlink_text(const struct netlink_attribute *attribute, char *text, size_t bytes);

#endif
