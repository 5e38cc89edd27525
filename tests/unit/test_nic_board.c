/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver meets before the first packet: reset values, EEPROM, module, PHY, link. */
#include "nic_rig.h"
#include <string.h>

static void reset_values(void **state) {
    (void)state;
    static const struct {
        uint32_t offset, value;
    } expected[] = {
        { 0x04268, 0x05ee0000 }, { 0x05088, 0x8100 },     { 0x01014, 0x402 },
        { 0x02100, 0x402 },      { 0x0d014, 0x402 },      { 0x03c00, 0x80000 },
        { 0x03c04, 0 },          { 0x08804, 1 },          { 0x08d04, 1 },
        { 0x10148, 0x8000 },     { 0x05400, 0x90598202 }, { 0x05404, 0x80000000 },
        { 0x0a200, 0x90598202 }, { 0x0a600, 1 },          { 0x10110, 0xc0000 },
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
            assert_int_equal(rig_read(expected[i].offset), expected[i].value);
        assert_true(rig_read(0x2f00) & 8);               /* DMAIDONE */
        assert_int_equal(rig_read(0x42a0) >> 13 & 7, 3); /* 10G serial */
        rig_write(0x04268, 0x24000000);
        rig_write(0x05400, 0x11223344);
        rig_write(0x00000, 1u << 26);
        assert_int_equal(rig_read(0x00000), 0);
    }
}

static void master_disable(void **state) {
    (void)state;
    assert_true(rig_read(8) & 1u << 19);
    rig_write(4, 4); /* an alias of CTRL */
    assert_int_equal(rig_read(0), 4);
    assert_false(rig_read(8) & 1u << 19);
    rig_write(0, 0);
    assert_true(rig_read(8) & 1u << 19);
}

static uint16_t word_by_eerd(uint32_t word) {
    rig_write(0x10014, word << 2 | 1);
    uint32_t value = rig_read(0x10014);
    assert_true(value & 2);
    return (uint16_t)(value >> 16);
}

static void eeprom_checksum(void **state) {
    (void)state;
    uint16_t sum = 0;
    for (uint32_t word = 0; word <= 0x3f; word++)
        sum = (uint16_t)(sum + word_by_eerd(word));
    for (uint32_t pointer = 3; pointer < 0xf; pointer++) {
        uint16_t at = word_by_eerd(pointer);
        assert_true(at == 0 || at == 0xffff); /* no further sections to sum up */
    }
    assert_int_equal(sum, 0xbaba);
    assert_int_equal(word_by_eerd(0), 0x8202);
    uint16_t firmware = word_by_eerd(0x0f);
    uint16_t patch = word_by_eerd(firmware + 4u);
    assert_true(word_by_eerd(patch + 7u) > 5);
    assert_int_equal(word_by_eerd(0x3fff), 0xffff);
}

enum { SK = 1, CS = 2, DI = 4, DO = 8, REQUEST = 1 << 6, GRANT = 1 << 7 };

static void spi_out(uint32_t bits, uint32_t count) {
    while (count--) {
        uint32_t data = bits >> count & 1 ? DI : 0;
        rig_write(0x10010, REQUEST | data);
        rig_write(0x10010, REQUEST | data | SK);
        rig_write(0x10010, REQUEST | data);
    }
}

static uint32_t spi_in(uint32_t count) {
    uint32_t bits = 0;
    while (count--) {
        rig_write(0x10010, REQUEST | SK);
        bits = bits << 1 | !!(rig_read(0x10010) & DO);
        rig_write(0x10010, REQUEST);
    }
    return bits;
}

static void eeprom_by_hand(void **state) {
    (void)state;
    rig_write(0x10010, REQUEST | CS);
    assert_true(rig_read(0x10010) & GRANT);
    assert_true(rig_read(0x10010) & 1 << 9);
    for (uint32_t word = 0; word < 0x40; word++) {
        rig_write(0x10010, REQUEST | CS);
        spi_out(5, 8); /* read status */
        assert_int_equal(spi_in(8), 0);
        rig_write(0x10010, REQUEST | CS);
        spi_out(3, 8);
        spi_out(word * 2, 16);
        uint32_t bits = spi_in(16);
        uint16_t next = (uint16_t)spi_in(16);
        assert_int_equal((bits >> 8 | bits << 8) & 0xffff, word_by_eerd(word));
        assert_int_equal((next >> 8 | next << 8) & 0xffff, word_by_eerd(word + 1));
    }
    rig_write(0x10010, CS);
    assert_false(rig_read(0x10010) & GRANT);
}

static void semaphores(void **state) {
    (void)state;
    assert_int_equal(rig_read(0x10140) & 1, 0);
    assert_int_equal(rig_read(0x10140) & 1, 1);
    rig_write(0x10140, 2);
    assert_int_equal(rig_read(0x10140), 2);
    rig_write(0x10140, 0);
    rig_write(0x10160, 6);
    assert_int_equal(rig_read(0x10160), 6);
}

static void no_phy(void **state) {
    (void)state;
    for (uint32_t phy = 0; phy < 32; phy++) {
        rig_write(0x425c, 2 | 1u << 16 | phy << 21 | 1u << 30);
        assert_false(rig_read(0x425c) & 1u << 30);
        rig_write(0x425c, 2 | 1u << 16 | phy << 21 | 3u << 26 | 1u << 30);
        assert_int_equal(rig_read(0x4260) >> 16, 0xffff);
    }
}

/* The two-wire bus, by hand: bit 1 drives the clock, bit 3 the data, bit 2 reads it. */
static void bus(bool clock, bool data) {
    rig_write(0x28, (clock ? 2u : 0) | (data ? 8u : 0));
}

static bool bus_data(void) {
    return rig_read(0x28) & 4;
}

static void bus_start(void) {
    bus(false, true);
    bus(true, true);
    bus(true, false);
    bus(false, false);
}

static void bus_stop(void) {
    bus(false, false);
    bus(true, false);
    bus(true, true);
}

static bool bus_out(uint32_t byte) { /* true: acknowledged */
    for (int bit = 7; bit >= 0; bit--) {
        bus(false, byte >> bit & 1);
        bus(true, byte >> bit & 1);
        bus(false, byte >> bit & 1);
    }
    bus(false, true);
    bus(true, true);
    bool acknowledged = !bus_data();
    bus(false, true);
    return acknowledged;
}

static uint32_t bus_in(bool more) {
    uint32_t byte = 0;
    for (int bit = 7; bit >= 0; bit--) {
        bus(true, true);
        byte = byte << 1 | bus_data();
        bus(false, true);
    }
    bus(false, !more);
    bus(true, !more);
    bus(false, !more);
    bus(false, true);
    return byte;
}

static bool module_read(uint32_t at, uint8_t *bytes, uint32_t count) {
    bus_start();
    if (!bus_out(0xa0)) {
        bus_stop();
        return false;
    }
    assert_true(bus_out(at));
    bus_start();
    assert_true(bus_out(0xa1));
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)bus_in(i + 1 < count);
    bus_stop();
    return true;
}

static void module_identity(void **state) {
    (void)state;
    uint8_t id, oui[3], base[64];
    assert_true(rig_read(0x20) & 4);
    assert_true(module_read(0, &id, 1));
    assert_int_equal(id, 3);
    assert_true(module_read(37, oui, 3));
    assert_memory_equal(oui, "\x00\x1b\x21", 3);
    assert_true(module_read(0, base, 64));
    uint8_t sum = 0;
    for (int i = 0; i < 63; i++)
        sum = (uint8_t)(sum + base[i]);
    assert_int_equal(sum, base[63]);
    assert_int_equal(base[3], 0x10);
    bus_start();
    assert_false(bus_out(0xf8)); /* nobody else is on the bus */
    bus_stop();
}

static void no_module(void **state) {
    (void)state;
    uint8_t id;
    rig_close();
    rig_open(&(struct nic_config){ .strict = true, .sfp_absent = true });
    assert_false(rig_read(0x20) & 4);
    assert_false(module_read(0, &id, 1));
    rig_write(0x42a0, rig_read(0x42a0) | 1u << 12);
    assert_false(nic_link_up(rig.nic));
}

static void link_state(void **state) {
    (void)state;
    assert_false(nic_link_up(rig.nic));
    assert_int_equal(rig_read(0x42a4) >> 30 & 1, 0);
    rig_write(0x42a0, rig_read(0x42a0) | 1u << 12);
    assert_false(rig_read(0x42a0) & 1u << 12);
    assert_true(nic_link_up(rig.nic));
    assert_int_equal(rig_read(0x42a4) >> 28 & 7, 7); /* up, 10 Gb/s */
    nic_set_link(rig.nic, false);
    assert_int_equal(rig_read(0x42a4) >> 30 & 1, 0);
    nic_set_link(rig.nic, false);
    nic_set_link(rig.nic, true);
    assert_int_equal(rig_read(0x42a4) >> 30 & 1, 1);
    nic_set_link(rig.nic, false);
    nic_set_link(rig.nic, true);
    assert_false(rig_read(0x42a4) & 1u << 7); /* it was down since the last look */
    assert_true(rig_read(0x42a4) & 1u << 7);
    assert_true(rig_read(0x800) & 1u << 20); /* LSC */
    assert_false(rig_read(0x800) & 1u << 20);
}

static void backplane(void **state) {
    (void)state;
    rig_close();
    rig_open(&(struct nic_config){ .strict = true, .device_id = 0x10f7, .port = 1 });
    assert_int_equal(rig_read(0x42a0) >> 13 & 7, 4);
    assert_int_equal(rig_read(8) >> 2 & 3, 1);
    rig_write(0x42a0, rig_read(0x42a0) | 1u << 12);
    assert_true(rig_read(0x42a4) & 1u << 31);
    assert_true(rig_read(0x42b0) & 0xf0000);
    assert_int_equal(rig_read(0x5404), 0x80000100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reset_values, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(master_disable, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(eeprom_checksum, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(eeprom_by_hand, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(semaphores, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(no_phy, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(module_identity, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(no_module, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(link_state, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(backplane, rig_open_strict, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
