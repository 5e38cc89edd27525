/* SPDX-License-Identifier: BSD-2-Clause */
/* The tap: port and the kernel behind it: open checksums, overflow, and an interface that goes.
 * Needs root, for a network namespace of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <leat/checksum.h>
#include <leat/error.h>
#include <leat/port.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct leat_pool *pool;
static struct leat_cache *cache;
static struct leat_port *port;
static struct leat_queue *queue;

static void run(const char *command) {
    assert_int_equal(system(command), 0);
}

static int set_up(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 4096, .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&pool, &opts), 0);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    if (leat_port_open(&port, "tap:lt-tap,mtu=1400", pool, NULL) < 0)
        fail_msg("%s", leat_error());
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    leat_port_close(port, NULL);
    leat_cache_close(cache);
    return leat_pool_destroy(pool);
}

/* The next UDP datagram that the kernel sends through the interface. */
static struct leat_pkt receive_udp(struct leat_headers *h) {
    struct pollfd ready = { .fd = leat_queue_fd(queue), .events = POLLIN };
    for (;;) {
        struct leat_pkt pkt;
        assert_int_equal(poll(&ready, 1, 10000), 1);
        int rc = leat_rx(queue, &pkt, 1);
        assert_in_range(rc, 0, 1);
        if (rc == 0)
            continue;
        leat_parse(pkt.data, pkt.data + pkt.len, h);
        if (h->flags & LEAT_HEADERS_L4 && h->protocol == LEAT_PROTO_UDP)
            return pkt;
        leat_free(cache, &pkt, 1);
    }
}

/* Sends a datagram to a neighbour that does not exist, and brings it back as his answer. */
static void exchange(int family, const void *neighbour, socklen_t bytes) {
    char text[] = "an open checksum", answer[64];
    struct leat_headers h;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, neighbour, bytes), 0);
    assert_int_equal(send(fd, text, sizeof(text), 0), sizeof(text));

    struct leat_pkt pkt = receive_udp(&h);
    assert_true(pkt.flags & LEAT_PKT_L4_CSUM);
    assert_int_equal(pkt.flags & LEAT_PKT_L4_MASK, LEAT_PKT_L4_UDP);
    assert_int_equal(!!(pkt.flags & LEAT_PKT_IPV6), family == AF_INET6);
    assert_int_equal(leat_offload_l2_len(pkt.offload), 14);
    assert_int_equal(leat_offload_l3_len(pkt.offload), h.l4 - h.l3);
    assert_int_equal(leat_l4_verify(&pkt, 1, &h), LEAT_CHECKSUM_BAD);

    /* Addresses and ports swapped, the sum of the pseudo header stays the same. */
    uint32_t address = family == AF_INET6 ? 16 : 4, swap[3][2] = { { 0, 6 } };
    uint8_t saved[16];
    swap[1][0] = (uint32_t)h.l4 - 2 * address;
    swap[1][1] = (uint32_t)h.l4 - address;
    swap[2][0] = h.l4;
    swap[2][1] = (uint32_t)h.l4 + 2;
    const uint32_t sizes[] = { 6, address, 2 };
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(saved, pkt.data + swap[i][0], sizes[i]);
        memcpy(pkt.data + swap[i][0], pkt.data + swap[i][1], sizes[i]);
        memcpy(pkt.data + swap[i][1], saved, sizes[i]);
    }
    assert_int_equal(leat_tx(queue, &pkt, 1), 1);
    assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10000), 1);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), sizeof(text));
    assert_memory_equal(answer, text, sizeof(text));
    close(fd);
}

static void passes_open_checksums_both_ways(void **state) {
    (void)state;
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(9) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
    run("ip address add 192.0.2.1/24 dev lt-tap && "
        "ip address add 2001:db8::1/64 dev lt-tap nodad && "
        "ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-tap && "
        "ip neighbour add 2001:db8::2 lladdr 02:00:00:00:00:02 dev lt-tap");
    inet_pton(AF_INET, "192.0.2.2", &four.sin_addr);
    inet_pton(AF_INET6, "2001:db8::2", &six.sin6_addr);
    exchange(AF_INET, &four, sizeof(four));
    exchange(AF_INET6, &six, sizeof(six));
}

static void tells_the_limits_of_its_interface(void **state) {
    (void)state;
    struct leat_caps caps;
    leat_port_caps(port, &caps, sizeof(caps));
    assert_int_equal(caps.frame_max, 1400 + 14 + 8);
    run("ip -o link show lt-tap up | grep -q 'mtu 1400'");
}

/* Frames that nobody received in time are the kernel's to drop, and ours to tell. */
static void counts_what_the_kernel_dropped(void **state) {
    (void)state;
    enum { FRAMES = 3000 };
    struct leat_stats stats;
    struct leat_pkt pkts[64];
    uint8_t frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_ifindex = (int)if_nametoindex("lt-tap") };
    int sndbuf = 16 << 20;
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof(sndbuf));
    for (uint32_t i = 0; i < FRAMES; i++)
        sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&address, sizeof(address));
    close(fd);
    for (int rc; (rc = leat_rx(queue, pkts, 64)) > 0;)
        leat_free(cache, pkts, (uint32_t)rc);
    assert_int_equal(leat_port_stats(port, &stats), 0);
    assert_true(stats.drops[LEAT_DROP_RX_MISSED] > 0);
    assert_true(stats.rx_packets + stats.drops[LEAT_DROP_RX_MISSED] >= FRAMES);
}

/* Somebody else raises the MTU: what is longer than was agreed is dropped, and nothing is cut. */
static void drops_what_is_too_long(void **state) {
    (void)state;
    static uint8_t frame[5000] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
    static const uint32_t sizes[] = { 1422, 1423, 2112, 2113, 5000 };
    struct leat_stats stats = { 0 };
    struct leat_pkt pkt;
    run("ip link set lt-tap mtu 9000");
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_ifindex = (int)if_nametoindex("lt-tap") };
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        assert_int_equal(
            sendto(fd, frame, sizes[i], 0, (struct sockaddr *)&address, sizeof(address)), sizes[i]);
    close(fd);
    while (stats.drops[LEAT_DROP_RX_LENGTH] < 4) {
        int rc = leat_rx(queue, &pkt, 1);
        assert_in_range(rc, 0, 1);
        assert_true(rc == 0 || pkt.len <= 1422);
        leat_free(cache, &pkt, (uint32_t)rc);
        assert_int_equal(leat_port_stats(port, &stats), 0);
    }
    assert_true(stats.rx_packets >= 1);
}

static void refuses_what_the_kernel_refuses(void **state) {
    (void)state;
    struct leat_stats stats;
    struct leat_pkt pkt;
    struct leat_port *other;
    assert_int_equal(leat_port_open(&other, "tap:lt-tap", pool, NULL), -EBUSY);
    assert_non_null(strstr(leat_error(), "another program has it open"));
    run("ip link set lt-tap down");
    assert_int_equal(leat_alloc(cache, &pkt, 1), 1);
    memset(pkt.data, 0, 60);
    pkt.len = 60;
    assert_int_equal(leat_tx(queue, &pkt, 1), 1);
    assert_int_equal(leat_port_stats(port, &stats), 0);
    assert_int_equal(stats.drops[LEAT_DROP_TX_REFUSED], 1);
    assert_int_equal(stats.tx_packets, 0);
}

static void says_when_the_interface_is_gone(void **state) {
    (void)state;
    struct leat_pkt pkt;
    struct leat_link link;
    run("ip link delete lt-tap");
    assert_int_equal(leat_rx(queue, &pkt, 1), -ENODEV);
    assert_non_null(strstr(leat_error(), "tap:lt-tap"));
    assert_int_equal(leat_alloc(cache, &pkt, 1), 1);
    memset(pkt.data, 0, 60);
    pkt.len = 60;
    assert_int_equal(leat_tx(queue, &pkt, 1), -ENODEV);
    leat_free(cache, &pkt, 1);
    assert_int_equal(leat_port_link(port, &link), -ENODEV);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_the_limits_of_its_interface, set_up, tear_down),
        cmocka_unit_test_setup_teardown(passes_open_checksums_both_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_what_the_kernel_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drops_what_is_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_the_kernel_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_when_the_interface_is_gone, set_up, tear_down),
    };
    if (access("/dev/net/tun", R_OK | W_OK) < 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("sysfs", "/sys", "sysfs", 0, NULL) < 0) {
        puts("it takes root to make a namespace, and /dev/net/tun");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
