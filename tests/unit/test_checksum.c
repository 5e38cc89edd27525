/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums agree with the RFCs' examples, with a naive reference, and with the frames that scapy built.
 */
#include "frames.h"
#include "lib/packet/crc32c.h"
#include <errno.h>
#include <leat/checksum.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 1071 word by word: the checksum over the bytes, the last one padded. */
static uint16_t naive_checksum(const uint8_t *bytes, uint32_t n) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return (uint16_t)~sum;
}

/* Bit by bit. */
static uint32_t naive_crc32c(const uint8_t *bytes, uint32_t n) {
    uint32_t crc = 0xffffffff;
    for (uint32_t i = 0; i < 8 * n; i++) {
        uint32_t bit = (bytes[i / 8] >> i % 8 & 1) ^ (crc & 1);
        crc = crc >> 1 ^ (bit ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static void examples_of_the_rfcs(void **state) {
    (void)state;
    static const uint8_t rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
    assert_int_equal(leat_sum_fold(leat_sum(rfc1071, 8)), 0xddf2);
    assert_int_equal(leat_sum_finish(leat_sum(rfc1071, 8)), 0x220d);
    assert_int_equal(leat_checksum_update16(0xdd2f, 0x5555, 0x3285), 0x0000); /* RFC 1624, 4 */

    uint8_t bytes[32] = { 0 }; /* RFC 3720, B.4 */
    assert_int_equal(leat_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(leat_crc32c(0, bytes, 32), 0x62a8ab43);
    assert_int_equal(leat_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(leat_crc32c(leat_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void sums_of_every_length_and_alignment(void **state) {
    (void)state;
    uint8_t bytes[400];
    random_bytes(bytes, sizeof(bytes));
    for (uint32_t start = 0; start < 16; start++)
        for (uint32_t n = 0; n < 300; n++) {
            assert_int_equal(leat_sum_finish(leat_sum(bytes + start, n)),
                             naive_checksum(bytes + start, n));
            assert_int_equal(leat_crc32c(0, bytes + start, n), naive_crc32c(bytes + start, n));
            assert_int_equal(~leat_crc32c_table(~0u, bytes + start, n),
                             naive_crc32c(bytes + start, n));
        }
}

static void carries_are_not_lost(void **state) {
    (void)state;
    static uint8_t bytes[65536];
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(leat_sum_fold(leat_sum(bytes, sizeof(bytes))), 0xffff);
    assert_int_equal(leat_sum_fold(leat_sum(bytes, 65535)), 0xff00);
    for (uint32_t i = 0; i < 2000; i++) {
        uint8_t numbers[16];
        uint64_t a, b;
        random_bytes(numbers, 16);
        memset(numbers, 0xff, random_below(17));
        memcpy(&a, numbers, 8);
        memcpy(&b, numbers + 8, 8);
        assert_int_equal(leat_sum_finish(leat_sum_add(a, b)), naive_checksum(numbers, 16));
        assert_int_equal(leat_sum_finish(a), naive_checksum(numbers, 8));
    }
}

static void pseudo_headers_are_summed_as_they_lie(void **state) {
    (void)state;
    uint8_t ip[40], pseudo[40] = { 0 };
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t bytes = random_below(1 << 20);
        random_bytes(ip, 40);
        memcpy(pseudo, ip + 8, 32); /* RFC 8200, 8.1 */
        leat_put_be32(pseudo + 32, bytes);
        pseudo[39] = ip[6];
        assert_int_equal(leat_sum_finish(leat_sum_pseudo6(ip, ip + 24, ip[6], bytes)),
                         naive_checksum(pseudo, 40));
        memcpy(pseudo, ip + 12, 8); /* RFC 768 */
        pseudo[8] = 0;
        pseudo[9] = ip[9];
        leat_put_be16(pseudo + 10, bytes);
        assert_int_equal(leat_sum_finish(leat_sum_pseudo4(ip, ip[9], bytes & 0xffff)),
                         naive_checksum(pseudo, 12));
    }
}

static void frames_of_several_buffers_with_odd_joins(void **state) {
    (void)state;
    uint8_t bytes[FRAME_MAX], storage[FRAME_MAX];
    struct leat_pkt pkts[8];
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t len = random_below(FRAME_MAX);
        random_bytes(bytes, len);
        uint32_t n = scatter(pkts, 8, storage, bytes, len, 0);
        uint32_t end = random_below(len + 1), offset = random_below(end + 1);
        uint64_t sum = 0;
        assert_int_equal(leat_frame_sum(pkts, n, offset, end, &sum), 0);
        assert_int_equal(leat_sum_finish(sum), naive_checksum(bytes + offset, end - offset));
        assert_int_equal(leat_frame_sum(pkts, n, offset, len + 1, &sum), -EMSGSIZE);
        if (n > 1 && pkts[n - 1].len)
            assert_int_equal(leat_frame_sum(pkts, n - 1, 0, len, &sum), -EMSGSIZE);
    }
}

static void updates_agree_with_summing_again(void **state) {
    (void)state;
    uint8_t header[60];
    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t bytes = 20 + 4 * random_below(11);
        random_bytes(header, bytes);
        header[0] = (uint8_t)(0x40 | bytes / 4);
        leat_put_be16(header + 10, leat_ip4_checksum(header, bytes));
        assert_true(leat_ip4_checksum_ok(header, bytes));
        uint16_t before = leat_be16(header + 10), from16 = leat_be16(header + 8);
        uint32_t from32 = leat_be32(header + 12);
        leat_put_be16(header + 10, 0);
        assert_int_equal(before, naive_checksum(header, bytes));

        random_bytes(header + 8, 2);
        random_bytes(header + 12, 4);
        uint16_t after = leat_checksum_update16(before, from16, leat_be16(header + 8));
        after = leat_checksum_update32(after, from32, leat_be32(header + 12));
        assert_int_equal(after, naive_checksum(header, bytes));
        leat_put_be16(header + 10, after ^ (1u << random_below(16)));
        assert_false(leat_ip4_checksum_ok(header, bytes));
    }
}

static void updates_carry_twice_where_they_must(void **state) {
    (void)state;
    static const uint16_t extremes[] = { 0, 1, 2, 0x7fff, 0x8000, 0xfffd, 0xfffe, 0xffff };
    for (int i = 0; i < 8 * 8 * 8; i++) {
        uint16_t checksum = extremes[i % 8], from = extremes[i / 8 % 8], to = extremes[i / 64];
        uint8_t words[6];
        leat_put_be16(words, (uint16_t)~checksum);
        leat_put_be16(words + 2, (uint16_t)~from);
        leat_put_be16(words + 4, to);
        assert_int_equal(leat_checksum_update16(checksum, from, to), naive_checksum(words, 6));
    }
}

static struct leat_headers parse(const struct leat_pkt *pkt) {
    struct leat_headers h;
    assert_int_equal(leat_parse(pkt->data, pkt->data + pkt->len, &h), LEAT_PROBLEM_NONE);
    return h;
}

static void scapys_checksums_are_right_and_flipped_bits_are_not(void **state) {
    (void)state;
    uint8_t storage[FRAME_MAX];
    struct leat_pkt pkts[6];
    uint32_t count, n, verified = 0;
    const struct frame *all = frames(&count);
    for (const struct frame *f = all; f < all + count; f++)
        for (uint32_t round = 0; round < 20; round++) {
            n = scatter(pkts, 6, storage, f->bytes, f->len, f->expected.payload);
            struct leat_headers h = parse(&pkts[0]);
            enum leat_verdict verdict = leat_l4_verify(pkts, n, &h);
            if (!f->checksum) {
                assert_true(verdict == LEAT_CHECKSUM_UNKNOWN || verdict == LEAT_CHECKSUM_NONE);
                continue;
            }
            if (verdict != LEAT_CHECKSUM_OK)
                fail_msg("%s: verdict %d", f->name, verdict);
            verified++;
            if (h.end == h.payload)
                continue;
            storage[h.payload + random_below(h.end - h.payload)] ^= (uint8_t)(1 << random_below(8));
            assert_int_equal(leat_l4_verify(pkts, n, &h), LEAT_CHECKSUM_BAD);
        }
    assert_true(verified > 20 * 20);
}

static void udp_may_have_none_over_ipv4_alone(void **state) {
    (void)state;
    static const char *const names[] = { "udp4", "udp6" };
    uint8_t bytes[FRAME_MAX];
    for (int i = 0; i < 2; i++) {
        const struct frame *f = frame_named(names[i]);
        struct leat_pkt pkt = { .data = bytes, .len = (uint16_t)f->len };
        memcpy(bytes, f->bytes, f->len);
        struct leat_headers h = parse(&pkt);
        leat_put_be16(bytes + h.l4 + 6, 0);
        assert_int_equal(leat_l4_verify(&pkt, 1, &h), i ? LEAT_CHECKSUM_BAD : LEAT_CHECKSUM_NONE);

        /* A checksum that comes out as 0 is sent as 0xffff. */
        uint32_t right;
        leat_put_be16(bytes + h.payload, 0);
        assert_int_equal(leat_l4_checksum(&pkt, 1, &h, &right), 0);
        leat_put_be16(bytes + h.payload, right);
        assert_int_equal(leat_l4_checksum(&pkt, 1, &h, &right), 0);
        assert_int_equal(right, 0xffff);
        leat_put_be16(bytes + h.l4 + 6, right);
        assert_int_equal(leat_l4_verify(&pkt, 1, &h), LEAT_CHECKSUM_OK);
    }
}

static void both_zeros_are_right(void **state) {
    (void)state;
    const struct frame *f = frame_named("tcp4");
    uint8_t bytes[FRAME_MAX];
    struct leat_pkt pkt = { .data = memcpy(bytes, f->bytes, f->len), .len = (uint16_t)f->len };
    struct leat_headers h = parse(&pkt);
    uint32_t right;

    leat_put_be16(bytes + h.payload, 0);
    assert_int_equal(leat_l4_checksum(&pkt, 1, &h, &right), 0);
    leat_put_be16(bytes + h.payload, right);
    assert_int_equal(leat_l4_checksum(&pkt, 1, &h, &right), 0);
    assert_int_equal(right, 0);
    for (uint32_t found = 0; found <= 0xffff; found++) {
        leat_put_be16(bytes + h.l4 + 16, found);
        assert_int_equal(leat_l4_verify(&pkt, 1, &h),
                         found == 0 || found == 0xffff ? LEAT_CHECKSUM_OK : LEAT_CHECKSUM_BAD);
    }
}

/* Makes of a whole frame one whose checksums are still requested. Returns the requests. */
static uint16_t request(uint8_t *bytes, const struct leat_headers *h) {
    int ip6 = h->flags & LEAT_HEADERS_IP6;
    uint64_t pseudo =
        ip6 ? leat_sum_pseudo6(bytes + h->l3, bytes + h->destination, h->protocol, h->end - h->l4)
            : leat_sum_pseudo4(bytes + h->l3, h->protocol, h->end - h->l4);
    if (!ip6)
        leat_put_be16(bytes + h->l3 + 10, 0xbad);
    uint16_t flags = ip6 ? LEAT_PKT_L4_CSUM | LEAT_PKT_IPV6 : LEAT_PKT_L4_CSUM | LEAT_PKT_IP_CSUM;
    switch (h->protocol) {
    case LEAT_PROTO_TCP:
        leat_put_be16(bytes + h->l4 + 16, leat_sum_fold(pseudo));
        return flags | LEAT_PKT_L4_TCP;
    case LEAT_PROTO_UDP:
        leat_put_be16(bytes + h->l4 + 6, leat_sum_fold(pseudo));
        return flags | LEAT_PKT_L4_UDP;
    case LEAT_PROTO_SCTP:
        leat_put_be32(bytes + h->l4 + 8, 0);
        return flags | LEAT_PKT_L4_SCTP;
    default:
        return 0;
    }
}

static void requests_are_completed_to_scapys_bytes(void **state) {
    (void)state;
    uint8_t storage[FRAME_MAX], bytes[FRAME_MAX];
    struct leat_pkt pkts[6];
    uint32_t count, completed = 0;
    const struct frame *all = frames(&count);
    for (const struct frame *f = all; f < all + count; f++) {
        const struct leat_headers *e = &f->expected;
        if (!f->checksum || f->expected.protocol == LEAT_PROTO_ICMP ||
            f->expected.protocol == LEAT_PROTO_ICMP6)
            continue;
        struct leat_pkt whole = { .data = memcpy(bytes, f->bytes, f->len),
                                  .len = (uint16_t)f->len };
        struct leat_headers h = parse(&whole);
        uint16_t requests = request(bytes, &h);
        uint32_t n = scatter(pkts, 6, storage, bytes, f->len, e->payload);
        pkts[0].flags |= requests | LEAT_PKT_META;
        pkts[0].offload = leat_offload(e->l3, e->l4 - e->l3, 0);
        assert_int_equal(leat_complete_checksum(pkts, n), 0);
        if (memcmp(storage, f->bytes, f->len))
            fail_msg("%s is not completed as scapy does", f->name);
        assert_int_equal(pkts[0].flags & LEAT_PKT_REQUESTS, 0);
        assert_true(pkts[0].flags & LEAT_PKT_META);
        assert_int_equal(leat_complete_checksum(pkts, n), 0);
        completed++;
    }
    assert_true(completed > 15);
}

static void nonsense_requests_are_refused_and_change_nothing(void **state) {
    (void)state;
    static const struct {
        const char *frame;
        uint16_t flags;
        uint8_t l2_len, l3_len;
    } requests[] = {
        { "udp4", LEAT_PKT_L4_CSUM, 14, 20 },
        { "udp4", LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP, 14, 16 },
        { "udp4", LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP, 14, 24 },
        { "udp4", LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP, 18, 20 },
        { "udp4", LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP, 60, 20 },
        { "udp4", LEAT_PKT_IP_CSUM, 14, 24 },
        { "udp4", LEAT_PKT_IP_CSUM, 100, 20 },
        { "udp4", LEAT_PKT_IP_CSUM | LEAT_PKT_TSO | LEAT_PKT_L4_UDP, 14, 20 },
        { "udp6", LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP, 14, 40 },
        { "udp6", LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP | LEAT_PKT_IPV6, 14, 20 },
        { "udp6", LEAT_PKT_IP_CSUM | LEAT_PKT_L4_UDP | LEAT_PKT_IPV6, 14, 40 },
        { "udp4-empty-padded", LEAT_PKT_L4_CSUM | LEAT_PKT_L4_TCP, 14, 20 },
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        const struct frame *f = frame_named(requests[i].frame);
        uint8_t *bytes = malloc(f->len); /* the address sanitizer sees its end */
        assert_non_null(bytes);
        struct leat_pkt pkt = { .data = memcpy(bytes, f->bytes, f->len),
                                .len = (uint16_t)f->len,
                                .flags = requests[i].flags,
                                .offload =
                                    leat_offload(requests[i].l2_len, requests[i].l3_len, 0) };
        assert_int_equal(leat_complete_checksum(&pkt, 1), -EINVAL);
        assert_int_equal(pkt.flags, requests[i].flags);
        assert_memory_equal(bytes, f->bytes, f->len);
        free(bytes);
    }
}

/* The field lies whole in the first buffer and in the datagram, or the request is refused. */
static void fields_lie_in_buffer_and_datagram(void **state) {
    (void)state;
    static const struct {
        const char *frame;
        uint16_t flags;
        uint32_t field_end; /* behind the transport header's start */
    } frames_of[] = {
        { "tcp4", LEAT_PKT_L4_TCP, 18 },
        { "udp4", LEAT_PKT_L4_UDP, 8 },
        { "sctp4", LEAT_PKT_L4_SCTP, 12 },
    };
    for (int i = 0; i < 3; i++) {
        const struct frame *f = frame_named(frames_of[i].frame);
        uint32_t need = f->expected.l4 + frames_of[i].field_end;
        for (uint32_t first = need - 5; first < need + 5; first++) {
            uint8_t bytes[FRAME_MAX];
            memcpy(bytes, f->bytes, f->len);
            struct leat_pkt pkts[2] = {
                { .data = bytes, .len = (uint16_t)first },
                { .data = bytes + first, .len = (uint16_t)(f->len - first) },
            };
            pkts[0].flags = frames_of[i].flags | LEAT_PKT_L4_CSUM | LEAT_PKT_MORE;
            pkts[0].offload = leat_offload(14, 20, 0);
            assert_int_equal(leat_complete_checksum(pkts, 2), first < need ? -EINVAL : 0);

            leat_put_be16(bytes + 16, first - 14); /* the datagram ends there */
            pkts[0].len = (uint16_t)f->len;
            pkts[0].flags = frames_of[i].flags | LEAT_PKT_L4_CSUM;
            assert_int_equal(leat_complete_checksum(pkts, 1), first < need ? -EINVAL : 0);
        }
    }
}

int main(void) {
    seed_random();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfcs),
        cmocka_unit_test(sums_of_every_length_and_alignment),
        cmocka_unit_test(carries_are_not_lost),
        cmocka_unit_test(pseudo_headers_are_summed_as_they_lie),
        cmocka_unit_test(frames_of_several_buffers_with_odd_joins),
        cmocka_unit_test(updates_agree_with_summing_again),
        cmocka_unit_test(updates_carry_twice_where_they_must),
        cmocka_unit_test(scapys_checksums_are_right_and_flipped_bits_are_not),
        cmocka_unit_test(udp_may_have_none_over_ipv4_alone),
        cmocka_unit_test(both_zeros_are_right),
        cmocka_unit_test(requests_are_completed_to_scapys_bytes),
        cmocka_unit_test(fields_lie_in_buffer_and_datagram),
        cmocka_unit_test(nonsense_requests_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
