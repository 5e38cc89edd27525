/* SPDX-License-Identifier: BSD-2-Clause */
/* What payload bytes, lengths and times add to a record: histograms, entropy, lists, sizes, gaps.
 */
#include "lib/flow/payload.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct leat_flow_packet packet_of(const void *bytes, uint32_t n) {
    return (struct leat_flow_packet){
        .payload = bytes, .payload_here = n, .payload_bytes = n, .flags = LEAT_FLOW_L4
    };
}

static void test_histogram_counts_each_byte(void **state) {
    struct leat_flow_histogram histogram = { 0 };
    struct leat_flow_packet packet = packet_of("abca\xff", 5);
    (void)state;

    assert_int_equal(leat_flow_histogram_add(&histogram, &packet, 0, 4000), 5);
    assert_int_equal(histogram.bytes['a'], 2);
    assert_int_equal(histogram.bytes['b'], 1);
    assert_int_equal(histogram.bytes['c'], 1);
    assert_int_equal(histogram.bytes[0xff], 1);
    uint32_t total = 0;
    for (uint32_t i = 0; i < 256; i++)
        total += histogram.bytes[i];
    assert_int_equal(total, 5);
}

static void test_histogram_stops_at_its_limit(void **state) {
    struct leat_flow_histogram histogram = { 0 };
    static const uint8_t zeros[1500];
    struct leat_flow_packet packet = packet_of(zeros, sizeof zeros);
    uint32_t counted = 0;
    (void)state;

    for (uint32_t i = 0; i < 4; i++)
        counted += leat_flow_histogram_add(&histogram, &packet, counted, 4000);
    assert_int_equal(counted, 4000);
    assert_int_equal(histogram.bytes[0], 4000);
    /* A smaller limit after a reload. */
    assert_int_equal(leat_flow_histogram_add(&histogram, &packet, counted, 100), 0);
}

static void test_histogram_of_what_was_captured(void **state) {
    struct leat_flow_histogram histogram = { 0 };
    struct leat_flow_packet packet = packet_of("abcd", 2);
    (void)state;

    packet.payload_bytes = 4;
    packet.flags |= LEAT_FLOW_TRUNCATED;
    assert_int_equal(leat_flow_histogram_add(&histogram, &packet, 0, 4000), 2);
    assert_int_equal(histogram.bytes['c'], 0);
    packet.flags = LEAT_FLOW_LATER | LEAT_FLOW_FRAGMENT; /* its payload pointer means nothing */
    packet.payload = NULL;
    assert_int_equal(leat_flow_histogram_add(&histogram, &packet, 0, 4000), 0);
}

static void test_entropy(void **state) {
    struct leat_flow_histogram histogram = { 0 };
    (void)state;

    assert_int_equal(leat_flow_entropy(&histogram), 0);
    histogram.bytes['x'] = 1;
    assert_int_equal(leat_flow_entropy(&histogram), 0);
    histogram.bytes['x'] = UINT32_MAX;
    assert_int_equal(leat_flow_entropy(&histogram), 0);
    histogram.bytes['y'] = UINT32_MAX;
    assert_int_equal(leat_flow_entropy(&histogram), 1000);
    for (uint32_t i = 0; i < 256; i++)
        histogram.bytes[i] = 7;
    assert_int_equal(leat_flow_entropy(&histogram), 8000);

    /* By the definition, -sum(p log2 p). */
    memset(&histogram, 0, sizeof histogram);
    const double p[] = { 0.5, 0.3, 0.15, 0.05 };
    double bits = 0;
    for (uint32_t i = 0; i < 4; i++) {
        histogram.bytes[i] = (uint32_t)lrint(p[i] * 4000);
        bits -= p[i] * log2(p[i]);
    }
    assert_int_equal(leat_flow_entropy(&histogram), lrint(bits * 1000));
}

static void test_list_of_first_packets(void **state) {
    struct leat_flow_packet_list list = { 0 };
    (void)state;

    for (uint32_t i = 0; i < 6; i++) {
        struct leat_flow_packet packet = packet_of(NULL, 0);
        packet.payload_bytes = i == 3 ? 100000 : 10 * i;
        packet.time_ns = 1000 + i;
        packet.tcp_flags = (uint16_t)(0x110 + i);
        leat_flow_packet_list_add(&list, &packet, i & 1, 5);
    }
    assert_int_equal(list.count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(list.side[i], i & 1);
        assert_int_equal(list.length[i], i == 3 ? UINT16_MAX : 10 * i);
        assert_int_equal(list.time_ns[i], 1000 + i);
        assert_int_equal(list.tcp_flags[i], 0x10 + i);
    }
    assert_int_equal(list.time_ns[5], 0);
}

static void test_list_never_grows_beyond_its_array(void **state) {
    struct {
        struct leat_flow_packet_list list;
        uint64_t behind;
    } s = { .behind = 0x5ca1ab1e };
    struct leat_flow_packet packet = packet_of(NULL, 0);
    (void)state;

    for (uint32_t i = 0; i < 2 * LEAT_FLOW_PACKETS_MAX; i++)
        leat_flow_packet_list_add(&s.list, &packet, 0, UINT32_MAX);
    assert_int_equal(s.list.count, LEAT_FLOW_PACKETS_MAX);
    assert_int_equal(s.behind, 0x5ca1ab1e);
}

static void test_sizes_at_the_edges_of_their_bins(void **state) {
    static const uint32_t lowest[LEAT_FLOW_SIZE_BINS] = { 0, 16, 32, 64, 128, 256, 512, 1024 };
    static const uint32_t highest[LEAT_FLOW_SIZE_BINS] = { 15,  31,  63,   127,
                                                           255, 511, 1023, UINT32_MAX };
    (void)state;

    for (uint32_t i = 0; i < LEAT_FLOW_SIZE_BINS; i++) {
        struct leat_flow_sizes sizes = { 0 };
        struct leat_flow_packet packet = packet_of(NULL, 0);
        packet.payload_bytes = lowest[i];
        leat_flow_sizes_add(&sizes, &packet, 1);
        packet.payload_bytes = highest[i];
        leat_flow_sizes_add(&sizes, &packet, 1);
        for (uint32_t k = 0; k < LEAT_FLOW_SIZE_BINS; k++) {
            assert_int_equal(sizes.size[1][k], k == i ? 2 : 0);
            assert_int_equal(sizes.size[0][k], 0);
        }
    }
}

static void test_gaps_are_each_sides_own(void **state) {
    static const uint32_t ms = 1000000;
    static const struct {
        uint64_t after_ns;
        uint32_t bin;
    } steps[] = {
        { 0, 0 },
        { 16ull * ms - 1, 0 },
        { 16ull * ms, 1 },
        { 32ull * ms, 2 },
        { 1024ull * ms - 1, 6 },
        { 1024ull * ms, 7 },
        { 86400000ull * ms, 7 },
    };
    struct leat_flow_sizes sizes = { 0 };
    uint32_t expected[LEAT_FLOW_TIME_BINS] = { 0 };
    struct leat_flow_packet packet = packet_of(NULL, 0);
    (void)state;

    packet.time_ns = 1700000000ull * 1000 * ms;
    leat_flow_sizes_add(&sizes, &packet, 0); /* the first of a side is behind nothing */
    leat_flow_sizes_add(&sizes, &packet, 1);
    for (uint32_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        packet.time_ns += steps[i].after_ns;
        leat_flow_sizes_add(&sizes, &packet, 0);
        expected[steps[i].bin]++;
    }
    assert_memory_equal(sizes.gap[0], expected, sizeof expected);
    memset(expected, 0, sizeof expected);
    assert_memory_equal(sizes.gap[1], expected, sizeof expected);
}

static void test_time_that_goes_back_is_no_gap(void **state) {
    struct leat_flow_sizes sizes = { 0 };
    struct leat_flow_packet packet = packet_of(NULL, 0);
    (void)state;

    for (uint32_t i = 0; i < 3; i++) {
        packet.time_ns = (uint64_t[]){ 5000000000, 3000000000, 5001000000 }[i];
        leat_flow_sizes_add(&sizes, &packet, 0);
    }
    assert_int_equal(sizes.gap[0][0], 2);
    assert_int_equal(sizes.gap[0][7], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_counts_each_byte),
        cmocka_unit_test(test_histogram_stops_at_its_limit),
        cmocka_unit_test(test_histogram_of_what_was_captured),
        cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_list_of_first_packets),
        cmocka_unit_test(test_list_never_grows_beyond_its_array),
        cmocka_unit_test(test_sizes_at_the_edges_of_their_bins),
        cmocka_unit_test(test_gaps_are_each_sides_own),
        cmocka_unit_test(test_time_that_goes_back_is_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
