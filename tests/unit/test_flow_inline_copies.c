/* SPDX-License-Identifier: BSD-2-Clause */
/* Metering of live traffic: what the first packets of a record tell. */
#include "flow_inline_rig.h"
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Each copy is in the record that has counted its packet. */
static void copies_stay_with_their_records(void **state) {
    (void)state;
    cut_flows((struct leat_flow_inline_opts){
        .seed = 4, .copy_packets = 3, .features = LEAT_FLOW_PACKETS, .ring_bytes = 1 << 20 });
    assert_int_equal(listed, stats().copied);
    assert_true(listed > 50);
    assert_true(unlike <= stats().uncopied);
}

static void first_packets_are_looked_into(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){
        .seed = 7, .copy_packets = 4, .features = LEAT_FLOW_PACKETS });
    for (uint32_t i = 0; i < 4; i++)
        send_udp(5000, 7777);
    await_frames(4);
    assert_int_equal(leat_flow_inline_look(meter), 4);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0].limited, 0); /* of these there were no more */
    assert_int_equal(packet_list.count, 4);
    assert_true(packet_list.time_ns[0] == ended[0].side[0].first_ns);
    assert_true(packet_list.time_ns[3] == ended[0].side[0].last_ns);
    for (uint32_t i = 0; i < 100; i++)
        send_udp(5000, 7777);
    await_frames(104);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 2);
    assert_int_equal(ended[1].side[0].packets, 100);
    assert_int_equal(ended[1].limited, LEAT_FLOW_PACKETS);
    assert_int_equal(packet_list.count, 4);
    assert_int_equal(packet_list.length[3], PAYLOAD_BYTES);
    assert_int_equal(stats().copied, 8);
    assert_int_equal(stats().uncopied, 0);
}

/* A query for "a.leat.test". */
static void names_come_from_copies(void **state) {
    (void)state;
    static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                   "\x01"
                                   "a\x04leat\x04test\x00\x00\x01\x00\x01";
    uint8_t frame[42 + sizeof(query) - 1];
    make_udp(frame, 5000, 53);
    leat_put_be16(frame + 16, sizeof(frame) - 14);
    leat_put_be16(frame + 24,
                  0); /* nobody verifies the sum: it is for a socket that is not there */
    leat_put_be16(frame + 38, sizeof(frame) - 34);
    memcpy(frame + 42, query, sizeof(query) - 1);
    open_meter((struct leat_flow_inline_opts){
        .seed = 8, .copy_packets = 16, .features = LEAT_FLOW_APPLICATION });
    send_frame(frame, sizeof(frame));
    await_frames(1);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(application.kind, LEAT_FLOW_APPLICATION_DNS);
    assert_string_equal(application.name, "a.leat.test");
    assert_int_equal(application.dns_type, 1);
}

/* Nobody looks, and then the ring is full. */
static void a_full_ring_costs_copies_only(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 9,
                                               .copy_packets = 1000,
                                               .features = LEAT_FLOW_PACKETS,
                                               .ring_bytes = (uint32_t)sysconf(_SC_PAGESIZE) });
    uint32_t passed = 0;
    for (uint32_t i = 0; i < 200; i++) {
        send_udp(5000, 7777);
        passed += received();
    }
    await_frames(200);
    assert_int_equal(stats().selected, 200);
    assert_int_equal(passed + received(), 200);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended[0].side[0].packets, 200);
    assert_int_equal(ended[0].limited, LEAT_FLOW_PACKETS);
    assert_true(stats().copied > 10 && stats().uncopied > 10);
    assert_int_equal(stats().copied + stats().uncopied, 200);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(copies_stay_with_their_records),
        CASE(first_packets_are_looked_into),
        CASE(names_come_from_copies),
        CASE(a_full_ring_costs_copies_only),
    };
    if (!flow_inline_rig_enter())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
