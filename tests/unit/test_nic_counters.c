/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics of the 82599 model: what is counted where, cleared by reading, mapped by queue. */
#include "nic_rig.h"
#include <string.h>

static uint8_t frame[2048];

static int open_two(void **state) {
    rig_open_strict(state);
    rig_start(2, 64);
    return 0;
}

static void expect(uint32_t offset, uint32_t value) {
    uint32_t is = rig_read(offset);
    if (is != value)
        fail_msg("0x%05x is %u, expected %u", offset, is, value);
    assert_int_equal(rig_read(offset), 0); /* cleared by reading */
}

static void receive(uint32_t bytes, const char *mac) {
    rig_frame(frame, bytes, 1);
    if (mac)
        memcpy(frame, mac, 6);
    nic_deliver(rig.nic, frame, bytes);
}

static void received(void **state) {
    (void)state;
    static const uint32_t sizes[] = { 60, 61, 123, 124, 251, 252, 507, 508, 1019, 1020, 1514 };
    uint32_t bytes = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        receive(sizes[i], NULL);
        bytes += sizes[i] + 4;
    }
    rig_write(0x5080, 1u << 10 | 1u << 8);
    receive(60, "\xff\xff\xff\xff\xff\xff");
    receive(60, "\x01\x00\x5e\x00\x00\x01");
    receive(60, "\x02\x00\x00\x00\x00\x01"); /* filtered */
    receive(40, NULL);
    bytes += 128;
    nic_deliver_done(rig.nic);
    expect(0x405c, 1 + 2); /* PRC64 */
    expect(0x4060, 2);
    expect(0x4064, 2);
    expect(0x4068, 2);
    expect(0x406c, 2);
    expect(0x4070, 2);
    expect(0x4074, 13);    /* GPRC */
    expect(0x4078, 1);     /* BPRC */
    expect(0x407c, 1);     /* MPRC */
    expect(0x4088, bytes); /* GORCL */
    expect(0x408c, 0);
    expect(0x40a4, 1);               /* RUC */
    expect(0x40d0, 15);              /* TPR */
    expect(0x40c0, bytes + 64 + 44); /* TORL */
    expect(0x41b0, 14);              /* RXNFGPC */
    expect(0x2f50, 13);              /* RXDGPC */
    expect(0x1030, 13);              /* QPRC */
    expect(0x1034, bytes - 4 * 13);  /* QBRC_L */
    struct nic_stats stats;
    nic_stats(rig.nic, &stats);
    assert_int_equal(stats.rx_frames, 13);
    assert_int_equal(stats.rx_bytes, bytes - 4 * 13);
    assert_int_equal(stats.rx_filtered, 1);
    assert_int_equal(stats.rx_length, 1);
}

static void send(uint32_t queue, uint32_t index, uint32_t bytes) {
    rig_frame(rig_buffer(queue, index), bytes, 1);
    rig_tx(queue, index)->low = rig_iova(rig_buffer(queue, index));
    rig_tx(queue, index)->high = (uint64_t)bytes << 46 | 0x2b300000 | bytes;
    rig_write(0x6018 + 0x40 * queue, index + 1);
}

static void sent(void **state) {
    (void)state;
    rig_write(0x8600, 0x0300); /* transmit queue 1: statistics 3 */
    send(0, 0, 60);
    send(1, 0, 1514);
    send(1, 1, 200);
    assert_int_equal(nic_poll(rig.nic, 32), 3);
    expect(0x4080, 3); /* GPTC */
    expect(0x40d4, 3); /* TPT */
    expect(0x4090, 64 + 1518 + 204);
    expect(0x40d8, 1); /* PTC64 */
    expect(0x40e0, 1); /* PTC255 */
    expect(0x40ec, 1); /* PTC1522 */
    expect(0x8680, 1); /* QPTC 0 */
    expect(0x6030 + 0x40 * 3, 2);
    expect(0x8718, 1714); /* QBTC_L 3 */
}

static void mapping_of_queues(void **state) {
    (void)state;
    rig_write(0x2300, 0x0f);
    receive(60, NULL);
    nic_deliver_done(rig.nic);
    rig_write(0x2300, 0x01); /* what was counted stays where it was */
    receive(60, NULL);
    receive(60, NULL);
    nic_deliver_done(rig.nic);
    expect(0x1030 + 0x40 * 15, 1);
    expect(0x1030 + 0x40 * 1, 2);
    expect(0x1030, 0);
}

static void reset_clears(void **state) {
    (void)state;
    receive(60, NULL);
    rig_write(0, 1u << 26);
    expect(0x4074, 0);
    expect(0x1030, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(received, open_two, rig_close_checked),
        cmocka_unit_test_setup_teardown(sent, open_two, rig_close_checked),
        cmocka_unit_test_setup_teardown(mapping_of_queues, open_two, rig_close_checked),
        cmocka_unit_test_setup_teardown(reset_clears, open_two, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
