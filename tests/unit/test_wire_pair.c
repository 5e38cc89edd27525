/* SPDX-License-Identifier: BSD-2-Clause */
/* The wires that join ports: pair and loop. Each frame arrives, waits, or is lost by name. */
#include "fake_nic.h"
#include <string.h>

static const uint8_t frame[100] = { 1, 2, 3 };

static struct wire *open_peer(struct nic *nic, const char *spec, struct wire *peer) {
    struct wire *wire = NULL;
    assert_int_equal(wire_open(&wire, spec, nic, peer), 0);
    return wire;
}

static bool transmit(struct wire *wire) {
    return wire->ops->transmit(wire, frame, sizeof frame);
}

static void test_pair_carries_both_ways(void **state) {
    struct nic a = { .room = 3, .keeps_frames = true }, b = { .room = 2, .keeps_frames = true };
    struct wire *wire_a = fake_nic_wire(&a, "pair"), *wire_b = open_peer(&b, "pair", wire_a);
    size_t bytes;
    (void)state;
    assert_true(transmit(wire_a));
    assert_true(transmit(wire_b));
    assert_true(transmit(wire_b));
    assert_memory_equal(fake_nic_frame(&b, 0, &bytes), frame, sizeof frame);
    assert_int_equal(bytes, sizeof frame);
    assert_int_equal(a.delivered, 2);
    assert_int_equal(wire_a->stats.out_frames, 1);
    assert_int_equal(wire_a->stats.in_frames, 2);
    assert_int_equal(wire_a->stats.in_bytes, 2 * sizeof frame);
    assert_int_equal(wire_b->stats.out_bytes, 2 * sizeof frame);
    assert_int_equal(wire_b->stats.in_frames, 1);

    assert_int_equal(a.deliver_dones, 0);
    assert_int_equal(wire_a->ops->poll(wire_a, 64), 2);
    assert_int_equal(wire_a->ops->poll(wire_a, 64), 0);
    assert_int_equal(a.deliver_dones, 1);
    assert_true(wire_a->ops->done(wire_a));
    wire_close(wire_a);
    wire_close(wire_b);
    fake_nic_forget(&a);
    fake_nic_forget(&b);
}

static void test_pair_waits_for_a_full_nic(void **state) {
    struct nic a = { 0 }, b = { .room = 1 };
    struct wire *wire_a = fake_nic_wire(&a, "pair"), *wire_b = open_peer(&b, "pair", wire_a);
    (void)state;
    assert_true(transmit(wire_a));
    assert_false(transmit(wire_a));
    assert_false(transmit(wire_a));
    assert_int_equal(wire_a->stats.out_frames, 1);
    assert_int_equal(wire_b->stats.in_frames, 1);
    b.room = 1;
    assert_true(transmit(wire_a));
    assert_int_equal(b.delivered, 2);
    assert_int_equal(b.missed, 0);
    wire_close(wire_b);
    wire_close(wire_a);
}

static void test_pair_loses_by_name_when_not_waiting(void **state) {
    struct nic a = { 0 }, b = { .room = 1 };
    struct wire *wire_a = fake_nic_wire(&a, "pair");
    struct wire *wire_b = open_peer(&b, "pair,wait=off", wire_a);
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(transmit(wire_a));
    assert_int_equal(wire_a->stats.out_frames, 5);
    assert_int_equal(wire_b->stats.in_frames, 5);
    assert_int_equal(wire_b->stats.lost_full, 4);
    assert_int_equal(b.missed, 4);
    assert_int_equal(b.delivered, 1);
    wire_close(wire_a);
    assert_true(transmit(wire_b)); /* into a cable without a far end */
    assert_int_equal(wire_b->stats.lost_far, 1);
    wire_close(wire_b);
}

static void test_pair_needs_a_free_pair(void **state) {
    struct nic nic = { 0 };
    struct wire *loop = fake_nic_wire(&nic, "loop"), *a = fake_nic_wire(&nic, "pair");
    struct wire *b = open_peer(&nic, "pair", a), *none = NULL;
    (void)state;
    assert_true(wire_open(&none, "pair", &nic, loop) < 0);
    assert_true(wire_open(&none, "pair", &nic, a) < 0);
    assert_null(none);
    wire_close(loop);
    wire_close(a);
    wire_close(b);
}

/* Loss is the cable's: a frame crosses a pair once, so it is judged once. */
static void test_pair_with_loss_conserves(void **state) {
    struct nic a = { 0 }, b = { .room = 8000 };
    struct wire *wire_a = fake_nic_wire(&a, "pair,loss=20,seed=3");
    struct wire *wire_b = open_peer(&b, "pair,loss=50,wait=off", wire_a);
    (void)state;
    for (int i = 0; i < 20000; i++)
        assert_true(transmit(wire_a));
    assert_int_equal(wire_b->stats.lost_injected, 0);
    assert_int_equal(b.delivered, 8000);
    assert_int_equal(wire_a->stats.out_frames,
                     wire_a->stats.lost_injected + wire_b->stats.lost_full + b.delivered);
    wire_close(wire_a);
    wire_close(wire_b);
}

static void test_loop_brings_back(void **state) {
    struct nic nic = { .room = 2, .keeps_frames = true };
    struct wire *waits = fake_nic_wire(&nic, "loop"), *loses = fake_nic_wire(&nic, "loop,wait=off");
    size_t bytes;
    (void)state;
    assert_true(transmit(waits));
    assert_memory_equal(fake_nic_frame(&nic, 0, &bytes), frame, sizeof frame);
    assert_int_equal(waits->ops->poll(waits, 64), 1);
    assert_true(transmit(loses));
    assert_false(transmit(waits));
    assert_true(transmit(loses));
    assert_int_equal(loses->stats.in_frames, 2);
    assert_int_equal(loses->stats.lost_full, 1);
    assert_int_equal(nic.missed, 1);
    assert_int_equal(waits->stats.in_frames, 1);
    assert_int_equal(waits->stats.out_frames, 1);
    wire_close(waits);
    wire_close(loses);
    fake_nic_forget(&nic);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_carries_both_ways),
        cmocka_unit_test(test_pair_waits_for_a_full_nic),
        cmocka_unit_test(test_pair_loses_by_name_when_not_waiting),
        cmocka_unit_test(test_pair_needs_a_free_pair),
        cmocka_unit_test(test_pair_with_loss_conserves),
        cmocka_unit_test(test_loop_brings_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
