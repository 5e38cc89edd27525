/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding finds what each layer carries, and no lie about a length leads it out of the frame. */
#include "flow_frames.h"
#include "flow_sane.h"
#include <arpa/inet.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leat_flow_decoder *decoder_of(const struct leat_flow_decode_opts *opts) {
    struct leat_flow_decoder *decoder;
    assert_int_equal(leat_flow_decoder_create(&decoder, opts), 0);
    return decoder;
}

/* From a copy of exactly the captured bytes, so that the address sanitizer sees a read beyond. The
 * packets' pointers are into `frame->bytes` afterwards. */
static int decode(struct leat_flow_decoder *decoder, const uint8_t *bytes, uint32_t captured,
                  uint32_t len, struct leat_flow_packet *packets) {
    uint8_t *copy = malloc(captured ? captured : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, captured);
    memset(packets, 0xa5, LEAT_FLOW_DECODED_MAX * sizeof(*packets));
    int n = leat_flow_decode(decoder, copy, captured, len, 7, 0, NULL, 0, packets);
    for (int i = 0; i < n; i++) {
        const char *wrong = flow_insane(&packets[i], copy, captured, len);
        if (wrong)
            fail_msg("%s", wrong);
        packets[i].ip = bytes + (packets[i].ip - copy);
        if (packets[i].l4) {
            packets[i].l4 = bytes + (packets[i].l4 - copy);
            packets[i].payload = bytes + (packets[i].payload - copy);
        }
    }
    free(copy);
    return n;
}

static void every_layer_is_passed(void **state) {
    (void)state;
    uint32_t count;
    const struct flow_case *all = flow_cases(&count);
    for (uint32_t i = 0; i < count; i++) {
        const struct flow_case *c = &all[i];
        struct leat_flow_decoder *decoder = decoder_of(&(struct leat_flow_decode_opts){
            .tunnels = LEAT_FLOW_TUNNELS_INNER, .uniflow = true, .details = true });
        struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX], *p = packets;
        struct flow_frame frame;
        flow_build(c, &frame);
        assert_int_equal(decode(decoder, frame.bytes, frame.len, frame.len, packets), 1);
        bool ip6 = p->flags & LEAT_FLOW_IP6;
        const uint16_t *port = ip6 ? p->key6.port : p->key4.port;
        assert_int_equal(ip6 ? 6 : 4, c->version);
        assert_int_equal(ip6 ? p->key6.protocol : p->key4.protocol, c->protocol);
        assert_int_equal(ntohs(port[0]), c->source);
        assert_int_equal(ntohs(port[1]), c->destination);
        assert_int_equal(p->octets, c->octets);
        assert_int_equal(p->payload_bytes, c->payload_bytes);
        assert_int_equal(p->frame_octets, frame.len);
        assert_int_equal(!!(p->flags & LEAT_FLOW_INNER), c->tunnel != 0);
        assert_int_equal(p->ttl, ip6 ? 63 : 64);
        assert_int_equal(p->tos, ip6 ? 0x12 : 0x10);
        assert_int_equal(p->time_ns, 7);
        const struct leat_flow_scope *scope =
            leat_flow_scopes_get(leat_flow_decoder_scopes(decoder), p->scope);
        assert_int_equal(scope->vlan_count, c->vlans);
        assert_int_equal(scope->label_count, c->labels);
        assert_int_equal(scope->tunnel, c->tunnel);
        assert_int_equal(scope->tunnel_id, c->tunnel_id);
        assert_int_equal(scope->pppoe_session, c->pppoe);
        leat_flow_decoder_destroy(decoder);
    }
}

/* A decoder that has to be right about the whole of a frame. */
static struct leat_flow_decoder *strict(enum leat_flow_tunnels tunnels) {
    return decoder_of(&(struct leat_flow_decode_opts){
        .tunnels = tunnels, .key = 31, .details = true, .fragments = 64 });
}

static void frames_may_be_cut_anywhere(void **state) {
    (void)state;
    uint32_t count;
    const struct flow_case *all = flow_cases(&count);
    for (int tunnels = 0; tunnels <= LEAT_FLOW_TUNNELS_BOTH; tunnels++) {
        struct leat_flow_decoder *decoder = strict((enum leat_flow_tunnels)tunnels);
        for (uint32_t i = 0; i < count; i++) {
            struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
            struct flow_frame frame;
            flow_build(&all[i], &frame);
            for (uint32_t bytes = 0; bytes < frame.len; bytes++) {
                /* Captured in part: what is there is right, or the packet is TRUNCATED. */
                int n = decode(decoder, frame.bytes, bytes, frame.len, packets);
                assert_true(n > 0 || n == -1 - LEAT_FLOW_SKIP_TRUNCATED);
                if (n > 0)
                    assert_true(packets[n - 1].flags & LEAT_FLOW_TRUNCATED);
                /* Shorter on the wire than its headers say. */
                n = decode(decoder, frame.bytes, bytes, bytes, packets);
                assert_int_equal(n, -1 - LEAT_FLOW_SKIP_MALFORMED);
            }
        }
        leat_flow_decoder_destroy(decoder);
    }
}

/* Every field of every header, lengths among them, with values at the ends of its range. */
static void lying_fields_do_no_harm(void **state) {
    (void)state;
    static const uint8_t lies[] = { 0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xf0, 0xff };
    uint32_t count;
    const struct flow_case *all = flow_cases(&count);
    for (int tunnels = 0; tunnels <= LEAT_FLOW_TUNNELS_BOTH; tunnels++) {
        struct leat_flow_decoder *decoder = strict((enum leat_flow_tunnels)tunnels);
        for (uint32_t i = 0; i < count; i++) {
            struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
            struct flow_frame good, bad;
            flow_build(&all[i], &good);
            for (uint32_t at = 0; at < good.len; at++)
                for (uint32_t lie = 0; lie < sizeof(lies); lie++)
                    for (uint32_t bytes = 1; bytes <= 2 && at + bytes <= good.len; bytes++) {
                        bad = good;
                        memset(bad.bytes + at, lies[lie], bytes);
                        int n = decode(decoder, bad.bytes, bad.len, bad.len, packets);
                        assert_true(n != 0 && n <= LEAT_FLOW_DECODED_MAX);
                        decode(decoder, bad.bytes, bad.len, bad.len + 1000, packets);
                    }
        }
        leat_flow_decoder_destroy(decoder);
    }
}

/* One more than is there, in each 16-bit length of the outermost packet; padding is not counted. */
static void lengths_are_bounded_by_what_is_around(void **state) {
    (void)state;
    struct leat_flow_decoder *decoder = strict(LEAT_FLOW_TUNNELS_INNER);
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    uint32_t count;
    const struct flow_case *all = flow_cases(&count);
    for (uint32_t i = 0; i < count; i++) {
        struct flow_frame frame;
        flow_build(&all[i], &frame);
        memset(frame.bytes + frame.len, 0x46, 30); /* padding that looks like IPv4 */
        int n = decode(decoder, frame.bytes, frame.len + 30, frame.len + 30, packets);
        assert_int_equal(n, 1);
        assert_int_equal(packets[0].octets, all[i].octets);
        assert_int_equal(packets[0].payload_bytes, all[i].payload_bytes);
        assert_int_equal(packets[0].frame_octets, frame.len + 30);

        uint8_t *length = frame.bytes + frame.lengths[0].at;
        leat_put_be16(length, leat_be16(length) + 31u);
        n = decode(decoder, frame.bytes, frame.len + 30, frame.len + 30, packets);
        assert_int_equal(n, -1 - LEAT_FLOW_SKIP_MALFORMED);
    }
    leat_flow_decoder_destroy(decoder);
}

static void both_directions_have_one_key(void **state) {
    (void)state;
    struct leat_flow_decoder *decoder = decoder_of(&(struct leat_flow_decode_opts){ 0 });
    struct leat_flow_decoder *one_way =
        decoder_of(&(struct leat_flow_decode_opts){ .uniflow = true });
    for (int ip6 = 0; ip6 < 2; ip6++)
        for (uint32_t ports = 0; ports < 2; ports++) {
            struct leat_flow_packet there[LEAT_FLOW_DECODED_MAX], back[LEAT_FLOW_DECODED_MAX];
            struct flow_frame frames[2];
            uint16_t a = ports ? 80 : 50000, b = ports ? 50000 : 80;
            for (int i = 0; i < 2; i++) {
                flow_start(&frames[i]);
                flow_ethernet(&frames[i], ip6 ? 0x86dd : 0x0800);
                if (ip6)
                    flow_ip6(&frames[i], 6, i);
                else
                    flow_ip4(&frames[i], 6, 0, "", i);
                flow_tcp(&frames[i], i ? b : a, i ? a : b, 0x10, "");
                flow_finish(&frames[i]);
            }
            uint32_t len = frames[0].len;
            assert_int_equal(decode(decoder, frames[0].bytes, len, len, there), 1);
            assert_int_equal(decode(decoder, frames[1].bytes, len, len, back), 1);
            assert_memory_equal(&there->key6, &back->key6,
                                ip6 ? sizeof(there->key6) : sizeof(there->key4));
            assert_int_equal(there->side, 0);
            assert_int_equal(back->side, 1);
            assert_int_equal(ntohs(ip6 ? there->key6.port[0] : there->key4.port[0]), a);
            assert_int_equal(there->tcp_flags, 0x110);
            assert_int_equal(there->tcp_window, 0x2000);

            assert_int_equal(decode(one_way, frames[1].bytes, len, len, back), 1);
            assert_int_equal(back->side, 0);
            assert_int_equal(ntohs(ip6 ? back->key6.port[0] : back->key4.port[0]), b);
        }
    leat_flow_decoder_destroy(decoder);
    leat_flow_decoder_destroy(one_way);
}

static void ports_order_what_one_host_says_to_itself(void **state) {
    (void)state;
    struct leat_flow_decoder *decoder = decoder_of(&(struct leat_flow_decode_opts){ 0 });
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct flow_frame frame;
        flow_build(flow_case_named(ip6 ? "udp6" : "udp4"), &frame);
        uint8_t *ip = frame.bytes + 14;
        if (ip6)
            memcpy(ip + 24, ip + 8, 16);
        else
            memcpy(ip + 16, ip + 12, 4);
        decode(decoder, frame.bytes, frame.len, frame.len, packets);
        assert_int_equal(packets->side, ip6); /* 1000 to 2000, and 5000 to 53 */
        uint16_t lower = ip6 ? packets->key6.port[0] : packets->key4.port[0];
        assert_int_equal(ntohs(lower), ip6 ? 53 : 1000);
    }
    leat_flow_decoder_destroy(decoder);
}

/* A message of ICMP, from the lower address to the higher one or back. */
static struct leat_flow_packet icmp_packet(struct leat_flow_decoder *decoder, bool ip6,
                                           uint32_t type, uint32_t code, bool back) {
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    struct flow_frame frame;
    flow_start(&frame);
    flow_ethernet(&frame, ip6 ? 0x86dd : 0x0800);
    if (ip6)
        flow_ip6(&frame, 58, back);
    else
        flow_ip4(&frame, 1, 0, "", back);
    uint8_t *icmp = frame.bytes + frame.len;
    flow_hex(&frame, "0000 0000 00000000");
    icmp[0] = (uint8_t)type;
    icmp[1] = (uint8_t)code;
    flow_finish(&frame);
    assert_int_equal(decode(decoder, frame.bytes, frame.len, frame.len, packets), 1);
    assert_int_equal(packets->icmp_type_code, type * 256 + code);
    return packets[0];
}

static void icmp_type_and_code_are_the_receivers_port(void **state) {
    (void)state;
    struct leat_flow_decoder *decoder = decoder_of(&(struct leat_flow_decode_opts){ 0 });
    for (int back = 0; back < 2; back++) {
        struct leat_flow_packet packet = icmp_packet(decoder, false, 3, 13, back);
        assert_int_equal(packet.side, back);
        assert_int_equal(packet.key4.port[back], 0);
        assert_int_equal(ntohs(packet.key4.port[!back]), 3 * 256 + 13);
        packet = icmp_packet(decoder, true, 135, 0, back);
        assert_int_equal(packet.key6.port[back], 0);
        assert_int_equal(ntohs(packet.key6.port[!back]), 135 * 256);
    }
    leat_flow_decoder_destroy(decoder);
}

static void icmp_queries_and_answers_have_one_key(void **state) {
    static const struct {
        bool ip6;
        uint8_t query, answer;
    } pairs[] = { { false, 8, 0 },   { false, 13, 14 },  { false, 15, 16 },  { false, 17, 18 },
                  { false, 42, 43 }, { true, 128, 129 }, { true, 139, 140 }, { true, 160, 161 } };
    (void)state;
    struct leat_flow_decoder *decoder = decoder_of(&(struct leat_flow_decode_opts){ 0 });
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        for (int back = 0; back < 2; back++) {
            bool ip6 = pairs[i].ip6;
            size_t bytes = ip6 ? sizeof(struct leat_flow_key6) : sizeof(struct leat_flow_key4);
            struct leat_flow_packet query = icmp_packet(decoder, ip6, pairs[i].query, 0, back);
            struct leat_flow_packet answer = icmp_packet(decoder, ip6, pairs[i].answer, 0, !back);
            struct leat_flow_packet asked = icmp_packet(decoder, ip6, pairs[i].query, 0, !back);
            struct leat_flow_packet odd = icmp_packet(decoder, ip6, pairs[i].answer, 1, !back);
            assert_memory_equal(&query.key6, &answer.key6, bytes);
            assert_int_equal(query.side, back);
            assert_int_equal(answer.side, !back);
            assert_memory_not_equal(&query.key6, &asked.key6, bytes); /* who asks matters */
            assert_memory_not_equal(&query.key6, &odd.key6, bytes);
            const uint16_t *ports = ip6 ? query.key6.port : query.key4.port;
            assert_int_equal(ntohs(ports[!back]), pairs[i].query * 256);
            assert_int_equal(ntohs(ports[back]), pairs[i].answer * 256);
        }
    leat_flow_decoder_destroy(decoder);
}

static struct leat_flow_packet details_of(const char *name) {
    struct leat_flow_decoder *decoder =
        decoder_of(&(struct leat_flow_decode_opts){ .details = true });
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    struct flow_frame frame;
    flow_build(flow_case_named(name), &frame);
    assert_int_equal(decode(decoder, frame.bytes, frame.len, frame.len, packets), 1);
    leat_flow_decoder_destroy(decoder);
    return packets[0];
}

static void details_are_noted(void **state) {
    (void)state;
    static const uint8_t source[6] = { 2, 0, 0, 0, 0, 1 }, destination[6] = { 2, 0, 0, 0, 0, 2 };
    struct leat_flow_packet p = details_of("tcp4");
    assert_int_equal(p.tcp_options, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8);
    assert_int_equal(p.fragment_flags, 0x40);
    assert_memory_equal(p.mac[0], source, 6);
    assert_memory_equal(p.mac[1], destination, 6);
    assert_int_equal(p.ip_options, 0);

    p = details_of("tcp4_options"); /* router alert, record route, end; MPTCP */
    assert_int_equal(p.ip_options, 1u << (31 - 19) | 1u << (31 - 0) | 1u << (31 - 7));
    assert_int_equal(p.tcp_options, 1u << 30);

    p = details_of("udp6_extensions"); /* hop-by-hop, destination, routing, authentication */
    assert_int_equal(p.ip_options,
                     1u << (31 - 1) | 1u << (31 - 0) | 1u << (31 - 5) | 1u << (31 - 14));
    assert_int_equal(p.flow_label, 0xabcde);

    p = details_of("fragment6");
    assert_int_equal(p.ip_options, 1u << (31 - 4));
    assert_int_equal(p.fragment_flags, 0x20);
    p = details_of("fragment6_later");
    assert_int_equal(p.ip_options, 1u << (31 - 6));
    assert_int_equal(p.fragment_flags, 0);
}

/* What the reasons are for. */
static void what_is_in_no_flow_has_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *name, *hex; /* from the ether type on, padded with zeros to 100 bytes */
        enum leat_flow_skip skip;
    } frames[] = {
        { "ARP", "0806 0001 0800 06 04 0001", LEAT_FLOW_SKIP_NOT_IP },
        { "802.3 length", "0026 4242 03", LEAT_FLOW_SKIP_NOT_IP },
        { "LLDP", "88cc 0207", LEAT_FLOW_SKIP_NOT_IP },
        { "PPPoE discovery", "8863 1109 0000 0004", LEAT_FLOW_SKIP_NOT_IP },
        { "LCP", "8864 1100 0001 0004 c021 0101", LEAT_FLOW_SKIP_NOT_IP },
        { "PPPoE, longer than its frame", "8864 1100 0001 0700 0021 45", LEAT_FLOW_SKIP_MALFORMED },
        { "PPPoE, empty", "8864 1100 0001 0000 0021 45", LEAT_FLOW_SKIP_MALFORMED },
        { "five tags", "8100 0001 8100 0002 8100 0003 8100 0004 8100 0005 0800",
          LEAT_FLOW_SKIP_TOO_DEEP },
        { "labels without a bottom", "8847", LEAT_FLOW_SKIP_TOO_DEEP },
        { "pseudo-wire of what is unknown", "8847 00011140 00000000", LEAT_FLOW_SKIP_NOT_IP },
        { "associated channel", "8847 00011140 10000021", LEAT_FLOW_SKIP_NOT_IP },
        { "IPv5", "0800 55000028", LEAT_FLOW_SKIP_MALFORMED },
    };
    struct leat_flow_decoder *decoder = strict(LEAT_FLOW_TUNNELS_INNER);
    for (uint32_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
        struct flow_frame frame;
        flow_start(&frame);
        flow_hex(&frame, "020000000002 020000000001");
        flow_hex(&frame, frames[i].hex);
        int n = decode(decoder, frame.bytes, 100, 100, packets);
        if (n != -1 - (int)frames[i].skip)
            fail_msg("%s: %d", frames[i].name, n);
    }
    leat_flow_decoder_destroy(decoder);
    assert_string_equal(leat_flow_skip_name(LEAT_FLOW_SKIP_TOO_DEEP), "too_deep");
    assert_non_null(leat_flow_skip_meaning(LEAT_FLOW_SKIP_SCOPES));
    assert_null(leat_flow_skip_name(LEAT_FLOW_SKIP_COUNT));
}

static void tags_that_the_port_took_off_come_first(void **state) {
    (void)state;
    struct leat_flow_decoder *decoder = strict(LEAT_FLOW_TUNNELS_INNER);
    struct leat_meta meta = { .vlan_tci = { 7, 8 }, .vlan_proto = { 0x88a8, 0x8100 } };
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    struct flow_frame frame;
    flow_build(flow_case_named("one_tag"), &frame);
    assert_int_equal(leat_flow_decode(decoder, frame.bytes, frame.len, frame.len, 0, 3, &meta,
                                      LEAT_PKT_META | LEAT_PKT_VLAN, packets),
                     1);
    const struct leat_flow_scope *scope =
        leat_flow_scopes_get(leat_flow_decoder_scopes(decoder), packets->scope);
    assert_int_equal(scope->vlan_count, 3);
    assert_int_equal(scope->vlan_tci[0], 7);
    assert_int_equal(scope->vlan_tci[1], 8);
    assert_int_equal(scope->vlan_tci[2], 0xa064);
    assert_int_equal(scope->interface, 3);
    assert_int_equal(packets->frame_octets, frame.len + 8);
    leat_flow_decoder_destroy(decoder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_is_passed),
        cmocka_unit_test(frames_may_be_cut_anywhere),
        cmocka_unit_test(lying_fields_do_no_harm),
        cmocka_unit_test(lengths_are_bounded_by_what_is_around),
        cmocka_unit_test(both_directions_have_one_key),
        cmocka_unit_test(ports_order_what_one_host_says_to_itself),
        cmocka_unit_test(icmp_type_and_code_are_the_receivers_port),
        cmocka_unit_test(icmp_queries_and_answers_have_one_key),
        cmocka_unit_test(details_are_noted),
        cmocka_unit_test(what_is_in_no_flow_has_a_reason),
        cmocka_unit_test(tags_that_the_port_took_off_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
