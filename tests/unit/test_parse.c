/* SPDX-License-Identifier: BSD-2-Clause */
/* Parsing finds the headers where scapy put them, and gives every defect its name. */
#include "frames.h"
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parses a copy of exactly `len` bytes, so that the address sanitizer sees any read beyond. */
static struct leat_headers parse(const uint8_t *bytes, uint32_t len) {
    struct leat_headers h;
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    memset(&h, 0xa5, sizeof(h));
    enum leat_problem problem = leat_parse(copy, copy + len, &h);
    assert_int_equal(problem, h.problem);
    free(copy);
    return h;
}

static void headers_lie_where_scapy_put_them(void **state) {
    (void)state;
    uint32_t n;
    const struct frame *all = frames(&n);
    for (uint32_t i = 0; i < n; i++) {
        struct leat_headers h = parse(all[i].bytes, all[i].len);
        const struct leat_headers *e = &all[i].expected;
        if (h.problem || h.l3 != e->l3 || h.l4 != e->l4 || h.payload != e->payload ||
            h.end != e->end || h.protocol != e->protocol || h.flags != e->flags ||
            h.vlan_count != e->vlan_count || memcmp(h.vlan_tci, e->vlan_tci, sizeof(h.vlan_tci)))
            fail_msg("%s: problem %s, l3 %u, l4 %u, payload %u, end %u, protocol %u, flags %x",
                     all[i].name, leat_problem_name(h.problem), h.l3, h.l4, h.payload, h.end,
                     h.protocol, h.flags);
    }
}

/* Bytes up to the payload are needed, and no others. */
static void a_frame_cut_short_is_truncated_by_name(void **state) {
    (void)state;
    uint32_t n;
    const struct frame *all = frames(&n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t len = 0; len < all[i].len; len++) {
            struct leat_headers h = parse(all[i].bytes, len);
            const char *name = leat_problem_name(h.problem);
            if (len < 14)
                assert_string_equal(name, "ether_truncated");
            else if (len < all[i].expected.l3)
                assert_string_equal(name, "tag_truncated");
            else if (len < all[i].expected.payload)
                assert_non_null(
                    strstr("arp_truncated ip4_truncated ip6_truncated l4_truncated", name));
            else
                assert_string_equal(name, "none");
            if (!h.problem && h.flags & (LEAT_HEADERS_IP4 | LEAT_HEADERS_IP6))
                assert_int_equal(!!(h.flags & LEAT_HEADERS_BEYOND), len < h.end);
        }
}

struct defect {
    const char *frame;
    uint32_t offset;
    uint8_t value;
    enum leat_problem problem;
};

static void every_defect_has_its_name(void **state) {
    (void)state;
    static const struct defect defects[] = {
        { "four-tags", 28, 0x81, LEAT_PROBLEM_TAGS },
        { "udp4", 14, 0x65, LEAT_PROBLEM_IP4_VERSION },
        { "udp4", 14, 0x44, LEAT_PROBLEM_IP4_HEADER_LENGTH },
        { "udp4", 17, 19, LEAT_PROBLEM_IP4_TOTAL_LENGTH },
        { "udp4-options", 17, 59, LEAT_PROBLEM_IP4_TOTAL_LENGTH },
        { "udp4-options", 17, 60, LEAT_PROBLEM_L4_LENGTH },
        { "udp4", 17, 27, LEAT_PROBLEM_L4_LENGTH },
        { "udp4", 39, 7, LEAT_PROBLEM_UDP_LENGTH },
        { "udp4", 39, 27, LEAT_PROBLEM_UDP_LENGTH },
        { "udp4-fragment1", 17, 81, LEAT_PROBLEM_FRAGMENT },
        { "udp4-fragment2", 20, 0x1f, LEAT_PROBLEM_NONE },
        { "ah4", 35, 10, LEAT_PROBLEM_L4_LENGTH },
        { "tcp4-syn", 46, 0x40, LEAT_PROBLEM_TCP_HEADER_LENGTH },
        { "tcp4-syn", 46, 0xb0, LEAT_PROBLEM_L4_LENGTH },
        { "sctp4", 17, 31, LEAT_PROBLEM_L4_LENGTH },
        { "icmp4", 17, 27, LEAT_PROBLEM_L4_LENGTH },
        { "udp6", 14, 0x40, LEAT_PROBLEM_IP6_VERSION },
        { "udp6", 19, 7, LEAT_PROBLEM_L4_LENGTH },
        { "mld", 19, 0, LEAT_PROBLEM_IP6_JUMBOGRAM },
        { "mld", 19, 7, LEAT_PROBLEM_IP6_PAYLOAD_LENGTH },
        { "mld", 55, 2, LEAT_PROBLEM_IP6_PAYLOAD_LENGTH },
        { "mld", 54, 0, LEAT_PROBLEM_IP6_HOP_BY_HOP },
        { "udp6-fragment0", 19, 63, LEAT_PROBLEM_FRAGMENT },
    };
    for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++) {
        const struct defect *d = &defects[i];
        const struct frame *frame = frame_named(d->frame);
        uint8_t bytes[FRAME_MAX];
        memcpy(bytes, frame->bytes, frame->len);
        bytes[d->offset] = d->value;
        if (d->problem == LEAT_PROBLEM_TAGS)
            bytes[d->offset + 1] = 0x00;
        struct leat_headers h = parse(bytes, frame->len);
        if (h.problem != d->problem)
            fail_msg("%s, byte %u = %02x: %s", d->frame, d->offset, d->value,
                     leat_problem_name(h.problem));
    }
}

/* RFC 791, 3.1: what is put together has at most 65,535 bytes. */
static void fragments_end_within_64_kib(void **state) {
    (void)state;
    const struct frame *f = frame_named("udp4-fragment2");
    uint8_t frame[FRAME_MAX];
    memcpy(frame, f->bytes, f->len);
    for (uint32_t bytes = 24; bytes < 32; bytes++)
        for (uint32_t units = 8180; units <= 0x1fff; units++) {
            leat_put_be16(frame + 16, 20 + bytes);
            leat_put_be16(frame + 20, units);
            assert_int_equal(parse(frame, f->len).problem,
                             units * 8 + bytes > 65535 ? LEAT_PROBLEM_FRAGMENT : LEAT_PROBLEM_NONE);
        }
}

/* An IPv6 frame with these headers, eight bytes each, then UDP of no payload. */
static uint32_t build_chain(uint8_t *frame, const uint8_t *kinds, uint32_t n) {
    uint32_t offset = 54;
    memset(frame, 0, 54 + 8 * n + 8);
    leat_put_be16(frame + 12, LEAT_ETHER_IP6);
    frame[14] = 0x60;
    leat_put_be16(frame + 18, 8 * n + 8);
    frame[20] = n ? kinds[0] : LEAT_PROTO_UDP;
    for (uint32_t i = 0; i < n; i++, offset += 8)
        frame[offset] = i + 1 < n ? kinds[i + 1] : LEAT_PROTO_UDP;
    leat_put_be16(frame + offset + 4, 8);
    return offset + 8;
}

static void every_extension_header_is_stepped_over(void **state) {
    (void)state;
    static const uint8_t kinds[] = {
        LEAT_PROTO_HOP_BY_HOP, LEAT_PROTO_DESTINATION, LEAT_PROTO_ROUTING, LEAT_PROTO_FRAGMENT,
        LEAT_PROTO_AH,         LEAT_PROTO_MOBILITY,    LEAT_PROTO_HIP,     LEAT_PROTO_SHIM6,
        LEAT_PROTO_ROUTING,    LEAT_PROTO_DESTINATION, LEAT_PROTO_HIP,
    };
    uint8_t frame[256];
    for (uint32_t n = 0; n <= LEAT_EXTENSIONS_MAX; n++) {
        struct leat_headers h = parse(frame, build_chain(frame, kinds, n));
        assert_string_equal(leat_problem_name(h.problem), "none");
        assert_int_equal(h.l4, 54 + 8 * n);
        assert_int_equal(h.payload, h.end);
        assert_int_equal(h.protocol, LEAT_PROTO_UDP);
        assert_int_equal(h.fragment, n > 3 ? 54 + 8 * 3 : 0);
    }
    struct leat_headers h = parse(frame, build_chain(frame, kinds, LEAT_EXTENSIONS_MAX + 1));
    assert_int_equal(h.problem, LEAT_PROBLEM_IP6_EXTENSIONS);

    /* An authentication header counts in words of four, all others in words of eight. */
    uint32_t len = build_chain(frame, (const uint8_t[]){ LEAT_PROTO_AH, LEAT_PROTO_HIP }, 2);
    frame[54] = LEAT_PROTO_UDP;
    frame[55] = 2;
    assert_int_equal(parse(frame, len).l4, 54 + 16);
    frame[54] = LEAT_PROTO_HIP;
    frame[55] = 0;
    frame[54 + 8 + 1] = 2;
    assert_int_equal(parse(frame, len).problem, LEAT_PROBLEM_IP6_PAYLOAD_LENGTH);
}

static void the_checksums_destination_is_the_final_one(void **state) {
    (void)state;
    static const uint8_t routing[] = { LEAT_PROTO_ROUTING };
    uint8_t frame[256];
    uint32_t len = build_chain(frame, routing, 1);
    assert_int_equal(parse(frame, len).destination, 14 + 24);
    frame[54 + 3] = 1; /* segments left, but no room for an address */
    assert_int_equal(parse(frame, len).destination, 0);

    struct leat_headers h = parse(frame_named("routing0")->bytes, frame_named("routing0")->len);
    assert_int_equal(h.destination, 54 + 8 + 16);
    const struct frame *srh = frame_named("segment-routing");
    h = parse(srh->bytes, srh->len);
    assert_int_equal(h.destination, 54 + 8);
    uint8_t bytes[FRAME_MAX];
    memcpy(bytes, srh->bytes, srh->len);
    bytes[54 + 2] = 2; /* Mobile IPv6's: the home address */
    assert_int_equal(parse(bytes, srh->len).destination, 54 + 8);
    bytes[54 + 2] = 3; /* compressed routing header */
    assert_int_equal(parse(bytes, srh->len).destination, 0);
}

static void what_follows_is_named_and_parsed_from_there(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum leat_next next;
    } follows[] = {
        { "ipip", LEAT_NEXT_IP4 }, { "ipv6-in-ipv6", LEAT_NEXT_IP6 }, { "gre", LEAT_NEXT_GRE },
        { "esp4", LEAT_NEXT_ESP }, { "esp6", LEAT_NEXT_ESP },         { "udp4", LEAT_NEXT_DATA },
        { "arp", LEAT_NEXT_DATA },
    };
    for (size_t i = 0; i < sizeof(follows) / sizeof(follows[0]); i++) {
        const struct frame *f = frame_named(follows[i].name);
        struct leat_headers outer = parse(f->bytes, f->len), inner;
        assert_int_equal(outer.next, follows[i].next);
        if (outer.next != LEAT_NEXT_IP4 && outer.next != LEAT_NEXT_IP6)
            continue;
        assert_int_equal(
            leat_parse_at(f->bytes, f->bytes + f->len, outer.payload, outer.next, &inner),
            LEAT_PROBLEM_NONE);
        assert_int_equal(inner.l2, outer.payload);
        assert_int_equal(inner.l3, outer.payload);
        assert_int_equal(inner.protocol, LEAT_PROTO_UDP);
        assert_int_equal(inner.l4, inner.l3 + (outer.next == LEAT_NEXT_IP4 ? 20 : 40));
        assert_int_equal(inner.end, outer.end);
    }
}

/* Offsets fit into 16 bits whatever a frame says, and nothing starts beyond the verifier's limit.
 */
static void far_headers_are_out_of_reach(void **state) {
    (void)state;
    static uint8_t frame[65535];
    struct leat_headers h;
    const uint8_t *end = frame + sizeof(frame);
    const struct frame *udp = frame_named("udp4");
    memcpy(frame + LEAT_PARSE_REACH - 14, udp->bytes, udp->len);
    assert_int_equal(leat_parse_at(frame, end, LEAT_PARSE_REACH - 14, LEAT_NEXT_ETHERNET, &h),
                     LEAT_PROBLEM_L4_TRUNCATED);
    assert_int_equal(h.l4, LEAT_PARSE_REACH + 20);
    assert_int_equal(leat_parse_at(frame, end, LEAT_PARSE_REACH + 1, LEAT_NEXT_ETHERNET, &h),
                     LEAT_PROBLEM_OUT_OF_REACH);
    assert_int_equal(leat_parse_at(frame, end, UINT32_MAX, LEAT_NEXT_ETHERNET, &h),
                     LEAT_PROBLEM_OUT_OF_REACH);
}

static void problems_have_names(void **state) {
    (void)state;
    for (int i = 0; i < LEAT_PROBLEM_COUNT; i++) {
        assert_non_null(leat_problem_name((enum leat_problem)i));
        assert_non_null(leat_problem_meaning((enum leat_problem)i));
    }
    assert_string_equal(leat_problem_name(LEAT_PROBLEM_UDP_LENGTH), "udp_length");
    assert_null(leat_problem_name(LEAT_PROBLEM_COUNT));
    assert_null(leat_problem_meaning(LEAT_PROBLEM_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_lie_where_scapy_put_them),
        cmocka_unit_test(a_frame_cut_short_is_truncated_by_name),
        cmocka_unit_test(every_defect_has_its_name),
        cmocka_unit_test(fragments_end_within_64_kib),
        cmocka_unit_test(every_extension_header_is_stepped_over),
        cmocka_unit_test(the_checksums_destination_is_the_final_one),
        cmocka_unit_test(what_follows_is_named_and_parsed_from_there),
        cmocka_unit_test(far_headers_are_out_of_reach),
        cmocka_unit_test(problems_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
