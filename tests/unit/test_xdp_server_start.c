/* SPDX-License-Identifier: BSD-2-Clause */
/* How a server of AF_XDP sockets starts, and does not: its socket, what it is told to serve, the
 * kernel under it; and whom it lets in. */
#include "xdp_server_rig.h"
#include <errno.h>
#include <leat/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void lets_in_who_is_allowed(void **state) {
    (void)state;
    static const uint32_t gid = RIG_GROUP;
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    int fd = rig_connect();
    assert_int_equal(rig_open(fd), 0);
    close(fd);
    rig_become(1);
    fd = rig_connect();
    assert_int_equal(rig_open(fd), -EACCES);
    rig_says("user 1, process");
    rig_says("--allow-user");
    close(fd);
    rig_become(0);
    fd = rig_connect();
    assert_int_equal(rig_open(fd), 0); /* the server's own user */
    close(fd);
    rig_stop();
    rig_start((struct leat_xdp_server_opts){ .gids = &gid, .gid_count = 1 });
    rig_become(1);
    fd = rig_connect(); /* as a member of the group */
    assert_int_equal(rig_open(fd), 0);
    close(fd);
    rig_become(0);
    rig_stop();
}

static void socket_is_as_asked_for(void **state) {
    (void)state;
    struct stat status;
    rig_start((struct leat_xdp_server_opts){ 0 });
    assert_int_equal(stat(rig_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
    struct leat_xdp_server *second = NULL;
    struct leat_xdp_served served = { .interface = "lt-a" };
    struct leat_xdp_server_opts opts = {
        .size = sizeof(opts), .socket = rig_path, .served = &served, .served_count = 1
    };
    assert_int_equal(leat_xdp_server_open(&second, &opts), -EADDRINUSE);
    rig_says(rig_path);
    rig_stop();
    rig_start((struct leat_xdp_server_opts){ .socket_mode = 0640 });
    assert_int_equal(stat(rig_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    rig_stop();
}

static void wrong_to_serve(struct leat_xdp_served served, struct leat_xdp_server_opts opts, int err,
                           const char *words) {
    struct leat_xdp_server *none = NULL;
    opts.size = sizeof(opts);
    opts.socket = opts.socket ? opts.socket : rig_path;
    opts.served = &served;
    opts.served_count = served.interface ? 1 : 0;
    assert_int_equal(leat_xdp_server_open(&none, &opts), -err);
    rig_says(words);
    assert_null(none);
}

static void does_not_start_with_what_is_wrong(void **state) {
    (void)state;
    const struct leat_xdp_server_opts usual = { 0 };
    const struct leat_xdp_served good = { .interface = "lt-a" };
    char long_path[200];
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    wrong_to_serve((struct leat_xdp_served){ .interface = "lt-none" }, usual, ENODEV, "lt-none");
    wrong_to_serve((struct leat_xdp_served){ "lt-a", 2, 0 }, usual, EINVAL, "it has 2");
    wrong_to_serve((struct leat_xdp_served){ "lt-a", 1, 2 }, usual, EINVAL, "queues 1 to 2");
    wrong_to_serve((struct leat_xdp_served){ 0 }, usual, EINVAL, "interfaces");
    wrong_to_serve(good, (struct leat_xdp_server_opts){ .match = "no such" }, EINVAL, "no such");
    wrong_to_serve(good, (struct leat_xdp_server_opts){ .socket = long_path }, EINVAL, "path");
    wrong_to_serve(good, (struct leat_xdp_server_opts){ .socket = "/no/such/dir/s" }, ENOENT,
                   "/no/such/dir/s");
    wrong_to_serve(good, (struct leat_xdp_server_opts){ .socket = "/dev/null" }, EEXIST,
                   "no socket");
    rig_become(RIG_NOBODY);
    wrong_to_serve(good, usual, EPERM, "CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF");
    rig_become(0);
    assert_int_equal(system("ip addr add 10.9.0.1/24 dev lt-a && ip route add default dev lt-a"),
                     0);
    wrong_to_serve(good, usual, EBUSY, "default route");
    assert_int_equal(system("ip route del default && ip addr flush dev lt-a"), 0);
}

/* A kernel that does not mind the tie of an AF_XDP socket to an interface. */
static bool minds_ties = true;
int __real_bind(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t bytes) {
    bool lets = !minds_ties && address->sa_family == AF_XDP;
    return lets ? 0 : __real_bind(fd, address, bytes);
}

static void does_not_start_on_a_kernel_that_minds_no_ties(void **state) {
    (void)state;
    minds_ties = false;
    wrong_to_serve((struct leat_xdp_served){ .interface = "lt-a" },
                   (struct leat_xdp_server_opts){ 0 }, ENOTSUP, "tied to one interface");
    minds_ties = true;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lets_in_who_is_allowed, rig_clean_up),
        cmocka_unit_test_teardown(socket_is_as_asked_for, rig_clean_up),
        cmocka_unit_test_teardown(does_not_start_with_what_is_wrong, rig_clean_up),
        cmocka_unit_test_teardown(does_not_start_on_a_kernel_that_minds_no_ties, rig_clean_up),
    };
    if (!rig_available())
        return 77;
    return cmocka_run_group_tests(tests, rig_group_set_up, rig_group_tear_down);
}
