/* SPDX-License-Identifier: BSD-2-Clause */
/* xdp: ports refuse what would do harm, survive what befalls their interface, and leave it as it
 * was. On a veth pair in a namespace of this test's own. Needs root. */
#include "lib/bpf/stage.h"
#include "lib/bus/netdev.h"
#include "xdp_program.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <leat/error.h>
#include <leat/port.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "interfaces.h"
#include "until_up.h"

#define ETHERTYPE   0x88b5 /* for experiments: the stack knows nothing of it */
#define PATIENCE_MS 10000

static struct leat_pool *pool;
static struct leat_cache *cache;
static struct leat_port *port;
static struct leat_queue *queues[2];
static int sender, stack; /* frames go into lt-b, and are looked for in the stack behind lt-a */
static uint32_t free_before;
static struct leat_netdev before;
static char notices[1024];

static void keep_notice(void *ctx, enum leat_log_level level, const char *sentence) {
    (void)ctx, (void)level;
    snprintf(notices, sizeof(notices), "%s", sentence);
}

static int packet_socket(const char *interface) {
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETHERTYPE),
                                   .sll_ifindex = (int)if_nametoindex(interface) };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETHERTYPE));
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int set_up(void **state) {
    (void)state;
    run("ip link add lt-a numrxqueues 2 numtxqueues 2 type veth "
        "peer name lt-b numrxqueues 2 numtxqueues 2 && "
        "ip link set lt-a up && ip link set lt-b up && ethtool -L lt-b tx 1 && ethtool -K lt-b tx "
        "off >/dev/null");
    until_up("lt-b");
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 4096, .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&pool, &opts), 0);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    free_before = leat_pool_free_count(pool);
    sender = packet_socket("lt-b");
    stack = packet_socket("lt-a");
    before = look("lt-a");
    notices[0] = '\0';
    leat_set_log(keep_notice, NULL);
    return 0;
}

static void close_port(void) {
    leat_port_close(port, NULL);
    port = NULL;
    leat_cache_close(cache);
    cache = NULL;
    assert_int_equal(leat_pool_free_count(pool), free_before);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
}

static int tear_down(void **state) {
    (void)state;
    leat_port_close(port, NULL);
    port = NULL;
    leat_cache_close(cache);
    close(sender);
    close(stack);
    leat_set_log(NULL, NULL);
    if (if_nametoindex("lt-a"))
        run("ip link del lt-a");
    return leat_pool_destroy(pool);
}

static uint32_t open_descriptors(void) {
    uint32_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void expect_interface_as_before(void) {
    struct leat_netdev now = look("lt-a");
    assert_int_equal(now.xdp_program, 0);
    assert_int_equal(now.mtu, before.mtu);
    assert_int_equal(now.rx_queues, before.rx_queues);
    assert_int_equal(now.promisc, before.promisc);
    assert_memory_equal(now.mac, before.mac, sizeof(now.mac));
}

/* With nothing left behind; `words` and the port's name are in the sentence. */
static void expect_refused(const char *name, int err, const char *words) {
    const struct leat_port_opts opts = { .size = sizeof(opts), .promisc = true };
    uint32_t descriptors = open_descriptors();
    int status = leat_port_open(&port, name, pool, &opts);
    if (status != err || !strstr(leat_error(), words) || !strstr(leat_error(), name))
        fail_msg("%s: %d: %s", name, status, leat_error());
    assert_null(port);
    assert_int_equal(open_descriptors(), descriptors);
    expect_interface_as_before();
}

static void open_with(const char *name, uint32_t start) {
    if (leat_port_open(&port, name, pool, NULL) < 0)
        fail_msg("%s", leat_error());
    for (uint32_t i = 0; i < start; i++)
        assert_int_equal(leat_port_queue(port, i, cache, &queues[i]), 0);
}

static bool wait_a_little(uint32_t *waited_ms) {
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return ++*waited_ms < PATIENCE_MS;
}

static int send_frame(void) {
    static const uint8_t frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 7 };
    return send(sender, frame, sizeof(frame), 0) < 0 ? -errno : 0;
}

/* How many of the `n` frames of ours a queue receives. */
static uint32_t receive(struct leat_queue *queue, uint32_t n) {
    uint32_t got = 0, waited_ms = 0;
    while (got < n && wait_a_little(&waited_ms)) {
        struct leat_pkt pkts[32];
        int rc = leat_rx(queue, pkts, 32);
        if (rc < 0)
            fail_msg("%s", leat_error());
        for (int i = 0; i < rc; i++)
            got += pkts[i].len == 60 && pkts[i].data[12] == 0x88 && pkts[i].data[14] == 7;
        leat_free(cache, pkts, (uint32_t)rc);
    }
    return got;
}

/* Sends until one arrives: after an interface came up, the other end drops for a while. */
static bool something_arrives(struct leat_queue *queue) {
    uint32_t got = 0, waited_ms = 0;
    while (got == 0 && wait_a_little(&waited_ms)) {
        struct leat_pkt pkts[32];
        send_frame();
        int rc = leat_rx(queue, pkts, 32);
        if (rc < 0)
            fail_msg("%s", leat_error());
        got = (uint32_t)rc;
        leat_free(cache, pkts, got);
    }
    return got > 0;
}

static uint32_t receive_in_stack(uint32_t n) {
    uint32_t got = 0, waited_ms = 0;
    while (got < n && wait_a_little(&waited_ms)) {
        uint8_t frame[64];
        got += recv(stack, frame, sizeof(frame), 0) > 0;
    }
    return got;
}

static void wrong_names_leave_nothing_behind(void **state) {
    (void)state;
    expect_refused("xdp:lt-nowhere", -ENODEV, "no such interface");
    expect_refused("xdp:lt-a@2", -EINVAL, "no queue 2");
    expect_refused("xdp:lt-a,match=no such thing", -EINVAL, "no such thing");
    expect_refused("xdp:lt-a,mtu=2000,match=no such thing", -EINVAL, "no such thing");
    expect_refused("xdp:lt-a,queues=1,match=no such thing", -EINVAL, "no such thing");
    expect_refused("xdp:lt-a,queues=3", -ENOTSUP, "queues");
    expect_refused("xdp:lt-a,zerocopy=require", -ENOTSUP, "veth, has no zero-copy");
    expect_refused("xdp:lt-a,rss=symmetric", -ENOTSUP, "veth");
    expect_refused("xdp:lt-a,mode=generic,rx-metadata=hash", -ENOTSUP, "rx-metadata");
    expect_refused("xdp:lt-a,tx-metadata=launch", -ENOTSUP, "tx-metadata=launch");
    expect_refused("xdp:lt-a,tx-metadata=time", -ENOTSUP, "tx-metadata=time");
    run("ip link set lt-a down");
    expect_refused("xdp:lt-a", -ENETDOWN, "ip link set lt-a up");
}

/* The veth of this test has two queues, and a hash that nobody can set. */
static void a_symmetric_hash_may_be_preferred_in_vain(void **state) {
    (void)state;
    struct leat_caps caps;
    open_with("xdp:lt-a,rss=prefer-symmetric", 2);
    leat_port_caps(port, &caps, sizeof(caps));
    assert_false(caps.rss_symmetric);
    close_port();
    open_with("xdp:lt-a@1,rss=prefer-symmetric", 1);
    leat_port_caps(port, &caps, sizeof(caps));
    assert_true(caps.rss_symmetric);
    close_port();
    expect_interface_as_before();
}

static void the_default_route_is_kept_from_harm(void **state) {
    (void)state;
    run("ip addr add 198.18.0.1/24 dev lt-a && ip route add default via 198.18.0.2");
    expect_refused("xdp:lt-a", -EPERM, "default route");
    expect_refused("xdp:lt-a@1", -EPERM, "default route");
    open_with("xdp:lt-a,match=ether proto 0x88b5", 2);
    assert_string_equal(notices, "");
    close_port();
    open_with("xdp:lt-a,force", 2);
    assert_non_null(strstr(notices, "the addresses of lt-a are not reached"));
    close_port();
    expect_interface_as_before();
}

static void metadata_in_force_is_told(void **state) {
    (void)state;
    struct leat_caps caps;
    open_with("xdp:lt-a,rx-metadata=hash+vlan", 2);
    leat_port_caps(port, &caps, sizeof(caps));
    assert_non_null(strstr(caps.mode, "poll, rx-metadata hash+vlan"));
    close_port();
    open_with("xdp:lt-a", 2);
    leat_port_caps(port, &caps, sizeof(caps));
    assert_null(strstr(caps.mode, "rx-metadata"));
    close_port();
}

static uint32_t frames_through(uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(send_frame(), 0);
    return receive(queues[0], n);
}

/* The parent's queue goes on, with its settings, and the program that fills it. */
static void a_child_closes_only_what_it_inherited(void **state) {
    (void)state;
    int status;
    struct leat_stats final;
    open_with("xdp:lt-a,mtu=3000,queues=1", 1);
    assert_int_equal(frames_through(8), 8);
    struct leat_pkt sent;
    assert_int_equal(leat_alloc(cache, &sent, 1), 1);
    sent.len = 60;
    memset(sent.data, 2, 60);
    assert_int_equal(leat_tx(queues[0], &sent, 1), 1);
    pid_t child = fork();
    if (child == 0) {
        leat_port_close(port, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(look("lt-a").mtu, 3000);
    assert_int_equal(look("lt-a").rx_queues, 1);
    assert_int_equal(frames_through(8), 8);
    leat_port_close(port, &final);
    port = NULL;
    assert_int_equal(final.tx_packets, 1);
    assert_int_equal(final.drops[LEAT_DROP_TX_ABORTED], 0);
    expect_interface_as_before();
}

static void settings_are_put_back(void **state) {
    (void)state;
    struct leat_port_opts opts = { .size = sizeof(opts), .promisc = true, .queues = 1 };
    if (leat_port_open(&port, "xdp:lt-a,mtu=3000,wait=busy-poll", pool, &opts) < 0)
        fail_msg("%s", leat_error());
    struct leat_caps caps;
    leat_port_caps(port, &caps, sizeof(caps));
    assert_int_equal(caps.queues, 1);
    assert_int_equal(caps.queues_max, 2);
    assert_true(caps.promisc);
    assert_int_equal(caps.frame_max, 3000 + 14 + 8);
    assert_true(caps.segments_max > 1);
    struct leat_netdev now = look("lt-a");
    assert_int_equal(now.rx_queues, 1);
    assert_int_equal(now.mtu, 3000);
    assert_int_equal(leat_port_set_mac(port, (const uint8_t[6]){ 2, 1, 1, 1, 1, 1 }), 0);
    close_port();
    expect_interface_as_before();
}

static void expect_mode(const char *name, const char *mode) {
    struct leat_caps caps;
    open_with(name, 0);
    leat_port_caps(port, &caps, sizeof(caps));
    assert_string_equal(caps.mode, mode);
    close_port();
}

static void the_mode_in_force_is_told(void **state) {
    (void)state;
    expect_mode("xdp:lt-a", "native, copy (veth has no zero-copy), need-wakeup, poll");
    expect_mode("xdp:lt-a,zerocopy=never,wait=spin,need-wakeup=off", "native, copy, spin");
    expect_mode("xdp:lt-a,tx-metadata=checksum,zerocopy=never", "native, copy, need-wakeup, poll");
    expect_mode("xdp:lt-a,mode=generic,zerocopy=never", "generic, copy, need-wakeup, poll");
}

/* A veth wants a queue for each of which the other end sends on, and tells ENOSPC. */
static void why_it_is_not_native_is_told(void **state) {
    (void)state;
    run("ethtool -L lt-b tx 2");
    expect_mode("xdp:lt-a,queues=1,zerocopy=never",
                "generic (native: No space left on device), copy, need-wakeup, poll");
    expect_refused("xdp:lt-a,queues=1,mode=native", -ENOSPC, "its other end sends on");
    struct leat_stage *stage;
    const struct leat_stage_opts generic = { .mode = LEAT_XDP_GENERIC, .queues = 2 };
    assert_int_equal(leat_stage_open(&stage, "test", if_nametoindex("lt-a"), &generic), 0);
    expect_mode("xdp:lt-a,zerocopy=never",
                "generic (chosen by another program), copy, need-wakeup, poll");
    leat_stage_close(stage);
}

static void unfinished_checksums_are_warned_of(void **state) {
    (void)state;
    open_with("xdp:lt-a", 0);
    assert_string_equal(notices, ""); /* the other end finishes them */
    close_port();
    run("ethtool -K lt-b tx on >/dev/null");
    open_with("xdp:lt-a", 0);
    assert_non_null(strstr(notices, "'ethtool -K lt-b tx off'"));
    close_port();
}

static void what_no_queue_takes_is_the_kernels(void **state) {
    (void)state;
    open_with("xdp:lt-a", 0); /* no queue is started */
    assert_int_equal(send_frame(), 0);
    assert_int_equal(receive_in_stack(1), 1);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(leat_port_queue(port, i, cache, &queues[i]), 0);
    assert_int_equal(send_frame(), 0);
    assert_int_equal(receive(queues[0], 1), 1);
    close_port();
    assert_int_equal(send_frame(), 0);
    assert_int_equal(receive_in_stack(1), 1);
}

static void an_interface_may_go_down_and_up(void **state) {
    (void)state;
    struct leat_link link;
    open_with("xdp:lt-a", 2);
    assert_int_equal(send_frame(), 0);
    assert_int_equal(receive(queues[0], 1), 1);
    run("ip link set lt-a down");
    assert_int_equal(leat_port_link(port, &link), 0);
    assert_false(link.up);
    struct leat_pkt pkt;
    assert_int_equal(leat_alloc(cache, &pkt, 1), 1);
    memset(pkt.data, 2, pkt.len = 60);
    assert_int_equal(leat_tx(queues[0], &pkt, 1), 1);
    run("ip link set lt-a up");
    assert_int_equal(leat_port_wait_link(port, PATIENCE_MS), 0);
    assert_true(something_arrives(queues[0]));
    struct leat_stats final;
    leat_port_close(port, &final);
    port = NULL;
    uint64_t lost = final.drops[LEAT_DROP_TX_REFUSED] + final.drops[LEAT_DROP_TX_ABORTED];
    assert_int_equal(final.tx_packets + lost, 1);
    expect_interface_as_before();
}

static void an_interface_may_vanish(void **state) {
    (void)state;
    struct leat_link link;
    struct leat_pkt pkts[32];
    open_with("xdp:lt-a", 2);
    run("ip link del lt-a");
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < 1000000; i++)
        rc = leat_rx(queues[0], pkts, 32);
    assert_int_equal(rc, -ENODEV);
    assert_int_equal(leat_tx(queues[0], NULL, 0), -ENODEV);
    assert_int_equal(leat_queue_arm(queues[1]), -ENODEV);
    assert_int_equal(leat_port_link(port, &link), -ENODEV);
    assert_non_null(strstr(leat_error(), "lt-a"));
    close_port();
}

static void two_ports_share_an_interface(void **state) {
    (void)state;
    struct leat_port *other;
    struct leat_queue *others;
    open_with("xdp:lt-a@0", 1);
    assert_int_equal(leat_port_open(&other, "xdp:lt-a@0", pool, NULL), -EBUSY);
    assert_non_null(strstr(leat_error(), "queue 0"));
    assert_int_equal(leat_port_open(&other, "xdp:lt-a@1", pool, NULL), 0);
    assert_int_equal(leat_port_queue(other, 0, cache, &others), 0);
    assert_int_equal(send_frame(), 0);
    assert_int_equal(receive(queues[0], 1), 1);
    leat_port_close(other, NULL);
    assert_int_equal(send_frame(), 0);
    assert_int_equal(receive(queues[0], 1), 1); /* unharmed */
    close_port();
    expect_interface_as_before();
}

static void a_foreign_program_stays(void **state) {
    (void)state;
    struct xdp_program foreign;
    const struct xdp_program_opts opts = { .ifindex = before.index };
    assert_int_equal(xdp_program_attach(&foreign, &opts), 0);
    assert_int_equal(leat_port_open(&port, "xdp:lt-a", pool, NULL), -EBUSY);
    assert_non_null(strstr(leat_error(), "xdp:lt-a"));
    assert_int_not_equal(look("lt-a").xdp_program, 0);
    xdp_program_detach(&foreign);
    open_with("xdp:lt-a", 2);
    close_port();
}

static void list_port(void *ctx, const struct leat_port_found *found) {
    if (strcmp(found->name, "xdp:lt-a") != 0)
        return;
    assert_non_null(strstr(found->about, "veth, up, MTU 1500, 2 queues; native"));
    assert_null(found->warning);
    *(bool *)ctx = true;
}

static void interfaces_are_listed(void **state) {
    (void)state;
    bool listed = false;
    leat_port_look(list_port, &listed);
    assert_true(listed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(wrong_names_leave_nothing_behind),
        CASE(a_symmetric_hash_may_be_preferred_in_vain),
        CASE(the_default_route_is_kept_from_harm),
        CASE(metadata_in_force_is_told),
        CASE(a_child_closes_only_what_it_inherited),
        CASE(settings_are_put_back),
        CASE(the_mode_in_force_is_told),
        CASE(why_it_is_not_native_is_told),
        CASE(unfinished_checksums_are_warned_of),
        CASE(what_no_queue_takes_is_the_kernels),
        CASE(an_interface_may_go_down_and_up),
        CASE(an_interface_may_vanish),
        CASE(two_ports_share_an_interface),
        CASE(a_foreign_program_stays),
        CASE(interfaces_are_listed),
    };
    if (unshare(CLONE_NEWNET) < 0 ||
        system("ip -V >/dev/null 2>&1 && ethtool --version >/dev/null 2>&1 && "
               "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6") != 0) {
        puts("skipped: it takes root, ip and ethtool to make interfaces");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
