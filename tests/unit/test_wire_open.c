/* SPDX-License-Identifier: BSD-2-Clause */
/* What describes a wire: understood, or refused by name. And the loss that all wires can inject. */
#include "fake_nic.h"
#include <stdio.h>
#include <string.h>

static const uint8_t frame[60];

static void test_refused_by_name(void **state) {
    (void)state;
    fake_nic_no_wire("", "no kind ''");
    fake_nic_no_wire("wet", "no kind 'wet'");
    fake_nic_no_wire("gen,colour=red", "unknown option 'colour'; a gen wire takes rate, size");
    fake_nic_no_wire("sink,rate=1", "unknown option 'rate'; a sink wire takes loss, seed, wait");
    fake_nic_no_wire("gen,rate", "'rate' is not KEY=VALUE");
    fake_nic_no_wire("gen,", "'' is not KEY=VALUE");
    fake_nic_no_wire("gen,rate=1,rate=2", "option rate is given twice");
    fake_nic_no_wire("gen=3", "unknown option 'gen'");
    fake_nic_no_wire("loop,wait=maybe", "wait=maybe cannot be; it takes on or off");
    char lengthy[2000];
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = 0;
    fake_nic_no_wire(lengthy, "longer than 1023");
    char many[400];
    int used = snprintf(many, sizeof many, "gen");
    for (int key = 'a'; key <= 'y'; key++)
        used += snprintf(many + used, sizeof many - (size_t)used, ",%c=1", key);
    fake_nic_no_wire(many, "more than 24 options");
}

static void test_values(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "gen,rate=0",
        "gen,rate=",
        "gen,rate=-1",
        "gen,rate=+1",
        "gen,rate=1x",
        "gen,rate=2G",
        "gen,size=63",
        "gen,size=1519",
        "gen,flows=0",
        "gen,flows=65537",
        "gen,count=0",
        "gen,count=99999999999999999999",
        "gen,count=99999999999999999G",
        "gen,burst=33",
        "gen,stream=65536",
        "gen,flows=2,stream=65535",
        "gen,dst=1:2:3",
        "gen,dst=0:0:0:0:0:1x",
        "gen,dst=0:0:0:0:0:100",
        "gen,dst=::::::",
        "gen,loss=101",
        "gen,loss=-1",
        "gen,loss=nan",
        "gen,loss=1%",
        "gen,loss=",
        "gen,seed=0",
        "gen,seed=99999999999999999999",
        "gen,dst=1:2:3:4:5:6:",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        fake_nic_no_wire(wrong[i], "cannot be; it takes");
    static const char *const right[] = {
        "gen,rate=1G",    "gen,rate=max",          "gen,size=1518", "gen,flows=1,stream=65535",
        "gen,count=100M", "gen,loss=0.001,seed=7", "sink,loss=100", "gen,dst=ff:ff:ff:ff:ff:ff",
    };
    struct nic nic = { 0 };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        wire_close(fake_nic_wire(&nic, right[i]));
}

/* Which of 100000 frames a sink on such a wire does not see, as a checksum of their numbers. */
static uint64_t lose(const char *spec, uint64_t *count) {
    struct nic nic = { 0 };
    struct wire *wire = fake_nic_wire(&nic, spec);
    uint64_t which = 0;
    *count = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        assert_true(wire->ops->transmit(wire, frame, sizeof frame));
        uint64_t lost = wire->stats.lost_injected - *count;
        which = which * 31 + lost * i;
        *count += lost;
    }
    assert_int_equal(wire->stats.out_frames, 100000);
    assert_int_equal(wire->stats.out_bytes, 100000 * sizeof frame);
    wire_close(wire);
    return which;
}

static void test_loss_repeats_with_its_seed(void **state) {
    uint64_t first, again, other, none, all;
    (void)state;
    uint64_t which = lose("sink,loss=1,seed=5", &first);
    assert_true(which == lose("sink,loss=1,seed=5", &again));
    assert_int_equal(first, again);
    assert_true(which != lose("sink,loss=1,seed=6", &other));
    assert_in_range(first, 900, 1100); /* three standard deviations */
    assert_in_range(other, 900, 1100);
    lose("sink,loss=0", &none);
    lose("sink,loss=100", &all);
    assert_int_equal(none, 0);
    assert_int_equal(all, 100000);
}

/* A refused frame is judged once, however often it is offered. */
static void test_loss_does_not_depend_on_refusals(void **state) {
    struct nic free_nic = { .room = UINT64_MAX }, tight_nic = { 0 };
    struct wire *free_wire = fake_nic_wire(&free_nic, "loop,loss=10");
    struct wire *tight_wire = fake_nic_wire(&tight_nic, "loop,loss=10");
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(free_wire->ops->transmit(free_wire, frame, sizeof frame));
        bool sent = tight_wire->ops->transmit(tight_wire, frame, sizeof frame);
        for (int refusals = 0; !sent && refusals < 3; refusals++)
            sent = tight_wire->ops->transmit(tight_wire, frame, sizeof frame);
        tight_nic.room = !sent;
        assert_true(sent || tight_wire->ops->transmit(tight_wire, frame, sizeof frame));
        assert_int_equal(tight_nic.room, 0);
    }
    assert_int_equal(tight_wire->stats.lost_injected, free_wire->stats.lost_injected);
    assert_int_equal(tight_nic.delivered, free_nic.delivered);
    assert_int_equal(free_nic.delivered + free_wire->stats.lost_injected, 1000);
    wire_close(free_wire);
    wire_close(tight_wire);
}

/* Towards the NIC other numbers are lost than from it, and again refusals do not matter. */
static void test_loss_both_ways(void **state) {
    struct nic nics[2] = { { .room = UINT64_MAX }, { 0 } };
    uint64_t in[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct wire *wire = fake_nic_wire(&nics[i], "gen,loss=10,count=3000,burst=7");
        for (uint64_t turn = 0; !wire->ops->done(wire); turn++) {
            nics[i].room = i ? turn % 3 : UINT64_MAX;
            wire->ops->poll(wire, 64);
        }
        in[i] = wire->stats.lost_injected;
        assert_int_equal(nics[i].delivered, 3000 - in[i]);
        for (int out = 0; out < 3000; out++)
            assert_true(wire->ops->transmit(wire, frame, sizeof frame));
        assert_true(wire->stats.lost_injected - in[i] != in[i]);
        wire_close(wire);
    }
    assert_int_equal(in[0], in[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_by_name),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_loss_repeats_with_its_seed),
        cmocka_unit_test(test_loss_does_not_depend_on_refusals),
        cmocka_unit_test(test_loss_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
