/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_XDP sockets in copy mode: frames of all sizes both ways, in each mode. */
#include "lib/bpf/stage.h"
#include "xdp_veth.h"
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES 1000 /* several rings full, so that places are used again */

static void sends(struct xdp_socket_opts opts) {
    struct leat_pkt pkt;
    uint64_t bytes = 0;
    veth_open(opts);
    for (uint32_t i = 0; i < FRAMES; i++) {
        veth_make(&pkt, i, veth_size_of(i));
        veth_send(&pkt, 1);
        veth_peer_expects(i, veth_size_of(i));
        bytes += veth_size_of(i);
    }
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.tx_packets, FRAMES);
    assert_int_equal(stats.tx_bytes, bytes);
    assert_int_equal(veth_losses(&stats), 0);
}

static void sends_frames(void **state) {
    (void)state;
    sends(veth_defaults);
}

static void sends_without_need_wakeup(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    opts.need_wakeup = false;
    sends(opts);
}

/* The kernel may stop after 32 frames; nobody has to ask again. */
static void sends_a_whole_ring_at_once(void **state) {
    (void)state;
    struct leat_pkt pkts[VETH_RING];
    veth_open(veth_defaults);
    for (uint32_t i = 0; i < VETH_RING; i++)
        veth_make(&pkts[i], i, veth_size_of(i));
    assert_int_equal(xdp_tx(&veth.queue.head.public, pkts, VETH_RING), VETH_RING);
    for (uint32_t i = 0; i < VETH_RING; i++)
        veth_peer_expects(i, veth_size_of(i));
    assert_int_equal(xdp_tx(&veth.queue.head.public, NULL, 0), 0);
    assert_int_equal(veth.queue.head.stats.tx_packets, VETH_RING);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.tx_packets, VETH_RING);
    assert_int_equal(veth_losses(&stats), 0);
}

static void receives(struct xdp_socket_opts opts, struct xdp_program_opts with) {
    uint64_t bytes = 0;
    veth_open(opts);
    veth_attach(with);
    for (uint32_t i = 0; i < FRAMES; i++) {
        veth_peer_sends(i, veth_size_of(i));
        veth_expect(i, veth_size_of(i));
        bytes += veth_size_of(i);
    }
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.rx_packets, FRAMES);
    assert_int_equal(stats.rx_bytes, bytes);
    assert_int_equal(veth_losses(&stats), 0);
}

static void receives_frames_in_the_driver(void **state) {
    (void)state;
    receives(veth_defaults, (struct xdp_program_opts){ 0 });
}

static void receives_frames_of_the_stack(void **state) {
    (void)state;
    receives(veth_defaults, (struct xdp_program_opts){ .generic = true });
}

static void receives_into_aligned_buffers(void **state) {
    (void)state;
    static const uint32_t strides[] = { 2048, 4096 };
    for (int i = 0; i < 2; i++) {
        veth_change_pool(strides[i]);
        receives(veth_defaults, (struct xdp_program_opts){ 0 });
        assert_false(veth.queue.unaligned);
    }
}

static void receives_into_parts_of_buffers(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    opts.frame_bytes = 2048;
    receives(opts, (struct xdp_program_opts){ 0 });
}

static void receives_by_busy_polling(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    opts.wait = XDP_WAIT_BUSY_POLL;
    receives(opts, (struct xdp_program_opts){ 0 });
    assert_int_equal(xdp_queue_fd(&veth.queue.head.public), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "wait=busy-poll"));
}

/* Frames of one to five buffers, there and back. */
static void carries_frames_of_several_buffers(struct xdp_program_opts with) {
    static const uint32_t sizes[] = { 60, 2112, 2113, 3000, 4224, 5000, 9014 };
    struct xdp_socket_opts opts = veth_defaults;
    struct leat_pkt pkts[8];
    uint64_t bytes = 0;
    opts.segments = with.segments = true;
    veth_run("ip link set lt-a mtu 9000 && ip link set lt-b mtu 9000");
    veth_open(opts);
    veth_attach(with);
    for (uint32_t i = 0; i < FRAMES / 4; i++) {
        uint32_t size = sizes[i % 7];
        veth_peer_sends(i, size);
        veth_expect(i, size);
        veth_send(pkts, veth_make(pkts, i, size));
        veth_peer_expects(i, size);
        bytes += size;
    }
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.rx_packets, FRAMES / 4);
    assert_int_equal(stats.tx_packets, FRAMES / 4);
    assert_int_equal(stats.rx_bytes, bytes);
    assert_int_equal(stats.tx_bytes, bytes);
    assert_int_equal(veth_losses(&stats), 0);
}

static void carries_long_frames_in_the_driver(void **state) {
    (void)state;
    carries_frames_of_several_buffers((struct xdp_program_opts){ 0 });
}

static void carries_long_frames_of_the_stack(void **state) {
    (void)state;
    carries_frames_of_several_buffers((struct xdp_program_opts){ .generic = true });
}

/* As many buffers as it says that it takes, and one more. */
static void takes_as_many_buffers_as_it_says(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    opts.segments = true;
    veth_run("ip link set lt-a mtu 65535 && ip link set lt-b mtu 65535");
    for (uint32_t stride = 2368; stride <= 4096; stride += 4096 - 2368) {
        veth_change_pool(stride);
        uint32_t room = stride - LEAT_BUFFER_START;
        struct leat_pkt pkts[32];
        veth_open(opts);
        uint32_t most = veth.queue.segments_max;
        assert_int_equal(most, stride == 4096 ? 17 : 8);
        for (uint32_t i = 0; i < 50; i++) { /* each leaves its buffers behind if it is refused */
            uint32_t n = 0;
            for (; n < most; n++) {
                assert_int_equal(leat_alloc(veth.cache, &pkts[n], 1), 1);
                memset(pkts[n].data, 0xff, room);
                pkts[n].len = (uint16_t)(n < most - 1 ? room : 100);
                pkts[n].flags = n < most - 1 ? LEAT_PKT_MORE : 0;
            }
            veth_send(pkts, n);
        }
        uint32_t n = veth_make(pkts, 1, 60);
        for (; n <= most; n++) {
            veth_make(&pkts[n], n, 60);
            pkts[n - 1].flags = LEAT_PKT_MORE;
        }
        veth_send(pkts, n);
        struct leat_stats stats = veth_close();
        assert_int_equal(stats.tx_packets, 50);
        assert_int_equal(stats.drops[LEAT_DROP_TX_LENGTH], 1);
        assert_int_equal(veth_losses(&stats), 1);
    }
}

static void tells_what_the_program_found_out(void **state) {
    (void)state;
    const struct leat_xdp_received found = {
        .time_ns = 1700000000123456789,
        .hash = 0x12345678,
        .vlan_tci = 42,
        .vlan_proto = __builtin_bswap16(0x8100),
        .valid = LEAT_XDP_META_TIME | LEAT_XDP_META_HASH | LEAT_XDP_META_VLAN,
    };
    struct xdp_socket_opts opts = veth_defaults;
    struct leat_pkt pkt;
    opts.rx_metadata = found.valid;
    veth_open(opts);
    veth_attach((struct xdp_program_opts){ .metadata = &found });
    veth_peer_sends(1, 60);
    assert_int_equal(veth_receive(&pkt, 1), 1);
    assert_int_equal(pkt.flags, LEAT_PKT_META | LEAT_PKT_HASH | LEAT_PKT_TIME | LEAT_PKT_VLAN);
    assert_int_equal(pkt.hash, found.hash);
    assert_int_equal(leat_pkt_meta(veth.pool, &pkt)->time_ns, found.time_ns);
    assert_int_equal(leat_pkt_meta(veth.pool, &pkt)->vlan_tci[0], 42);
    assert_int_equal(leat_pkt_meta(veth.pool, &pkt)->vlan_proto[0], 0x8100);
    leat_free(veth.cache, &pkt, 1);
    veth_close();
}

/* What the peer is told of a checksum that the device, here the other end, shall complete. */
static void asks_for_checksums(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    struct leat_pkt pkt;
    uint8_t got[256];
    int on = 1;
    opts.tx_metadata = XDP_TXMD_FLAGS_CHECKSUM;
    if (veth_try_open(&veth.queue, opts) < 0) {
        assert_non_null(strstr(leat_error(), "needs Linux 6.11"));
        skip();
    }
    assert_int_equal(setsockopt(veth.peer, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
    veth_make(&pkt, 5, 100);
    pkt.offload = leat_offload(14, 20, 0);
    pkt.flags = LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP;
    veth_send(&pkt, 1);
    struct virtio_net_hdr header;
    assert_int_equal(recv(veth.peer, got, sizeof(got), 0), sizeof(header) + 100);
    memcpy(&header, got, sizeof(header));
    assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(header.csum_start, 34);
    assert_int_equal(header.csum_offset, 6);
    veth_make(&pkt, 6, 100); /* asks for nothing */
    veth_send(&pkt, 1);
    assert_int_equal(recv(veth.peer, got, sizeof(got), 0), sizeof(header) + 100);
    memcpy(&header, got, sizeof(header));
    assert_int_equal(header.flags, 0);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.tx_packets, 2);
    assert_int_equal(veth_losses(&stats), 0);
}

/* Each queue has the same pool as a UMEM of its own: a buffer goes from one to the other. */
static void forwards_between_queues_without_copying(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    struct xdp_queue other;
    struct leat_stats sent = { 0 };
    struct leat_pkt pkt;
    veth_open(opts);
    veth_attach((struct xdp_program_opts){ 0 });
    opts.queue = 1;
    assert_int_equal(veth_try_open(&other, opts), 0);
    for (uint32_t i = 0; i < FRAMES; i++) {
        veth_peer_sends(i, veth_size_of(i));
        assert_int_equal(veth_receive(&pkt, 1), 1);
        assert_int_equal(xdp_tx(&other.head.public, &pkt, 1), 1);
        veth_peer_expects(i, veth_size_of(i));
    }
    xdp_socket_close(&other, &sent);
    struct leat_stats received = veth_close();
    assert_int_equal(received.rx_packets, FRAMES);
    assert_int_equal(sent.tx_packets, FRAMES);
    assert_int_equal(veth_losses(&received) + veth_losses(&sent), 0);
}

/* One process creates the socket, another one uses it. */
static void goes_on_with_a_socket_of_another(void **state) {
    (void)state;
    struct xdp_socket_opts opts = veth_defaults;
    struct xdp_queue creator;
    struct leat_stats nothing = { 0 };
    opts.ifindex = if_nametoindex("lt-a");
    assert_int_equal(xdp_socket_create(&creator, veth.pool, &opts), 0);
    int fd = dup(creator.fd);
    xdp_socket_close(&creator, &nothing);
    assert_int_equal(xdp_socket_adopt(&veth.queue, fd, veth.pool, &opts), 0);
    assert_int_equal(xdp_socket_map(&veth.queue), 0);
    assert_int_equal(xdp_socket_bind(&veth.queue), 0);
    assert_int_equal(xdp_socket_start(&veth.queue, &veth.port, veth.cache), 0);
    veth_attach((struct xdp_program_opts){ 0 });
    veth_peer_sends(1, 60);
    veth_expect(1, 60);
    struct leat_stats stats = veth_close();
    assert_int_equal(stats.rx_packets, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, veth_set_up, veth_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sends_frames),
        TEST(sends_without_need_wakeup),
        TEST(sends_a_whole_ring_at_once),
        TEST(receives_frames_in_the_driver),
        TEST(receives_frames_of_the_stack),
        TEST(receives_into_aligned_buffers),
        TEST(receives_into_parts_of_buffers),
        TEST(receives_by_busy_polling),
        TEST(carries_long_frames_in_the_driver),
        TEST(carries_long_frames_of_the_stack),
        TEST(takes_as_many_buffers_as_it_says),
        TEST(tells_what_the_program_found_out),
        TEST(asks_for_checksums),
        TEST(forwards_between_queues_without_copying),
        TEST(goes_on_with_a_socket_of_another),
    };
    return veth_enter() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
