/* SPDX-License-Identifier: BSD-2-Clause */
/* xdp-fd: ports whose server refuses, and whose server ends. What they carry, and how, the suite of
 * ports shows. */
#include "xdp_server_rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <leat/error.h>
#include <leat/port.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct leat_port *open_port(const char *rest, int err) {
    struct leat_port *port = NULL;
    char name[160];
    snprintf(name, sizeof(name), "xdp-fd:%s/%s", rig_path, rest);
    int rc = leat_port_open(&port, name, rig_pool, NULL);
    if (rc != err)
        fail_msg("%s: %d, not %d: %s", name, rc, err, leat_error());
    return port;
}

static void ports_tell_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *rest, *words;
        int err;
    } wrong[] = {
        { "lt-none", "lt-none is not among", EACCES },
        { "lt-a@7", "not queue 7", EINVAL },
        { "lt-a,queues=3", "only queues 0 to 1", EINVAL },
        { "lt-a,mtu=9000", "mtu", ENOTSUP },
        { "lt-a,rss=symmetric", "rss", ENOTSUP },
        { "lt-a,force", "force", ENOTSUP },
        { "lt-a,match='no such'", "no", EINVAL },
        { "lt-a,zerocopy=require", "lt-a", EOPNOTSUPP },
        { "lt-a,bogus", "bogus", EINVAL },
    };
    rig_become(RIG_NOBODY);
    open_port("lt-a", -ENOENT);
    rig_says("leat xdp serve");
    rig_become(0);
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        open_port(wrong[i].rest, -wrong[i].err);
        rig_says(wrong[i].words);
        rig_says("xdp-fd:");
    }
    rig_become(1);
    open_port("lt-a", -EACCES);
    rig_says("user 1");
    rig_become(0);
    rig_stop();
}

static void ports_tell_that_their_server_is_gone(void **state) {
    (void)state;
    struct leat_cache *cache;
    struct leat_queue *queue;
    struct leat_link link;
    struct leat_pkt pkts[8];
    rig_start_for_nobody();
    rig_become(RIG_NOBODY);
    struct leat_port *port = open_port("lt-a@0", 0);
    assert_int_equal(leat_cache_open(&cache, rig_pool), 0);
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    assert_int_equal(leat_port_link(port, &link), 0);
    assert_true(link.up);
    assert_int_equal(leat_rx(queue, pkts, 8), 0);
    assert_int_equal(leat_queue_arm(queue), 0);
    rig_become(0);
    rig_stop();
    rig_become(RIG_NOBODY);
    assert_int_equal(leat_queue_arm(queue), -ENODEV);
    rig_says("the server has ended");
    assert_int_equal(leat_port_link(port, &link), -ENODEV);
    int rc = 0;
    for (int i = 0; i < 10000 && rc >= 0; i++)
        rc = leat_rx(queue, pkts, 8);
    assert_int_equal(rc, -ENODEV);
    leat_port_close(port, NULL);
    leat_cache_close(cache);
    rig_become(0);
    assert_int_equal(rig_program_on("lt-a"), 0);
}

static int packet_socket(const char *interface) {
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_IP),
        .sll_ifindex = (int)if_nametoindex(interface),
    };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_frame(int fd, uint8_t protocol, uint8_t port) {
    uint8_t frame[60] = { [12] = 8, 0, 0x45, 0, 0, 46, [22] = 64, protocol, [37] = port };
    assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
}

/* Returns the destination port of the next frame to the kernel. */
static int next_in_kernel(int fd) {
    uint8_t frame[60];
    assert_int_equal(recv(fd, frame, sizeof(frame), 0), sizeof(frame));
    return frame[37];
}

/* Neither what the server keeps back nor what the program did not ask for. */
static void a_program_gets_what_both_allow(void **state) {
    (void)state;
    static const uint32_t uid = RIG_NOBODY;
    struct leat_cache *cache;
    struct leat_queue *queues[2];
    int far = packet_socket("lt-b"), kernel = packet_socket("lt-a"), udp = 0;
    rig_start((struct leat_xdp_server_opts){ .uids = &uid, .uid_count = 1, .match = "udp" });
    rig_become(RIG_NOBODY);
    struct leat_port *port = open_port("lt-a,rings=64,match='dst port 9 or dst port 10'", 0);
    assert_int_equal(leat_cache_open(&cache, rig_pool), 0);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(leat_port_queue(port, i, cache, &queues[i]), 0);
    send_frame(far, IPPROTO_UDP, 9);
    send_frame(far, IPPROTO_TCP, 10);
    send_frame(far, IPPROTO_UDP, 11);
    send_frame(far, IPPROTO_UDP, 10);
    assert_int_equal(next_in_kernel(kernel) + next_in_kernel(kernel), 10 + 11);
    for (uint32_t i = 0; udp != 9 + 10; i++) {
        struct leat_pkt pkt;
        int rc = leat_rx(queues[i % 2], &pkt, 1);
        assert_in_range(rc, 0, 1);
        udp += rc ? pkt.data[37] : 0;
        leat_free(cache, &pkt, (uint32_t)rc);
    }
    leat_port_close(port, NULL);
    leat_cache_close(cache);
    close(far);
    close(kernel);
    rig_become(0);
    rig_stop();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ports_tell_what_is_wrong, rig_clean_up),
        cmocka_unit_test_teardown(a_program_gets_what_both_allow, rig_clean_up),
        cmocka_unit_test_teardown(ports_tell_that_their_server_is_gone, rig_clean_up),
    };
    if (!rig_available())
        return 77;
    return cmocka_run_group_tests(tests, rig_group_set_up, rig_group_tear_down);
}
