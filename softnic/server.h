/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket of one NIC: it listens, serves one client at a time, and refuses a second by name.
 */
#ifndef SOFTNIC_SERVER_H
#define SOFTNIC_SERVER_H

#include "device.h"
#include "protocol.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Which of its sockets has something to say; with the port number in epoll's data. */
enum server_source { SERVER_CLIENT, SERVER_LATECOMER, SERVER_LISTENER, SERVER_SOURCES };

struct server {
    int epoll;
    uint32_t port;
    char path[108]; /* empty: it serves one connection that was handed over */
    int listener;   /* -1: unplugged */
    dev_t path_device;
    ino_t path_inode;
    bool client_wants_room; /* epoll watches for room to send, not for requests */
    struct channel client, latecomer;
    struct device device;
};

/* Of everything but its device, which is opened before it serves and closed after. */
void server_init(struct server *server, int epoll, uint32_t port);
void server_close(struct server *server);

/* Either listens at `path`, or serves the connected socket `fd`, which it owns once this is 0. */
int server_listen(struct server *server, const char *path);
int server_adopt(struct server *server, int fd);

/* Looks at one source. Returns messages dealt with. */
uint32_t server_serve(struct server *server, enum server_source source);

/* Pulls the card out under the driver: it is disconnected, and who connects is refused. */
void server_unplug(struct server *server);
int server_plug(struct server *server);

void server_disconnect(struct server *server);

static inline bool server_is_connected(const struct server *server) {
    return server->client.fd >= 0;
}

static inline bool server_is_plugged(const struct server *server) {
    return server->listener >= 0 || server_is_connected(server);
}

#endif
