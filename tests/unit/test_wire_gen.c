/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator and the sink: what one makes, the other must find intact, or say what befell it. */
#include "fake_nic.h"
#include <string.h>

#define SECOND_NS 1000000000ull

static uint64_t be(const uint8_t *at, int bytes) {
    uint64_t value = 0;
    while (bytes--)
        value = value << 8 | *at++;
    return value;
}

static uint16_t checksum(const uint8_t *at, uint32_t bytes, uint32_t sum) {
    for (uint32_t i = 0; i < bytes; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t poll(struct wire *wire) {
    return wire->ops->poll(wire, 64);
}

/* What a generator makes of `spec` until it is done, kept by `nic`. */
static void generate(struct nic *nic, const char *spec) {
    *nic = (struct nic){ .room = UINT64_MAX, .keeps_frames = true };
    struct wire *wire = fake_nic_wire(nic, spec);
    while (!wire->ops->done(wire))
        assert_true(poll(wire) > 0);
    assert_int_equal(fake_nic_wire_stats(wire).generated, nic->delivered);
    wire_close(wire);
}

static void test_the_frame_byte_by_byte(void **state) {
    struct nic nic;
    size_t bytes;
    (void)state;
    fake_clock_ns = 0x1122334455667788;
    generate(&nic, "gen,count=5,flows=2,stream=258");
    const uint8_t *frame = fake_nic_frame(&nic, 3, &bytes); /* second of the second flow */
    static const uint8_t want[] = {
        0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x02, 0x1e, 0xa7, 0x00, 0x00, 0x01, 0x08, 0x00, 0x45,
        0x00, 0x00, 0x2e, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 198,  18,   0,    2,
        198,  19,   0,    1,    0x04, 0x01, 0x00, 0x09, 0x00, 0x1a, 0x00, 0x00, 0x1e, 0xa7, 0x01,
        0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    };
    assert_int_equal(bytes, 60);
    assert_int_equal(checksum(frame + 14, 20, 0), 0);
    for (uint32_t i = 0; i < sizeof want; i++)
        if (i != 24 && i != 25) /* the IP checksum */
            assert_int_equal(frame[i], want[i]);
    fake_nic_forget(&nic);
}

static void test_sizes_flows_stamps_and_addresses(void **state) {
    struct nic nic;
    size_t bytes;
    (void)state;
    fake_clock_ns = 77;
    generate(&nic, "gen,count=90,flows=3,size=1518,stamp=4,dst=a:b:c:d:e:f,src=2:0:0:0:0:9");
    assert_int_equal(nic.delivered, 90);
    for (uint64_t i = 0; i < 90; i++) {
        const uint8_t *frame = fake_nic_frame(&nic, i, &bytes);
        assert_int_equal(bytes, 1514);
        assert_memory_equal(frame, "\x0a\x0b\x0c\x0d\x0e\x0f\x02\x00\x00\x00\x00\x09", 12);
        assert_int_equal(be(frame + 16, 2), 1500);
        assert_int_equal(be(frame + 38, 2), 1480);
        assert_int_equal(be(frame + 34, 2), 1024 + i % 3);
        assert_int_equal(be(frame + 44, 2), i % 3);
        assert_int_equal(be(frame + 46, 6), i / 3);
        assert_int_equal(be(frame + 52, 8), i % 4 ? 0 : 77);
        for (size_t at = 60; at < bytes; at++)
            assert_int_equal(frame[at], i / 3);
    }
    fake_nic_forget(&nic);
    generate(&nic, "gen,count=64513,flows=64513");
    assert_int_equal(be(fake_nic_frame(&nic, 64511, &bytes) + 34, 2), 65535);
    assert_int_equal(be(fake_nic_frame(&nic, 64512, &bytes) + 34, 2), 1024);
    fake_nic_forget(&nic);
    generate(&nic, "gen,count=2,stamp=0,size=65");
    assert_int_equal(be(fake_nic_frame(&nic, 0, &bytes) + 52, 8), 0);
    assert_int_equal(bytes, 61);
    fake_nic_forget(&nic);
}

static void test_waits_for_the_driver(void **state) {
    struct nic nic = { .room = UINT64_MAX, .not_ready = true };
    struct wire *wire = fake_nic_wire(&nic, "gen,rate=1000");
    (void)state;
    assert_int_equal(poll(wire), 0);
    fake_clock_ns += SECOND_NS;
    nic.not_ready = false;
    assert_int_equal(poll(wire), 0); /* the schedule begins only now */
    fake_clock_ns += SECOND_NS / 1000;
    assert_int_equal(poll(wire), 1);

    nic.not_ready = true; /* the driver has left, and another comes */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(poll(wire), 0);
        fake_clock_ns += SECOND_NS;
    }
    nic.not_ready = false;
    assert_int_equal(poll(wire), 0);
    fake_clock_ns += SECOND_NS / 1000;
    assert_int_equal(poll(wire), 1);
    wire_close(wire);
}

static void test_without_waiting_it_floods_whoever_was_there(void **state) {
    struct nic nic = { .room = UINT64_MAX, .not_ready = true };
    struct wire *wire = fake_nic_wire(&nic, "gen,wait=off");
    (void)state;
    assert_int_equal(poll(wire), 0);
    nic.not_ready = false;
    assert_int_equal(poll(wire), 32);
    nic.not_ready = true;
    assert_int_equal(poll(wire), 32);
    wire_close(wire);
}

/* At any moment exactly as many frames are out as the rate has made due since the start. */
static void test_pace_does_not_drift(void **state) {
    struct nic nic = { .room = UINT64_MAX };
    struct wire *wire = fake_nic_wire(&nic, "gen,rate=1488095");
    uint64_t start_ns = fake_clock_ns;
    (void)state;
    for (int turn = 0; turn < 200000; turn++) {
        assert_true(poll(wire) <= 32);
        fake_clock_ns += 9973;
    }
    assert_int_equal(poll(wire), 15);
    assert_int_equal(nic.delivered, (fake_clock_ns - start_ns) * 1488095 / SECOND_NS);
    wire_close(wire);
}

static void test_late_frames_are_made_up_for_in_bursts(void **state) {
    struct nic nic = { .room = UINT64_MAX };
    struct wire *wire = fake_nic_wire(&nic, "gen,rate=1M");
    (void)state;
    assert_int_equal(poll(wire), 0);
    fake_clock_ns += 100000;
    assert_int_equal(poll(wire), 32);
    assert_int_equal(poll(wire), 32);
    assert_int_equal(poll(wire), 32);
    assert_int_equal(poll(wire), 4);
    assert_int_equal(poll(wire), 0);
    wire_close(wire);
}

static void test_the_budget_is_kept(void **state) {
    struct nic nic = { .room = UINT64_MAX };
    struct wire *wire = fake_nic_wire(&nic, "gen"), *small = fake_nic_wire(&nic, "gen,burst=5");
    (void)state;
    assert_int_equal(wire->ops->poll(wire, 20), 20);
    assert_int_equal(fake_nic_wire_stats(wire).generated, 20);
    assert_int_equal(wire->ops->poll(wire, 20), 12);
    assert_int_equal(fake_nic_wire_stats(wire).generated, 32);
    assert_int_equal(poll(small), 5);
    wire_close(wire);
    wire_close(small);
}

/* Every number goes out once and in order, however often the NIC was full. */
static void test_a_full_nic_is_waited_for(void **state) {
    struct nic nic = { .keeps_frames = true };
    struct wire *wire = fake_nic_wire(&nic, "gen,count=1000,rate=1M");
    size_t bytes;
    (void)state;
    for (uint64_t turn = 0; !wire->ops->done(wire); turn++) {
        assert_true(turn < 10000);
        nic.room = turn % 7;
        fake_clock_ns += 100000;
        poll(wire);
    }
    assert_int_equal(nic.delivered, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(be(fake_nic_frame(&nic, i, &bytes) + 46, 6), i);
    struct wire_stats stats = fake_nic_wire_stats(wire);
    assert_int_equal(stats.generated, 1000);
    assert_int_equal(stats.in_frames, 1000);
    assert_int_equal(stats.lost_full + nic.missed, 0);
    wire_close(wire);
    fake_nic_forget(&nic);
}

/* While the NIC is full the schedule stands still: no flood afterwards. */
static void test_waiting_does_not_pile_up(void **state) {
    struct nic nic = { .room = 10 };
    struct wire *wire = fake_nic_wire(&nic, "gen,rate=1M");
    (void)state;
    poll(wire);
    fake_clock_ns += 12000;
    assert_int_equal(poll(wire), 10);
    fake_clock_ns += SECOND_NS;
    nic.room = UINT64_MAX;
    assert_int_equal(poll(wire), 2);
    fake_clock_ns += 3000;
    assert_int_equal(poll(wire), 3);
    wire_close(wire);
}

static void test_without_waiting_the_full_nic_loses_by_name(void **state) {
    struct nic nic = { .room = 700 };
    struct wire *wire = fake_nic_wire(&nic, "gen,count=1000,wait=off,loss=10");
    (void)state;
    while (!wire->ops->done(wire))
        poll(wire);
    struct wire_stats stats = fake_nic_wire_stats(wire);
    assert_int_equal(stats.generated, 1000);
    assert_int_equal(nic.delivered, 700);
    assert_int_equal(nic.missed, stats.lost_full);
    assert_in_range(stats.lost_injected, 50, 150);
    assert_int_equal(stats.generated, stats.lost_injected + stats.lost_full + nic.delivered);
    assert_int_equal(stats.in_frames, nic.delivered + stats.lost_full);
    wire_close(wire);
}

/* 100 frames of `spec` to damage on their way to a sink. */
static struct wire *set_up(struct nic *nic, const char *spec) {
    static struct nic far;
    generate(nic, spec);
    return fake_nic_wire(&far, "sink");
}

static void send(struct wire *sink, struct nic *nic, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; i++) {
        size_t bytes;
        const uint8_t *frame = fake_nic_frame(nic, i, &bytes);
        assert_true(sink->ops->transmit(sink, frame, (uint32_t)bytes));
    }
}

static void assert_found(struct wire *sink, struct nic *nic, uint64_t probes, uint64_t missing,
                         uint64_t duplicate, uint64_t reordered, uint64_t corrupt) {
    struct wire_stats stats = fake_nic_wire_stats(sink);
    assert_int_equal(stats.probes, probes);
    assert_int_equal(stats.missing, missing);
    assert_int_equal(stats.duplicate, duplicate);
    assert_int_equal(stats.reordered, reordered);
    assert_int_equal(stats.corrupt, corrupt);
    wire_close(sink);
    fake_nic_forget(nic);
}

static void test_sink_finds_all_in_order(void **state) {
    struct nic nic;
    struct wire *sink = set_up(&nic, "gen,count=100,flows=7,size=200");
    (void)state;
    send(sink, &nic, 0, 100);
    assert_int_equal(sink->stats.out_frames, 100);
    assert_int_equal(sink->stats.out_bytes, 19600);
    assert_int_equal(sink->ops->poll(sink, 64), 0);
    assert_true(sink->ops->done(sink));
    assert_found(sink, &nic, 100, 0, 0, 0, 0);
}

static void test_sink_finds_dropped_duplicated_and_swapped(void **state) {
    struct nic nic;
    struct wire *sink = set_up(&nic, "gen,count=100");
    (void)state;
    send(sink, &nic, 0, 10);
    send(sink, &nic, 11, 20); /* 10 is gone */
    send(sink, &nic, 19, 30); /* 19 came twice */
    send(sink, &nic, 31, 32);
    send(sink, &nic, 30, 31); /* after 31 */
    send(sink, &nic, 32, 100);
    assert_found(sink, &nic, 100, 1, 1, 1, 0);
}

/* Any one byte altered behind the addresses and before the number is noticed, as is the filling. */
static void test_sink_finds_altered_bytes(void **state) {
    struct nic nic;
    struct wire *sink = set_up(&nic, "gen,count=201,size=128");
    size_t bytes;
    uint64_t altered = 0;
    (void)state;
    send(sink, &nic, 0, 1);
    for (uint32_t at = 12; at < 124; at++) {
        bool checked = (at < 44 && (at < 34 || at > 37) && at != 40 && at != 41) || at >= 60;
        if (!checked)
            continue;
        altered++;
        uint8_t *byte = (uint8_t *)fake_nic_frame(&nic, altered, &bytes) + at;
        *byte ^= 0x10;
        send(sink, &nic, altered, altered + 1);
    }
    send(sink, &nic, altered + 1, altered + 2);
    struct wire_stats stats = fake_nic_wire_stats(sink);
    assert_int_equal(stats.missing, altered);
    uint64_t no_longer_probes = altered + 2 - stats.probes;
    assert_int_equal(stats.corrupt, altered - no_longer_probes);
    assert_int_equal(no_longer_probes, 6); /* ethertype, version, protocol, magic */
    assert_found(sink, &nic, stats.probes, altered, 0, 0, stats.corrupt);
}

static void test_sink_finds_cut_frames(void **state) {
    struct nic nic;
    struct wire *sink = set_up(&nic, "gen,count=100,size=128");
    (void)state;
    for (uint32_t bytes = 0; bytes < 124; bytes++) {
        size_t whole;
        uint8_t exact[124]; /* the sanitizer sees a read behind its end */
        memcpy(exact + 124 - bytes, fake_nic_frame(&nic, 0, &whole), bytes);
        sink->ops->transmit(sink, exact + 124 - bytes, bytes);
    }
    assert_found(sink, &nic, 64, 0, 0, 0, 64);
}

static void test_sink_ignores_what_is_no_probe(void **state) {
    struct nic nic;
    struct wire *sink = set_up(&nic, "gen,count=1");
    static const uint8_t zeros[1514];
    (void)state;
    for (uint32_t bytes = 0; bytes <= sizeof zeros; bytes++)
        sink->ops->transmit(sink, zeros, bytes);
    assert_int_equal(sink->stats.out_frames, sizeof zeros + 1);
    assert_found(sink, &nic, 0, 0, 0, 0, 0);
}

static void test_sink_takes_ipv6(void **state) {
    struct nic nic;
    struct wire *sink = set_up(&nic, "gen,count=1");
    uint8_t frame[83] = { [12] = 0x86, 0xdd, 0x60, 0, 0, 0, 0, 29, 17, 64, 0xfe, 0x80 };
    (void)state;
    frame[14 + 40 + 5] = 29;
    frame[62] = 0x1e;
    frame[63] = 0xa7;
    memset(frame + 80, 0, 3);
    uint16_t sum = checksum(frame + 22, 61, 29 + 17);
    frame[60] = (uint8_t)(sum >> 8);
    frame[61] = (uint8_t)sum;
    sink->ops->transmit(sink, frame, sizeof frame);
    assert_int_equal(fake_nic_wire_stats(sink).corrupt, 0);
    frame[30] ^= 1;
    sink->ops->transmit(sink, frame, sizeof frame);
    frame[30] ^= 1;
    sink->ops->transmit(sink, frame, sizeof frame - 1); /* cut */
    assert_found(sink, &nic, 3, 0, 0, 0, 2);

    sink = set_up(&nic, "gen,count=1");
    frame[14 + 40 + 5]--; /* the two lengths differ, the checksum does not tell */
    frame[61]++;
    sink->ops->transmit(sink, frame, sizeof frame);
    frame[20] = 6; /* TCP */
    sink->ops->transmit(sink, frame, sizeof frame);
    assert_found(sink, &nic, 1, 0, 0, 0, 1);
}

/* One reading of the clock serves a turn, and 32 frames at most. */
static void test_latency(void **state) {
    struct nic nic;
    fake_clock_ns = 5000;
    struct wire *sink = set_up(&nic, "gen,count=100,stamp=2");
    (void)state;
    fake_clock_ns = 5010;
    send(sink, &nic, 0, 2);
    fake_clock_ns = 5020;
    send(sink, &nic, 2, 64); /* 32 of the 64 are stamped */
    assert_int_equal(fake_nic_wire_stats(sink).latency_max_ns, 10);
    send(sink, &nic, 64, 66);
    assert_int_equal(fake_nic_wire_stats(sink).latency_max_ns, 20);
    fake_clock_ns = 5030;
    sink->ops->poll(sink, 64);
    send(sink, &nic, 66, 68);
    assert_int_equal(fake_nic_wire_stats(sink).latency_max_ns, 30);
    fake_clock_ns = 4000; /* read before the stamp: counts as 0 */
    sink->ops->poll(sink, 64);
    send(sink, &nic, 68, 100);
    struct wire_stats stats = fake_nic_wire_stats(sink);
    assert_int_equal(stats.latency_count, 50);
    assert_int_equal(stats.latency_p50_ns, 10);
    assert_int_equal(stats.latency_p99_ns, 30);
    assert_int_equal(stats.latency_max_ns, 30);
    assert_found(sink, &nic, 100, 0, 0, 0, 0);
}

/* A generator is a sink as well: of what it sent through a forwarder with a leak. */
static void test_generator_checks_what_comes_back(void **state) {
    struct nic nic = { .room = UINT64_MAX, .keeps_frames = true };
    struct wire *wire = fake_nic_wire(&nic, "gen,count=1000");
    (void)state;
    while (!wire->ops->done(wire))
        poll(wire);
    for (uint64_t i = 0; i < 1000; i++)
        if (i % 100 != 50)
            send(wire, &nic, i, i + 1);
    struct wire_stats stats = fake_nic_wire_stats(wire);
    assert_int_equal(stats.missing, 10);
    assert_int_equal(stats.latency_max_ns, 0);
    fake_clock_ns += 500;
    poll(wire); /* a turn: the clock is read again */
    send(wire, &nic, 50, 51);
    stats = fake_nic_wire_stats(wire);
    assert_int_equal(stats.latency_max_ns, 500);
    assert_int_equal(stats.generated, stats.probes + stats.missing);
    wire_close(wire);
    fake_nic_forget(&nic);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_frame_byte_by_byte),
        cmocka_unit_test(test_sizes_flows_stamps_and_addresses),
        cmocka_unit_test(test_waits_for_the_driver),
        cmocka_unit_test(test_without_waiting_it_floods_whoever_was_there),
        cmocka_unit_test(test_pace_does_not_drift),
        cmocka_unit_test(test_late_frames_are_made_up_for_in_bursts),
        cmocka_unit_test(test_the_budget_is_kept),
        cmocka_unit_test(test_a_full_nic_is_waited_for),
        cmocka_unit_test(test_waiting_does_not_pile_up),
        cmocka_unit_test(test_without_waiting_the_full_nic_loses_by_name),
        cmocka_unit_test(test_sink_finds_all_in_order),
        cmocka_unit_test(test_sink_finds_dropped_duplicated_and_swapped),
        cmocka_unit_test(test_sink_finds_altered_bytes),
        cmocka_unit_test(test_sink_finds_cut_frames),
        cmocka_unit_test(test_sink_ignores_what_is_no_probe),
        cmocka_unit_test(test_sink_takes_ipv6),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_generator_checks_what_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
