/* SPDX-License-Identifier: BSD-2-Clause */
/* What strict mode says of a driver that does what the datasheet forbids, each by its sentence. */
#include "nic_rig.h"
#include <string.h>

static void undeclared(void **state) {
    (void)state;
    assert_int_equal(rig_read(0xfffc), 0);
    rig_expect_violation("0x0fffc", "was read: nobody declared it; datasheet");
    rig_write(0xfffc, 0xabcd);
    rig_expect_violation("0x0fffc: 0x0000abcd was written", "nobody declared it");
}

static void read_only_and_reserved(void **state) {
    (void)state;
    rig_write(0x42a4, 1);
    rig_expect_violation("LINKS (0x042a4): 0x00000001", "read-only; datasheet 8.2.3.22.20");
    rig_write(0x4240, 0);
    rig_expect_violation("HLREG0", "reserved bits; datasheet 8.2.3.22.8, page 666");
    rig_write(0x2108, 0x02000402 | 1u << 31); /* by its alias, with the true name */
    rig_expect_violation("SRRCTL[2]", "reserved bits");
    rig_write(0xd008, 100);
    rig_expect_violation("RDLEN[64]", "multiple of 128 bytes");
    rig_write(0x1000, 0x1040);
    rig_expect_violation("RDBAL[0]", "multiple of 128 bytes");
}

static void order_of_receive(void **state) {
    (void)state;
    rig_write(0x2f00, rig_read(0x2f00) | 2);
    rig_write(0x3000, 1);
    rig_expect_violation("RXCTRL", "SECRXCTRL.RX_DIS");
    rig_write(0x3000, 0);
    rig_write(0x2f00, rig_read(0x2f00) & ~2u);
    rig_write(0x8d00, 3);
    rig_write(0x3000, 1);
    rig_expect_violation("RXCTRL", "RDRXCTL.CRCSTRIP and HLREG0.RXCRCSTRP differ");
    rig_write(0x5000, 0x2000);
    rig_expect_violation("RXCSUM", "RXCTRL.RXEN is clear");
}

static void queue_without_ring(void **state) {
    (void)state;
    rig_write(0x1028, 1u << 25);
    rig_expect_violation("RXDCTL[0]", "no length");
    assert_false(rig_read(0x1028) & 1u << 25);
    rig_write(0x1008, 1024);
    rig_write(0x1000, 0x80000000);
    rig_write(0x1028, 1u << 25);
    rig_expect_violation("RXDCTL[0]", "outside the mapped memory");
    rig_write(0x1028, 0);
    rig_write(0x4a80, rig_read(0x4a80) | 1);
    rig_write(0x6008, 1024);
    rig_write(0x6004, 1);
    rig_write(0x6010, 64);
    rig_write(0x6028, 1u << 25);
    rig_expect_violation("TXDCTL[0]", "head is outside the ring");
}

static void no_base(void **state) {
    (void)state;
    assert_int_equal(dma_map_memory(&rig.dma, 0, 4096, rig.memory), 0);
    rig_write(0x1008, 1024);
    rig_write(0x1028, 1u << 25);
    rig_expect_violation("RXDCTL[0]", "no base");
}

static void transmit_before_te(void **state) {
    (void)state;
    rig_start_transmit_queue(0, 64);
    rig_expect_violation("TXDCTL[0]", "DMATXCTL.TE must be set before");
    rig_write(0x8120, 8);
    rig_expect_violation("MTQC", "RTTDCS.ARBDIS must be set");
    rig_write(0x4900, rig_read(0x4900) | 0x40);
    rig_write(0x8120, 0);
}

static void ring_changed_while_enabled(void **state) {
    (void)state;
    static const uint32_t registers[] = { 0x1000, 0x1008, 0x1010, 0x6000, 0x6008, 0x6010 };
    static const char *const names[] = { "RDBAL", "RDLEN", "RDH", "TDBAL", "TDLEN", "TDH" };
    rig_start(2, 64);
    rig_expect_none();
    for (int i = 0; i < 6; i++) {
        rig_write(registers[i] + 0x40, 0x80);
        rig_expect_violation(names[i], "the queue is enabled");
    }
    rig_write(0x2104, 0x02000408);
    rig_expect_violation("SRRCTL[1]", "the queue is enabled");
}

/* The last sentence of 4.6.7: the bit is set at reset and must not stay so. */
static void reserved_bit_of_dca(void **state) {
    (void)state;
    rig_start(1, 64);
    rig_expect_none();
    assert_int_equal(rig_read(0x104c), 0xb200);
    rig_write(0x100c, 0xb200);
    rig_write(0x1018, 1);
    rig_expect_violation("RDT[0]", "bit 12 of DCA_RXCTRL");
    rig_write(0x2200, 0xa200); /* by its other address */
    rig_write(0x1018, 2);
}

static void tails(void **state) {
    (void)state;
    rig_write(0x1018, 5);
    rig_expect_violation("RDT[0]", "only after the queue reads as enabled");
    rig_write(0x6018, 5);
    rig_expect_violation("TDT[0]", "only after the queue reads as enabled");
    rig_write(0x1018, 0);
    rig_write(0x6018, 0);
    rig_start(1, 64);
    rig_write(0x1018, 64);
    rig_expect_violation("RDT[0]", "outside the ring");
    uint8_t frame[60];
    rig_frame(frame, 60, 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_FULL); /* and found there again */
    rig_expect_violation("RDT[0]: 0x00000040", "ring of 64 descriptors");
    rig_write(0x6018, 64);
    rig_expect_violation("TDT[0]", "outside the ring");
    assert_int_equal(nic_poll(rig.nic, 32), 0);
    rig_expect_violation("TDT[0]: 0x00000040", "ring of 64 descriptors");
    rig_write(0x6018, 0);
    nic_poll(rig.nic, 32);
}

static void not_modelled(void **state) {
    (void)state;
    rig_write(0x1014, 0x02000400);
    rig_expect_violation("SRRCTL[0]", "BSIZEPACKET must not be 0");
    rig_write(0x1014, 0x0a000402);
    rig_expect_violation("SRRCTL[0]", "one buffer only");
    rig_write(0x5818, 0x8);
    rig_expect_violation("MRQC", "not by DCB or VMDq");
    rig_write(0x6038, 1);
    rig_expect_violation("TDWBAL[0]", "not heads");
    rig_write(0xe600, 1u << 31);
    rig_expect_violation("FTQF[0]", "does not know what that enables");
}

enum { EOP = 1u << 24, IFCS = 1u << 25, RS = 1u << 27, DEXT = 1u << 29, VLE = 1u << 30 };
enum { DATA = 3u << 20 | DEXT };
static const uint32_t tse = 1u << 31;
static uint32_t tail;

static void put(uint64_t low, uint64_t high) {
    rig_tx(0, tail)->low = low;
    rig_tx(0, tail)->high = high;
    tail = (tail + 1) % 64;
}

static void refused(const char *words) {
    struct nic_stats before, after;
    nic_stats(rig.nic, &before);
    rig_write(0x6018, tail);
    nic_poll(rig.nic, 64);
    assert_int_equal(rig_read(0x6010), tail);
    rig_expect_violation("transmit descriptor", words);
    nic_stats(rig.nic, &after);
    assert_int_equal(after.tx_errors, before.tx_errors + 1);
    assert_int_equal(rig_tx(0, (tail + 63) % 64)->high >> 32 & 1, 1); /* and reported */
    assert_int_equal(rig.sent_count, 0);
}

static void transmit_descriptors(void **state) {
    (void)state;
    rig_start(1, 64);
    tail = 0;
    uint64_t buffer = rig_iova(rig_buffer(0, 0));
    uint32_t good = EOP | IFCS | RS | 60;
    put(buffer, good | DEXT | 5u << 20);
    refused("DTYP is neither");
    put(buffer, good | DATA | tse);
    refused("segmentation");
    put(buffer, good | DATA | VLE);
    refused("VLAN insertion");
    put(buffer, good | DATA | 1ull << 40);
    refused("checksum insertion");
    put(buffer, good | 1u << 26); /* legacy, IC */
    refused("checksum");
    put(0x1000, good | DATA);
    refused("outside the mapped memory");
    put(RIG_IOVA + RIG_MEMORY - 59, good | DATA);
    refused("outside the mapped memory");
    put(buffer, EOP | IFCS | RS | DATA | 16);
    refused("17 bytes at least");
    put(buffer, (good & ~(uint32_t)IFCS) | DATA | 64);
    refused("check sequence is wrong");
    put(buffer, 20 | DATA | IFCS);
    put(buffer, good);
    refused("mixed");
    put(buffer, 20 | DATA | IFCS);
    put(buffer, good | DEXT | 2u << 20);
    refused("not of type data");
    put(buffer, 9000 | DATA | IFCS);
    put(buffer, EOP | RS | DATA | 800);
    refused("longer than 9.5 KiB");
    for (int i = 0; i < 39; i++)
        put(buffer, 10 | DATA | IFCS);
    put(buffer, 10 | DATA | RS);
    refused("more than 40 descriptors");
    put(buffer, 0xfull << 36 | 2u << 20 | DEXT);
    rig_write(0x6018, tail);
    nic_poll(rig.nic, 64);
    rig_expect_violation("transmit descriptor", "contexts 0 and 1");
}

/* Frames that this model sends all the same, and no real device. */
static void fields_of_descriptors(void **state) {
    (void)state;
    rig_start(1, 64);
    tail = 0;
    uint64_t buffer = rig_iova(rig_buffer(0, 0)), good = 60ull << 46 | 60 | DATA | EOP;
    static const struct {
        uint64_t spoilt;
        const char *words;
    } cases[] = { { 61ull << 46 ^ 60ull << 46, "PAYLEN is not the length" },
                  { 1ull << 32, "DD, are set" },
                  { 1u << 26, "reserved bits" },
                  { 1u << 16, "reserved bits" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(buffer, (good | IFCS | RS) ^ cases[i].spoilt);
        rig_write(0x6018, tail);
        assert_int_equal(nic_poll(rig.nic, 64), 1);
        rig_expect_violation("transmit descriptor", cases[i].words);
        assert_int_equal(rig.sent_count, i + 1);
    }
    uint8_t frame[60];
    rig_frame(frame, 60, 1);
    rig_rx(0, 0)->high = 1;
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    rig_expect_violation("receive descriptor 0 of queue 0", "where DD will be");
}

static void report_with_threshold(void **state) {
    (void)state;
    rig_start(1, 64);
    rig_write(0x6028, rig_read(0x6028) | 4 << 16);
    tail = 0;
    put(rig_iova(rig_buffer(0, 0)), 60ull << 46 | EOP | IFCS | DATA | 60);
    rig_write(0x6018, tail);
    assert_int_equal(nic_poll(rig.nic, 64), 1);
    rig_expect_violation("RS must end every frame", "TXDCTL.WTHRESH");
}

static void receive_buffer_outside(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(1, 64);
    rig_frame(frame, 60, 1);
    rig_rx(0, 0)->low = RIG_IOVA + RIG_MEMORY - 30;
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DROPPED);
    rig_expect_violation("receive descriptor 0 of queue 0", "outside the mapped memory");
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_rx(0, 0)->high >> 32 & 0xffff, 0); /* done, and empty */
    assert_int_equal(rig_rx(0, 1)->high >> 32 & 0xffff, 60);
    assert_int_equal(rig_read(0x3fa0), 1);
}

static void tolerated_and_counted(void **state) {
    (void)state;
    rig_close();
    rig_open(&(struct nic_config){ 0 });
    rig_write(0xfffc, 1);
    rig_write(0x42a4, 1);
    rig_write(0x4240, 0);
    struct nic_stats stats;
    nic_stats(rig.nic, &stats);
    assert_int_equal(stats.violations, 3);
    rig_expect_none();
    assert_int_equal(rig_read(0x4240), 0x08012c0b & ~0x18f38407u); /* reserved bits stay */
}

/* The client takes its memory away while queues run, and gives it back elsewhere. */
static void memory_goes_away(void **state) {
    (void)state;
    uint8_t frame[60];
    rig_start(1, 64);
    rig_frame(frame, 60, 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    assert_int_equal(dma_unmap(&rig.dma, RIG_IOVA, RIG_MEMORY), 0);
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_rx(0, 0)->high, 0); /* untouched */
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DROPPED);
    tail = 0;
    put(RIG_IOVA, 60ull << 46 | EOP | IFCS | RS | DATA | 60);
    rig_write(0x6018, tail);
    assert_int_equal(nic_poll(rig.nic, 32), 0);
    assert_int_equal(dma_map_memory(&rig.dma, RIG_IOVA, RIG_MEMORY, rig.memory), 0);
    assert_int_equal(nic_poll(rig.nic, 32), 1);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DELIVERED);
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_rx(0, 1)->high & 3, 3);
    rig_write(0x1028, 0);
    assert_int_equal(nic_deliver(rig.nic, frame, 60), NIC_DROPPED);
    nic_deliver_done(rig.nic);
    assert_int_equal(rig_rx(0, 2)->high, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(undeclared, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(read_only_and_reserved, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(order_of_receive, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(queue_without_ring, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(no_base, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(transmit_before_te, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(ring_changed_while_enabled, rig_open_strict,
                                        rig_close_checked),
        cmocka_unit_test_setup_teardown(reserved_bit_of_dca, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(tails, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(not_modelled, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(transmit_descriptors, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(fields_of_descriptors, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(report_with_threshold, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(receive_buffer_outside, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(tolerated_and_counted, rig_open_strict, rig_close_checked),
        cmocka_unit_test_setup_teardown(memory_goes_away, rig_open_strict, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
