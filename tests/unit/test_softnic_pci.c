/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space: the values and offsets that drivers look at, and which bits a write moves.
 */
#include "softnic/pci.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct pci pci;

static int fresh(void **state) {
    (void)state;
    pci_init(&pci, 0x10fb);
    return 0;
}

static uint32_t read_le(uint32_t offset, uint32_t bytes) {
    uint8_t raw[4] = { 0 };
    pci_read(&pci, offset, bytes, raw);
    return raw[0] | raw[1] << 8 | raw[2] << 16 | (uint32_t)raw[3] << 24;
}

static bool write_le(uint32_t offset, uint32_t bytes, uint32_t value) {
    uint8_t raw[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                       (uint8_t)(value >> 24) };
    return pci_write(&pci, offset, bytes, raw);
}

static void identity(void **state) {
    (void)state;
    assert_int_equal(read_le(0x00, 4), 0x10fb8086);
    assert_int_equal(read_le(0x08, 4), 0x02000001);
    assert_int_equal(read_le(0x2c, 4), 0x000c8086);
    assert_int_equal(read_le(0x3d, 1), 1);
    write_le(0x00, 4, 0xffffffff);
    write_le(0x2c, 4, 0xffffffff);
    assert_int_equal(read_le(0x00, 4), 0x10fb8086);
    assert_int_equal(read_le(0x2c, 4), 0x000c8086);
}

static void capabilities_lie_where_drivers_look(void **state) {
    (void)state;
    assert_true(read_le(0x06, 2) & 0x10);
    assert_int_equal(read_le(0x34, 1), 0x40);
    assert_int_equal(read_le(0x40, 2), 0x7001);
    assert_int_equal(read_le(0x70, 2), 0xa011);
    assert_int_equal(read_le(0xa0, 2), 0x0010);
    assert_int_equal(read_le(0x72, 2) & 0x7ff, 63);
    assert_int_equal(read_le(0x74, 4), 0x00000004);
    assert_int_equal(read_le(0x78, 4), 0x00002004);
    assert_int_equal(read_le(0xaa, 2) & 0x20, 0);      /* no transaction pending */
    assert_int_equal(read_le(0xb2, 2) & 0x3ff, 0x082); /* 5 GT/s, 8 lanes */
    assert_int_equal(read_le(0x100, 4), 0);
}

static void bars_tell_their_size(void **state) {
    (void)state;
    for (uint32_t bar = 0x10; bar <= 0x24; bar += 4)
        write_le(bar, 4, 0xffffffff);
    write_le(0x30, 4, 0xffffffff);
    assert_int_equal(read_le(0x10, 4), 0xfff80004);
    assert_int_equal(read_le(0x14, 4), 0xffffffff);
    assert_int_equal(read_le(0x18, 4), 0);
    assert_int_equal(read_le(0x1c, 4), 0);
    assert_int_equal(read_le(0x20, 4), 0xffffc004);
    assert_int_equal(read_le(0x24, 4), 0xffffffff);
    assert_int_equal(read_le(0x30, 4), 0);
}

static void command_register(void **state) {
    (void)state;
    assert_false(pci_bus_master(&pci));
    assert_false(pci_intx_disabled(&pci));
    write_le(0x04, 2, 0xffff);
    assert_int_equal(read_le(0x04, 2), 0x0546);
    assert_true(pci_bus_master(&pci));
    assert_true(pci_intx_disabled(&pci));
    write_le(0x05, 1, 0x01); /* one byte: INTx back on, bus mastering untouched */
    assert_true(pci_bus_master(&pci));
    assert_false(pci_intx_disabled(&pci));
    write_le(0x04, 1, 0x02);
    assert_false(pci_bus_master(&pci));
}

static void status_is_cleared_by_ones_and_not_set(void **state) {
    (void)state;
    write_le(0x06, 2, 0xffff);
    assert_int_equal(read_le(0x06, 2), 0x0010);
    pci_set_interrupt_status(&pci, true);
    assert_int_equal(read_le(0x06, 2), 0x0018);
    pci_set_interrupt_status(&pci, false);
    assert_int_equal(read_le(0x06, 2), 0x0010);
    pci.value[0x07] |= 0x80; /* detected parity error */
    write_le(0x06, 2, 0x8000);
    assert_int_equal(read_le(0x06, 2), 0x0010);
}

static void function_level_reset(void **state) {
    (void)state;
    assert_int_equal(read_le(0xa4, 4), 0x10008cc2);
    assert_int_equal(read_le(0xa8, 2), 0x2810);
    assert_false(write_le(0xa8, 2, 0x2810));
    assert_false(write_le(0xaa, 2, 0x8000));
    assert_true(write_le(0xa8, 2, 0xa810));
    assert_true(write_le(0xa9, 1, 0x80));
    assert_int_equal(read_le(0xa8, 2) & 0x8000, 0);
    write_le(0x04, 2, 0x0006);
    pci_reset(&pci);
    assert_int_equal(read_le(0x04, 2), 0);
    assert_int_equal(read_le(0x00, 4), 0x10fb8086);
}

static void beyond_the_header_nothing_is_kept(void **state) {
    (void)state;
    uint8_t ones[64], got[64];
    memset(ones, 0xff, sizeof(ones));
    pci_write(&pci, 0xe0, sizeof(ones), ones);
    pci_write(&pci, PCI_CONFIG_BYTES - 64, sizeof(ones), ones);
    pci_read(&pci, 0xe0, sizeof(got), got);
    for (size_t i = 0; i < sizeof(got); i++)
        assert_int_equal(got[i], 0);
    pci_read(&pci, PCI_CONFIG_BYTES - 64, sizeof(got), got);
    for (size_t i = 0; i < sizeof(got); i++)
        assert_int_equal(got[i], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(identity, fresh),
        cmocka_unit_test_setup(capabilities_lie_where_drivers_look, fresh),
        cmocka_unit_test_setup(bars_tell_their_size, fresh),
        cmocka_unit_test_setup(command_register, fresh),
        cmocka_unit_test_setup(status_is_cleared_by_ones_and_not_set, fresh),
        cmocka_unit_test_setup(function_level_reset, fresh),
        cmocka_unit_test_setup(beyond_the_header_nothing_is_kept, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
