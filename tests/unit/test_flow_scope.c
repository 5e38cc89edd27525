/* SPDX-License-Identifier: BSD-2-Clause */
/* What surrounds a packet: which packet of a tunnel is metered, what is in the key, numbers of
 * scopes; and fragments, which join their datagram's flow. */
#include "flow_frames.h"
#include "lib/flow/decode.h"
#include <arpa/inet.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leat_flow_decoder *decoder_of(const struct leat_flow_decode_opts *opts) {
    struct leat_flow_decoder *decoder;
    assert_int_equal(leat_flow_decoder_create(&decoder, opts), 0);
    return decoder;
}

static int decode_at(struct leat_flow_decoder *decoder, const struct flow_frame *frame,
                     uint64_t time_ns, struct leat_flow_packet *packets) {
    return leat_flow_decode(decoder, frame->bytes, frame->len, frame->len, time_ns, 0, NULL, 0,
                            packets);
}

static int decode_named(struct leat_flow_decoder *decoder, const char *name,
                        struct leat_flow_packet *packets) {
    struct flow_frame frame;
    flow_build(flow_case_named(name), &frame);
    return decode_at(decoder, &frame, 0, packets);
}

static void outer_inner_or_both(void **state) {
    (void)state;
    static const uint8_t source[4] = { 10, 0, 0, 1 }, destination[4] = { 10, 0, 0, 2 };
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    for (int tunnels = 0; tunnels <= LEAT_FLOW_TUNNELS_BOTH; tunnels++) {
        struct leat_flow_decoder *decoder = decoder_of(
            &(struct leat_flow_decode_opts){ .tunnels = (enum leat_flow_tunnels)tunnels });
        int n = decode_named(decoder, "nested", packets);
        assert_int_equal(n, tunnels == LEAT_FLOW_TUNNELS_BOTH ? 2 : 1);
        if (tunnels != LEAT_FLOW_TUNNELS_INNER) {
            assert_int_equal(packets[0].key4.protocol, 47);
            assert_int_equal(packets[0].flags & LEAT_FLOW_INNER, 0);
            assert_int_equal(packets[0].scope, 0);
        }
        if (tunnels != LEAT_FLOW_TUNNELS_OUTER) {
            const struct leat_flow_packet *inner = &packets[n - 1];
            const struct leat_flow_scope *scope =
                leat_flow_scopes_get(leat_flow_decoder_scopes(decoder), inner->scope);
            assert_int_equal(inner->key4.protocol, 17);
            assert_true(inner->flags & LEAT_FLOW_INNER);
            assert_int_equal(scope->outer_version, 4);
            assert_memory_equal(scope->outer[0], source, 4);
            assert_memory_equal(scope->outer[1], destination, 4);
        }
        leat_flow_decoder_destroy(decoder);
    }
}

static void tunnels_are_followed_to_a_depth(void **state) {
    (void)state;
    for (uint32_t depth = 1; depth <= 6; depth++) {
        struct leat_flow_decoder *decoder =
            decoder_of(&(struct leat_flow_decode_opts){ .tunnels = LEAT_FLOW_TUNNELS_INNER });
        struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
        struct flow_frame frame;
        flow_start(&frame);
        flow_ethernet(&frame, 0x0800);
        for (uint32_t i = 0; i < depth; i++)
            flow_ip4(&frame, 4, 0, "", 0);
        flow_ip4(&frame, 17, 0, "", 0);
        flow_udp(&frame, 1, 2);
        flow_finish(&frame);
        assert_int_equal(decode_at(decoder, &frame, 0, packets),
                         depth <= 4 ? 1 : -1 - LEAT_FLOW_SKIP_TOO_DEEP);
        leat_flow_decoder_destroy(decoder);
    }
}

/* Not a tunnel after all, or not one that carries IP: the packet itself is metered. */
static void what_a_tunnel_carries_may_be_anything(void **state) {
    (void)state;
    static const struct {
        uint16_t port;
        const char *hex;
    } payloads[] = {
        { 4789, "" },
        { 4789, "00000000 00123400 020000000002 020000000001 0800 45" }, /* no VNI */
        { 4789, "08000000 00123400 020000000002 020000000001 0806 0001" },
        { 4789, "08000000 00123400 020000000002 020000000001 0800 4500 0400" },
        { 6081, "0080 6558 00567800 020000000002 020000000001 0800 45" }, /* control */
        { 6081, "3f00 6558 00567800" },                                   /* options: 252 bytes */
        { 6081, "4000 6558 00567800" },                                   /* version 1 */
        { 2152, "3001 0004 00000000 00000000" },                          /* echo request */
        { 2152, "30ff 0400 00000001 45" },                                /* longer than UDP */
        { 2152, "34ff 0008 00000001 0000 00 85 00000000" }, /* extension header of length 0 */
        { 2152, "34ff 0008 00000001 0000 00 85 ff000000" },
        { 2152, "30ff 0004 00000001 00000000" }, /* neither IPv4 nor IPv6 */
    };
    struct leat_flow_decoder *decoder =
        decoder_of(&(struct leat_flow_decode_opts){ .tunnels = LEAT_FLOW_TUNNELS_BOTH });
    for (uint32_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
        struct flow_frame frame;
        flow_start(&frame);
        flow_ethernet(&frame, 0x0800);
        flow_ip4(&frame, 17, 0, "", 0);
        flow_udp(&frame, 1000, payloads[i].port);
        flow_hex(&frame, payloads[i].hex);
        flow_finish(&frame);
        assert_int_equal(decode_at(decoder, &frame, 0, packets), 1);
        assert_int_equal(ntohs(packets->key4.port[1]), payloads[i].port);
        assert_int_equal(packets->octets, frame.len - 14);
        assert_int_equal(packets->flags & LEAT_FLOW_INNER, 0);
        assert_int_equal(packets->scope, 0);
    }
    leat_flow_decoder_destroy(decoder);
}

static uint32_t key_scope(struct leat_flow_decoder *decoder, void (*build)(struct flow_frame *),
                          uint32_t interface) {
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    struct flow_frame frame;
    flow_start(&frame);
    build(&frame);
    flow_finish(&frame);
    assert_int_equal(leat_flow_decode(decoder, frame.bytes, frame.len, frame.len, 0, interface,
                                      NULL, 0, packets),
                     1);
    return packets->key4.scope;
}

static void tagged(struct flow_frame *frame, uint16_t tci) {
    flow_ethernet(frame, 0x8100);
    flow_tag(frame, tci, 0x0800);
    flow_ip4(frame, 17, 0, "", 0);
    flow_udp(frame, 1, 2);
}

static void vlan_5(struct flow_frame *frame) {
    tagged(frame, 5);
}

static void vlan_5_urgent(struct flow_frame *frame) {
    tagged(frame, 0xe005);
}

static void vlan_6(struct flow_frame *frame) {
    tagged(frame, 6);
}

static void tunnelled(struct flow_frame *frame, int back) {
    flow_ethernet(frame, 0x0800);
    flow_ip4(frame, 47, 0, "", back);
    flow_hex(frame, "2000 0800 00000007");
    flow_ip4(frame, 17, 0, "", back);
    flow_udp(frame, 1, 2);
}

static void there(struct flow_frame *frame) {
    tunnelled(frame, 0);
}

static void back(struct flow_frame *frame) {
    tunnelled(frame, 1);
}

static void the_key_holds_what_was_asked_for(void **state) {
    (void)state;
    struct leat_flow_decoder *none =
        decoder_of(&(struct leat_flow_decode_opts){ .tunnels = LEAT_FLOW_TUNNELS_INNER });
    struct leat_flow_decoder *all = decoder_of(
        &(struct leat_flow_decode_opts){ .tunnels = LEAT_FLOW_TUNNELS_INNER, .key = 31 });
    assert_int_equal(key_scope(none, vlan_5, 0), 0);
    assert_int_equal(key_scope(none, there, 9), 0);

    uint32_t five = key_scope(all, vlan_5, 0);
    assert_int_not_equal(five, 0);
    assert_int_equal(key_scope(all, vlan_5_urgent, 0), five);
    assert_int_not_equal(key_scope(all, vlan_6, 0), five);
    assert_int_not_equal(key_scope(all, vlan_5, 1), five);
    assert_int_equal(key_scope(all, vlan_5, 0), five);
    assert_int_equal(key_scope(all, there, 0), key_scope(all, back, 0));

    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    decode_named(all, "udp4", packets); /* whose ToS is 0x10 */
    const struct leat_flow_scope tos = { .tos = 0x10 };
    assert_memory_equal(leat_flow_scopes_get(leat_flow_decoder_scopes(all), packets->key4.scope),
                        &tos, sizeof(tos));
    assert_int_equal(packets->scope, 0);
    decode_named(none, "udp4", packets);
    assert_int_equal(packets->key4.scope, 0);
    assert_int_equal(packets->tos, 0x10);
    leat_flow_decoder_destroy(none);
    leat_flow_decoder_destroy(all);
}

static struct leat_flow_scope tunnel_of(uint32_t id) {
    return (struct leat_flow_scope){ .tunnel = LEAT_FLOW_TUNNEL_GTPU, .tunnel_id = id };
}

static uint32_t number_of(struct leat_flow_scopes *scopes, uint32_t id) {
    struct leat_flow_scope scope = tunnel_of(id);
    int number = leat_flow_scopes_number(scopes, &scope);
    assert_true(number >= 0);
    assert_memory_equal(leat_flow_scopes_get(scopes, (uint32_t)number), &scope, sizeof(scope));
    return (uint32_t)number;
}

static void numbers_stay_as_long_as_they_are_held(void **state) {
    enum { MOST = 1000 };
    (void)state;
    struct leat_flow_scopes *scopes;
    struct leat_flow_scope scope = { 0 };
    assert_int_equal(leat_flow_scopes_create(&scopes, MOST, 1), 0);
    assert_int_equal(leat_flow_scopes_number(scopes, &scope), 0);
    uint32_t numbers[MOST];
    for (uint32_t i = 0; i < MOST; i++)
        leat_flow_scopes_hold(scopes, numbers[i] = number_of(scopes, i));
    scope = tunnel_of(MOST);
    assert_int_equal(leat_flow_scopes_number(scopes, &scope), -1);
    leat_flow_scopes_release(scopes, numbers[500]);
    assert_int_equal(leat_flow_scopes_number(scopes, &scope), -1); /* a packet may still have it */
    leat_flow_scopes_reclaim(scopes);
    leat_flow_scopes_hold(scopes, number_of(scopes, MOST));
    leat_flow_scopes_reclaim(scopes);
    assert_int_equal(leat_flow_scopes_count(scopes), MOST);
    for (uint32_t i = 0; i < MOST; i++)
        if (i != 500)
            assert_int_equal(number_of(scopes, i), numbers[i]);
    leat_flow_scopes_destroy(scopes);
    assert_string_equal(leat_flow_tunnel_name(LEAT_FLOW_TUNNEL_GENEVE), "geneve");
}

/* A window of scopes moves on over 200,000 of them: what waits to be reclaimed stays bounded. */
static void numbers_come_back(void **state) {
    enum { HELD = 100, ALL = 200000, BATCH = 7 };
    (void)state;
    struct leat_flow_scopes *scopes;
    uint32_t held[HELD] = { 0 };
    assert_int_equal(leat_flow_scopes_create(&scopes, 2 * HELD + 2 * BATCH, 1), 0);
    for (uint32_t i = 0; i < ALL; i++) {
        if (i % BATCH == 0)
            leat_flow_scopes_reclaim(scopes);
        uint32_t *mine = &held[i % HELD];
        leat_flow_scopes_release(scopes, *mine);
        leat_flow_scopes_hold(scopes, *mine = number_of(scopes, i));
        if (i >= HELD) /* the oldest one is still the same */
            assert_int_equal(number_of(scopes, i - HELD + 1), held[(i + 1) % HELD]);
    }
    assert_in_range(leat_flow_scopes_count(scopes), HELD, 2 * HELD + 2 * BATCH);
    leat_flow_scopes_destroy(scopes);
}

static void without_a_number_a_frame_is_skipped(void **state) {
    (void)state;
    const struct leat_flow_decode_opts opts = { .tunnels = LEAT_FLOW_TUNNELS_INNER, .scopes = 100 };
    struct leat_flow_decoder *decoder = decoder_of(&opts);
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    struct flow_frame frame;
    flow_build(flow_case_named("vxlan"), &frame);
    uint32_t vni = 14 + 20 + 8 + 4;
    for (uint32_t i = 1; i <= 110; i++) {
        leat_put_be32(frame.bytes + vni, i << 8);
        int n = decode_at(decoder, &frame, 0, packets);
        assert_int_equal(n, i <= 100 ? 1 : -1 - LEAT_FLOW_SKIP_SCOPES);
    }
    leat_put_be32(frame.bytes + vni, 1 << 8);
    assert_int_equal(decode_at(decoder, &frame, 0, packets), 1);
    assert_int_equal(decode_named(decoder, "udp4", packets), 1);

    /* The numbers that the decoder itself remembers are not given to others. */
    uint32_t mine = decode_at(decoder, &frame, 0, packets) == 1 ? packets->scope : 0;
    leat_flow_scopes_reclaim(leat_flow_decoder_scopes(decoder));
    for (uint32_t i = 200; i < 210; i++) {
        struct leat_flow_scope scope = tunnel_of(i);
        int number = leat_flow_scopes_number(leat_flow_decoder_scopes(decoder), &scope);
        assert_true(number > 0 && (uint32_t)number != mine);
    }
    assert_int_equal(decode_at(decoder, &frame, 0, packets), 1);
    assert_int_equal(packets->scope, mine);
    leat_flow_decoder_destroy(decoder);
}

static void later_fragments_get_the_first_ones_ports(void **state) {
    (void)state;
    const uint64_t timeout_ns = 1000;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct leat_flow_decoder *decoder =
            decoder_of(&(struct leat_flow_decode_opts){ .fragment_timeout_ns = timeout_ns });
        struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
        struct flow_frame first, later;
        flow_build(flow_case_named(ip6 ? "fragment6" : "fragment4"), &first);
        flow_build(flow_case_named(ip6 ? "fragment6_later" : "fragment4_later"), &later);
        const uint16_t *port = ip6 ? packets->key6.port : packets->key4.port;

        assert_int_equal(decode_at(decoder, &later, 10, packets), 1); /* came too early */
        assert_int_equal(port[1], 0);
        assert_int_equal(decode_at(decoder, &first, 10, packets), 1);
        assert_int_equal(packets->flags & (LEAT_FLOW_FRAGMENT | LEAT_FLOW_LATER),
                         LEAT_FLOW_FRAGMENT);
        assert_int_equal(packets->fragment_flags, 0x20);
        assert_int_equal(decode_at(decoder, &later, 10 + timeout_ns, packets), 1);
        assert_int_equal(ntohs(port[0]), 1000);
        assert_int_equal(ntohs(port[1]), 2000);
        assert_true(packets->flags & LEAT_FLOW_LATER);
        assert_false(packets->flags & LEAT_FLOW_L4);
        assert_int_equal(packets->payload_bytes, 19);
        assert_int_equal(packets->fragment_flags, 0);
        assert_int_equal(decode_at(decoder, &later, 9, packets), 1); /* out of order */
        assert_int_equal(ntohs(port[1]), 2000);
        assert_int_equal(decode_at(decoder, &later, 11 + timeout_ns, packets), 1); /* too late */
        assert_int_equal(port[1], 0);

        later.bytes[14 + (ip6 ? 47 : 5)]++; /* of another datagram */
        assert_int_equal(decode_at(decoder, &later, 10, packets), 1);
        assert_int_equal(port[1], 0);
        leat_flow_decoder_destroy(decoder);
    }
}

/* Extension headers may come behind the fragment header; only the first fragment has them. */
static void later_fragments_get_the_protocol_too(void **state) {
    (void)state;
    struct leat_flow_decoder *decoder = decoder_of(&(struct leat_flow_decode_opts){ 0 });
    struct leat_flow_packet packets[LEAT_FLOW_DECODED_MAX];
    for (int later = 0; later < 2; later++) {
        struct flow_frame frame;
        flow_start(&frame);
        flow_ethernet(&frame, 0x86dd);
        flow_ip6(&frame, 44, 0);
        flow_hex(&frame, later ? "3c 00 0018 00000001" : "3c 00 0001 00000001");
        if (!later) {
            flow_hex(&frame, "11 00 0104 00000000");
            flow_udp(&frame, 1000, 2000);
        }
        flow_payload(&frame, 8);
        flow_finish(&frame);
        assert_int_equal(decode_at(decoder, &frame, 0, packets), 1);
        assert_int_equal(packets->key6.protocol, 17);
        assert_int_equal(ntohs(packets->key6.port[1]), 2000);
        assert_int_equal(packets->payload_bytes, 8);
    }
    leat_flow_decoder_destroy(decoder);
}

static void the_oldest_datagram_makes_way(void **state) {
    (void)state;
    struct leat_flow_fragments *fragments;
    struct leat_flow_fragment_ports ports = { .port = { 1, 2 }, .protocol = 17 };
    struct leat_flow_fragment_id id = { .version = 4, .protocol = 17 };
    assert_int_equal(leat_flow_fragments_create(&fragments, 4, 1000, 1), 0); /* one set */
    for (id.id = 1; id.id <= 5; id.id++)
        leat_flow_fragments_note(fragments, &id, &ports, id.id);
    id.id = 1;
    assert_null(leat_flow_fragments_find(fragments, &id, 6));
    for (id.id = 2; id.id <= 5; id.id++)
        assert_non_null(leat_flow_fragments_find(fragments, &id, 6));
    leat_flow_fragments_destroy(fragments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outer_inner_or_both),
        cmocka_unit_test(tunnels_are_followed_to_a_depth),
        cmocka_unit_test(what_a_tunnel_carries_may_be_anything),
        cmocka_unit_test(the_key_holds_what_was_asked_for),
        cmocka_unit_test(numbers_stay_as_long_as_they_are_held),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(without_a_number_a_frame_is_skipped),
        cmocka_unit_test(later_fragments_get_the_first_ones_ports),
        cmocka_unit_test(later_fragments_get_the_protocol_too),
        cmocka_unit_test(the_oldest_datagram_makes_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
