/* SPDX-License-Identifier: BSD-2-Clause */
/* Which frames the 82599 model lets in: addresses, hash tables, promiscuous modes, VLAN, sizes. */
#include "nic_rig.h"
#include <string.h>

static uint8_t frame[16384];

static int open_started(void **state) {
    rig_open_strict(state);
    rig_start(1, 512);
    rig_frame(frame, 60, 1);
    return 0;
}

static bool enters(const char *mac) {
    memcpy(frame, mac, 6);
    enum nic_deliver said = nic_deliver(rig.nic, frame, 60);
    assert_true(said != NIC_FULL);
    return said == NIC_DELIVERED;
}

static const char own[] = "\x02\x82\x59\x90\x00\x00", other[] = "\x02\x82\x59\x90\x00\x01",
                  everyone[] = "\xff\xff\xff\xff\xff\xff", group[] = "\x01\x00\x5e\x01\x02\x03",
                  group2[] = "\x01\x00\x5e\x01\x02\x04";

static void exact_addresses(void **state) {
    (void)state;
    assert_true(enters(own));
    assert_false(enters(other));
    assert_false(enters("\x03\x82\x59\x90\x00\x00"));
    rig_write(0xa200 + 8 * 127, 0x90598202); /* the last of 128 */
    rig_write(0xa204 + 8 * 127, 0x80000100);
    assert_true(enters(other));
    rig_write(0xa204 + 8 * 127, 0x00000100);
    assert_false(enters(other));
    rig_write(0x5400 + 8 * 15, 0x90598202); /* the last that has an alias */
    rig_write(0x5404 + 8 * 15, 0x80000100);
    assert_int_equal(rig_read(0xa204 + 8 * 15), 0x80000100);
    assert_true(enters(other));
    struct nic_stats stats;
    nic_stats(rig.nic, &stats);
    assert_int_equal(stats.rx_filtered, 3);
}

static void broadcast(void **state) {
    (void)state;
    assert_true(enters(everyone));
    rig_write(0x5080, 0);
    assert_false(enters(everyone));
}

static void promiscuous(void **state) {
    (void)state;
    rig_write(0x5080, 1u << 9);
    assert_true(enters(other));
    assert_false(enters(group));
    rig_write(0x5080, 1u << 8);
    assert_false(enters(other));
    assert_true(enters(group));
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_rx(0, 0)->high & 0x80, 0x80); /* PIF: no exact match */
}

/* Bits 47:36 of 01:00:5e:01:02:03, as 8.2.3.7.3 counts them: 0x030 */
static void multicast_table(void **state) {
    (void)state;
    static const struct {
        uint32_t mode, bit;
    } cases[] = { { 0, 0x030 }, { 1, 0x060 }, { 2, 0x0c0 }, { 3, 0x302 } };
    for (size_t i = 0; i < 4; i++) {
        rig_write(0x5090, cases[i].mode);
        rig_write(0x5200 + 4 * (cases[i].bit >> 5), 1u << (cases[i].bit & 31));
        assert_false(enters(group)); /* MFE is clear */
        rig_write(0x5090, cases[i].mode | 4);
        assert_true(enters(group));
        assert_false(enters(group2));
        rig_write(0x5200 + 4 * (cases[i].bit >> 5), 0);
        assert_false(enters(group));
    }
}

static void unicast_table(void **state) {
    (void)state;
    rig_write(0x5090, 4);
    rig_write(0xf400 + 4 * (0x010 >> 5), 1u << (0x010 & 31));
    assert_true(enters(other));
    assert_false(enters("\x02\x82\x59\x90\x00\x11"));
}

static bool tagged_enters(uint16_t tag) {
    memcpy(frame, own, 6);
    frame[12] = 0x81;
    frame[13] = 0;
    frame[14] = (uint8_t)(tag >> 8);
    frame[15] = (uint8_t)tag;
    return nic_deliver(rig.nic, frame, 64) == NIC_DELIVERED;
}

static void vlan_table(void **state) {
    (void)state;
    assert_true(tagged_enters(100));
    rig_write(0x5088, 0x8100 | 1u << 30);
    assert_false(tagged_enters(100));
    rig_write(0xa000 + 4 * (100 >> 5), 1u << (100 & 31));
    assert_true(tagged_enters(100));
    assert_true(tagged_enters(0x6000 | 100)); /* the priority does not matter */
    assert_false(tagged_enters(101));
    rig_write(0x5088, 0x8100 | 1u << 30 | 1u << 29);
    assert_true(tagged_enters(100));
    assert_false(tagged_enters(0x1000 | 100));
    rig_frame(frame, 60, 1);
    assert_true(enters(own)); /* no tag, no filter */
}

static enum nic_deliver sized(uint32_t bytes) {
    rig_frame(frame, bytes, 1);
    return nic_deliver(rig.nic, frame, bytes);
}

static void sizes(void **state) {
    (void)state;
    assert_int_equal(sized(59), NIC_DROPPED);
    assert_int_equal(sized(60), NIC_DELIVERED);
    assert_int_equal(sized(1514), NIC_DELIVERED);
    assert_int_equal(sized(1515), NIC_DROPPED);
    rig_write(0x4268, 9018u << 16); /* ignored without JUMBOEN */
    assert_int_equal(sized(1515), NIC_DROPPED);
    rig_write(0x4240, rig_read(0x4240) | 4);
    assert_int_equal(sized(9014), NIC_DELIVERED);
    assert_int_equal(sized(9015), NIC_DROPPED);
    rig_write(0x4268, 0xffff0000);
    assert_int_equal(sized(15868), NIC_DELIVERED);
    assert_int_equal(sized(15869), NIC_DROPPED);
    assert_int_equal(rig_read(0x40a4), 1); /* RUC */
    assert_int_equal(rig_read(0x40ac), 4); /* ROC */
    rig_write(0x4240, rig_read(0x4240) & ~4u);
    frame[12] = 0x81;
    frame[13] = 0;
    assert_int_equal(nic_deliver(rig.nic, frame, 1518), NIC_DELIVERED); /* the tag is extra */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exact_addresses, open_started, rig_close_checked),
        cmocka_unit_test_setup_teardown(broadcast, open_started, rig_close_checked),
        cmocka_unit_test_setup_teardown(promiscuous, open_started, rig_close_checked),
        cmocka_unit_test_setup_teardown(multicast_table, open_started, rig_close_checked),
        cmocka_unit_test_setup_teardown(unicast_table, open_started, rig_close_checked),
        cmocka_unit_test_setup_teardown(vlan_table, open_started, rig_close_checked),
        cmocka_unit_test_setup_teardown(sizes, open_started, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
