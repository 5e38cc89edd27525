/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is connected, and who may. One thread: no program can make another one wait, as nothing here
 * waits for any of them, and whoever asks for nothing is sent away. */
#include "xdp_server.h"
#include "lib/bpf/permission.h"
#include "xdp_match.h"
#include "xdp_tie.h"
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_BYTES (1ull << 30)
#define PATIENCE_NS  5000000000ull /* with a program that has connected and asks for nothing */
#define REST_NS      1000000000ull /* when there is no descriptor for another connection */

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void xdp_server_tell(const struct leat_xdp_server *server, const char *format, ...) {
    char sentence[XDP_MESSAGE_TEXT + 128];
    va_list args;
    if (!server->opts.told)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    for (char *at = sentence; *at; at++) /* parts are a program's, and end on a terminal */
        if (!isprint((unsigned char)*at))
            *at = '?';
    server->opts.told(server->opts.ctx, sentence);
}

static bool among(uint32_t id, const uint32_t *ids, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Its groups besides the first one, as they were when it connected. */
static bool in_groups(const struct leat_xdp_server *server, int socket) {
    gid_t none;
    socklen_t bytes = 0;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, &none, &bytes) == 0 || errno != ERANGE)
        return false;
    gid_t *groups = malloc(bytes);
    bool found = false;
    if (groups && getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) == 0)
        for (uint32_t i = 0; i < bytes / sizeof(*groups) && !found; i++)
            found = among(groups[i], server->gids, server->opts.gid_count);
    free(groups);
    return found;
}

static uint32_t connections_of(const struct leat_xdp_server *server, uint32_t uid) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < server->client_count; i++)
        count += server->clients[i]->uid == uid;
    return count;
}

static void accept_client(struct leat_xdp_server *server) {
    struct ucred who;
    socklen_t bytes = sizeof(who);
    int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    server->resting = socket < 0 && errno != EAGAIN && errno != ECONNABORTED;
    if (socket < 0)
        return;
    struct xdp_client *client = NULL;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &bytes) == 0 &&
        server->client_count < XDP_CLIENTS_MAX &&
        connections_of(server, who.uid) < XDP_CLIENTS_OF_USER_MAX)
        client = calloc(1, sizeof(*client));
    if (!client) {
        close(socket);
        xdp_server_tell(server, "a connection was closed: there are too many");
        return;
    }
    client->socket = socket;
    client->uid = who.uid;
    client->deadline_ns = now_ns() + PATIENCE_NS;
    client->allowed =
        who.uid == geteuid() || among(who.uid, server->uids, server->opts.uid_count) ||
        among(who.gid, server->gids, server->opts.gid_count) || in_groups(server, socket);
    snprintf(client->name, sizeof(client->name), "user %u, process %d", who.uid, who.pid);
    xdp_grant_begin(&client->grant);
    server->clients[server->client_count++] = client;
}

/* Takes the last one's place in the list. */
static void drop_client(struct leat_xdp_server *server, uint32_t i, const char *why) {
    struct xdp_client *client = server->clients[i];
    if (client->grant.served || why)
        xdp_server_tell(server, "%s: %s", client->name, why ? why : "gone");
    xdp_grant_end(&client->grant);
    close(client->socket);
    free(client);
    server->clients[i] = server->clients[--server->client_count];
}

/* Returns false: the client is to be dropped, with the reason if there is one. Who has nothing yet
 * is still expected to ask for something in time. */
static bool serve_request(struct leat_xdp_server *server, struct xdp_client *client,
                          const char **why) {
    struct xdp_request request = { 0 };
    int memory, got = xdp_message_receive(client->socket, &request, sizeof(request), &memory);
    *why = NULL;
    if (got == -EAGAIN)
        return true;
    if (got == 0)
        return false;
    struct xdp_answer answer = {
        .head = { XDP_MESSAGE_MAGIC, XDP_MESSAGE_VERSION, request.head.kind },
    };
    int send = -1;
    int err = xdp_request_check(&request, got < 0 ? 0 : (uint32_t)got);
    if (err < 0) {
        answer.error = err;
        snprintf(answer.text, sizeof(answer.text), "%s", leat_error());
        if (memory >= 0)
            close(memory);
    } else {
        send = xdp_grant_answer(server, client, &request, memory, &answer);
        if (client->grant.served)
            client->deadline_ns = 0;
        else if (!client->deadline_ns)
            client->deadline_ns = now_ns() + PATIENCE_NS;
    }
    if (xdp_message_send(client->socket, &answer, sizeof(answer), send) == 0)
        return true;
    *why = "does not take its answers";
    return false;
}

static void drop_expired(struct leat_xdp_server *server) {
    uint64_t now = now_ns();
    for (uint32_t i = server->client_count; i-- > 0;) {
        const struct xdp_client *client = server->clients[i];
        if (client->deadline_ns && client->deadline_ns <= now)
            drop_client(server, i, "closed, for it asks for nothing");
    }
}

/* Who is gone comes first, so that what it had is free for those who ask. Dropping one moves one
 * into its place that was looked at before. */
static void serve_clients(struct leat_xdp_server *server) {
    const char *why;
    for (uint32_t i = server->client_count; i-- > 0;)
        if (server->clients[i]->events & (POLLHUP | POLLERR))
            drop_client(server, i, NULL);
    for (uint32_t i = server->client_count; i-- > 0;)
        if (server->clients[i]->events && !serve_request(server, server->clients[i], &why))
            drop_client(server, i, why);
    drop_expired(server);
}

/* In milliseconds, for poll(): until the first deadline, or the end of a rest. */
static int time_left(const struct leat_xdp_server *server) {
    uint64_t now = now_ns(), first = server->resting ? now + REST_NS : 0;
    for (uint32_t i = 0; i < server->client_count; i++) {
        uint64_t deadline = server->clients[i]->deadline_ns;
        if (deadline && (!first || deadline < first))
            first = deadline;
    }
    return !first ? -1 : first <= now ? 0 : (int)((first - now) / 1000000 + 1);
}

int leat_xdp_server_run(struct leat_xdp_server *server) {
    for (;;) {
        struct pollfd fds[2 + XDP_CLIENTS_MAX] = {
            { .fd = server->stop, .events = POLLIN },
            { .fd = server->resting ? -1 : server->listener, .events = POLLIN },
        };
        for (uint32_t i = 0; i < server->client_count; i++)
            fds[2 + i] = (struct pollfd){ .fd = server->clients[i]->socket, .events = POLLIN };
        if (poll(fds, 2 + server->client_count, time_left(server)) < 0 && errno != EINTR)
            return leat_fail(errno, "%s: cannot wait: %s", server->path, strerror(errno));
        if (fds[0].revents)
            return 0;
        for (uint32_t i = 0; i < server->client_count; i++)
            server->clients[i]->events = fds[2 + i].revents;
        serve_clients(server);
        if (fds[1].revents || server->resting)
            accept_client(server);
    }
}

void leat_xdp_server_stop(struct leat_xdp_server *server) {
    (void)!write(server->stop, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* A socket's file outlives a killed server; one that nobody answers at is replaced. */
static int remove_stale(const struct sockaddr_un *address) {
    struct stat status;
    if (lstat(address->sun_path, &status) < 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return leat_fail(EEXIST, "%s: is there already, and no socket", address->sun_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    close(fd);
    if (err != ECONNREFUSED)
        return leat_fail(EADDRINUSE, "%s: another server listens there", address->sun_path);
    unlink(address->sun_path);
    return 0;
}

static int listen_at(struct leat_xdp_server *server) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    mode_t mode = server->opts.socket_mode ? server->opts.socket_mode : 0666;
    if (!server->path || !*server->path || strlen(server->path) >= sizeof(address.sun_path))
        return leat_fail(EINVAL, "%s: the path of a socket has 1 to %zu characters",
                         server->path ? server->path : "", sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, server->path);
    int err = remove_stale(&address);
    if (err < 0)
        return err;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool made = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    /* Before anybody can connect. */
    if (made && chmod(server->path, mode & 0777) == 0 && listen(fd, 16) == 0) {
        server->listener = fd;
        return 0;
    }
    err = leat_fail(errno, "%s: cannot listen: %s", server->path, strerror(errno));
    if (made)
        unlink(server->path);
    close(fd);
    return err;
}

/* Looks that it is there, has the queues, and is not the way by which this machine is reached. */
static int check_served(const struct leat_xdp_server *server, const struct xdp_served *served) {
    struct leat_netdev dev;
    int err = leat_netdev_open(&dev, served->interface);
    if (err < 0)
        return err;
    uint32_t queues = dev.rx_queues;
    bool vital = dev.default_route && !server->match && !server->opts.force;
    leat_netdev_restore(&dev);
    if (served->first >= queues || served->count > queues - served->first)
        return leat_fail(EINVAL, "%s: queues %u to %u are not there: it has %u", served->interface,
                         served->first, served->first + (served->count ? served->count - 1 : 0),
                         queues);
    if (vital)
        return leat_fail(EBUSY,
                         "%s: the default route leads over it, and programs could take all of "
                         "its traffic; limit them by --match, or use --force",
                         served->interface);
    return 0;
}

static int copy_served(struct leat_xdp_server *server, const struct leat_xdp_server_opts *opts) {
    if (opts->served_count == 0 || opts->served_count > XDP_SERVED_MAX)
        return leat_fail(EINVAL, "%s: 1 to %u interfaces are served, not %u", server->path,
                         XDP_SERVED_MAX, opts->served_count);
    for (uint32_t i = 0; i < opts->served_count; i++) {
        struct xdp_served *served = &server->served[i];
        size_t length = strlen(opts->served[i].interface);
        if (length == 0 || length >= sizeof(served->interface))
            return leat_fail(EINVAL, "%s: '%s' is no name of an interface", server->path,
                             opts->served[i].interface);
        memcpy(served->interface, opts->served[i].interface, length);
        served->first = opts->served[i].queue_first;
        served->count = opts->served[i].queue_count;
        int err = check_served(server, served);
        if (err < 0)
            return err;
    }
    return 0;
}

static uint32_t *copy_ids(const uint32_t *ids, uint32_t n) {
    uint32_t *copy = calloc(n + 1, sizeof(*copy));
    if (copy && n)
        memcpy(copy, ids, n * sizeof(*copy));
    return copy;
}

static int copy_opts(struct leat_xdp_server *server, const struct leat_xdp_server_opts *given) {
    struct leat_xdp_server_opts *opts = &server->opts;
    memcpy(opts, given, given->size < sizeof(*opts) ? given->size : sizeof(*opts));
    opts->memory_bytes = opts->memory_bytes ? opts->memory_bytes : MEMORY_BYTES;
    server->path = strdup(opts->socket ? opts->socket : "");
    server->match = opts->match ? strdup(opts->match) : NULL;
    server->uids = copy_ids(opts->uids, opts->uid_count);
    server->gids = copy_ids(opts->gids, opts->gid_count);
    if (!server->path || !server->uids || !server->gids || (opts->match && !server->match))
        return leat_fail(ENOMEM, "xdp serve: no memory");
    if (opts->attach > LEAT_XDP_ATTACH_GENERIC)
        return leat_fail(EINVAL, "%s: no such way to attach", server->path);
    if (server->match) {
        int err = xdp_match_check(server->match);
        if (err < 0)
            return err;
    }
    return copy_served(server, opts);
}

int leat_xdp_server_open(struct leat_xdp_server **out, const struct leat_xdp_server_opts *opts) {
    struct leat_xdp_server *server = calloc(1, sizeof(*server));
    if (!server)
        return leat_fail(ENOMEM, "xdp serve: no memory");
    server->listener = -1;
    server->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int err = server->stop < 0 ? leat_fail(errno, "xdp serve: %s", strerror(errno))
                               : leat_permission_check("xdp serve", "open interfaces");
    if (err == 0)
        leat_netdev_replay();
    if (err == 0 && (err = copy_opts(server, opts)) == 0 && (err = xdp_tie_probe()) == 0)
        err = listen_at(server);
    if (err < 0) {
        leat_xdp_server_close(server);
        return err;
    }
    *out = server;
    return 0;
}

void leat_xdp_server_close(struct leat_xdp_server *server) {
    if (!server)
        return;
    if (server->listener >= 0) {
        unlink(server->path);
        close(server->listener);
    }
    while (server->client_count > 0)
        drop_client(server, server->client_count - 1, NULL);
    if (server->stop >= 0)
        close(server->stop);
    free(server->gids);
    free(server->uids);
    free(server->match);
    free(server->path);
    free(server);
}
