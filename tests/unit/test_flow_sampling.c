/* SPDX-License-Identifier: BSD-2-Clause */
/* Sampling: what is parsed, and that each kind takes the packets that it announces. */
#include "lib/flow/sampling.h"
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct leat_flow_sampling parse(const char *text) {
    struct leat_flow_sampling sampling;
    assert_int_equal(leat_flow_sampling_parse(&sampling, text), 0);
    return sampling;
}

static void test_what_is_parsed(void **state) {
    (void)state;
    struct leat_flow_sampling sampling = parse("1/100");
    assert_int_equal(sampling.kind, LEAT_FLOW_SAMPLING_COUNT);
    assert_int_equal(sampling.interval, 1);
    assert_int_equal(sampling.space, 99);
    sampling = parse("random:3/4294967295");
    assert_int_equal(sampling.kind, LEAT_FLOW_SAMPLING_RANDOM);
    assert_int_equal(sampling.size, 3);
    assert_int_equal(sampling.population, UINT32_MAX);
    assert_int_equal(parse("uniform:1/2").kind, LEAT_FLOW_SAMPLING_UNIFORM);
    sampling = parse("hash:5/7:18446744073709551615");
    assert_int_equal(sampling.kind, LEAT_FLOW_SAMPLING_HASH);
    assert_int_equal(sampling.seed, UINT64_MAX);
}

static void test_what_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",        "1",         "1/",       "/1",
        "0/5",     "6/5",       "1/5x",     " 1/5",
        "-1/5",    "1/-5",      "+1/5",     "1/4294967296",
        "hash:1",  "1/5:3",     "hash:1/5", "hash:1/5:",
        "all:1/5", "random1/5", "1/ 5",     "hash:1/5:18446744073709551616",
    };
    struct leat_flow_sampling sampling = { .seed = 42 };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(leat_flow_sampling_parse(&sampling, wrong[i]), -EINVAL);
        assert_non_null(strstr(leat_error(), wrong[i]));
    }
    assert_int_equal(sampling.seed, 42);
}

static void test_count_is_systematic(void **state) {
    (void)state;
    struct leat_flow_sampling sampling = parse("3/10");
    struct leat_flow_sampler sampler;
    leat_flow_sampler_init(&sampler, &sampling);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(leat_flow_sampler_next(&sampler), i % 10 < 3);

    sampling = parse("7/7");
    leat_flow_sampler_init(&sampler, &sampling);
    for (uint32_t i = 0; i < 100; i++)
        assert_true(leat_flow_sampler_next(&sampler));
}

static void test_random_takes_exactly_n_of_each_population(void **state) {
    (void)state;
    struct leat_flow_sampling sampling = parse("random:5/40");
    struct leat_flow_sampler sampler;
    uint32_t taken_at[40] = { 0 };
    sampling.seed = 1;
    leat_flow_sampler_init(&sampler, &sampling);
    for (uint32_t population = 0; population < 4000; population++) {
        uint32_t taken = 0;
        for (uint32_t i = 0; i < 40; i++) {
            bool yes = leat_flow_sampler_next(&sampler);
            taken += yes;
            taken_at[i] += yes;
        }
        assert_int_equal(taken, 5);
    }
    for (uint32_t i = 0; i < 40; i++) /* 500 each, with a deviation of 21 */
        assert_in_range(taken_at[i], 400, 600);
}

static void test_uniform_takes_its_share(void **state) {
    (void)state;
    struct leat_flow_sampling sampling = parse("uniform:1/4");
    struct leat_flow_sampler first, again, other;
    sampling.seed = 7;
    leat_flow_sampler_init(&first, &sampling);
    leat_flow_sampler_init(&again, &sampling);
    sampling.seed = 8;
    leat_flow_sampler_init(&other, &sampling);
    uint32_t taken = 0, different = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        bool yes = leat_flow_sampler_next(&first);
        assert_int_equal(leat_flow_sampler_next(&again), yes);
        different += leat_flow_sampler_next(&other) != yes;
        taken += yes;
    }
    assert_in_range(taken, 24000, 26000); /* a deviation of 137 */
    assert_true(different > 10000);
}

struct frame {
    uint8_t ip[20], udp[8];
};

static struct leat_flow_packet udp_packet(struct frame *frame, uint32_t number) {
    memset(frame, 0, sizeof(*frame));
    frame->ip[0] = 0x45;
    leat_put_be16(frame->ip + 4, number & 0xffff);
    leat_put_be32(frame->ip + 12, 0x0a000000 + (number >> 16));
    leat_put_be16(frame->udp + 4, 8);
    return (struct leat_flow_packet){ .key4.protocol = LEAT_PROTO_UDP,
                                      .ip = frame->ip,
                                      .l4 = frame->udp,
                                      .l4_bytes = 8,
                                      .octets = 28,
                                      .flags = LEAT_FLOW_L4 };
}

static void test_hash_is_the_same_at_every_probe(void **state) {
    (void)state;
    struct leat_flow_sampling sampling = parse("hash:1/10:99"), others = parse("hash:1/10:98");
    struct leat_flow_sampler here, there, other;
    struct frame frame;
    uint32_t taken = 0, both = 0;
    leat_flow_sampler_init(&here, &sampling);
    leat_flow_sampler_init(&there, &sampling);
    leat_flow_sampler_init(&other, &others);
    for (uint32_t i = 0; i < 100000; i++) {
        struct leat_flow_packet packet = udp_packet(&frame, i);
        bool yes = leat_flow_sampler_takes(&here, &packet);
        both += yes && leat_flow_sampler_takes(&other, &packet);
        frame.ip[8] = 3; /* a hop on: another TTL, header checksum, TOS; and a checksum completed */
        frame.ip[1] = frame.ip[10] = frame.udp[6] = 0x55;
        packet.ttl = 3;
        assert_int_equal(leat_flow_sampler_takes(&there, &packet), yes);
        taken += yes;
    }
    assert_in_range(taken, 9500, 10500); /* a deviation of 95 */
    assert_in_range(both, 800, 1200);    /* independent: a tenth of a tenth */
}

static void test_hash_tells_packets_apart_by_each_part(void **state) {
    (void)state;
    struct leat_flow_sampling sampling = parse("hash:1/2:5");
    struct leat_flow_sampler sampler;
    static const struct {
        uint8_t l4, offset;
    } parts[] = { { 0, 4 }, { 0, 13 }, { 0, 18 }, { 1, 1 }, { 1, 2 }, { 1, 5 } };
    leat_flow_sampler_init(&sampler, &sampling);
    for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
        uint32_t changed = 0;
        for (uint32_t i = 0; i < 1000; i++) {
            struct frame frame;
            struct leat_flow_packet packet = udp_packet(&frame, i);
            bool before = leat_flow_sampler_takes(&sampler, &packet);
            *((parts[p].l4 ? frame.udp : frame.ip) + parts[p].offset) ^= 1;
            changed += leat_flow_sampler_takes(&sampler, &packet) != before;
        }
        assert_in_range(changed, 400, 600);
    }
}

static void test_hash_reads_no_byte_beyond_a_short_header(void **state) {
    (void)state;
    struct leat_flow_sampling sampling = parse("hash:1/2:5");
    struct leat_flow_sampler sampler;
    struct frame frame;
    leat_flow_sampler_init(&sampler, &sampling);
    for (uint32_t i = 0; i < 200; i++) {
        struct leat_flow_packet packet = udp_packet(&frame, i);
        packet.key4.protocol = 200;
        packet.l4_bytes = (uint16_t)(i % 6);
        bool before = leat_flow_sampler_takes(&sampler, &packet);
        memset(frame.udp + packet.l4_bytes, 0xff, sizeof(frame.udp) - packet.l4_bytes);
        assert_int_equal(leat_flow_sampler_takes(&sampler, &packet), before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_parsed),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_count_is_systematic),
        cmocka_unit_test(test_random_takes_exactly_n_of_each_population),
        cmocka_unit_test(test_uniform_takes_its_share),
        cmocka_unit_test(test_hash_is_the_same_at_every_probe),
        cmocka_unit_test(test_hash_tells_packets_apart_by_each_part),
        cmocka_unit_test(test_hash_reads_no_byte_beyond_a_short_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
