/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_server_rig.h"
#include "lib/bus/netdev.h"
#include <grp.h>
#include <leat/error.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[] = "/tmp/lt-xdp-server.XXXXXX";
char rig_path[64];
struct leat_pool *rig_pool;
static struct leat_xdp_server *server;
static pthread_t thread;

/* Of the calling thread alone: its capabilities go and come with it. */
void rig_become(uid_t uid) {
    assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
    assert_int_equal(syscall(SYS_setresuid, -1, uid, -1), 0);
}

void rig_says(const char *words) {
    if (!strstr(leat_error(), words))
        fail_msg("'%s' does not say '%s'", leat_error(), words);
}

static void *serve(void *ctx) {
    leat_xdp_server_run(ctx);
    return NULL;
}

void rig_start(struct leat_xdp_server_opts opts) {
    static const struct leat_xdp_served both[] = { { .interface = "lt-a" },
                                                   { .interface = "lt-b", .queue_count = 1 } };
    opts.size = sizeof(opts);
    opts.socket = rig_path;
    opts.served = both;
    opts.served_count = 2;
    if (leat_xdp_server_open(&server, &opts) < 0)
        fail_msg("%s", leat_error());
    assert_int_equal(pthread_create(&thread, NULL, serve, server), 0);
}

void rig_start_for_nobody(void) {
    static const uint32_t uid = RIG_NOBODY;
    rig_start((struct leat_xdp_server_opts){ .uids = &uid, .uid_count = 1 });
}

void rig_stop(void) {
    leat_xdp_server_stop(server);
    assert_int_equal(pthread_join(thread, NULL), 0);
    leat_xdp_server_close(server);
    server = NULL;
    assert_int_equal(access(rig_path, F_OK), -1);
}

int rig_clean_up(void **state) {
    (void)state;
    rig_become(0);
    if (server)
        rig_stop();
    return 0;
}

/* --- A program that speaks the protocol by itself --- */

int rig_connect(void) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, rig_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

struct xdp_request rig_request(uint16_t kind) {
    struct xdp_request request = {
        .head = { XDP_MESSAGE_MAGIC, XDP_MESSAGE_VERSION, kind },
        .pool_bytes = rig_pool->bytes,
        .stride = rig_pool->stride,
        .need_wakeup = 1,
        .rx_ring = 64,
        .tx_ring = 64,
        .interface = "lt-a",
    };
    return request;
}

int rig_ask(int fd, const struct xdp_request *request, int send, int *received) {
    struct xdp_answer answer;
    int came;
    assert_int_equal(xdp_message_send(fd, request, sizeof(*request), send), 0);
    int got = xdp_message_receive(fd, &answer, sizeof(answer), &came);
    assert_int_equal(got, sizeof(answer));
    if (received)
        *received = came;
    else
        assert_int_equal(came, -1);
    return xdp_answer_check(&answer, (uint32_t)got, request->head.kind);
}

int rig_open(int fd) {
    struct xdp_request request = rig_request(XDP_MESSAGE_OPEN);
    return rig_ask(fd, &request, leat_pool_fd(rig_pool), NULL);
}

uint32_t rig_program_on(const char *interface) {
    struct leat_netdev dev;
    assert_int_equal(leat_netdev_open(&dev, interface), 0);
    uint32_t program = dev.xdp_program;
    leat_netdev_restore(&dev);
    return program;
}

int rig_group_set_up(void **state) {
    static const gid_t group = RIG_GROUP;
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 1024, .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&rig_pool, &opts), 0);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0);
    snprintf(rig_path, sizeof(rig_path), "%s/socket", directory);
    assert_int_equal(setgroups(1, &group), 0);
    assert_int_equal(system("ip link add lt-a numrxqueues 2 numtxqueues 2 type veth peer name lt-b "
                            "numrxqueues 2 numtxqueues 2 && ip link set lo up && "
                            "ip link set lt-a up && ip link set lt-b up"),
                     0);
    return 0;
}

int rig_group_tear_down(void **state) {
    (void)state;
    rmdir(directory);
    return leat_pool_destroy(rig_pool);
}

bool rig_available(void) {
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    puts("cannot make a network namespace; it takes root");
    return false;
}
