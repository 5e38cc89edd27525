/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp-fd: on one end of a veth pair, in a network namespace of this process, whose sockets another
 * process opens: the suite itself runs as a user without any privilege.
 */
#include "far_socket.h"
#include "rig.h"
#include <leat/xdp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static pid_t server;
static char path[64];       /* of its socket */
static char wrong_name[96]; /* what the kind says behind it */

static void probe(struct port_kind *kind) {
    snprintf(path, sizeof(path), "/tmp/lt-port-xdp-fd.%d", getpid());
    snprintf(wrong_name, sizeof(wrong_name), "xdp-fd:%s%s", path, kind->wrong_name);
    kind->wrong_name = wrong_name;
    kind->unavailable = far_veth_namespace();
}

/* Says on `ready` that it listens, and serves until it is killed. */
static void serve(int ready) {
    static const uint32_t uid = NOBODY;
    static const struct leat_xdp_served served = { .interface = "lt-port" };
    struct leat_xdp_server_opts opts = {
        .size = sizeof(opts),
        .socket = path,
        .served = &served,
        .served_count = 1,
        .uids = &uid,
        .uid_count = 1,
    };
    struct leat_xdp_server *self;
    if (leat_xdp_server_open(&self, &opts) < 0)
        fprintf(stderr, "%s\n", leat_error());
    else if (write(ready, "", 1) == 1)
        leat_xdp_server_run(self);
    _exit(1);
}

static void start_server(void) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    server = fork();
    assert_true(server >= 0);
    if (server == 0)
        serve(ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static void set_up_veth(struct rig *rig, const char *options, uint32_t mtu) {
    far_veth_open(rig->kind->queues, mtu);
    snprintf(rig->name, sizeof(rig->name), "xdp-fd:%s/lt-port%s", path, options);
    start_server();
    assert_int_equal(seteuid(NOBODY), 0); /* which takes all capabilities along */
}

static void set_up(struct rig *rig) {
    set_up_veth(rig, "", 1500);
}

static void set_up_busy_poll(struct rig *rig) {
    set_up_veth(rig, ",mode=native,wait=busy-poll", 1500);
}

static void set_up_jumbo(struct rig *rig) {
    set_up_veth(rig, ",mode=generic", 9000);
}

static void tear_down(struct rig *rig) {
    (void)rig;
    assert_int_equal(seteuid(0), 0);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    unlink(path);
    far_veth_close();
}

#define XDP_FD_KIND                                                                        \
    .rx = true, .tx = true, .live = true, .collects = true, .alone = true, .probe = probe, \
    .tear_down = tear_down, .bring = far_socket_bring, .collect = far_socket_collect

struct port_kind kind_xdp_fd = {
    XDP_FD_KIND, .name = "xdp-fd", .queues = 1, .wrong_name = "/lt-none", .set_up = set_up,
};

struct port_kind kind_xdp_fd_2q = {
    XDP_FD_KIND,
    .name = "xdp-fd-2q",
    .queues = 2,
    .wrong_name = "/lt-port@2",
    .set_up = set_up_busy_poll,
};

struct port_kind kind_xdp_fd_jumbo = {
    XDP_FD_KIND,   .name = "xdp-fd-jumbo",           .queues = 1,
    .jumbo = true, .wrong_name = ".nowhere/lt-port", .set_up = set_up_jumbo,
};
