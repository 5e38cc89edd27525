/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of any bytes, each given to every reader: never a byte read outside of them. */
#include "lib/bus/netdev_private.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Copied to memory of exactly its size, so that the address sanitizer sees a read beyond its end.
 */
static int give_all(void *dev, const struct nlmsghdr *message) {
    static netlink_each *const readers[] = { netdev_read_link, netdev_read_route,
                                             netdev_read_address, netdev_read_features };
    struct netdev_above above = { .index = { 77 }, .count = 1 };
    uint16_t family;
    struct nlmsghdr *copy = malloc(message->nlmsg_len);
    if (!copy)
        abort();
    memcpy(copy, message, message->nlmsg_len);
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        readers[i](dev, copy);
    netdev_read_family(&family, copy);
    netdev_read_above(&above, copy);
    free(copy);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct netlink nl;
    struct leat_netdev dev = { .index = 77 };
    if (bytes > sizeof(nl.answer))
        bytes = sizeof(nl.answer);
    memset(nl.answer, 0xa5, sizeof(nl.answer));
    memcpy(nl.answer, data, bytes);
    netlink_read(&nl, bytes, 1, give_all, &dev);
    if (strnlen(dev.name, sizeof(dev.name)) == sizeof(dev.name) ||
        strnlen(nl.why, sizeof(nl.why)) == sizeof(nl.why))
        abort();
    return 0;
}
