/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio-user client that sends whatever a test wants, and a softnic in the same process that is
 * turned until it has answered: no waiting on clocks.
 */
#ifndef TESTS_SOFTNIC_CLIENT_H
#define TESTS_SOFTNIC_CLIENT_H

#include "softnic/protocol.h"
#include "softnic/softnic.h"
#include <stddef.h>
#include <stdint.h>

#define CLIENT_FDS_MAX 16

struct client {
    struct softnic *softnic;
    int fd;
    uint16_t next_id;
};

enum outcome { SILENT, REPLIED, CLOSED };

struct answer {
    struct protocol_header header;
    uint32_t payload_bytes;
    uint32_t fd_count;
    int fds[CLIENT_FDS_MAX]; /* closed by the next exchange */
    _Alignas(8) uint8_t payload[PROTOCOL_MESSAGE_MAX];
};

extern struct answer answer; /* the last one */

/* A softnic of one port on one end of a socket pair, the client on the other. */
void client_open(struct client *client);
void client_open_agreed(struct client *client); /* and VERSION done */
void client_close(struct client *client);

int client_connect(const char *path); /* a socket, or a negative errno */

/* Bytes as they are, with descriptors. */
void client_send(int fd, const void *bytes, size_t count, const int *fds, uint32_t fd_count);
enum outcome client_receive(struct client *client);
void client_turn(struct client *client); /* enough turns for everything that was sent */

/* One request and what comes of it. */
enum outcome client_ask(struct client *client, uint16_t command, const void *payload,
                        uint32_t payload_bytes, const int *fds, uint32_t fd_count);

/* 0, or the errno of the error reply; fails the test when there is none. */
uint32_t client_do(struct client *client, uint16_t command, const void *payload,
                   uint32_t payload_bytes);
uint32_t client_do_fds(struct client *client, uint16_t command, const void *payload,
                       uint32_t payload_bytes, const int *fds, uint32_t fd_count);
void client_agree(struct client *client);

uint32_t client_read(struct client *client, uint32_t region, uint64_t offset, uint32_t count,
                     void *to);
uint32_t client_write(struct client *client, uint32_t region, uint64_t offset, uint32_t count,
                      const void *from);

int open_fds(void); /* of this process */

#endif
