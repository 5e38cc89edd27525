/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames through the rings: receive and transmit with wrap, all queues, sizes, back-pressure. */
#include "nic_rig.h"
#include <string.h>

static struct rig rig;

static int open_strict(void **state) {
    (void)state;
    rig_open(&rig, &(struct nic_config){ .strict = true });
    return 0;
}

static int close_it(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

enum { EOP = 1u << 24, IFCS = 1u << 25, RS = 1u << 27, DATA = 3u << 20 | 1u << 29 };

static void expect_received(uint32_t queue, uint32_t index, const uint8_t *frame, uint32_t bytes) {
    volatile struct rig_descriptor *d = rig_rx(&rig, queue, index);
    assert_int_equal(d->high & 3, 3); /* DD, EOP */
    assert_int_equal(d->high >> 32 & 0xffff, bytes);
    assert_int_equal(d->low >> 4 & 0x1fff, 0x21); /* IPv4, UDP */
    assert_memory_equal(rig_buffer(&rig, queue, index), frame, bytes);
}

static void give_back(uint32_t queue, uint32_t index) {
    rig_rx(&rig, queue, index)->low = rig_iova(&rig, rig_buffer(&rig, queue, index));
    rig_rx(&rig, queue, index)->high = 0;
    rig_write(&rig, rig_rx_at(queue, 0x1018), index);
}

static void receive_with_wrap(void **state) {
    (void)state;
    enum { RING = 64, FRAMES = 1000 };
    uint8_t frame[1514];
    rig_start(&rig, 1, RING);
    for (uint32_t i = 0; i < FRAMES; i++) {
        uint32_t bytes = rig_frame(frame, 60 + i % 1455, i);
        assert_int_equal(nic_deliver(rig.nic, frame, bytes), NIC_DELIVERED);
        assert_int_equal(rig_rx(&rig, 0, i % RING)->high, 0); /* written back in bursts */
        nic_deliver_done(rig.nic);
        expect_received(0, i % RING, frame, bytes);
        assert_int_equal(rig_read(&rig, 0x1010), (i + 1) % RING);
        give_back(0, i % RING);
    }
    struct nic_stats stats;
    nic_stats(rig.nic, &stats);
    assert_int_equal(stats.rx_frames, FRAMES);
    rig_expect_none(&rig);
}

/* Bursts longer than what is held back, across the end of the ring. */
static void receive_in_bursts(void **state) {
    (void)state;
    enum { RING = 64, BURST = 45, ROUNDS = 50 };
    uint8_t frame[60];
    rig_start(&rig, 1, RING);
    for (uint32_t round = 0, at = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < BURST; i++) {
            rig_frame(frame, 60, at + i);
            assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
        }
        nic_deliver_done(rig.nic);
        for (uint32_t i = 0; i < BURST; i++, at++) {
            rig_frame(frame, 60, at);
            expect_received(0, at % RING, frame, 60);
            give_back(0, at % RING);
        }
        assert_int_equal(rig_rx(&rig, 0, at % RING)->high, 0);
    }
    rig_expect_none(&rig);
}

static void full_ring(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(&rig, 1, 8);
    rig_frame(frame, 60, 1);
    for (int i = 0; i < 7; i++)
        assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL);
    nic_missed(rig.nic);
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_read(&rig, 0x3fa0), 1); /* RXMPC */
    assert_int_equal(rig_read(&rig, 0x3fa0), 0);
    assert_int_equal(rig_read(&rig, 0x1430), 0); /* QPRDC: only with DROP_EN */
    give_back(0, 7);
    rig_write(&rig, 0x1018, 0);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL);
    rig_expect_none(&rig);
}

static void drop_enabled(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(&rig, 1, 8);
    rig_write(&rig, 0x1028, 0);
    rig_write(&rig, 0x1010, 0);
    rig_write(&rig, 0x1018, 0);
    rig_write(&rig, 0x1014, 0x12000402);
    rig_write(&rig, 0x1028, 1u << 25);
    rig_write(&rig, 0x1018, 2);
    rig_frame(frame, 60, 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    for (int i = 0; i < 5; i++)
        assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DROPPED);
    assert_int_equal(rig_read(&rig, 0x1430), 5);
    assert_int_equal(rig_read(&rig, 0x1030), 2);
    rig_expect_none(&rig);
}

static void send_one(uint32_t queue, uint32_t index, const uint8_t *frame, uint32_t bytes) {
    uint8_t *buffer = rig_buffer(&rig, queue, index);
    memcpy(buffer, frame, bytes);
    rig_tx(&rig, queue, index)->low = rig_iova(&rig, buffer);
    rig_tx(&rig, queue, index)->high = (uint64_t)bytes << 46 | DATA | EOP | IFCS | RS | bytes;
}

static void transmit_with_wrap(void **state) {
    (void)state;
    enum { RING = 64, FRAMES = 1000 };
    uint8_t frame[1514];
    rig_start(&rig, 1, RING);
    for (uint32_t i = 0; i < FRAMES; i++) {
        uint32_t bytes = rig_frame(frame, 60 + i % 1455, i);
        send_one(0, i % RING, frame, bytes);
        assert_int_equal(nic_poll(rig.nic, 32), 0);
        rig_write(&rig, 0x6018, (i + 1) % RING);
        assert_int_equal(nic_poll(rig.nic, 32), 1);
        assert_int_equal(rig.sent_bytes, bytes);
        assert_memory_equal(rig.sent, frame, bytes);
        assert_int_equal(rig_tx(&rig, 0, i % RING)->high >> 32 & 1, 1); /* DD */
        assert_int_equal(rig_read(&rig, 0x6010), (i + 1) % RING);
    }
    assert_int_equal(rig.sent_count, FRAMES);
    rig_expect_none(&rig);
}

static void wire_takes_nothing(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(&rig, 1, 64);
    for (uint32_t i = 0; i < 10; i++) {
        rig_frame(frame, 60, i);
        send_one(0, i, frame, 60);
    }
    rig_write(&rig, 0x6018, 10);
    assert_int_equal(nic_poll(rig.nic, 4), 4); /* the budget */
    rig.wire_busy = true;
    assert_int_equal(nic_poll(rig.nic, 32), 0);
    assert_int_equal(rig_read(&rig, 0x6010), 4);
    rig.wire_busy = false;
    assert_int_equal(nic_poll(rig.nic, 32), 6);
    assert_int_equal(rig.sent_count, 10);
    assert_memory_equal(rig.sent, frame, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receive_with_wrap, open_strict, close_it),
        cmocka_unit_test_setup_teardown(receive_in_bursts, open_strict, close_it),
        cmocka_unit_test_setup_teardown(full_ring, open_strict, close_it),
        cmocka_unit_test_setup_teardown(drop_enabled, open_strict, close_it),
        cmocka_unit_test_setup_teardown(transmit_with_wrap, open_strict, close_it),
        cmocka_unit_test_setup_teardown(wire_takes_nothing, open_strict, close_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
