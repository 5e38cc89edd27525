/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told of an interface, on veth pairs in a namespace of this test's own, which /sys does
 * not show. Needs root. */
#include "lib/bus/netdev.h"
#include <errno.h>
#include <leat/error.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "interfaces.h"

static int set_up(void **state) {
    (void)state;
    run("ip link add lt-a address 02:00:00:00:00:0a mtu 1400 numrxqueues 3 numtxqueues 3 type veth "
        "peer name lt-b");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return system("ip link delete lt-a");
}

static void tells_what_a_veth_is(void **state) {
    (void)state;
    static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 10 };
    struct leat_netdev dev = look("lt-a");
    assert_string_equal(dev.name, "lt-a");
    assert_int_equal(dev.index, if_nametoindex("lt-a"));
    assert_int_equal(dev.mtu, 1400);
    assert_memory_equal(dev.mac, mac, 6);
    assert_string_equal(dev.driver, "veth");
    assert_int_equal(dev.speed_mbps, 10000);
    assert_int_equal(dev.rx_queues, 3);
    assert_int_equal(dev.tx_queues, 3);
    assert_int_equal(dev.queues_max, 3);
    assert_true(dev.tx_checksum);
    assert_false(dev.up || dev.carrier || dev.promisc || dev.default_route || dev.addressed);
    assert_false(dev.xdp_program || dev.xdp_native || dev.xdp_generic);
}

static void tells_what_changes(void **state) {
    (void)state;
    struct leat_netdev dev = look("lt-a");
    run("ip link set lt-b up && ip link set lt-a up promisc on mtu 1300 && "
        "ethtool -L lt-a rx 2 tx 1 && ethtool -K lt-a tx off >/dev/null");
    assert_int_equal(leat_netdev_refresh(&dev), 0);
    assert_true(dev.up && dev.carrier && dev.promisc);
    assert_int_equal(dev.mtu, 1300);
    assert_int_equal(dev.rx_queues, 2);
    assert_int_equal(dev.tx_queues, 1);
    assert_false(dev.tx_checksum);
    run("ip link set lt-b down && ip link set lt-a promisc off");
    assert_int_equal(leat_netdev_refresh(&dev), 0);
    assert_true(dev.up && !dev.carrier && !dev.promisc);
    run("ip link set lt-a down && ip link set lt-a name lt-c"); /* two steps before Linux 6.2 */
    assert_int_equal(leat_netdev_refresh(&dev), 0);
    assert_string_equal(dev.name, "lt-c");
    run("ip link set lt-c name lt-a");
}

static void tells_what_it_is_used_for(void **state) {
    (void)state;
    run("ip link set lt-b up && ip link set lt-a up && ip address add 192.0.2.1/24 dev lt-a && "
        "ip route add default via 192.0.2.2 && ip -6 route add default dev lt-b");
    struct leat_netdev a = look("lt-a"), b = look("lt-b");
    assert_true(a.addressed && a.default_route);
    assert_true(!b.addressed && b.default_route);
    run("ip route delete default && ip -6 route delete default && "
        "ip address add 198.51.100.1/24 dev lt-b && "
        "ip route add default nexthop via 192.0.2.2 nexthop via 198.51.100.2");
    a = look("lt-a");
    b = look("lt-b");
    assert_true(a.default_route && b.default_route);
    run("ip route delete default && ip nexthop add id 5 via 198.51.100.2 dev lt-b && "
        "ip route add default nhid 5 && echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode");
    a = look("lt-a");
    b = look("lt-b");
    assert_true(!a.default_route && b.default_route);
    run("ip route delete default && ip nexthop delete id 5 && ip route add 10.0.0.0/8 via "
        "192.0.2.2");
    a = look("lt-a");
    assert_true(a.addressed && !a.default_route);
}

static void halves_are_a_default_route(void **state) {
    static const char *const routes[] = { "0.0.0.0/1", "128.0.0.0/1", "::/1", "2000::/3" };
    (void)state;
    run("ip link set lt-b up && ip link set lt-a up && ip address add 192.0.2.1/24 dev lt-a");
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        char command[80];
        snprintf(command, sizeof(command), "ip route add %s dev lt-a", routes[i]);
        run(command);
        struct leat_netdev a = look("lt-a"), b = look("lt-b");
        assert_true(a.default_route && !b.default_route);
        snprintf(command, sizeof(command), "ip route delete %s dev lt-a", routes[i]);
        run(command);
        a = look("lt-a");
        assert_false(a.default_route);
    }
}

/* A bridge's frames are those of its ports; the other end of a pair is another interface. */
static void tells_what_stands_on_it(void **state) {
    (void)state;
    run("ip link add lt-br type bridge && ip link set lt-a master lt-br && "
        "ip link add lt-mac link lt-br type macvlan && "
        "ip link set lt-a up && ip link set lt-b up && ip link set lt-br up && "
        "ip link set lt-mac up && ip address add 192.0.2.1/24 dev lt-mac && "
        "ip route add default via 192.0.2.2");
    struct leat_netdev port = look("lt-a"), peer = look("lt-b"), bridge = look("lt-br");
    assert_true(port.default_route && bridge.default_route && !peer.default_route);
    run("ip route delete default && ip address add 198.51.100.1/24 dev lt-b && "
        "ip route add default via 198.51.100.2");
    port = look("lt-a");
    peer = look("lt-b");
    assert_true(!port.default_route && peer.default_route);
    run("ip link delete lt-br");
}

/* Kernels from 6.3 on. */
static void tells_what_it_can_do_with_xdp(void **state) {
    (void)state;
    run("ip link set lt-b up && ip link set lt-a up");
    struct leat_netdev dev = look("lt-a");
    if (!dev.features_known)
        skip();
    assert_true(dev.xdp_features & LEAT_NETDEV_XDP_BASIC);
    assert_true(dev.xdp_features & LEAT_NETDEV_XDP_REDIRECT);
    assert_false(dev.xdp_features & LEAT_NETDEV_XDP_ZEROCOPY);
    assert_true(dev.rx_metadata & 2);
}

static int attach_pass(uint32_t ifindex, uint32_t mode) {
    static const struct bpf_insn pass[] = {
        { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
        { .code = BPF_JMP | BPF_EXIT },
    };
    union bpf_attr load = { .prog_type = BPF_PROG_TYPE_XDP,
                            .insn_cnt = 2,
                            .insns = (uintptr_t)pass,
                            .license = (uintptr_t) "" };
    int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
    union bpf_attr link = { .link_create = { .prog_fd = (uint32_t)program,
                                             .target_ifindex = ifindex,
                                             .attach_type = BPF_XDP,
                                             .flags = mode } };
    int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
    assert_true(program >= 0 && fd >= 0);
    close(program);
    return fd;
}

static void tells_which_program_is_attached(void **state) {
    (void)state;
    struct leat_netdev dev = look("lt-a");
    int link = attach_pass(dev.index, XDP_FLAGS_DRV_MODE);
    assert_int_equal(leat_netdev_refresh(&dev), 0);
    assert_true(dev.xdp_program && dev.xdp_native && !dev.xdp_generic);
    close(link);
    link = attach_pass(dev.index, XDP_FLAGS_SKB_MODE);
    assert_int_equal(leat_netdev_refresh(&dev), 0);
    assert_true(dev.xdp_program && !dev.xdp_native && dev.xdp_generic);
    close(link);
    assert_int_equal(leat_netdev_refresh(&dev), 0);
    assert_false(dev.xdp_program || dev.xdp_native || dev.xdp_generic);
}

static void counts_the_queues_of_a_tap(void **state) {
    (void)state;
    if (access("/dev/net/tun", R_OK | W_OK) < 0)
        skip();
    run("ip tuntap add lt-tap mode tap multi_queue");
    struct leat_netdev dev = look("lt-tap");
    assert_string_equal(dev.driver, "tun");
    assert_int_equal(dev.rx_queues, 1); /* in use, of 256 that it could have */
    assert_int_equal(dev.queues_max, 0);
    run("ip link delete lt-tap");
}

static void says_that_there_is_none(void **state) {
    (void)state;
    struct leat_netdev dev;
    assert_int_equal(leat_netdev_open(&dev, "lt-none"), -ENODEV);
    assert_non_null(strstr(leat_error(), "lt-none"));
    assert_int_equal(leat_netdev_open(&dev, ""), -ENODEV);
    assert_int_equal(leat_netdev_open(&dev, "a-name-far-too-long"), -ENODEV);
    dev = look("lt-a");
    run("ip link delete lt-a && ip link add lt-a type veth peer name lt-b");
    assert_int_equal(leat_netdev_refresh(&dev), -ENODEV); /* a name's second bearer is another */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_what_a_veth_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_it_is_used_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(halves_are_a_default_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_stands_on_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_it_can_do_with_xdp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_which_program_is_attached, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_the_queues_of_a_tap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_that_there_is_none, set_up, tear_down),
    };
    if (unshare(CLONE_NEWNET) < 0) {
        puts("it takes root to make a network namespace");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
