/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_XDP sockets on one end of a veth pair, with packet sockets on the other. Needs root, for a
 * network namespace of its own and an XDP program. */
#include "lib/drivers/xdp_socket.h"
#include "xdp_program.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BUFFERS   4096
#define RING      128
#define WAIT_MS   10000
#define ETHERTYPE 0x88b5 /* for experiments: the stack knows nothing of it */

static struct leat_pool *pool;
static struct leat_cache *cache;
static struct leat_port port = { .name = (char *)"xdp:lt-a" };
static struct xdp_queue queue;
static struct xdp_program program;
static uint32_t free_before;
static int peer; /* a packet socket on the other end */

static const struct xdp_socket_opts defaults = {
    .name = "xdp:lt-a",
    .zerocopy = XDP_ZEROCOPY_NEVER,
    .need_wakeup = true,
    .rx_ring = RING,
    .tx_ring = RING,
};

static void run(const char *command) {
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
        .size = sizeof(opts), .buffers = BUFFERS, .pages = LEAT_PAGES_4K, .stride = stride
    };
    assert_int_equal(leat_pool_create(&pool, &opts), 0);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    free_before = leat_pool_free_count(pool);
    port.pool = pool;
}

static int set_up(void **state) {
    (void)state;
    run("ip link add lt-a numrxqueues 2 numtxqueues 2 type veth "
        "peer name lt-b numrxqueues 2 numtxqueues 1 && "
        "echo 1 >/proc/sys/net/ipv6/conf/lt-a/disable_ipv6 && "
        "echo 1 >/proc/sys/net/ipv6/conf/lt-b/disable_ipv6 && "
        "ip link set lt-a up && ip link set lt-b up");
    open_pool(0);
    peer = open_peer();
    program = (struct xdp_program){ -1, -1, -1 };
    return 0;
}

static void close_pool(void) {
    leat_cache_close(cache);
    assert_int_equal(leat_pool_free_count(pool), free_before);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

static int tear_down(void **state) {
    (void)state;
    close_pool();
    close(peer);
    return system("ip link delete lt-a 2>/dev/null || true");
}

static struct xdp_socket_opts with_interface(struct xdp_socket_opts opts) {
    opts.ifindex = if_nametoindex("lt-a");
    return opts;
}

static void open_socket(struct xdp_socket_opts opts) {
    opts = with_interface(opts);
    if (xdp_socket_create(&queue, pool, &opts) || xdp_socket_map(&queue) ||
        xdp_socket_bind(&queue) || xdp_socket_start(&queue, &port, cache))
        fail_msg("%s", leat_error());
}

static void attach(struct xdp_program_opts opts) {
    opts.ifindex = if_nametoindex("lt-a");
    if (xdp_program_attach(&program, &opts) || xdp_program_set_socket(&program, 0, queue.fd))
        fail_msg("XDP program: %s", strerror(errno));
}

static void close_all(struct leat_stats *lost) {
    *lost = (struct leat_stats){ 0 };
    xdp_program_detach(&program);
    xdp_socket_close(&queue, lost);
}

static void make_frame(uint8_t *data, uint32_t number, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(number * 7 + i + i / 256);
    memset(data, 0xff, 6);
    data[12] = ETHERTYPE >> 8;
    data[13] = ETHERTYPE & 0xff;
    memcpy(data + 14, &number, sizeof(number));
}

static uint32_t size_of(uint32_t number) {
    return 60 + number * 37 % 1440;
}

/* Lays a frame over buffers of `room` bytes. */
static uint32_t make_packets(struct leat_pkt *pkts, uint32_t number, uint32_t bytes,
                             uint32_t room) {
    static uint8_t frame[16384];
    uint32_t n = (bytes + room - 1) / room;
    make_frame(frame, number, bytes);
    assert_int_equal(leat_alloc(cache, pkts, n), n);
    for (uint32_t i = 0; i < n; i++) {
        pkts[i].len = (uint16_t)(i < n - 1 ? room : bytes - i * room);
        pkts[i].flags = i < n - 1 ? LEAT_PKT_MORE : 0;
        memcpy(pkts[i].data, frame + i * room, pkts[i].len);
    }
    return n;
}

static void send_all(struct leat_pkt *pkts, uint32_t n) {
    for (uint32_t sent = 0; sent < n;) {
        int taken = xdp_tx(&queue.head.public, pkts + sent, n - sent);
        assert_true(taken >= 0);
        sent += (uint32_t)taken;
    }
}

static void expect_at_peer(uint32_t number, uint32_t bytes) {
    static uint8_t expected[16384], got[16384];
    make_frame(expected, number, bytes);
    assert_int_equal(recv(peer, got, sizeof(got), 0), bytes);
    assert_memory_equal(got, expected, bytes);
}

static void send_from_peer(uint32_t number, uint32_t bytes) {
    static uint8_t frame[16384];
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_ifindex = (int)if_nametoindex("lt-b") };
    make_frame(frame, number, bytes);
    assert_int_equal(sendto(peer, frame, bytes, 0, (struct sockaddr *)&address, sizeof(address)),
                     bytes);
}

/* The next frame, sleeping on the queue's descriptor. Returns how many packets it has. */
static uint32_t receive(struct leat_pkt *pkts, uint32_t n) {
    for (;;) {
        int got = xdp_rx(&queue.head.public, pkts, n);
        assert_true(got >= 0);
        if (got > 0)
            return (uint32_t)got;
        struct pollfd ready = { .fd = queue.fd, .events = POLLIN };
        int armed = xdp_queue_arm(&queue.head.public);
        assert_in_range(armed, 0, 1);
        if (armed == 0 && queue.opts.wait == XDP_WAIT_POLL)
            assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
        xdp_queue_disarm(&queue.head.public);
    }
}

static void expect_frame(uint32_t number, uint32_t bytes) {
    static uint8_t expected[16384];
    struct leat_pkt pkts[32];
    uint32_t n = receive(pkts, 32), at = 0;
    make_frame(expected, number, bytes);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(pkts[i].flags, i < n - 1 ? LEAT_PKT_MORE : 0);
        assert_int_equal((pkts[i].data - pool->base) % pool->stride, LEAT_BUFFER_START);
        assert_true(at + pkts[i].len <= bytes);
        assert_memory_equal(pkts[i].data, expected + at, pkts[i].len);
        at += pkts[i].len;
    }
    assert_int_equal(at, bytes);
    leat_free(cache, pkts, n);
}

static uint64_t losses(const struct leat_stats *stats) {
    uint64_t sum = 0;
    for (int i = 0; i < LEAT_DROP_COUNT; i++)
        sum += stats->drops[i];
    return sum;
}

/* Several rings full, so that places are used again. */
static void sends(struct xdp_socket_opts opts) {
    enum { FRAMES = 1000 };
    struct leat_stats stats;
    struct leat_pkt pkt;
    uint64_t bytes = 0;
    open_socket(opts);
    for (uint32_t i = 0; i < FRAMES; i++) {
        make_packets(&pkt, i, size_of(i), 2048);
        send_all(&pkt, 1);
        expect_at_peer(i, size_of(i));
        bytes += size_of(i);
    }
    close_all(&stats);
    assert_int_equal(stats.tx_packets, FRAMES);
    assert_int_equal(stats.tx_bytes, bytes);
    assert_int_equal(losses(&stats), 0);
}

static void sends_frames(void **state) {
    (void)state;
    sends(defaults);
}

static void sends_without_need_wakeup(void **state) {
    (void)state;
    struct xdp_socket_opts opts = defaults;
    opts.need_wakeup = false;
    sends(opts);
}

static void sends_a_whole_ring_at_once(void **state) {
    (void)state;
    struct leat_stats stats;
    struct leat_pkt pkts[RING];
    open_socket(defaults);
    for (uint32_t i = 0; i < RING; i++)
        make_packets(&pkts[i], i, size_of(i), 2048);
    assert_int_equal(xdp_tx(&queue.head.public, pkts, RING), RING);
    for (uint32_t i = 0; i < RING; i++)
        expect_at_peer(i, size_of(i));
    close_all(&stats);
    assert_int_equal(stats.tx_packets, RING);
}

static void receives(struct xdp_socket_opts opts, struct xdp_program_opts with) {
    enum { FRAMES = 1000 };
    struct leat_stats stats;
    uint64_t bytes = 0;
    open_socket(opts);
    attach(with);
    for (uint32_t i = 0; i < FRAMES; i++) {
        send_from_peer(i, size_of(i));
        expect_frame(i, size_of(i));
        bytes += size_of(i);
    }
    close_all(&stats);
    assert_int_equal(stats.rx_packets, FRAMES);
    assert_int_equal(stats.rx_bytes, bytes);
    assert_int_equal(losses(&stats), 0);
}

static void receives_frames_in_the_driver(void **state) {
    (void)state;
    receives(defaults, (struct xdp_program_opts){ 0 });
}

static void receives_frames_of_the_stack(void **state) {
    (void)state;
    receives(defaults, (struct xdp_program_opts){ .generic = true });
}

static void receives_into_aligned_buffers(void **state) {
    (void)state;
    static const uint32_t strides[] = { 2048, 4096 };
    for (int i = 0; i < 2; i++) {
        close_pool();
        open_pool(strides[i]);
        receives(defaults, (struct xdp_program_opts){ 0 });
        assert_false(queue.unaligned);
    }
}

static void receives_into_parts_of_buffers(void **state) {
    (void)state;
    struct xdp_socket_opts opts = defaults;
    opts.frame_bytes = 2048;
    receives(opts, (struct xdp_program_opts){ 0 });
}

static void receives_by_busy_polling(void **state) {
    (void)state;
    struct xdp_socket_opts opts = defaults;
    opts.wait = XDP_WAIT_BUSY_POLL;
    receives(opts, (struct xdp_program_opts){ 0 });
    assert_int_equal(xdp_queue_fd(&queue.head.public), -ENOTSUP);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sends_frames),
        TEST(sends_without_need_wakeup),
        TEST(sends_a_whole_ring_at_once),
        TEST(receives_frames_in_the_driver),
        TEST(receives_frames_of_the_stack),
        TEST(receives_into_aligned_buffers),
        TEST(receives_into_parts_of_buffers),
        TEST(receives_by_busy_polling),
    };
    if (unshare(CLONE_NEWNET) < 0) {
        puts("it takes root to make a namespace");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
