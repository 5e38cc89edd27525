/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_XDP sockets that cannot be had, and those that lose frames, their interface or their buffers:
 * each a sentence or a counted drop. */
#include "xdp_veth.h"
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "until_up.h"

static struct leat_queue *const queue = &veth.queue.head.public;

/* --- Refusals --- */

static void refuses(struct xdp_socket_opts opts, int err, const char *sentence) {
    struct leat_stats nothing = { 0 };
    struct xdp_queue other;
    assert_int_equal(veth_try_open(&other, opts), -err);
    if (!strstr(leat_error(), sentence))
        fail_msg("'%s' is not in: %s", sentence, leat_error());
    assert_ptr_equal(strstr(leat_error(), "xdp:lt-a"), leat_error());
    xdp_socket_close(&other, &nothing);
    assert_int_equal(veth_losses(&nothing), 0);
}

static void refuses_by_name(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    opts.queue = 2;
    refuses(opts, EINVAL, "there is no queue 2");
    opts = veth_defaults;
    opts.ifindex = 99999;
    refuses(opts, ENODEV, "the interface is gone");
    opts = veth_defaults;
    opts.rx_ring = 100;
    refuses(opts, EINVAL, "a ring of 100 descriptors");
    opts = veth_defaults;
    opts.tx_ring = 2 * XDP_RING_MAX;
    refuses(opts, EINVAL, "a ring of 131072 descriptors");
    opts = veth_defaults;
    opts.frame_bytes = 2400;
    refuses(opts, EINVAL, "frame-size=2400");
    opts = veth_defaults;
    opts.frame_max = 2113;
    refuses(opts, EINVAL, "frames of 2113 bytes do not fit into one buffer");
    opts = veth_defaults;
    opts.zerocopy = XDP_ZEROCOPY_REQUIRE;
    refuses(opts, ENOTSUP, "buffers of 2368 bytes on ordinary pages: a stride of 4096");
    veth_change_pool(4096);
    refuses(opts, ENOTSUP, "the driver has no zero-copy; 'zerocopy=prefer' copies");
    veth_change_pool(1024);
    refuses(veth_defaults, EINVAL, "buffers of 2048 to 4096 bytes, not of 1024");
    veth_change_pool(8192);
    refuses(veth_defaults, EINVAL, "not of 8192");
}

static void says_why_it_copies(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    opts.zerocopy = XDP_ZEROCOPY_PREFER;
    veth_open(opts);
    assert_false(veth.queue.zerocopy);
    assert_non_null(strstr(veth.queue.copies, "ordinary pages"));
    veth_close();
    veth_change_pool(4096);
    veth_open(opts);
    assert_false(veth.queue.zerocopy);
    assert_string_equal(veth.queue.copies, "the driver has no zero-copy");
    veth_close();
}

static void leaves_a_queue_to_who_has_it(void **state) {
    (void)state;
    struct xdp_socket_opts other = veth_defaults;
    veth_open(veth_defaults);
    refuses(veth_defaults, EBUSY, "another process has queue 0");
    other.queue = 1;
    struct xdp_queue neighbour;
    struct leat_stats nothing = { 0 };
    assert_int_equal(veth_try_open(&neighbour, other), 0);
    xdp_socket_close(&neighbour, &nothing);
    veth_close();
}

/* The kernel's own tear-down of the one before is waited out. */
static void opens_again_at_once(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        veth_open(veth_defaults);
        veth_attach((struct xdp_program_opts){ 0 });
        veth_peer_sends(1, 60);
        veth_expect(1, 60);
        veth_close();
    }
}

/* A pool that cannot fill the ring. */
static void says_when_the_pool_is_too_small(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    opts.rx_ring = VETH_BUFFERS;
    refuses(opts, ENOMEM, "the pool has not the 2112 buffers");
}

static void set_capability(unsigned int capability, bool on) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    uint32_t mask = CAP_TO_MASK(capability), *bits;
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    bits = &data[CAP_TO_INDEX(capability)].effective;
    *bits = on ? *bits | mask : *bits & ~mask;
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void names_the_capability_it_lacks(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    set_capability(CAP_NET_RAW, false);
    refuses(opts, EPERM, "CAP_NET_RAW");
    set_capability(CAP_NET_RAW, true);
    opts.wait = XDP_WAIT_BUSY_POLL;
    set_capability(CAP_NET_ADMIN, false);
    refuses(opts, EPERM, "CAP_NET_ADMIN");
    set_capability(CAP_NET_ADMIN, true);
}

/* The hard limit stays lowered, but with CAP_IPC_LOCK it is not looked at. Memory is charged to the
 * user, who must not be the one of other tests that run meanwhile; the effective one stays root. */
static void raises_the_limit_of_locked_memory(void **state) {
    (void)state;
    struct rlimit limit;
    uid_t nobody_else = 20000 + (uid_t)getpid() % 40000;
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (limit.rlim_max < veth.pool->bytes)
        skip();
    assert_int_equal(setresuid(nobody_else, (uid_t)-1, (uid_t)-1), 0);
    limit.rlim_cur = 4096;
    set_capability(CAP_IPC_LOCK, false);
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    veth_open(veth_defaults);
    veth_close();
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    assert_int_equal(limit.rlim_cur, limit.rlim_max);
    limit.rlim_cur = limit.rlim_max = 4096;
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    refuses(veth_defaults, EPERM, "CAP_IPC_LOCK");
    set_capability(CAP_IPC_LOCK, true);
    assert_int_equal(setresuid(0, (uid_t)-1, (uid_t)-1), 0);
}

/* --- Losses --- */

static uint32_t receive_all(void) {
    struct leat_pkt pkts[64];
    uint32_t sum = 0;
    for (int got; (got = xdp_rx(queue, pkts, 64)) > 0; sum += (uint32_t)got)
        leat_free(veth.cache, pkts, (uint32_t)got);
    return sum;
}

/* Sends frames that nobody looks at, a few at a time, since veth's own ring loses what comes too
 * fast: each waits in the rx ring or is counted. */
static void peer_sends_many(uint32_t n) {
    struct leat_stats lost = { 0 };
    assert_int_equal(xdp_socket_stats(&veth.queue, &lost), 0);
    uint64_t before = veth_losses(&lost) + xdp_ring_ready(&veth.queue.rx, UINT32_MAX);
    for (uint32_t sent = 0; sent < n; sent++) {
        veth_peer_sends(sent, 60);
        for (uint64_t seen = 0; (sent % 32 == 31 || sent == n - 1) && seen < sent + 1;) {
            lost = (struct leat_stats){ 0 };
            assert_int_equal(xdp_socket_stats(&veth.queue, &lost), 0);
            seen = veth_losses(&lost) + xdp_ring_ready(&veth.queue.rx, UINT32_MAX) - before;
        }
    }
}

/* Who does not look misses frames, but no buffer was wanting. */
static void counts_what_nobody_took(struct xdp_program_opts with) {
    enum { FRAMES = 1000 };
    veth_open(veth_defaults);
    veth_attach(with);
    peer_sends_many(FRAMES);
    assert_int_equal(receive_all(), VETH_RING);
    veth_peer_sends(1, 60);
    veth_expect(1, 60);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.rx_packets, VETH_RING + 1);
    assert_int_equal(stats.drops[LEAT_DROP_RX_MISSED], FRAMES - VETH_RING);
    assert_int_equal(veth_losses(&stats), FRAMES - VETH_RING);
}

static void counts_what_it_misses_in_the_driver(void **state) {
    (void)state;
    counts_what_nobody_took((struct xdp_program_opts){ 0 });
}

static void counts_what_it_misses_of_the_stack(void **state) {
    (void)state;
    counts_what_nobody_took((struct xdp_program_opts){ .generic = true });
}

/* A program that keeps all buffers starves the fill ring. */
static void counts_frames_without_buffer(void **state) {
    (void)state;
    enum { FILLED = VETH_RING + XDP_FILL_SPARE, MORE = 100 };
    static struct leat_pkt hoard[VETH_BUFFERS], pkts[FILLED];
    uint32_t hoarded = 0, n, had = 0;
    veth_open(veth_defaults);
    veth_attach((struct xdp_program_opts){ 0 });
    while ((n = leat_alloc(veth.cache, hoard + hoarded, LEAT_BATCH_MAX)) > 0)
        hoarded += n;
    for (uint32_t i = 0; i < FILLED; i++) {
        veth_peer_sends(i, 60);
        had += veth_receive(pkts + had, 1);
    }
    peer_sends_many(MORE);
    for (uint32_t i = 0; i < FILLED; i++)
        leat_free(veth.cache, &pkts[i], 1);
    assert_int_equal(receive_all(), 0); /* and fills the ring again */
    veth_peer_sends(7, 60);
    veth_expect(7, 60);
    for (uint32_t i = 0; i < hoarded; i++)
        leat_free(veth.cache, &hoard[i], 1);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.drops[LEAT_DROP_RX_NO_BUFFER], MORE);
    assert_int_equal(veth_losses(&stats), MORE);
}

static void counts_frames_longer_than_a_buffer(void **state) {
    (void)state;
    veth_run("ip link set lt-a mtu 9000 && ip link set lt-b mtu 9000");
    veth_open(veth_defaults);
    veth_attach((struct xdp_program_opts){ .segments = true });
    veth_peer_sends(1, 3000);
    veth_peer_sends(2, 2113);
    veth_peer_sends(3, 2112);
    veth_expect(3, 2112);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.drops[LEAT_DROP_RX_LENGTH], 2);
    assert_int_equal(veth_losses(&stats), 2);
}

static void counts_frames_left_in_the_ring(void **state) {
    (void)state;
    veth_open(veth_defaults);
    veth_attach((struct xdp_program_opts){ 0 });
    peer_sends_many(10);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.rx_packets, 0);
    assert_int_equal(stats.drops[LEAT_DROP_RX_MISSED], 10);
    assert_int_equal(veth_losses(&stats), 10);
}

/* Without carrier the stack drops frames that it completes all the same. */
static void counts_what_the_stack_drops(void **state) {
    (void)state;
    struct leat_pkt pkts[40];
    veth_open(veth_defaults);
    veth_run("ip link set lt-b down");
    for (uint32_t i = 0; i < 40; i++)
        veth_make(&pkts[i], i, 60);
    veth_send(pkts, 40);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.tx_packets, 0);
    assert_int_equal(stats.drops[LEAT_DROP_TX_REFUSED], 40);
    assert_int_equal(veth_losses(&stats), 40);
}

/* --- An interface that goes down, and one that goes away --- */

static void waits_for_an_interface_that_is_down(void **state) {
    (void)state;
    struct leat_pkt pkt;
    veth_open(veth_defaults);
    veth_attach((struct xdp_program_opts){ 0 });
    veth_run("ip link set lt-a down");
    veth_make(&pkt, 1, 60);
    veth_send(&pkt, 1);
    assert_int_equal(xdp_rx(queue, &pkt, 1), 0);
    assert_int_equal(xdp_queue_arm(queue), 0);
    veth_run("ip link set lt-a up");
    until_up("lt-b");
    assert_int_equal(xdp_tx(queue, NULL, 0), 0);
    veth_peer_expects(1, 60);
    veth_peer_sends(2, 60);
    veth_expect(2, 60);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.tx_packets, 1);
    assert_int_equal(veth_losses(&stats), 0);
}

static void counts_what_a_down_interface_never_sent(void **state) {
    (void)state;
    struct leat_pkt pkts[3];
    veth_open(veth_defaults);
    veth_run("ip link set lt-a down");
    for (uint32_t i = 0; i < 3; i++)
        veth_make(&pkts[i], i, 60);
    veth_send(pkts, 3);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.tx_packets, 0);
    assert_int_equal(stats.drops[LEAT_DROP_TX_ABORTED], 3);
    assert_int_equal(veth_losses(&stats), 3);
}

static void says_when_the_interface_is_gone(void **state) {
    (void)state;
    struct leat_pkt pkt;
    veth_open(veth_defaults);
    veth_attach((struct xdp_program_opts){ 0 });
    veth_run("ip link delete lt-a");
    assert_int_equal(xdp_queue_arm(queue), -ENODEV);
    assert_string_equal(leat_error(), "xdp:lt-a: the interface is gone");
    assert_int_equal(xdp_rx(queue, &pkt, 1), -ENODEV);
    veth_make(&pkt, 1, 60);
    assert_int_equal(xdp_tx(queue, &pkt, 1), -ENODEV);
    leat_free(veth.cache, &pkt, 1);
    struct leat_stats stats = veth_close();
    assert_int_equal(veth_losses(&stats), 0);
}

/* Sending and polling find out without being asked. */
static void notices_by_itself_that_the_interface_is_gone(void **state) {
    (void)state;
    struct leat_pkt pkt;
    int err;
    veth_open(veth_defaults);
    veth_run("ip link delete lt-a");
    veth_make(&pkt, 1, 60);
    assert_int_equal(xdp_tx(queue, &pkt, 1), 1);
    assert_int_equal(xdp_tx(queue, NULL, 0), -ENODEV);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.drops[LEAT_DROP_TX_ABORTED], 1);

    assert_int_equal(veth_tear_down(NULL), 0);
    assert_int_equal(veth_set_up(NULL), 0);
    veth_open(veth_defaults);
    veth_run("ip link delete lt-a");
    for (int i = 0; (err = xdp_rx(queue, &pkt, 1)) == 0 && i < 10000; i++)
        ;
    assert_int_equal(err, -ENODEV);
    veth_close();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, veth_set_up, veth_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(refuses_by_name),
        TEST(says_why_it_copies),
        TEST(leaves_a_queue_to_who_has_it),
        TEST(opens_again_at_once),
        TEST(says_when_the_pool_is_too_small),
        TEST(names_the_capability_it_lacks),
        TEST(raises_the_limit_of_locked_memory),
        TEST(counts_what_it_misses_in_the_driver),
        TEST(counts_what_it_misses_of_the_stack),
        TEST(counts_frames_without_buffer),
        TEST(counts_frames_longer_than_a_buffer),
        TEST(counts_frames_left_in_the_ring),
        TEST(counts_what_the_stack_drops),
        TEST(waits_for_an_interface_that_is_down),
        TEST(counts_what_a_down_interface_never_sent),
        TEST(says_when_the_interface_is_gone),
        TEST(notices_by_itself_that_the_interface_is_gone),
    };
    return veth_enter() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
