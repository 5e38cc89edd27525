/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening, accepting, serving, parting.
 */
#include "server.h"
#include "error.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG            4
#define MESSAGES_EACH_LOOK 16 /* so that a flood of them leaves the other ports their turn */

static int watch(struct server *server, int operation, int fd, enum server_source source,
                 uint32_t events) {
    struct epoll_event event = { .events = events,
                                 .data.u64 = (uint64_t)server->port * SERVER_SOURCES + source };
    return epoll_ctl(server->epoll, operation, fd, &event) ? -errno : 0;
}

static int open_socket(void) {
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Whether the socket file at that address is left over from a server that is no more. */
static int check_stale(const struct sockaddr_un *address) {
    const char *path = address->sun_path;
    struct stat file;
    if (lstat(path, &file) == 0 && !S_ISSOCK(file.st_mode))
        return softnic_fail(EEXIST,
                            "%s: cannot listen: a file that is no socket is in the way; "
                            "choose another path",
                            path);
    int probe = open_socket();
    if (probe < 0)
        return softnic_fail(errno, "%s: cannot make a socket: %s", path, strerror(errno));
    int result = connect(probe, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
    close(probe);
    if (result == ECONNREFUSED || result == ENOENT)
        return 0;
    if (result == 0 || result == EAGAIN)
        return softnic_fail(EADDRINUSE,
                            "%s: cannot listen: another server answers there; stop it "
                            "or choose another path",
                            path);
    return softnic_fail(result, "%s: cannot tell whether a server answers there: %s", path,
                        strerror(result));
}

static int bind_socket(int fd, const struct sockaddr_un *address) {
    const struct sockaddr *at = (const struct sockaddr *)address;
    if (bind(fd, at, sizeof(*address)) == 0)
        return 0;
    if (errno == EADDRINUSE) {
        int error = check_stale(address);
        if (error)
            return error;
        unlink(address->sun_path);
        if (bind(fd, at, sizeof(*address)) == 0)
            return 0;
    }
    const char *mend = errno == ENOENT ? "; make its directory first" : "";
    return softnic_fail(errno, "%s: cannot listen: %s%s", address->sun_path, strerror(errno), mend);
}

static int start_listening(struct server *server, int fd) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat file;
    memcpy(address.sun_path, server->path, sizeof(server->path));
    int error = bind_socket(fd, &address);
    if (error)
        return error;
    if (stat(server->path, &file) == 0) {
        server->path_device = file.st_dev;
        server->path_inode = file.st_ino;
    }
    if (listen(fd, BACKLOG) != 0 ||
        watch(server, EPOLL_CTL_ADD, fd, SERVER_LISTENER, EPOLLIN) != 0) {
        error = softnic_fail(errno, "%s: cannot listen: %s", server->path, strerror(errno));
        unlink(server->path);
    }
    return error;
}

int server_plug(struct server *server) {
    if (!server->path[0])
        return softnic_fail(ENOTSUP, "port %u: cannot plug: it served one connection only",
                            server->port);
    if (server->listener >= 0)
        return softnic_fail(EALREADY, "port %u: cannot plug: it is plugged", server->port);
    int fd = open_socket();
    if (fd < 0)
        return softnic_fail(errno, "%s: cannot make a socket: %s", server->path, strerror(errno));
    int error = start_listening(server, fd);
    if (error)
        close(fd);
    else
        server->listener = fd;
    return error;
}

static int take_client(struct server *server, int fd) {
    channel_open(&server->client, fd);
    server->client_wants_room = false;
    return watch(server, EPOLL_CTL_ADD, fd, SERVER_CLIENT, EPOLLIN);
}

void server_init(struct server *server, int epoll, uint32_t port) {
    server->epoll = epoll;
    server->port = port;
    server->listener = -1;
    server->path[0] = '\0';
    channel_init(&server->client);
    channel_init(&server->latecomer);
}

int server_adopt(struct server *server, int fd) {
    int error = take_client(server, fd);
    if (error)
        channel_init(&server->client);
    return error ? softnic_fail(-error, "port %u: cannot serve descriptor %d: %s", server->port, fd,
                                strerror(-error))
                 : 0;
}

int server_listen(struct server *server, const char *path) {
    size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof(server->path))
        return softnic_fail(bytes ? ENAMETOOLONG : EINVAL,
                            "'%s': cannot listen: a socket's path has 1 to %zu bytes; choose "
                            "another",
                            path, sizeof(server->path) - 1);
    memcpy(server->path, path, bytes + 1);
    return server_plug(server);
}

void server_disconnect(struct server *server) {
    if (!server_is_connected(server))
        return;
    channel_close(&server->client);
    device_release(&server->device);
}

void server_unplug(struct server *server) {
    server_disconnect(server);
    channel_close(&server->latecomer);
    if (server->listener >= 0)
        close(server->listener); /* its file stays: who connects to it is refused */
    server->listener = -1;
}

void server_close(struct server *server) {
    struct stat file;
    server_unplug(server);
    if (server->path[0] && stat(server->path, &file) == 0 && server->path_inode == file.st_ino &&
        server->path_device == file.st_dev)
        unlink(server->path);
}

/* A dead client's last messages may still be unread when its successor arrives. */
static bool client_hung_up(const struct server *server) {
    struct pollfd client = { .fd = server->client.fd, .events = POLLRDHUP };
    return poll(&client, 1, 0) == 1 && (client.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

static void take_latecomer(struct server *server, int fd) {
    channel_close(&server->latecomer);
    channel_open(&server->latecomer, fd);
    if (watch(server, EPOLL_CTL_ADD, fd, SERVER_LATECOMER, EPOLLIN) != 0)
        channel_close(&server->latecomer);
}

static uint32_t accept_client(struct server *server) {
    int fd = server->listener < 0 ? -1 : accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return 0;
    if (server_is_connected(server) && client_hung_up(server))
        server_disconnect(server);
    if (server_is_connected(server))
        take_latecomer(server, fd);
    else if (take_client(server, fd) != 0)
        channel_close(&server->client);
    return 1;
}

/* A second client waits for the answer to its VERSION, so that is what must say no. */
static uint32_t refuse_latecomer(struct server *server) {
    int got = server->latecomer.fd < 0 ? 0 : channel_receive(&server->latecomer);
    if (got == 0)
        return 0;
    if (got > 0)
        channel_refuse(&server->latecomer, EBUSY);
    channel_close(&server->latecomer);
    return 1;
}

/* While a reply waits for room nothing is read, so that epoll need not tell of requests. */
static void watch_client(struct server *server) {
    bool blocked = channel_is_blocked(&server->client);
    if (blocked == server->client_wants_room)
        return;
    server->client_wants_room = blocked;
    watch(server, EPOLL_CTL_MOD, server->client.fd, SERVER_CLIENT, blocked ? EPOLLOUT : EPOLLIN);
}

static uint32_t serve_client(struct server *server) {
    struct channel *client = &server->client;
    uint32_t done = 0;
    if (!server_is_connected(server))
        return 0;
    int state = channel_flush(client);
    while (state == 0 && done < MESSAGES_EACH_LOOK) {
        state = channel_receive(client);
        if (state != 1)
            break;
        state = device_handle(&server->device, client);
        channel_done(client);
        done++;
    }
    if (state < 0)
        server_disconnect(server);
    else
        watch_client(server);
    return done + (state < 0);
}

uint32_t server_serve(struct server *server, enum server_source source) {
    switch (source) {
    case SERVER_CLIENT:
        return serve_client(server);
    case SERVER_LATECOMER:
        return refuse_latecomer(server);
    default:
        return accept_client(server);
    }
}
