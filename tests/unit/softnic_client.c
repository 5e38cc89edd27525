/* SPDX-License-Identifier: BSD-2-Clause */
#include "softnic_client.h"
#include "send_fds.h"
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNS 64 /* more than any exchange here takes */

struct answer answer;

void client_open(struct client *client) {
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct softnic_opts opts = { .port_count = 1 };
    opts.ports[0] = (struct softnic_port){ .fd = pair[0], .wire = "fake" };
    assert_int_equal(softnic_create(&client->softnic, &opts), 0);
    client->fd = pair[1];
    client->next_id = 1;
}

void client_open_agreed(struct client *client) {
    client_open(client);
    client_agree(client);
}

static void close_answer_fds(void) {
    for (uint32_t i = 0; i < answer.fd_count; i++)
        close(answer.fds[i]);
    answer.fd_count = 0;
}

void client_close(struct client *client) {
    close_answer_fds();
    if (client->fd >= 0)
        close(client->fd);
    softnic_destroy(client->softnic);
}

int client_connect(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

void client_send(int fd, const void *bytes, size_t count, const int *fds, uint32_t fd_count) {
    assert_int_equal(send_fds(fd, bytes, count, fds, fd_count, MSG_NOSIGNAL), count);
}

/* Reads exactly that many bytes: 1, 0 when none are there, -1 at the end of the stream. */
static int read_exactly(int fd, void *to, size_t count) {
    size_t have = 0;
    while (have < count) {
        _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(CLIENT_FDS_MAX * sizeof(int))];
        struct iovec io = { .iov_base = (uint8_t *)to + have, .iov_len = count - have };
        struct msghdr message = { .msg_iov = &io,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control) };
        ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EAGAIN) {
            assert_int_equal(have, 0); /* replies come whole */
            return 0;
        }
        if (n <= 0)
            return -1;
        have += (size_t)n;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        if (c) {
            answer.fd_count = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(answer.fds, CMSG_DATA(c), answer.fd_count * sizeof(int));
        }
    }
    return 1;
}

enum outcome client_receive(struct client *client) {
    close_answer_fds();
    memset(&answer, 0, sizeof(answer));
    for (int turn = 0; turn < TURNS; turn++) {
        softnic_poll(client->softnic);
        int got = read_exactly(client->fd, &answer.header, sizeof(answer.header));
        if (got < 0)
            return CLOSED;
        if (got == 0)
            continue;
        answer.payload_bytes = answer.header.size - (uint32_t)sizeof(answer.header);
        assert_true(answer.payload_bytes <= sizeof(answer.payload));
        if (answer.payload_bytes > 0)
            assert_int_equal(read_exactly(client->fd, answer.payload, answer.payload_bytes), 1);
        return REPLIED;
    }
    return SILENT;
}

void client_turn(struct client *client) {
    for (int turn = 0; turn < TURNS; turn++)
        softnic_poll(client->softnic);
}

enum outcome client_ask(struct client *client, uint16_t command, const void *payload,
                        uint32_t payload_bytes, const int *fds, uint32_t fd_count) {
    uint8_t message[2 * PROTOCOL_MESSAGE_MAX];
    struct protocol_header header = { .id = client->next_id++,
                                      .command = command,
                                      .size = (uint32_t)sizeof(header) + payload_bytes };
    memcpy(message, &header, sizeof(header));
    if (payload_bytes > 0)
        memcpy(message + sizeof(header), payload, payload_bytes);
    client_send(client->fd, message, header.size, fds, fd_count);
    enum outcome outcome = client_receive(client);
    if (outcome == REPLIED) {
        assert_int_equal(answer.header.id, header.id);
        assert_int_equal(answer.header.command, command);
        assert_true(answer.header.flags & PROTOCOL_REPLY);
    }
    return outcome;
}

uint32_t client_do_fds(struct client *client, uint16_t command, const void *payload,
                       uint32_t payload_bytes, const int *fds, uint32_t fd_count) {
    assert_int_equal(client_ask(client, command, payload, payload_bytes, fds, fd_count), REPLIED);
    if (!(answer.header.flags & PROTOCOL_ERROR))
        return 0;
    assert_int_equal(answer.payload_bytes, 0);
    assert_int_not_equal(answer.header.error, 0);
    return answer.header.error;
}

uint32_t client_do(struct client *client, uint16_t command, const void *payload,
                   uint32_t payload_bytes) {
    return client_do_fds(client, command, payload, payload_bytes, NULL, 0);
}

void client_agree(struct client *client) {
    static const char json[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8}}";
    assert_int_equal(client_do(client, PROTOCOL_VERSION, json, sizeof(json)), 0);
}

uint32_t client_read(struct client *client, uint32_t region, uint64_t offset, uint32_t count,
                     void *to) {
    struct protocol_region_access access = { .offset = offset, .region = region, .count = count };
    uint32_t error = client_do(client, PROTOCOL_REGION_READ, &access, sizeof(access));
    if (!error) {
        assert_int_equal(answer.payload_bytes, sizeof(access) + count);
        assert_memory_equal(answer.payload, &access, sizeof(access));
        memcpy(to, answer.payload + sizeof(access), count);
    }
    return error;
}

uint32_t client_write(struct client *client, uint32_t region, uint64_t offset, uint32_t count,
                      const void *from) {
    uint8_t payload[sizeof(struct protocol_region_access) + PROTOCOL_TRANSFER_MAX];
    struct protocol_region_access access = { .offset = offset, .region = region, .count = count };
    assert_true(count <= PROTOCOL_TRANSFER_MAX);
    memcpy(payload, &access, sizeof(access));
    memcpy(payload + sizeof(access), from, count);
    uint32_t error =
        client_do(client, PROTOCOL_REGION_WRITE, payload, (uint32_t)sizeof(access) + count);
    if (!error)
        assert_memory_equal(answer.payload, &access, sizeof(access));
    return error;
}

int open_fds(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}
