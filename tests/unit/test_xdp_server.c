/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of AF_XDP sockets and the programs that ask it: what is refused and by which words, and
 * that what a program had is free when it is gone. The programs are this thread, without privilege.
 */
#include "lib/bus/netdev.h"
#include "xdp_server_rig.h"
#include <errno.h>
#include <fcntl.h>
#include <leat/error.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void refused(const struct xdp_request *request, int memory, int err, const char *words) {
    int fd = rig_connect();
    assert_int_equal(rig_ask(fd, request, memory, NULL), -err);
    rig_says(words);
    close(fd);
}

/* --- What is refused --- */

static void refuses_what_is_not_served(void **state) {
    (void)state;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    struct xdp_request request = rig_request(XDP_MESSAGE_OPEN);
    int memory = leat_pool_fd(rig_pool);
    strcpy(request.interface, "lo");
    refused(&request, memory, EACCES, "lo is not among");
    request = rig_request(XDP_MESSAGE_OPEN);
    request.queue = 2;
    refused(&request, memory, EINVAL, "only queues 0 to 1 are served, not queue 2");
    request.queue = 1;
    request.queues = 2;
    refused(&request, memory, EINVAL, "only queues 0 to 1");
    strcpy(request.interface, "lt-b");
    request.queues = 1;
    refused(&request, memory, EINVAL, "only queues 0 to 0");
    request = rig_request(XDP_MESSAGE_OPEN);
    strcpy(request.match, "host example.org");
    refused(&request, memory, EINVAL, "example.org");
    rig_become(0);
    rig_stop();
}

static void refuses_memory_that_is_wrong(void **state) {
    (void)state;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    struct xdp_request request = rig_request(XDP_MESSAGE_OPEN);
    refused(&request, -1, EINVAL, "not a memfd");
    int unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(unsealed, (off_t)rig_pool->bytes), 0);
    refused(&request, unsealed, EINVAL, "F_SEAL_SHRINK");
    close(unsealed);
    request.pool_bytes = 2 * rig_pool->bytes;
    refused(&request, leat_pool_fd(rig_pool), EINVAL, "the pool's file has");
    rig_become(0);
    rig_stop();
    rig_start((struct leat_xdp_server_opts){ .memory_bytes = rig_pool->bytes });
    request.pool_bytes = rig_pool->bytes;
    int first = rig_connect();
    assert_int_equal(rig_open(first), 0);
    strcpy(request.interface, "lt-b");
    refused(&request, leat_pool_fd(rig_pool), ENOMEM, "too much");
    close(first);
    rig_stop();
}

static uint32_t open_descriptors(void) {
    uint32_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void refuses_what_is_no_request(void **state) {
    (void)state;
    uint32_t before = open_descriptors();
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    struct xdp_request request = rig_request(XDP_MESSAGE_OPEN);
    request.head.version = 7;
    refused(&request, leat_pool_fd(rig_pool), EPROTO, "version 7");
    request = rig_request(99);
    refused(&request, -1, EPROTO, "no request 99");
    request = rig_request(XDP_MESSAGE_SOCKET);
    refused(&request, -1, EPROTO, "no interface was asked for");
    request.rx_ring = 100;
    refused(&request, -1, EINVAL, "ring");
    request = rig_request(XDP_MESSAGE_START);
    refused(&request, -1, EPROTO, "no interface");
    request = rig_request(XDP_MESSAGE_OPEN);
    memset(request.match, 'x', sizeof(request.match));
    refused(&request, -1, EINVAL, "match");

    struct xdp_answer answer;
    int came, fd = rig_connect();
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    assert_int_equal(xdp_message_receive(fd, &answer, sizeof(answer), &came), sizeof(answer));
    assert_int_equal(answer.error, -EPROTO);
    /* What was refused may be asked for again. One connection, one interface; a queue that is not
     * its own; one socket a queue. */
    request = rig_request(XDP_MESSAGE_OPEN);
    request.queues = 3;
    assert_int_equal(rig_ask(fd, &request, leat_pool_fd(rig_pool), NULL), -EINVAL);
    request.queues = 1;
    assert_int_equal(rig_ask(fd, &request, leat_pool_fd(rig_pool), NULL), 0);
    assert_int_equal(rig_ask(fd, &request, leat_pool_fd(rig_pool), NULL), -EBUSY);
    request = rig_request(XDP_MESSAGE_SOCKET);
    request.queue = 1;
    assert_int_equal(rig_ask(fd, &request, -1, NULL), -EINVAL);
    rig_says("queue 1 of lt-a is not yours");
    request = rig_request(XDP_MESSAGE_START);
    assert_int_equal(rig_ask(fd, &request, leat_pool_fd(rig_pool), NULL), -EPROTO);
    close(fd);
    rig_become(0);
    rig_stop();
    assert_int_equal(open_descriptors(), before);
}

/* --- Sockets --- */

static int get_socket(int fd, uint32_t queue) {
    struct xdp_request request = rig_request(XDP_MESSAGE_SOCKET);
    int socket = -1;
    request.queue = queue;
    if (rig_ask(fd, &request, -1, &socket) < 0)
        fail_msg("%s", leat_error());
    assert_true(socket >= 0);
    return socket;
}

static int bind_to(int socket, const char *interface, uint32_t queue) {
    struct sockaddr_xdp address = {
        .sxdp_family = AF_XDP,
        .sxdp_flags = XDP_COPY,
        .sxdp_ifindex = if_nametoindex(interface),
        .sxdp_queue_id = queue,
    };
    return bind(socket, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
}

static void sockets_are_tied_to_their_interface(void **state) {
    (void)state;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    int fd = rig_connect(), none = 0;
    assert_int_equal(rig_open(fd), 0);
    int socket = get_socket(fd, 0);
    assert_true(bind_to(socket, "lt-b", 0) < 0);
    assert_true(bind_to(socket, "lo", 0) < 0);
    assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, "lt-b", 5), -1);
    assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, "", 0), -1);
    assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_BINDTOIFINDEX, &none, sizeof(none)), -1);
    assert_true(bind_to(socket, "lt-b", 0) < 0);
    assert_int_equal(bind_to(socket, "lt-a", 0), 0);
    close(socket);
    close(fd);
    rig_become(0);
    rig_stop();
}

/* --- Together --- */

static void a_queue_belongs_to_one_program(void **state) {
    (void)state;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    struct xdp_request request = rig_request(XDP_MESSAGE_OPEN);
    int memory = leat_pool_fd(rig_pool), first = rig_connect(), second = rig_connect();
    request.queue = 1;
    request.queues = 1;
    assert_int_equal(rig_ask(first, &request, memory, NULL), 0);
    request.queue = XDP_MESSAGE_ANY;
    request.queues = 0;
    refused(&request, memory, EBUSY, "queue 1 of lt-a is in use by user 65534, process");
    request.queues = 1;
    assert_int_equal(rig_ask(second, &request, memory, NULL), 0);
    close(first);
    request.queue = 1;
    first = rig_connect();
    assert_int_equal(rig_ask(first, &request, memory, NULL), 0); /* free with its connection */
    struct xdp_request done = rig_request(XDP_MESSAGE_CLOSE);
    assert_int_equal(rig_ask(first, &done, -1, NULL), 0);
    assert_int_equal(rig_ask(first, &request, memory, NULL), 0); /* free when it said so */
    close(first);
    close(second);
    rig_become(0);
    rig_stop();
}

static void nobody_waits_for_who_says_nothing(void **state) {
    (void)state;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    int silent[3], fd;
    for (int i = 0; i < 3; i++)
        silent[i] = rig_connect();
    fd = rig_connect();
    assert_int_equal(rig_open(fd), 0);
    close(fd);
    for (int i = 0; i < 3; i++)
        close(silent[i]);
    rig_become(0);
    rig_stop();
}

/* Time as the server sees it, ahead by this much. */
static _Atomic int64_t ahead_s;
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    int err = __real_clock_gettime(clock, now);
    now->tv_sec += ahead_s;
    return err;
}

static void whoever_asks_for_nothing_is_sent_away(void **state) {
    (void)state;
    struct xdp_request request = rig_request(XDP_MESSAGE_LINK);
    char byte;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    int served = rig_connect(), silent = rig_connect(), idle = rig_connect();
    assert_int_equal(rig_open(served), 0);
    assert_int_equal(rig_ask(idle, &request, -1, NULL), -EPROTO);
    ahead_s = 3600;
    assert_int_equal(rig_ask(served, &request, -1, NULL), 0); /* has the server look at the time */
    assert_int_equal(recv(silent, &byte, 1, 0), 0);
    assert_int_equal(recv(idle, &byte, 1, 0), 0);
    assert_int_equal(rig_ask(served, &request, -1, NULL), 0);
    ahead_s = 0;
    close(served);
    close(silent);
    close(idle);
    rig_become(0);
    rig_stop();
}

static _Atomic bool no_descriptors;
int __real_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags) {
    if (!no_descriptors)
        return __real_accept4(fd, address, bytes, flags);
    no_descriptors = false;
    errno = EMFILE;
    return -1;
}

static void serves_on_after_a_time_without_descriptors(void **state) {
    (void)state;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    no_descriptors = true;
    int fd = rig_connect();
    assert_int_equal(rig_open(fd), 0);
    assert_false(no_descriptors);
    close(fd);
    rig_become(0);
    rig_stop();
}

static void one_user_cannot_take_all_connections(void **state) {
    (void)state;
    char byte;
    int fds[17];
    rig_start_for_nobody();
    rig_become(1); /* may nothing */
    for (int i = 0; i < 17; i++)
        fds[i] = rig_connect();
    assert_int_equal(recv(fds[16], &byte, 1, 0), 0); /* closed at once, not in time */
    assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), -1);
    rig_become(RIG_NOBODY);
    int fd = rig_connect();
    assert_int_equal(rig_open(fd), 0);
    close(fd);
    for (int i = 0; i < 17; i++)
        close(fds[i]);
    rig_become(0);
    rig_stop();
}

static bool is_promiscuous(void) {
    struct leat_netdev dev;
    assert_int_equal(leat_netdev_open(&dev, "lt-a"), 0);
    bool promisc = dev.promisc;
    leat_netdev_restore(&dev);
    return promisc;
}

static void settings_stay_until_the_last_one_is_gone(void **state) {
    (void)state;
    struct xdp_request request = rig_request(XDP_MESSAGE_OPEN),
                       done = rig_request(XDP_MESSAGE_CLOSE);
    rig_start_for_nobody();
    assert_false(is_promiscuous());
    rig_become(RIG_NOBODY);
    int first = rig_connect(), second = rig_connect();
    request.queues = 1;
    request.promisc = 1;
    assert_int_equal(rig_ask(first, &request, leat_pool_fd(rig_pool), NULL), 0);
    request.queue = 1;
    request.promisc = 0;
    assert_int_equal(rig_ask(second, &request, leat_pool_fd(rig_pool), NULL), 0);
    assert_true(is_promiscuous());
    assert_int_equal(rig_ask(first, &done, -1, NULL), 0);
    assert_true(is_promiscuous());
    assert_int_equal(rig_ask(second, &done, -1, NULL), 0);
    assert_false(is_promiscuous());
    close(first);
    close(second);
    rig_become(0);
    rig_stop();
}

static void nothing_is_left_of_who_is_gone(void **state) {
    (void)state;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    int fd = rig_connect(), other = rig_connect();
    assert_int_equal(rig_open(fd), 0);
    int socket = get_socket(fd, 0);
    assert_int_equal(bind_to(socket, "lt-a", 0), 0);
    struct xdp_request request = rig_request(XDP_MESSAGE_START);
    assert_int_equal(rig_ask(fd, &request, -1, NULL), 0);
    request = rig_request(XDP_MESSAGE_SOCKET);
    assert_int_equal(rig_ask(fd, &request, -1, NULL), -EBUSY);
    rig_says("handed over already");
    rig_become(0);
    assert_true(rig_program_on("lt-a") > 0);
    rig_become(RIG_NOBODY);
    close(fd); /* but not the socket */
    assert_int_equal(rig_open(other), 0);
    close(other);
    close(socket);
    rig_become(0);
    rig_stop();
    assert_int_equal(rig_program_on("lt-a"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(refuses_what_is_not_served, rig_clean_up),
        cmocka_unit_test_teardown(refuses_memory_that_is_wrong, rig_clean_up),
        cmocka_unit_test_teardown(refuses_what_is_no_request, rig_clean_up),
        cmocka_unit_test_teardown(sockets_are_tied_to_their_interface, rig_clean_up),
        cmocka_unit_test_teardown(a_queue_belongs_to_one_program, rig_clean_up),
        cmocka_unit_test_teardown(nobody_waits_for_who_says_nothing, rig_clean_up),
        cmocka_unit_test_teardown(whoever_asks_for_nothing_is_sent_away, rig_clean_up),
        cmocka_unit_test_teardown(serves_on_after_a_time_without_descriptors, rig_clean_up),
        cmocka_unit_test_teardown(one_user_cannot_take_all_connections, rig_clean_up),
        cmocka_unit_test_teardown(settings_stay_until_the_last_one_is_gone, rig_clean_up),
        cmocka_unit_test_teardown(nothing_is_left_of_who_is_gone, rig_clean_up),
    };
    if (!rig_available())
        return 77;
    return cmocka_run_group_tests(tests, rig_group_set_up, rig_group_tear_down);
}
