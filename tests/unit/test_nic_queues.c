/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames through the rings: receive and transmit with wrap, all queues, sizes, back-pressure. */
#include "nic_rig.h"
#include <string.h>
#include <sys/mman.h>

enum { EOP = 1u << 24, IFCS = 1u << 25, RS = 1u << 27, DATA = 3u << 20 | 1u << 29 };

static void expect_received(uint32_t queue, uint32_t index, const uint8_t *frame, uint32_t bytes) {
    volatile struct rig_descriptor *d = rig_rx(queue, index);
    assert_int_equal(d->high & 3, 3); /* DD, EOP */
    assert_int_equal(d->high >> 32 & 0xffff, bytes);
    assert_int_equal(d->low >> 4 & 0x1fff, 0x21); /* IPv4, UDP */
    assert_memory_equal(rig_buffer(queue, index), frame, bytes);
}

static void give_back(uint32_t queue, uint32_t index) {
    rig_rx(queue, index)->low = rig_iova(rig_buffer(queue, index));
    rig_rx(queue, index)->high = 0;
    rig_write(rig_rx_at(queue, 0x1018), index);
}

static void receive_with_wrap(void **state) {
    (void)state;
    enum { RING = 64, FRAMES = 1000 };
    uint8_t frame[1514];
    rig_start(1, RING);
    for (uint32_t i = 0; i < FRAMES; i++) {
        uint32_t bytes = rig_frame(frame, 60 + i % 1455, i);
        assert_int_equal(nic_deliver(rig.nic, frame, bytes), NIC_DELIVERED);
        assert_int_equal(rig_rx(0, i % RING)->high, 0); /* written back in bursts */
        nic_deliver_done(rig.nic);
        expect_received(0, i % RING, frame, bytes);
        assert_int_equal(rig_read(0x1010), (i + 1) % RING);
        give_back(0, i % RING);
    }
    struct nic_stats stats;
    nic_stats(rig.nic, &stats);
    assert_int_equal(stats.rx_frames, FRAMES);
}

/* Bursts longer than what is held back, across the end of the ring. */
static void receive_in_bursts(void **state) {
    (void)state;
    enum { RING = 64, BURST = 45, ROUNDS = 50 };
    uint8_t frame[60];
    rig_start(1, RING);
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
        assert_int_equal(rig_rx(0, at % RING)->high, 0);
    }
}

static void full_ring(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(1, 8);
    rig_frame(frame, 60, 1);
    for (int i = 0; i < 7; i++)
        assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL);
    nic_missed(rig.nic);
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_read(0x3fa0), 1); /* RXMPC */
    assert_int_equal(rig_read(0x3fa0), 0);
    assert_int_equal(rig_read(0x1430), 0); /* QPRDC: only with DROP_EN */
    give_back(0, 7);
    rig_write(0x1018, 0);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL);
}

static void drop_enabled(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(1, 8);
    rig_write(0x1028, 0);
    rig_write(0x1010, 0);
    rig_write(0x1018, 0);
    rig_write(0x1014, 0x12000402);
    rig_write(0x1028, 1u << 25);
    rig_write(0x1018, 2);
    rig_frame(frame, 60, 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    for (int i = 0; i < 5; i++)
        assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DROPPED);
    assert_int_equal(rig_read(0x1430), 5);
    assert_int_equal(rig_read(0x1030), 2);
}

static void send_one(uint32_t queue, uint32_t index, const uint8_t *frame, uint32_t bytes) {
    uint8_t *buffer = rig_buffer(queue, index);
    memcpy(buffer, frame, bytes);
    rig_tx(queue, index)->low = rig_iova(buffer);
    rig_tx(queue, index)->high = (uint64_t)bytes << 46 | DATA | EOP | IFCS | RS | bytes;
}

static void transmit_with_wrap(void **state) {
    (void)state;
    enum { RING = 64, FRAMES = 1000 };
    uint8_t frame[1514];
    rig_start(1, RING);
    for (uint32_t i = 0; i < FRAMES; i++) {
        uint32_t bytes = rig_frame(frame, 60 + i % 1455, i);
        send_one(0, i % RING, frame, bytes);
        assert_int_equal(nic_poll(rig.nic, 32), 0);
        rig_write(0x6018, (i + 1) % RING);
        assert_int_equal(nic_poll(rig.nic, 32), 1);
        assert_int_equal(rig.sent_bytes, bytes);
        assert_memory_equal(rig.sent, frame, bytes);
        assert_int_equal(rig_tx(0, i % RING)->high >> 32 & 1, 1); /* DD */
        assert_int_equal(rig_read(0x6010), (i + 1) % RING);
    }
    assert_int_equal(rig.sent_count, FRAMES);
}

static void wire_takes_nothing(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(1, 64);
    for (uint32_t i = 0; i < 10; i++) {
        rig_frame(frame, 60, i);
        send_one(0, i, frame, 60);
    }
    rig_write(0x6018, 10);
    assert_int_equal(nic_poll(rig.nic, 4), 4); /* the budget */
    rig.wire_busy = true;
    assert_int_equal(nic_poll(rig.nic, 32), 0);
    assert_int_equal(rig_read(0x6010), 4);
    rig.wire_busy = false;
    assert_int_equal(nic_poll(rig.nic, 32), 6);
    assert_int_equal(rig.sent_count, 10);
    assert_memory_equal(rig.sent, frame, 60);
}

/* What a client that has the pages of tails mapped stores into the register at `offset`, past the
 * model. */
static void store_past_the_model(uint32_t offset, uint32_t value) {
    volatile uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                                  nic_doorbell_fd(rig.nic), (off_t)(offset & ~0xfffu));
    assert_true(page != MAP_FAILED);
    *(volatile uint32_t *)(page + (offset & 0xfff)) = value;
    assert_int_equal(munmap((void *)page, 4096), 0);
}

/* 8.2.3.8.1, 8.2.3.9.5: bits 6:0 of RDBAL and TDBAL are ignored, also where no write was seen. */
static void odd_base_past_the_model(void **state) {
    (void)state;
    enum { RDBAL = 0x1000, RXDCTL = 0x1028, RDT = 0x1018 };
    enum { TDBAL = 0x6000, TXDCTL = 0x6028, TDT = 0x6018 };
    uint8_t frame[60];
    rig_start(1, 64);
    rig_write(RXDCTL, 0);
    rig_write(TXDCTL, 0);
    store_past_the_model(RDBAL, rig_read(RDBAL) | 0x7f);
    store_past_the_model(TDBAL, rig_read(TDBAL) | 0x55);
    rig_write(RXDCTL, 1u << 25);
    rig_write(TXDCTL, 1u << 25 | 8 << 8 | 36);
    rig_write(RDT, 63);

    rig_frame(frame, 60, 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    nic_deliver_done(rig.nic);
    expect_received(0, 0, frame, 60);

    rig_frame(frame, 60, 2);
    send_one(0, 0, frame, 60);
    rig_write(TDT, 1);
    assert_int_equal(nic_poll(rig.nic, 32), 1);
    assert_memory_equal(rig.sent, frame, 60);
    assert_int_equal(rig_tx(0, 0)->high >> 32 & 1, 1); /* DD */
}

/* A tail outside the ring, stored before the queue was enabled: no descriptor is believed. */
static void tail_past_the_model(void **state) {
    (void)state;
    enum { RXDCTL = 0x1028, RDT = 0x1018 };
    uint8_t frame[60];
    rig_start(1, 8);
    rig_write(RXDCTL, 0);
    store_past_the_model(RDT, 250);
    rig_write(RXDCTL, 1u << 25);
    rig_frame(frame, 60, 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL);
    rig_expect_violation("RDT[0]: 0x000000fa", "outside a ring of 8");
    rig_write(RDT, 7);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    nic_deliver_done(rig.nic);
    expect_received(0, 0, frame, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receive_with_wrap, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(receive_in_bursts, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(full_ring, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(drop_enabled, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(transmit_with_wrap, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(wire_takes_nothing, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(odd_base_past_the_model, rig_open_strict,
                                        rig_close_checked),
        cmocka_unit_test_setup_teardown(tail_past_the_model, rig_open_strict, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
