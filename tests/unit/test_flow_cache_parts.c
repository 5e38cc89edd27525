/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow cache: what the features add to records. */
#include "flow_cache_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rig rig;

#define PARTS (LEAT_FLOW_NOTES | LEAT_FLOW_HISTOGRAM | LEAT_FLOW_PACKETS | LEAT_FLOW_SIZES)

static void test_parts_of_both_sides(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.features = PARTS;
    opts.packet_list = 2;
    opts.histogram_bytes = 100;
    rig_open(&rig, opts);
    for (uint32_t i = 0; i < 4; i++) {
        struct leat_flow_packet packet = rig_tcp(1, i % 2, ACK, RIG_TIME + i);
        packet.tcp_options = 1ull << i;
        packet.tcp_window = (uint16_t)(1000 + i);
        packet.mac[0][5] = (uint8_t)(i + 1);
        rig_add(&rig, packet);
    }
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.notes[0].tcp_options[0], 1 | 4);
    assert_int_equal(rig.notes[0].tcp_options[1], 2 | 8);
    assert_int_equal(rig.notes[0].tcp_window[0], 1000);
    assert_int_equal(rig.notes[0].tcp_window[1], 1001);
    assert_int_equal(rig.notes[0].ip_id[0], 7);
    assert_int_equal(rig.notes[0].mac[0][5], 1);
    assert_int_equal(rig.lists[0].count, 2);
    assert_int_equal(rig.lists[0].side[1], 1);
    assert_int_equal(rig.histograms[0].bytes['p'], 4);
    assert_int_equal(rig.histograms[0].bytes[0], 196); /* a hundred bytes of each side */
    assert_int_equal(rig.sizes[0].size[0][3], 2);      /* of 64 to 127 bytes */
    rig_close(&rig);
}

static void test_names_in_the_payload(void **state) {
    (void)state;
    static const char request[] = "GET / HTTP/1.1\r\nHost: leat.example\r\n\r\n";
    static const uint8_t tcp_header[20];
    struct leat_flow_cache_opts opts = rig_quiet;
    struct leat_flow flow;
    opts.features = LEAT_FLOW_APPLICATION;
    rig_open(&rig, opts);
    rig_add(&rig, rig_tcp(1, 0, SYN, RIG_TIME));
    struct leat_flow_packet packet = rig_tcp(1, 0, ACK, RIG_TIME + 1);
    packet.l4 = tcp_header;
    packet.l4_bytes = sizeof(tcp_header);
    packet.payload = (const uint8_t *)request;
    packet.payload_here = packet.payload_bytes = sizeof(request) - 1;
    rig_add(&rig, packet);
    assert_int_equal(leat_flow_cache_top(rig.cache, &flow, 1, LEAT_FLOW_TOP_OCTETS), 1);
    assert_int_equal(flow.parts.application->kind, LEAT_FLOW_APPLICATION_HTTP);
    assert_string_equal(flow.parts.application->name, "leat.example");
    assert_null(flow.parts.notes);
    rig_close(&rig);
}

static void test_a_reused_entry_has_no_old_parts(void **state) {
    (void)state;
    struct leat_flow_cache_opts opts = rig_quiet;
    opts.features = PARTS;
    opts.histogram_bytes = 100;
    opts.flows = 1;
    rig_open(&rig, opts);
    for (uint32_t i = 0; i < 20; i++) {
        struct leat_flow_packet packet = rig_tcp(1, 0, ACK, RIG_TIME + i);
        packet.tcp_options = 0xff00;
        packet.side = i % 2;
        rig_add(&rig, packet);
    }
    rig_add(&rig, rig_packet(2, RIG_TIME + 30));          /* evicts it */
    rig_add(&rig, rig_packet(2, RIG_TIME + 20 * SECOND)); /* begins anew in the same place */
    leat_flow_cache_flush(rig.cache, LEAT_FLOW_END_FORCED);
    assert_int_equal(rig.count, 3);
    for (uint32_t i = 1; i < 3; i++) {
        assert_int_equal(rig.records[i].side[0].packets, 1);
        assert_int_equal(rig.records[i].side[1].packets, 0);
        assert_int_equal(rig.records[i].side[1].octets, 0);
        assert_int_equal(rig.notes[i].tcp_options[0] | rig.notes[i].tcp_options[1], 0);
        assert_int_equal(rig.lists[i].count, 1);
        assert_int_equal(rig.histograms[i].bytes['p'], 1);
        assert_int_equal(rig.sizes[i].gap[0][0], 0);
    }
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_both_sides),
        cmocka_unit_test(test_names_in_the_payload),
        cmocka_unit_test(test_a_reused_entry_has_no_old_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
