/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of the 82599 model under a clock of the test's own: vectors, masks, throttling. */
#include "nic_rig.h"
#include <string.h>

static uint8_t frame[60];

enum { MSIX = 1u << 4, EIAME = 1u << 30, PBA = 1u << 31 };

static int open_msix(void **state) {
    rig_open_strict(state);
    rig_start(2, 64);
    rig_write(0x898, MSIX | PBA | EIAME);
    rig_write(0x810, 0xffff); /* clear automatically */
    rig_write(0x900, 0x80 | 0x81u << 8 | 0x82u << 16 | 0x83u << 24);
    rig_write(0xa00, 0x84u << 8); /* other causes: vector 4 */
    rig_read(0x800);
    rig_frame(frame, 60, 1);
    return 0;
}

static void receive(void) {
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    nic_deliver_done(rig.nic);
    rig_write(0x1018, (rig_read(0x1010) + 63) % 64);
}

static void masked_then_enabled(void **state) {
    (void)state;
    receive();
    assert_int_equal(rig.vectors[0], 0);
    assert_int_equal(rig_read(0x808), 1); /* EICS shows causes and leaves them */
    rig_write(0x880, 1);
    assert_int_equal(rig.vectors[0], 1);
    assert_int_equal(rig_read(0x800), 0); /* cleared by sending */
    receive();
    assert_int_equal(rig.vectors[0], 2);
    rig_write(0x888, 1);
    receive();
    assert_int_equal(rig.vectors[0], 2);
}

static void transmit_vector(void **state) {
    (void)state;
    rig_write(0xaa0, 1u << 3);
    uint8_t *buffer = rig_buffer(1, 40);
    memcpy(buffer, frame, 60);
    for (uint32_t i = 0; i < 2; i++) {
        rig_tx(1, i)->low = rig_iova(buffer);
        rig_tx(1, i)->high = 60ull << 46 | 0x23300000 | 60 | (i ? 1u << 27 : 0);
    }
    rig_write(0x6058, 1);
    assert_int_equal(nic_poll(rig.nic, 32), 1);
    assert_int_equal(rig.vectors[3], 0); /* no report asked for, no interrupt */
    rig_write(0x6058, 2);
    assert_int_equal(nic_poll(rig.nic, 32), 1);
    assert_int_equal(rig.vectors[3], 1);
}

static void throttled(void **state) {
    (void)state;
    rig_write(0x820, 49u << 3); /* 100 us */
    rig_write(0x880, 1);
    receive();
    assert_int_equal(rig.vectors[0], 1);
    for (int i = 0; i < 50; i++) {
        rig.now += 2000;
        receive();
        nic_poll(rig.nic, 32);
    }
    assert_int_equal(rig.vectors[0], 1);
    rig.now += 49 * 2048 - 50 * 2000;
    nic_poll(rig.nic, 32);
    assert_int_equal(rig.vectors[0], 2); /* the held one, exactly when it is due */
    rig.now += 1000000;
    nic_poll(rig.nic, 32);
    assert_int_equal(rig.vectors[0], 2); /* nothing new */
    receive();
    receive();
    assert_int_equal(rig.vectors[0], 3);
    rig_write(0x820, 100u << 3 | 1u << 31); /* counter untouched */
    assert_int_equal(rig.vectors[0], 3);
    rig_write(0x820, 100u << 3); /* counter loaded with 0 */
    assert_int_equal(rig.vectors[0], 4);
    assert_int_equal(rig_read(0x820), 100u << 3);
}

static void auto_mask(void **state) {
    (void)state;
    rig_write(0xad0, 1); /* EIAM_EX */
    rig_write(0xaa0, 3);
    receive();
    assert_int_equal(rig.vectors[0], 1);
    assert_int_equal(rig_read(0xaa0), 2);
    receive();
    assert_int_equal(rig.vectors[0], 1);
    rig_write(0xaa0, 1);
    assert_int_equal(rig.vectors[0], 2);
    rig_write(0xad4, 1u << 8); /* and vectors 32 to 63 */
    rig_write(0xaa4, 3u << 8);
    rig_write(0xa94, 3u << 8);
    assert_int_equal(rig.vectors[40], 1);
    assert_int_equal(rig_read(0xaa4), 2u << 8);
}

static void reading_clears_others_only(void **state) {
    (void)state;
    rig_write(0x898, MSIX | PBA | EIAME | 1u << 5); /* OCD */
    rig_write(0x808, 1u << 20 | 1);
    assert_int_equal(rig_read(0x800), 1u << 20 | 1);
    assert_int_equal(rig_read(0x800), 1);
    rig_write(0x800, 1);
    assert_int_equal(rig_read(0x800), 0);
}

static void by_software(void **state) {
    (void)state;
    rig_write(0xaa0, 0xffffffff);
    rig_write(0xaa4, 0xffffffff);
    rig_write(0x808, 1u << 5);
    rig_write(0xa90, 1u << 20);
    rig_write(0xa94, 1u << 31);
    assert_int_equal(rig.vectors[5], 1);
    assert_int_equal(rig.vectors[20], 1);
    assert_int_equal(rig.vectors[63], 1);
    struct nic_stats stats;
    nic_stats(rig.nic, &stats);
    assert_int_equal(stats.interrupts, 3);
}

static void link_change(void **state) {
    (void)state;
    nic_set_link(rig.nic, false);
    assert_int_equal(rig.vectors[4], 0);
    rig_write(0x880, 1u << 20);
    assert_int_equal(rig.vectors[4], 1);
    assert_int_equal(rig_read(0x800), 1u << 20); /* stays until read */
    nic_set_link(rig.nic, true);
    assert_int_equal(rig.vectors[4], 2);
    rig_write(0x800, 1u << 20); /* or written */
    assert_int_equal(rig_read(0x800), 0);
    rig_write(0x888, 1u << 20);
    nic_set_link(rig.nic, false);
    assert_int_equal(rig.vectors[4], 2);
}

static void cause_that_stands(void **state) {
    (void)state;
    rig_write(0x810, 0);
    rig_write(0x880, 1);
    receive();
    assert_int_equal(rig.vectors[0], 1);
    rig_write(0x888, 1);
    rig_write(0x880, 1);
    assert_int_equal(rig.vectors[0], 2); /* nobody cleared it */
    assert_int_equal(rig_read(0x800), 1);
    rig_write(0x888, 1);
    rig_write(0x880, 1);
    assert_int_equal(rig.vectors[0], 2);
}

static void legacy_line(void **state) {
    (void)state;
    rig_write(0x898, 0);
    rig_write(0x880, 1);
    receive();
    receive();
    assert_int_equal(rig.legacy, 1); /* one assertion */
    assert_int_equal(rig.vectors[0], 0);
    assert_int_equal(rig_read(0x800), 1);
    receive();
    assert_int_equal(rig.legacy, 2);
}

static void no_bus_master(void **state) {
    (void)state;
    rig_write(0x880, 1);
    nic_set_bus_master(rig.nic, false);
    rig_write(0x808, 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DROPPED);
    assert_int_equal(rig.vectors[0], 0);
    nic_set_bus_master(rig.nic, true);
    nic_poll(rig.nic, 1);
    assert_int_equal(rig.vectors[0], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(masked_then_enabled, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(transmit_vector, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(throttled, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(auto_mask, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(reading_clears_others_only, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(by_software, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(link_change, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(cause_that_stands, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(legacy_line, open_msix, rig_close_checked),
        cmocka_unit_test_setup_teardown(no_bus_master, open_msix, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
