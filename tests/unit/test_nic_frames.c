/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames in other shapes: several buffers, legacy descriptors, tags, check sequences, padding. */
#include "nic_rig.h"
#include <string.h>

static uint8_t frame[16384];

/* Queue 0 again with another SRRCTL and RXDCTL. */
static void start_with(uint32_t split, uint32_t control, uint32_t core) {
    rig_start(1, 64);
    rig_write(0x1028, 0);
    rig_write(0x1014, split);
    rig_write(0x4240, (rig_read(0x4240) & ~2u) | core);
    rig_write(0x1028, control | 1u << 25);
    rig_write(0x1018, 63);
}

static void receive(uint32_t bytes) {
    assert_int_equal(nic_deliver(rig.nic, frame, bytes), NIC_DELIVERED);
    nic_deliver_done(rig.nic);
}

static void over_several_buffers(void **state) {
    (void)state;
    start_with(0x02000401, 0, 4 | 2); /* 1 KiB */
    rig_write(0x4268, 9018u << 16);
    rig_frame(frame, 9014, 7);
    receive(9014);
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t bytes = i < 8 ? 1024 : 9014 - 8 * 1024;
        assert_int_equal(rig_rx(0, i)->high >> 32 & 0xffff, bytes);
        assert_int_equal(rig_rx(0, i)->high & 3, i < 8 ? 1 : 3);
        assert_memory_equal(rig_buffer(0, i), frame + 1024 * i, bytes);
    }
    assert_int_equal(rig_rx(0, 9)->high, 0);
    receive(1024);
    assert_int_equal(rig_rx(0, 9)->high & 3, 3);
    for (int i = 0; i < 5; i++)
        receive(9014);
    assert_int_equal(nic_deliver(rig.nic, frame, 9014), NIC_FULL); /* 8 are left, it needs 9 */
    receive(8192);
    assert_int_equal(rig_rx(0, 62)->high & 3, 3);
}

static void legacy_descriptors(void **state) {
    (void)state;
    start_with(0x00000402, 0, 2);
    uint64_t address = rig_rx(0, 0)->low;
    rig_frame(frame, 100, 3);
    receive(100);
    assert_int_equal(rig_rx(0, 0)->low, address);
    assert_int_equal(rig_rx(0, 0)->high & 0xffff, 100);
    assert_int_equal(rig_rx(0, 0)->high >> 32 & 0xff, 3);
    assert_memory_equal(rig_buffer(0, 0), frame, 100);
}

static void tag_frame(uint32_t bytes) {
    rig_frame(frame, bytes, 5);
    memcpy(frame + 12, "\x81\x00\x61\x23\x08\x00", 6);
}

static void tags_kept_and_stripped(void **state) {
    (void)state;
    start_with(0x02000402, 0, 2);
    tag_frame(80);
    receive(80);
    assert_int_equal(rig_rx(0, 0)->high & 0xff, 0x0b); /* VP, EOP, DD */
    assert_int_equal(rig_rx(0, 0)->high >> 32, 80);
    assert_memory_equal(rig_buffer(0, 0), frame, 80);
    start_with(0x02000402, 1u << 30, 2);
    receive(80);
    assert_int_equal(rig_rx(0, 0)->high & 0xff, 0x0b);
    assert_int_equal(rig_rx(0, 0)->high >> 48, 0x6123);
    assert_int_equal(rig_rx(0, 0)->high >> 32 & 0xffff, 76);
    assert_memory_equal(rig_buffer(0, 0), frame, 12);
    assert_memory_equal(rig_buffer(0, 0) + 12, frame + 16, 64);
}

/* CRC-32 bit by bit, to check the table against. */
static uint32_t slow_crc(const uint8_t *bytes, uint32_t count) {
    uint32_t crc = ~0u;
    while (count--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void check_sequence_kept(void **state) {
    (void)state;
    rig_write(0x4240, rig_read(0x4240) & ~2u);
    assert_int_equal(slow_crc((const uint8_t *)"123456789", 9), 0xcbf43926);
    rig_start(1, 64); /* strips; then neither does */
    rig_write(0x3000, 0);
    rig_write(0x2f00, rig_read(0x2f00) & ~2u);
    rig_write(0x4240, rig_read(0x4240) & ~2u);
    rig_write(0x8d00, 3);
    rig_write(0x3000, 1);
    rig_frame(frame, 60, 9);
    receive(60);
    uint32_t crc;
    memcpy(&crc, rig_buffer(0, 0) + 60, 4);
    assert_int_equal(crc, slow_crc(frame, 60));
    assert_int_equal(rig_rx(0, 0)->high >> 32, 64);
}

enum { EOP = 1u << 24, IFCS = 1u << 25, RS = 1u << 27, DATA = 3u << 20 | 1u << 29 };

static uint32_t tail;

/* Part of a frame of `whole` bytes. */
static void put_part(uint32_t from, uint32_t bytes, uint32_t whole, uint32_t command) {
    rig_tx(0, tail)->low = rig_iova(rig_buffer(0, 0)) + from;
    rig_tx(0, tail)->high = (uint64_t)whole << 46 | command | bytes;
    tail = (tail + 1) % 64;
}

static void put(uint32_t from, uint32_t bytes, uint32_t command) {
    put_part(from, bytes, bytes, command);
}

static uint32_t transmit(void) {
    rig_write(0x6018, tail);
    return nic_poll(rig.nic, 64);
}

static int open_transmit(void **state) {
    rig_open_strict(state);
    rig_start(1, 64);
    rig_frame(rig_buffer(0, 0), 9728, 11);
    tail = 0;
    return 0;
}

static void gathered(void **state) {
    (void)state;
    const uint8_t *sent = rig_buffer(0, 0);
    for (int round = 0; round < 3; round++) { /* past the end of the ring */
        for (uint32_t i = 0; i < 40; i++)
            put_part(i * 243, 243, 9720, DATA | IFCS | (i == 39 ? (uint32_t)EOP | RS : 0));
        assert_int_equal(transmit(), 1);
        assert_int_equal(rig.sent_bytes, 9720);
        assert_memory_equal(rig.sent, sent, 9720);
        assert_int_equal(rig_tx(0, (tail + 63) % 64)->high >> 32 & 1, 1);
        assert_int_equal(rig_tx(0, (tail + 62) % 64)->high >> 46, 9720); /* untouched */
    }
}

static void first_half_waits(void **state) {
    (void)state;
    put_part(0, 1000, 1500, DATA | IFCS);
    assert_int_equal(transmit(), 0);
    assert_int_equal(rig_read(0x6010), 0);
    put(1000, 500, DATA | IFCS | EOP | RS);
    put(0, 60, DATA | IFCS | EOP | RS);
    assert_int_equal(transmit(), 2);
    assert_int_equal(rig_read(0x6010), 3);
    assert_int_equal(rig.sent_count, 2);
}

static void legacy_and_context(void **state) {
    (void)state;
    put(0, 100, EOP | IFCS | RS);
    rig_tx(0, 0)->high = 100 | EOP | IFCS | RS;
    put(0, 0, 2u << 20 | 1u << 29); /* a context, which nobody uses */
    put(0, 64, DATA | EOP | IFCS | RS);
    assert_int_equal(transmit(), 2);
    assert_int_equal(rig.sent_count, 2);
    assert_int_equal(rig_tx(0, 0)->high >> 32 & 1, 1);
    assert_int_equal(rig_read(0x6010), 3);
}

static void short_frames_padded(void **state) {
    (void)state;
    put(0, 42, DATA | EOP | IFCS | RS);
    assert_int_equal(transmit(), 1);
    assert_int_equal(rig.sent_bytes, 60);
    assert_memory_equal(rig.sent, rig_buffer(0, 0), 42);
    static const uint8_t zero[18];
    assert_memory_equal(rig.sent + 42, zero, 18);
    rig_write(0x4240, rig_read(0x4240) & ~(1u << 10));
    put(0, 42, DATA | EOP | IFCS | RS);
    transmit();
    rig_expect_violation("short", "HLREG0.TXPADEN is clear");
    assert_int_equal(rig.sent_count, 1);
}

static bool bring_back(struct wire *wire, const uint8_t *sent, uint32_t bytes) {
    (void)wire;
    return nic_deliver(rig.nic, sent, bytes) == NIC_DELIVERED;
}

/* A wire that brings the frame back at once, its tag to be stripped. */
static void tagged_through_a_loop(void **state) {
    (void)state;
    static const struct wire_ops ops = { .name = "back", .transmit = bring_back };
    rig.wire.ops = &ops;
    rig_write(0x1028, 1u << 25 | 1u << 30);
    tag_frame(100);
    memcpy(rig_buffer(0, 0), frame, 100);
    rig_rx(0, 0)->low = rig_iova(rig_buffer(0, 1));
    put_part(0, 50, 100, DATA | IFCS);
    put_part(50, 50, 100, DATA | EOP | RS);
    assert_int_equal(transmit(), 1);
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_rx(0, 0)->high >> 32 & 0xffff, 96);
    assert_memory_equal(rig_buffer(0, 1), frame, 12);
    assert_memory_equal(rig_buffer(0, 1) + 12, frame + 16, 84);
}

static void own_check_sequence(void **state) {
    (void)state;
    uint8_t *data = rig_buffer(0, 0);
    uint32_t crc = slow_crc(data, 60);
    memcpy(data + 60, &crc, 4);
    put(0, 64, DATA | EOP | RS);
    assert_int_equal(transmit(), 1);
    assert_int_equal(rig.sent_bytes, 60);
    data[20] ^= 1;
    put(0, 64, DATA | EOP | RS);
    transmit();
    rig_expect_violation("check sequence is wrong", "IFCS");
    assert_int_equal(rig.sent_count, 1);
}

static void all_queues(void **state) {
    (void)state;
    rig_start(64, 8);
    for (uint32_t q = 0; q < 64; q++) {
        rig_tx(q, 0)->low = rig_iova(rig_buffer(0, 0));
        rig_tx(q, 0)->high = (uint64_t)60 << 46 | DATA | EOP | IFCS | RS | 60;
        rig_write(0x6018 + 0x40 * q, 1);
    }
    for (int i = 0; i < 32; i++)
        assert_int_equal(nic_poll(rig.nic, 2), 2);
    for (uint32_t q = 0; q < 64; q++)
        assert_int_equal(rig_tx(q, 0)->high >> 32 & 1, 1);
    assert_int_equal(nic_poll(rig.nic, 2), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(over_several_buffers, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(legacy_descriptors, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(tags_kept_and_stripped, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(check_sequence_kept, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(gathered, open_transmit, rig_close_checked),
        cmocka_unit_test_setup_teardown(first_half_waits, open_transmit, rig_close_checked),
        cmocka_unit_test_setup_teardown(legacy_and_context, open_transmit, rig_close_checked),
        cmocka_unit_test_setup_teardown(short_frames_padded, open_transmit, rig_close_checked),
        cmocka_unit_test_setup_teardown(tagged_through_a_loop, open_transmit, rig_close_checked),
        cmocka_unit_test_setup_teardown(own_check_sequence, open_transmit, rig_close_checked),
        cmocka_unit_test_setup_teardown(all_queues, open_transmit, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
