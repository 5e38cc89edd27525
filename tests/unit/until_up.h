/* SPDX-License-Identifier: BSD-2-Clause */
/* An interface that has just got its carrier: the kernel opens its queues to the stack a while
 * later, up to a second on a busy machine, and silently drops what is sent until then. Included
 * after cmocka.h. */
#ifndef TESTS_UNTIL_UP_H
#define TESTS_UNTIL_UP_H

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNTIL_UP_MS 30000

/* Whether one of the messages there, news or the answer to the question, says that it is up. */
static inline bool says_up(int fd, int ifindex) {
    struct nlmsghdr messages[512];
    ssize_t bytes = recv(fd, messages, sizeof(messages), 0);
    for (struct nlmsghdr *at = messages; bytes > 0 && NLMSG_OK(at, (size_t)bytes);
         at = NLMSG_NEXT(at, bytes)) {
        const struct ifinfomsg *link = NLMSG_DATA(at);
        if (at->nlmsg_type == RTM_NEWLINK && link->ifi_index == ifindex &&
            link->ifi_flags & IFF_RUNNING)
            return true;
    }
    return false;
}

/* The kernel tells of each change after it has opened the queues. */
static inline void until_up(const char *interface) {
    const struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } question = { { sizeof(question), RTM_GETLINK, NLM_F_REQUEST, 1, 0 },
                   { .ifi_index = (int)if_nametoindex(interface) } };
    const struct sockaddr_nl news = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    assert_int_equal(bind(fd, (const struct sockaddr *)&news, sizeof(news)), 0);
    assert_int_equal(send(fd, &question, sizeof(question), 0), sizeof(question));
    do {
        if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, UNTIL_UP_MS) != 1)
            fail_msg("%s does not come up", interface);
    } while (!says_up(fd, question.link.ifi_index));
    close(fd);
}

#endif
