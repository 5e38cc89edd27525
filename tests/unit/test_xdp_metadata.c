/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands before frames: what the XDP program found out, and what the device shall do. */
#include "lib/bpf/stage.h"
#include "xdp_standin.h"
#include <errno.h>
#include <leat/checksum.h>
#include <leat/parse.h>
#include <string.h>

static struct leat_queue *const q = &standin.queue.head.public;

static void tells_what_the_program_found_out(void **state) {
    (void)state;
    struct leat_xdp_received received = {
        .time_ns = 1234567890123,
        .hash = 0xabcdef01,
        .vlan_tci = 0x2064,
        .vlan_proto = __builtin_bswap16(0x88a8),
        .valid = LEAT_XDP_META_TIME | LEAT_XDP_META_HASH | LEAT_XDP_META_VLAN,
    };
    struct leat_pkt pkts[2];
    standin_reopen((struct xdp_socket_opts){
        .rx_metadata = LEAT_XDP_META_TIME | LEAT_XDP_META_HASH | LEAT_XDP_META_VLAN });
    uint64_t address = standin_deliver(60, 0);
    memcpy(standin.pool->base + address + LEAT_BUFFER_START - sizeof(received), &received,
           sizeof(received));
    received.valid = LEAT_XDP_META_HASH;
    address = standin_deliver(60, 0);
    memcpy(standin.pool->base + address + LEAT_BUFFER_START - sizeof(received), &received,
           sizeof(received));
    assert_int_equal(xdp_rx(q, pkts, 2), 2);
    assert_int_equal(pkts[0].flags, LEAT_PKT_META | LEAT_PKT_HASH | LEAT_PKT_TIME | LEAT_PKT_VLAN);
    assert_int_equal(pkts[0].hash, 0xabcdef01);
    const struct leat_meta *meta = leat_pkt_meta(standin.pool, &pkts[0]);
    assert_int_equal(meta->time_ns, 1234567890123);
    assert_int_equal(meta->vlan_tci[0], 0x2064);
    assert_int_equal(meta->vlan_proto[0], 0x88a8);
    assert_int_equal(meta->vlan_proto[1], 0);
    assert_int_equal(meta->in_port, 7);
    assert_int_equal(pkts[1].flags, LEAT_PKT_HASH);
    leat_free(standin.cache, pkts, 2);
}

/* What the program was not asked for is not told, and no metadata is looked for outside a buffer.
 */
static void doubts_metadata(void **state) {
    (void)state;
    struct leat_xdp_received received = { .hash = 1, .valid = UINT32_MAX };
    struct leat_pkt pkt;
    standin_reopen((struct xdp_socket_opts){ .rx_metadata = LEAT_XDP_META_HASH });
    uint64_t address = standin_deliver(60, 0);
    memcpy(standin.pool->base + address + LEAT_BUFFER_START - sizeof(received), &received,
           sizeof(received));
    assert_int_equal(xdp_rx(q, &pkt, 1), 1);
    assert_int_equal(pkt.flags, LEAT_PKT_HASH);
    leat_free(standin.cache, &pkt, 1);
    address = standin_take_fill(); /* a frame at the very start of its buffer */
    memcpy(standin.pool->base + address + 64, &received, sizeof(received));
    memcpy(standin.pool->base + address + 80 - sizeof(received), &received, sizeof(received));
    standin_put_rx(address + 80, 60, 0);
    assert_int_equal(xdp_rx(q, &pkt, 1), 1);
    assert_int_equal(pkt.flags, 0);
    leat_free(standin.cache, &pkt, 1);
}

static struct leat_pkt make_udp(void) {
    static const uint8_t frame[] = { 2, 0,  0,    0, 0, 1, 2, 0,  0, 0, 0,   2,   8,   0,  0x45, 0,
                                     0, 32, 0,    0, 0, 0, 9, 17, 0, 0, 10,  0,   0,   1,  10,   0,
                                     0, 2,  0x10, 0, 0, 9, 0, 12, 0, 0, 'l', 'e', 'a', 't' };
    struct leat_pkt pkt = standin_make(sizeof(frame));
    memcpy(pkt.data, frame, sizeof(frame));
    leat_put_be16(pkt.data + 40, leat_sum_fold(leat_sum_pseudo4(pkt.data + 14, 17, 12)));
    pkt.offload = leat_offload(14, 20, 0);
    pkt.flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP;
    return pkt;
}

static void completes_checksums_in_software(void **state) {
    (void)state;
    struct leat_pkt pkt = make_udp();
    struct leat_headers h;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    struct xdp_desc desc = standin_take_tx();
    assert_int_equal(desc.options, 0);
    struct leat_pkt sent = { .data = standin.pool->base + desc.addr, .len = (uint16_t)desc.len };
    leat_parse(sent.data, sent.data + sent.len, &h);
    assert_int_equal(leat_l4_verify(&sent, 1, &h), LEAT_CHECKSUM_OK);
    assert_true(leat_ip4_checksum_ok(sent.data + 14, 20));
}

static void asks_the_device_for_checksums_and_times(void **state) {
    (void)state;
    struct xdp_tx_metadata request;
    standin_reopen((struct xdp_socket_opts){ .tx_metadata = XDP_SOCKET_TX_METADATA });
    struct leat_pkt pkt = make_udp();
    uint16_t open_sum = leat_be16(pkt.data + 40);
    *leat_pkt_meta(standin.pool, &pkt) = (struct leat_meta){ .launch_ns = 987654321 };
    pkt.flags |= LEAT_PKT_META | LEAT_PKT_LAUNCH;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    struct xdp_desc desc = standin_take_tx();
    assert_int_equal(desc.options, XDP_TX_METADATA);
    memcpy(&request, standin.pool->base + desc.addr - sizeof(request), sizeof(request));
    assert_int_equal(request.flags, XDP_TXMD_FLAGS_CHECKSUM | XDP_TXMD_FLAGS_LAUNCH_TIME);
    assert_int_equal(request.csum_start, 34);
    assert_int_equal(request.csum_offset, 6);
    assert_int_equal(request.launch_time, 987654321);
    assert_int_equal(leat_be16(standin.pool->base + desc.addr + 40), open_sum);
    assert_true(leat_ip4_checksum_ok(standin.pool->base + desc.addr + 14, 20));

    pkt = standin_make(60);
    pkt.data -= LEAT_BUFFER_START - 16; /* there is no room for the metadata before it */
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(standin_dropped(LEAT_DROP_TX_LENGTH), 1);
    pkt = standin_make(60);
    pkt.len = 2368 - 23; /* the kernel counts it as part of the buffer */
    pkt.data -= LEAT_BUFFER_START - 24;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(standin_dropped(LEAT_DROP_TX_LENGTH), 2);
}

/* Tags of the metadata come back between the addresses and the type, and the headers behind them
 * are where the request then says. */
static void inserts_tags(void **state) {
    (void)state;
    static const uint8_t tags[] = { 0x88, 0xa8, 0x20, 0x64, 0x81, 0x00, 0x00, 0x07 };
    struct leat_pkt pkt = make_udp();
    uint8_t before[46];
    *leat_pkt_meta(standin.pool, &pkt) =
        (struct leat_meta){ .vlan_proto = { 0x88a8, 0x8100 }, .vlan_tci = { 0x2064, 7 } };
    pkt.flags |= LEAT_PKT_META | LEAT_PKT_VLAN;
    memcpy(before, pkt.data, sizeof(before));
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    struct xdp_desc desc = standin_take_tx();
    assert_int_equal(desc.len, sizeof(before) + sizeof(tags));
    struct leat_pkt sent = { .data = standin.pool->base + desc.addr, .len = (uint16_t)desc.len };
    assert_memory_equal(sent.data, before, 12);
    assert_memory_equal(sent.data + 12, tags, sizeof(tags));
    assert_memory_equal(sent.data + 20, before + 12, 12);
    struct leat_headers h;
    leat_parse(sent.data, sent.data + sent.len, &h);
    assert_int_equal(leat_l4_verify(&sent, 1, &h), LEAT_CHECKSUM_OK);
    assert_true(leat_ip4_checksum_ok(sent.data + 22, 20));
    standin_complete(desc.addr);

    pkt = make_udp();
    pkt.data -= LEAT_BUFFER_START - 66; /* where the metadata itself would be in the way */
    *leat_pkt_meta(standin.pool, &pkt) = (struct leat_meta){ .vlan_proto = { 0x8100 } };
    pkt.flags = LEAT_PKT_META | LEAT_PKT_VLAN;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(standin_dropped(LEAT_DROP_TX_OFFLOAD), 1);
}

static struct leat_pkt make_asking(uint32_t mark) {
    struct leat_pkt pkt = make_udp();
    *leat_pkt_meta(standin.pool, &pkt) = (struct leat_meta){ .mark = mark };
    pkt.flags |= LEAT_PKT_META | LEAT_PKT_SENT;
    return pkt;
}

/* The device writes `time_ns` over the request, and completes the frame. */
static void complete_at(uint64_t time_ns) {
    struct xdp_desc desc = standin_take_tx();
    memcpy(standin.pool->base + desc.addr - 16, &time_ns, sizeof(time_ns));
    standin_complete(desc.addr);
}

static void tells_when_frames_were_sent(void **state) {
    (void)state;
    struct leat_sent sent[4];
    struct leat_pkt pkts[3] = { make_asking(7), make_udp(), make_asking(9) };
    assert_int_equal(xdp_tx(q, &pkts[0], 1), 1); /* not with these options */
    assert_int_equal(standin_dropped(LEAT_DROP_TX_OFFLOAD), 1);
    assert_int_equal(xdp_sent(q, sent, 4), -ENOTSUP);
    leat_free(standin.cache, &pkts[1], 2);

    standin_reopen((struct xdp_socket_opts){ .tx_metadata = XDP_SOCKET_TX_METADATA });
    pkts[0] = make_asking(7), pkts[1] = make_udp(), pkts[2] = make_asking(9);
    assert_int_equal(xdp_tx(q, pkts, 3), 3);
    for (uint64_t i = 0; i < 3; i++)
        complete_at(1700000000000000000 + i);
    assert_int_equal(xdp_tx(q, NULL, 0), 0);
    assert_int_equal(xdp_sent(q, sent, 4), 2);
    assert_int_equal(sent[0].mark, 7);
    assert_int_equal(sent[0].time_ns, 1700000000000000000);
    assert_int_equal(sent[1].mark, 9);
    assert_int_equal(sent[1].time_ns, 1700000000000000002);
    assert_int_equal(xdp_sent(q, sent, 4), 0);

    struct leat_pkt pkt = make_asking(11); /* of a device that does not tell */
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    standin_complete(standin_take_tx().addr);
    assert_int_equal(xdp_tx(q, NULL, 0), 0);
    assert_int_equal(xdp_sent(q, sent, 4), 0);
}

static void forgets_the_oldest_times(void **state) {
    (void)state;
    static struct leat_sent sent[300];
    standin_reopen((struct xdp_socket_opts){ .tx_metadata = XDP_SOCKET_TX_METADATA });
    for (uint32_t i = 0; i < 300; i++) {
        struct leat_pkt pkt = make_asking(i);
        assert_int_equal(xdp_tx(q, &pkt, 1), 1);
        complete_at(1700000000000000000 + i);
    }
    assert_int_equal(xdp_tx(q, NULL, 0), 0);
    assert_int_equal(xdp_sent(q, sent, 300), 256);
    assert_int_equal(sent[0].mark, 44);
    assert_int_equal(sent[255].mark, 299);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, standin_set_up, standin_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tells_what_the_program_found_out),
        TEST(doubts_metadata),
        TEST(completes_checksums_in_software),
        TEST(asks_the_device_for_checksums_and_times),
        TEST(inserts_tags),
        TEST(tells_when_frames_were_sent),
        TEST(forgets_the_oldest_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
