/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_veth.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS   10000
#define ETHERTYPE 0x88b5 /* for experiments: the stack knows nothing of it */
#define FRAME_MAX 16384

struct xdp_veth veth = { .port.name = (char *)"xdp:lt-a" };

const struct xdp_socket_opts veth_defaults = {
    .name = "xdp:lt-a",
    .zerocopy = XDP_ZEROCOPY_NEVER,
    .need_wakeup = true,
    .rx_ring = VETH_RING,
    .tx_ring = VETH_RING,
};

bool veth_enter(void) {
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    puts("it takes root to make a namespace");
    return false;
}

void veth_run(const char *command) {
    assert_int_equal(system(command), 0);
}

static int open_peer(void) {
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETHERTYPE),
                                   .sll_ifindex = (int)if_nametoindex("lt-b") };
    struct timeval patience = { .tv_sec = WAIT_MS / 1000 };
    int bytes = 8 << 20, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHERTYPE));
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    return fd;
}

static void open_pool(uint32_t stride) {
    struct leat_pool_opts opts = {
        .size = sizeof(opts), .buffers = VETH_BUFFERS, .pages = LEAT_PAGES_4K, .stride = stride
    };
    assert_int_equal(leat_pool_create(&veth.pool, &opts), 0);
    assert_int_equal(leat_cache_open(&veth.cache, veth.pool), 0);
    veth.free_before = leat_pool_free_count(veth.pool);
    veth.port.pool = veth.pool;
}

static void close_pool(void) {
    leat_cache_close(veth.cache);
    assert_int_equal(leat_pool_free_count(veth.pool), veth.free_before);
    assert_int_equal(leat_pool_destroy(veth.pool), 0);
}

void veth_change_pool(uint32_t stride) {
    close_pool();
    open_pool(stride);
}

/* lt-b has one transmit queue, so that its frames go to lt-a's queue 0. */
int veth_set_up(void **state) {
    (void)state;
    veth_run("ip link add lt-a numrxqueues 2 numtxqueues 2 type veth "
             "peer name lt-b numrxqueues 2 numtxqueues 1 && "
             "echo 1 >/proc/sys/net/ipv6/conf/lt-a/disable_ipv6 && "
             "echo 1 >/proc/sys/net/ipv6/conf/lt-b/disable_ipv6 && "
             "ip link set lt-a up && ip link set lt-b up");
    open_pool(0);
    veth.peer = open_peer();
    veth.program = (struct xdp_program){ -1, -1, -1 };
    return 0;
}

int veth_tear_down(void **state) {
    (void)state;
    close_pool();
    close(veth.peer);
    return system("ip link delete lt-a 2>/dev/null || true");
}

int veth_try_open(struct xdp_queue *queue, struct xdp_socket_opts opts) {
    opts.ifindex = opts.ifindex ? opts.ifindex : if_nametoindex("lt-a");
    int err = xdp_socket_create(queue, veth.pool, &opts);
    if (err || (err = xdp_socket_map(queue)) || (err = xdp_socket_bind(queue)))
        return err;
    return xdp_socket_start(queue, &veth.port, veth.cache);
}

void veth_open(struct xdp_socket_opts opts) {
    if (veth_try_open(&veth.queue, opts) == 0)
        return;
    if (opts.segments && strstr(leat_error(), "they need Linux 6.6"))
        skip();
    fail_msg("%s", leat_error());
}

void veth_attach(struct xdp_program_opts opts) {
    opts.ifindex = if_nametoindex("lt-a");
    if (xdp_program_attach(&veth.program, &opts) ||
        xdp_program_set_socket(&veth.program, veth.queue.opts.queue, veth.queue.fd))
        fail_msg("XDP program: %s", strerror(errno));
}

struct leat_stats veth_close(void) {
    struct leat_stats stats = { 0 };
    xdp_program_detach(&veth.program);
    xdp_socket_close(&veth.queue, &stats);
    return stats;
}

uint64_t veth_losses(const struct leat_stats *stats) {
    uint64_t sum = 0;
    for (int i = 0; i < LEAT_DROP_COUNT; i++)
        sum += stats->drops[i];
    return sum;
}

static void write_frame(uint8_t *data, uint32_t number, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(number * 7 + i + i / 256);
    memset(data, 0xff, 6);
    data[12] = ETHERTYPE >> 8;
    data[13] = ETHERTYPE & 0xff;
    memcpy(data + 14, &number, sizeof(number));
}

uint32_t veth_size_of(uint32_t number) {
    return 60 + number * 37 % 1440;
}

/* Over as many buffers as it takes. */
uint32_t veth_make(struct leat_pkt *pkts, uint32_t number, uint32_t bytes) {
    static uint8_t frame[FRAME_MAX];
    uint32_t room = veth.pool->stride - LEAT_BUFFER_START, n = (bytes + room - 1) / room;
    write_frame(frame, number, bytes);
    assert_int_equal(leat_alloc(veth.cache, pkts, n), n);
    for (uint32_t i = 0; i < n; i++) {
        pkts[i].len = (uint16_t)(i < n - 1 ? room : bytes - i * room);
        pkts[i].flags = i < n - 1 ? LEAT_PKT_MORE : 0;
        memcpy(pkts[i].data, frame + i * room, pkts[i].len);
    }
    return n;
}

void veth_send(struct leat_pkt *pkts, uint32_t n) {
    for (uint32_t sent = 0; sent < n;) {
        int taken = xdp_tx(&veth.queue.head.public, pkts + sent, n - sent);
        assert_true(taken >= 0);
        sent += (uint32_t)taken;
    }
}

void veth_peer_sends(uint32_t number, uint32_t bytes) {
    static uint8_t frame[FRAME_MAX];
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_ifindex = (int)if_nametoindex("lt-b") };
    write_frame(frame, number, bytes);
    assert_int_equal(
        sendto(veth.peer, frame, bytes, 0, (struct sockaddr *)&address, sizeof(address)), bytes);
}

void veth_peer_expects(uint32_t number, uint32_t bytes) {
    static uint8_t expected[FRAME_MAX], got[FRAME_MAX];
    write_frame(expected, number, bytes);
    assert_int_equal(recv(veth.peer, got, sizeof(got), 0), bytes);
    assert_memory_equal(got, expected, bytes);
}

/* Sleeps on the queue's descriptor, where it has one. */
uint32_t veth_receive(struct leat_pkt *pkts, uint32_t n) {
    struct leat_queue *queue = &veth.queue.head.public;
    for (;;) {
        int got = xdp_rx(queue, pkts, n);
        assert_true(got >= 0);
        if (got > 0)
            return (uint32_t)got;
        struct pollfd ready = { .fd = veth.queue.fd, .events = POLLIN };
        int armed = xdp_queue_arm(queue);
        assert_in_range(armed, 0, 1);
        if (armed == 0 && veth.queue.opts.wait == XDP_WAIT_POLL)
            assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
        xdp_queue_disarm(queue);
    }
}

void veth_expect(uint32_t number, uint32_t bytes) {
    static uint8_t expected[FRAME_MAX];
    struct leat_pkt pkts[32];
    uint32_t n = veth_receive(pkts, 32), at = 0;
    write_frame(expected, number, bytes);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(pkts[i].flags, i < n - 1 ? LEAT_PKT_MORE : 0);
        assert_int_equal((pkts[i].data - veth.pool->base) % veth.pool->stride, LEAT_BUFFER_START);
        assert_true(at + pkts[i].len <= bytes);
        assert_memory_equal(pkts[i].data, expected + at, pkts[i].len);
        at += pkts[i].len;
    }
    assert_int_equal(at, bytes);
    leat_free(veth.cache, pkts, n);
}
