/* SPDX-License-Identifier: BSD-2-Clause */
#include "softnic_control.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES 32768 /* the counters of SOFTNIC_PORTS_MAX ports */

static int fail(const char *where, const char *cause) {
    int err = errno;
    fprintf(stderr, "leat softnic: %s: cannot listen for commands: %s\n", where,
            cause ? cause : strerror(err));
    return -err;
}

/* Whether the socket file is one that a process which is gone has left. */
static bool is_stale(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
                 errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return stale;
}

static int listen_at(struct softnic_control *control, const char *path) {
    if (strlen(path) >= sizeof(control->address.sun_path)) {
        errno = ENAMETOOLONG;
        return fail(path, NULL);
    }
    control->address.sun_family = AF_UNIX;
    memcpy(control->address.sun_path, path, strlen(path) + 1);
    if (is_stale(&control->address))
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(path, NULL);
    if (bind(fd, (struct sockaddr *)&control->address, sizeof(control->address)) ||
        listen(fd, CONTROL_CLIENTS)) {
        int err = fail(path, errno == EADDRINUSE ? "something is there already" : NULL);
        close(fd);
        return err;
    }
    control->listener = fd;
    return 0;
}

static bool add_client(struct softnic_control *control, int from, int to) {
    for (int i = 0; i < CONTROL_CLIENTS; i++) {
        struct control_client *client = &control->clients[i];
        if (client->from >= 0)
            continue;
        *client = (struct control_client){ .from = from, .to = to };
        return true;
    }
    return false;
}

int softnic_control_open(struct softnic_control *control, const char *where) {
    *control = (struct softnic_control){ .listener = -1 };
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        control->clients[i].from = -1;
    if (!where)
        return 0;
    if (strcmp(where, "-"))
        return listen_at(control, where);
    add_client(control, STDIN_FILENO, STDOUT_FILENO);
    return 0;
}

static void drop_client(struct control_client *client) {
    if (client->from != STDIN_FILENO)
        close(client->from);
    client->from = -1;
}

/* A client that does not read its answers loses its connection, not our time. */
static bool tell(const struct control_client *client, const char *text) {
    size_t bytes = strlen(text);
    ssize_t told = client->from == STDIN_FILENO
                       ? write(client->to, text, bytes)
                       : send(client->to, text, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    return told == (ssize_t)bytes;
}

/* Obeys one line. False: it was "quit". */
static bool obey(struct control_client *client, const char *line, struct softnic *softnic) {
    static char answer[ANSWER_BYTES];
    if (!strcmp(line, "quit"))
        return false;
    if (!*line)
        return true;
    softnic_command(softnic, line, answer, sizeof(answer));
    if (!tell(client, answer))
        drop_client(client);
    return true;
}

static bool obey_lines(struct control_client *client, struct softnic *softnic) {
    char *start = client->line, *end;
    while (client->from >= 0 &&
           (end = memchr(start, '\n', client->used - (size_t)(start - client->line)))) {
        *end = '\0';
        if (!obey(client, start, softnic))
            return false;
        start = end + 1;
    }
    client->used -= (size_t)(start - client->line);
    memmove(client->line, start, client->used);
    return true;
}

/* Reads what a client has sent; one that has gone, or sends what is no line, is dropped. */
static bool serve_client(struct control_client *client, struct softnic *softnic) {
    ssize_t got =
        read(client->from, client->line + client->used, sizeof(client->line) - client->used);
    if (got <= 0) {
        drop_client(client);
        return true;
    }
    client->used += (size_t)got;
    bool go_on = obey_lines(client, softnic);
    if (client->from >= 0 && client->used == sizeof(client->line)) {
        tell(client, "no command is as long as that\n");
        drop_client(client);
    }
    return go_on;
}

static void accept_client(struct softnic_control *control) {
    int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && !add_client(control, fd, fd))
        close(fd);
}

bool softnic_control_serve(struct softnic_control *control, struct softnic *softnic) {
    struct pollfd fds[1 + CONTROL_CLIENTS];
    fds[0] = (struct pollfd){ .fd = control->listener, .events = POLLIN };
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        fds[1 + i] = (struct pollfd){ .fd = control->clients[i].from, .events = POLLIN };
    if (poll(fds, 1 + CONTROL_CLIENTS, 0) <= 0)
        return true;
    bool go_on = true;
    for (int i = 0; i < CONTROL_CLIENTS && go_on; i++)
        if (fds[1 + i].revents)
            go_on = serve_client(&control->clients[i], softnic);
    if (fds[0].revents)
        accept_client(control);
    return go_on;
}

void softnic_control_close(struct softnic_control *control) {
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (control->clients[i].from >= 0)
            drop_client(&control->clients[i]);
    if (control->listener < 0)
        return;
    close(control->listener);
    unlink(control->address.sun_path);
}
