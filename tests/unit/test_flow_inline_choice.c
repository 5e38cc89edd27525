/* SPDX-License-Identifier: BSD-2-Clause */
/* Metering of live traffic: which packets are metered, and what makes flows differ. */
#include "flow_inline_rig.h"
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void what_is_sent_may_be_left_out(void **state) {
    (void)state;
    run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-a");
    open_meter((struct leat_flow_inline_opts){ .seed = 13, .received_only = true });
    assert_non_null(leat_flow_inline_unsent(meter));
    answer(20, 0);
    send_udp(5000, 7777);
    await_frames(1);
    assert_int_equal(stats().selected, 1);
}

static void keys_may_have_more(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES + 4];
    open_meter((struct leat_flow_inline_opts){ .seed = 14,
                                               .key = LEAT_FLOW_KEY_VLAN | LEAT_FLOW_KEY_TOS });
    make_udp(frame, 5000, 7777);
    frame[15] = 0x20; /* another ToS */
    send_frame(frame, FRAME_BYTES);
    make_udp(frame, 5000, 7777);
    memmove(frame + 16, frame + 12, FRAME_BYTES - 12);
    leat_put_be16(frame + 12, LEAT_ETHER_VLAN);
    for (uint16_t id = 1; id < 4; id++) {
        leat_put_be16(frame + 14, id);
        send_frame(frame, sizeof(frame));
    }
    leat_put_be16(frame + 14, 5 << 13 | 3); /* a priority makes no difference */
    send_frame(frame, sizeof(frame));
    send_udp(5000, 7777);
    await_frames(6);
    struct leat_flow top[2];
    assert_int_equal(leat_flow_inline_top(meter, top, 2, LEAT_FLOW_TOP_OCTETS), 2);
    assert_int_equal(top[0].side[0].packets, 2);
    assert_int_equal(top[0].scope.vlan_tci[0], 3);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 5);
    assert_int_equal(packets_of_ended(), 6);
}

static void packets_are_sampled(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){
        .seed = 15,
        .sampling = { .kind = LEAT_FLOW_SAMPLING_UNIFORM, .size = 1, .population = 4 } });
    for (uint32_t i = 0; i < 4000; i++)
        send_udp(5000, 7777);
    await_frames(4000);
    struct leat_flow_meter_stats now = stats();
    assert_int_equal(now.selected + now.unsampled, 4000);
    assert_in_range(now.selected, 800, 1200); /* 7 standard deviations */
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(packets_of_ended(), now.selected);
}

/* Each core counts for itself, so this one stays on one. */
static void packets_are_sampled_by_count(void **state) {
    (void)state;
    cpu_set_t all, one;
    run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-a");
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    open_meter((struct leat_flow_inline_opts){
        .seed = 16, .sampling = { .kind = LEAT_FLOW_SAMPLING_COUNT, .interval = 2, .space = 8 } });
    for (uint32_t i = 0; i < 100; i++)
        send_udp(5000, 7777);
    await_frames(100);
    uint32_t sent = leat_flow_inline_unsent(meter) ? 0 : 50;
    for (uint32_t i = 0; i < sent; i++)
        answer(20, 0);
    await_frames(100 + sent);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
    assert_int_equal(stats().selected, 20 + sent / 5);
    assert_int_equal(stats().unsampled, 80 + sent - sent / 5);
    assert_int_equal(stats().ignored_octets, 0);
}

/* What is cut later counts as the frames that it becomes, matched or not. */
static void filtered(const char *filter, uint32_t there, uint32_t back) {
    run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-a");
    open_meter((struct leat_flow_inline_opts){ .seed = 20, .filter = filter });
    bool seen = !leat_flow_inline_unsent(meter);
    for (uint32_t i = 0; i < 10; i++)
        send_udp(5000, 7777);
    for (uint32_t i = 0; i < 7; i++)
        send_udp(5001, 7777);
    await_frames(17);
    assert_int_equal(received(), 17);
    for (uint32_t i = 0; i < 3; i++)
        answer(20, 0);
    answer(1050, 100);
    uint32_t sent = seen ? 3 + 11 : 0;
    await_frames(17 + sent);
    struct leat_flow_meter_stats now = stats();
    assert_int_equal(now.selected, there + (seen ? back : 0));
    assert_int_equal(now.filtered, 17 + sent - now.selected);
    assert_int_equal(now.octets,
                     17 * FRAME_BYTES + (seen ? 3 * 20 + 1050 + (uint64_t)sent * 42 : 0));
    assert_int_equal(now.ignored_octets, 0);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(packets_of_ended(), now.selected);
}

static void filters_choose_what_is_received(void **state) {
    (void)state;
    filtered("udp src port 5000", 10, 0);
}

static void filters_choose_what_is_sent(void **state) {
    (void)state;
    filtered("udp dst port 5000", 0, 14);
}

static void filters_choose_both(void **state) {
    (void)state;
    filtered("udp port 5000", 10, 14);
}

/* What does not match is not looked at, and not counted by sampling either. */
static void filters_come_first(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES];
    open_meter((struct leat_flow_inline_opts){
        .seed = 21,
        .filter = "not udp port 5001",
        .sampling = { .kind = LEAT_FLOW_SAMPLING_UNIFORM, .size = 1, .population = 4 } });
    for (uint32_t i = 0; i < 200; i++)
        send_udp(5000 + i % 2, 7777);
    make_udp(frame, 5001, 7777);
    leat_put_be16(frame + 14 + 24, 4); /* UDP length below its header */
    send_frame(frame, sizeof(frame));
    await_frames(201);
    struct leat_flow_meter_stats now = stats();
    assert_int_equal(now.filtered, 101);
    assert_int_equal(now.unsampled + now.selected, 100);
    assert_true(now.unsampled > 0 && now.selected > 0);
}

static void refused(struct leat_flow_inline_opts opts, int err, const char *words) {
    struct leat_flow_inline *none;
    assert_int_equal(leat_flow_inline_open(&none, "lt-a", &opts), err);
    assert_null(none);
    if (!strstr(leat_error(), words))
        fail_msg("%s", leat_error());
}

static void what_cannot_be_had_is_refused(void **state) {
    (void)state;
    refused((struct leat_flow_inline_opts){ .key = LEAT_FLOW_KEY_TUNNEL }, -ENOTSUP, "by VLAN");
    refused(
        (struct leat_flow_inline_opts){
            .sampling = { .kind = LEAT_FLOW_SAMPLING_HASH, .size = 1, .population = 2 } },
        -ENOTSUP, "by count or uniformly");
    refused((struct leat_flow_inline_opts){ .filter = "udp prot 53" }, -EINVAL, "syntax error");
    refused((struct leat_flow_inline_opts){ .filter = "ip6 protochain 6" }, -ENOTSUP,
            "the filter jumps back");
    open_meter((struct leat_flow_inline_opts){ .seed = 22 }); /* nothing was left on it */
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_is_sent_may_be_left_out),
        CASE(keys_may_have_more),
        CASE(packets_are_sampled),
        CASE(packets_are_sampled_by_count),
        CASE(filters_choose_what_is_received),
        CASE(filters_choose_what_is_sent),
        CASE(filters_choose_both),
        CASE(filters_come_first),
        CASE(what_cannot_be_had_is_refused),
    };
    if (!flow_inline_rig_enter())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
