/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe frames, the flows that they belong to, their sequence and their pace. */
#include "cmd/flows.h"
#include "cmd/pacer.h"
#include "cmd/probe_frame.h"
#include "cmd/sequence.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it. */
#include <cmocka.h>

static const struct probe sample = { 0x1234, 0xabcdef012345, 0x1122334455667788 };

static void the_smallest_frame_is_as_documented(void **state) {
    (void)state;
    /* Checksums by hand: the IPv4 header's is 0x66bd (RFC 1071). */
    static const uint8_t expected[60] = {
        2,    0,    0,    0,    0,    2,    2,    0,    0,    0,    0,    1,    0x08, 0x00, 0x45,
        0,    0,    46,   0,    0,    0,    0,    64,   17,   0x66, 0xbd, 10,   0,    0,    1,
        10,   0,    0,    2,    0x04, 0x00, 0,    9,    0,    26,   0,    0,    0x1e, 0xa7, 0x12,
        0x34, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    };
    struct flows flows;
    uint8_t frame[60];
    flows_init(&flows);
    assert_true(flows_start(&flows));
    assert_int_equal(probe_bytes_min(&flows.flow), 60);
    probe_make(frame, 60, &flows.flow, &sample);
    assert_memory_equal(frame, expected, 60);
}

/* All four shapes: IPv4 and IPv6, with and without a tag. */
static struct flows shape(int i) {
    struct flows flows;
    flows_init(&flows);
    if (i & 1) {
        assert_true(flows_parse_addresses(&flows, &flows.src, "2001:db8::1-2001:db8::5"));
        assert_true(flows_parse_addresses(&flows, &flows.dst, "::9"));
    }
    flows.flow.tagged = i & 2;
    if (i & 2)
        assert_true(flows_parse_numbers(&flows.vlan, "7-8", 4094));
    assert_true(flows_start(&flows));
    return flows;
}

static void what_is_made_is_read(void **state) {
    (void)state;
    static const uint32_t least[] = { 60, 80, 64, 84 };
    for (int i = 0; i < 4; i++) {
        const struct flows flows = shape(i);
        assert_int_equal(probe_bytes_min(&flows.flow), least[i]);
        for (uint32_t bytes = least[i]; bytes < 1600; bytes += 37) {
            uint8_t frame[1600];
            const struct leat_pkt pkt = { .data = frame, .len = (uint16_t)bytes };
            struct probe probe;
            probe_make(frame, bytes, &flows.flow, &sample);
            assert_int_equal(probe_read(&pkt, 1, &probe), PROBE_GOOD);
            assert_int_equal(probe.stream, sample.stream);
            assert_true(probe.sequence == sample.sequence);
            assert_true(probe.time_ns == sample.time_ns);
        }
    }
}

/* Of the IPv4 header, the UDP length and the filling every flipped bit is noticed; with IPv6 its
 * UDP checksum covers the ports and the probe, too. */
static void every_altered_bit_is_noticed(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct flows flows = shape(i);
        uint8_t frame[120];
        struct leat_pkt pkt = { .data = frame, .len = sizeof(frame) };
        struct probe probe;
        uint32_t payload = i ? 62 : 42, from = i ? 54 : 14;
        probe_make(frame, sizeof(frame), &flows.flow, &sample);
        for (uint32_t bit = from * 8; bit < sizeof(frame) * 8; bit++) {
            uint32_t byte = bit / 8;
            bool covered = i ? true : byte < 34 || byte == 38 || byte == 39 || byte >= payload + 18;
            if (!covered)
                continue;
            frame[byte] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(probe_read(&pkt, 1, &probe), PROBE_GOOD);
            frame[byte] ^= (uint8_t)(1 << bit % 8);
        }
        pkt.len--;
        assert_int_not_equal(probe_read(&pkt, 1, &probe), PROBE_GOOD);
    }
}

static void frames_of_several_buffers(void **state) {
    (void)state;
    const struct flows flows = shape(1);
    uint8_t frame[3000];
    struct leat_pkt pkts[3] = { { .data = frame, .len = 1000, .flags = LEAT_PKT_MORE },
                                { .data = frame + 1000, .len = 1000, .flags = LEAT_PKT_MORE },
                                { .data = frame + 2000, .len = 1000 } };
    struct probe probe;
    probe_make(frame, sizeof(frame), &flows.flow, &sample);
    assert_int_equal(probe_read(pkts, 3, &probe), PROBE_GOOD);
    frame[2999] ^= 1;
    assert_int_equal(probe_read(pkts, 3, &probe), PROBE_ALTERED);
    frame[2999] ^= 1;
    pkts[1].len--;
    assert_int_equal(probe_read(pkts, 3, &probe), PROBE_ALTERED);
}

static void other_frames_are_left_alone(void **state) {
    (void)state;
    const struct flows flows = shape(0);
    uint8_t frame[60];
    struct probe probe;
    probe_make(frame, sizeof(frame), &flows.flow, &sample);
    for (uint16_t len = 0; len < sizeof(frame); len++) {
        const struct leat_pkt cut = { .data = frame, .len = len };
        assert_int_equal(probe_read(&cut, 1, &probe), PROBE_OTHER);
    }
    const struct leat_pkt pkt = { .data = frame, .len = sizeof(frame) };
    frame[23] = 6; /* TCP */
    assert_int_equal(probe_read(&pkt, 1, &probe), PROBE_OTHER);
    frame[23] = 17;
    frame[42] ^= 0xff; /* no magic */
    assert_int_equal(probe_read(&pkt, 1, &probe), PROBE_OTHER);
}

static void flows_are_all_combinations(void **state) {
    (void)state;
    struct flows flows;
    flows_init(&flows);
    assert_true(flows_parse_addresses(&flows, &flows.src, "10.1.0.255-10.1.1.1"));
    assert_true(flows_parse_addresses(&flows, &flows.dst, "10.2.0.1-10.2.0.2"));
    assert_true(flows_parse_numbers(&flows.sport, "65534-65535", 65535));
    assert_true(flows_parse_numbers(&flows.dport, "5", 65535));
    assert_true(flows_parse_numbers(&flows.vlan, "1-2", 4094));
    assert_true(flows_start(&flows));
    assert_int_equal(flows_count(&flows), 24);
    static const uint8_t sources[3][4] = { { 10, 1, 0, 255 }, { 10, 1, 1, 0 }, { 10, 1, 1, 1 } };
    for (unsigned i = 0; i < 48; i++) {
        const struct probe_flow *flow = &flows.flow;
        assert_memory_equal(flow->src, sources[i % 3], 4);
        assert_int_equal(flow->dst[3], 1 + i / 3 % 2);
        assert_int_equal(flow->sport, 65534 + i / 6 % 2);
        assert_int_equal(flow->dport, 5);
        assert_int_equal(flow->vlan, 1 + i / 12 % 2);
        flows_next(&flows);
    }
}

static void wrong_ranges_are_refused(void **state) {
    (void)state;
    static const char *const addresses[] = { "",
                                             "10.0.0",
                                             "10.0.0.2-10.0.0.1",
                                             "10.0.0.1-",
                                             "10.0.0.1-::1",
                                             "fd00::1-fd01::1",
                                             "10.0.0.1-10.0.0.2-10.0.0.3",
                                             "::-::ffff:ffff:ffff:ffff",
                                             "x" };
    static const char *const numbers[] = { "", "-1", "2-1", "1-", "65536", "1-65536", "1x", "x" };
    struct flows flows;
    flows_init(&flows);
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        if (flows_parse_addresses(&flows, &flows.src, addresses[i]))
            fail_msg("'%s' was taken", addresses[i]);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (flows_parse_numbers(&flows.sport, numbers[i], 65535))
            fail_msg("'%s' was taken", numbers[i]);
    uint8_t mac[6];
    assert_true(flows_parse_mac(mac, "02:00:5e:00:00:Ff"));
    assert_memory_equal(mac, ((uint8_t[]){ 2, 0, 0x5e, 0, 0, 0xff }), 6);
    assert_false(flows_parse_mac(mac, "02:00:5e:00:00"));
    assert_false(flows_parse_mac(mac, "02:00:5e:00:00:f"));
    assert_false(flows_parse_mac(mac, "02:00:5e:00:00:ff:"));
    flows_init(&flows);
    assert_true(flows_parse_addresses(&flows, &flows.dst, "::1"));
    assert_false(flows_start(&flows)); /* the source is still IPv4 */
}

static void check_all(struct sequence *sequence, const uint64_t *numbers, size_t n) {
    for (size_t i = 0; i < n; i++)
        sequence_check(sequence, numbers[i]);
}

#define CHECK(sequence, ...)                               \
    check_all(sequence, (const uint64_t[]){ __VA_ARGS__ }, \
              sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void expect(const struct sequence *sequence, uint64_t missing, uint64_t duplicate,
                   uint64_t reordered) {
    assert_int_equal(sequence->missing, missing);
    assert_int_equal(sequence->duplicate, duplicate);
    assert_int_equal(sequence->reordered, reordered);
}

static void sequences_are_judged(void **state) {
    (void)state;
    static struct sequence sequence;
    sequence_start(&sequence, 0);
    CHECK(&sequence, 0, 1, 2, 3);
    expect(&sequence, 0, 0, 0);
    CHECK(&sequence, 6, 7);
    expect(&sequence, 2, 0, 0);
    CHECK(&sequence, 5);
    expect(&sequence, 1, 0, 1);
    CHECK(&sequence, 5, 0, 7);
    expect(&sequence, 1, 3, 1);
    CHECK(&sequence, 4, 8);
    expect(&sequence, 0, 3, 2);

    sequence_start(&sequence, 100);
    CHECK(&sequence, 102);
    expect(&sequence, 2, 0, 0);
    CHECK(&sequence, 99); /* before the start: not known to be missing */
    expect(&sequence, 2, 1, 0);
}

static void sequences_beyond_the_window(void **state) {
    (void)state;
    static struct sequence sequence;
    sequence_start(&sequence, 0);
    CHECK(&sequence, 0, SEQUENCE_WINDOW, 1);
    expect(&sequence, SEQUENCE_WINDOW - 2, 0, 1);
    CHECK(&sequence, 0); /* too old to tell, and it did come */
    expect(&sequence, SEQUENCE_WINDOW - 2, 1, 1);
    CHECK(&sequence, 10 * SEQUENCE_WINDOW);
    expect(&sequence, 10 * SEQUENCE_WINDOW - 3, 1, 1);
    CHECK(&sequence, 9 * SEQUENCE_WINDOW + 1, 9 * SEQUENCE_WINDOW);
    expect(&sequence, 10 * SEQUENCE_WINDOW - 4, 2, 2);
}

/* Every number once, in an order shuffled within blocks: whatever it is, nothing is missing. */
static void a_shuffled_sequence_is_whole(void **state) {
    (void)state;
    enum { BLOCK = 1000, BLOCKS = 50 };
    static struct sequence sequence;
    const char *seed = getenv("LEAT_SEED");
    unsigned start = seed ? (unsigned)strtoul(seed, NULL, 10) : 20261121;
    print_message("LEAT_SEED=%u\n", start);
    srand(start);
    sequence_start(&sequence, 0);
    for (uint64_t block = 0; block < BLOCKS; block++) {
        uint64_t numbers[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            int j = rand() % (i + 1);
            numbers[i] = numbers[j];
            numbers[j] = block * BLOCK + (uint64_t)i;
        }
        check_all(&sequence, numbers, BLOCK);
    }
    assert_int_equal(sequence.missing, 0);
    assert_int_equal(sequence.duplicate, 0);
    assert_true(sequence.reordered > 0);
    assert_int_equal(sequence.next, BLOCK * BLOCKS);
}

static void pace_does_not_drift(void **state) {
    (void)state;
    static const uint64_t rates[] = { 1, 3, 999, 14880952, 10000000000 };
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct pacer pacer;
        uint64_t now = 123456789, taken = 0, step = 999983; /* a prime: looks at odd times */
        pacer_start(&pacer, rates[i], now);
        for (int look = 0; look < 200000; look++) {
            now += step;
            pacer_look(&pacer, now);
            uint64_t cost = rates[i] / 1000 + 1;
            while (pacer_take(&pacer, cost))
                taken += cost;
        }
        /* Exactly what the rate gives in the time, less what is not a whole frame. */
        uint64_t due = (uint64_t)((unsigned __int128)(now - 123456789) * rates[i] / NS_PER_S);
        assert_true(taken <= due && due - taken <= rates[i] / 1000 + 1);
    }
}

static void flat_out_is_always_due(void **state) {
    (void)state;
    struct pacer pacer;
    pacer_start(&pacer, 0, 5);
    for (int i = 0; i < 1000; i++)
        assert_true(pacer_take(&pacer, 12304));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_frame_is_as_documented),
        cmocka_unit_test(what_is_made_is_read),
        cmocka_unit_test(every_altered_bit_is_noticed),
        cmocka_unit_test(frames_of_several_buffers),
        cmocka_unit_test(other_frames_are_left_alone),
        cmocka_unit_test(flows_are_all_combinations),
        cmocka_unit_test(wrong_ranges_are_refused),
        cmocka_unit_test(sequences_are_judged),
        cmocka_unit_test(sequences_beyond_the_window),
        cmocka_unit_test(a_shuffled_sequence_is_whole),
        cmocka_unit_test(pace_does_not_drift),
        cmocka_unit_test(flat_out_is_always_due),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
