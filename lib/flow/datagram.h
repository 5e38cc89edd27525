/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to a collector of NetFlow: a connected UDP socket that never blocks. */
#ifndef LEAT_FLOW_DATAGRAM_H
#define LEAT_FLOW_DATAGRAM_H

#include <stdint.h>

struct leat_datagram {
    int fd;
    uint32_t message_max; /* what goes through the path in one piece */
};

/* `mtu` of the path; 0: as the kernel knows it. */
int leat_datagram_open(struct leat_datagram *datagram, const char *name, const char *host,
                       const char *port, uint32_t mtu);
void leat_datagram_close(struct leat_datagram *datagram);

/* 0, or why not: -ECONNREFUSED tells of a message before, and that nobody listens. */
int leat_datagram_send(const struct leat_datagram *datagram, const uint8_t *message, uint32_t n);

#endif
