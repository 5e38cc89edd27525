/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame is decoded by one of three roads (lib/flow/decode.c); whichever it is, the packet is the
 * same. Frames are good ones, damaged at random. */
#include "flow_frames.h"
#include "lib/flow/decode.h"
#include "random.h"
#include <leat/packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ROUNDS 200000

/* So many that none has to make way for another, which depends on each decoder's secret. */
#define FRAGMENTS (1u << 19)

enum road { SHORT, PARSED, WALKED, ROADS };

/* Details are not for the short road, nor frames with tags aside for one that parses. */
static int decode(struct leat_flow_decoder *decoder, enum road road, const uint8_t *frame,
                  uint32_t captured, uint32_t len, struct leat_flow_packet *packets) {
    static const struct leat_meta no_tags;
    memset(packets, 0xa5, LEAT_FLOW_DECODED_MAX * sizeof(*packets));
    int n = leat_flow_decode(decoder, frame, captured, len, 7, 0, road == WALKED ? &no_tags : NULL,
                             road == WALKED ? LEAT_PKT_META | LEAT_PKT_VLAN : 0, packets);
    for (int i = 0; i < n; i++) {
        packets[i].ip_options = packets[i].flow_label = 0;
        packets[i].tcp_options = packets[i].tcp_options_high = 0;
        memset(packets[i].mac, 0, sizeof(packets[i].mac));
        if (!(packets[i].flags & LEAT_FLOW_IP6)) /* what IPv4 leaves of the room for a key */
            memset(&packets[i].key4 + 1, 0, sizeof(packets[i].key6) - sizeof(packets[i].key4));
    }
    return n;
}

static void assert_same(const struct leat_flow_packet *a, const struct leat_flow_packet *b) {
    assert_memory_equal(&a->key6, &b->key6, sizeof(a->key6));
#define SAME(member) assert_int_equal(a->member, b->member)
    SAME(time_ns);
    assert_ptr_equal(a->ip, b->ip);
    assert_ptr_equal(a->l4, b->l4);
    assert_ptr_equal(a->payload, b->payload);
    SAME(payload_here);
    SAME(octets);
    SAME(frame_octets);
    SAME(payload_bytes);
    SAME(l4_bytes);
    SAME(flags);
    SAME(tcp_flags);
    SAME(tcp_window);
    SAME(scope);
    SAME(side);
    SAME(ttl);
    SAME(tos);
    SAME(fragment_flags);
    SAME(icmp_type_code);
#undef SAME
}

/* A good frame, padded perhaps, with up to three bytes of its headers changed. */
static void damage(struct flow_frame *frame, uint64_t *state) {
    uint32_t count, padding = random_next(state) % 4 ? 0 : random_next(state) % 30;
    const struct flow_case *all = flow_cases(&count);
    flow_build(&all[random_next(state) % count], frame);
    memset(frame->bytes + frame->len, 0, padding);
    frame->len += padding;
    for (uint32_t i = random_next(state) % 4; i > 0; i--) {
        uint32_t at = random_next(state) % 2 ? 12 + random_next(state) % 12 /* ether type, IP */
                                             : random_next(state) % 80;
        if (at < frame->len)
            frame->bytes[at] =
                (uint8_t)(random_next(state) % 2 ? random_next(state)
                                                 : frame->bytes[at] ^ 1u << random_next(state) % 8);
    }
}

static void all_roads_lead_to_the_same_packet(void **state) {
    (void)state;
    const char *given = getenv("LEAT_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2 + 1;
    print_message("LEAT_SEED=%llu\n", (unsigned long long)seed);
    uint64_t random = seed;
    uint32_t packets_seen[2] = { 0 };
    for (uint32_t choice = 0; choice < 6; choice++) {
        struct leat_flow_decoder *decoders[ROADS];
        for (enum road road = SHORT; road < ROADS; road++) {
            const struct leat_flow_decode_opts opts = {
                .tunnels = (enum leat_flow_tunnels)(choice % 3),
                .uniflow = choice >= 3,
                .details = road != SHORT,
                .fragments = FRAGMENTS,
            };
            assert_int_equal(leat_flow_decoder_create(&decoders[road], &opts), 0);
        }
        for (uint32_t round = 0; round < ROUNDS / 6; round++) {
            struct flow_frame frame;
            struct leat_flow_packet packets[ROADS][LEAT_FLOW_DECODED_MAX];
            damage(&frame, &random);
            uint32_t captured = frame.len;
            if (random_next(&random) % 8 == 0)
                captured = (uint32_t)(random_next(&random) % (frame.len + 1));
            int n[ROADS];
            for (enum road road = SHORT; road < ROADS; road++) {
                n[road] =
                    decode(decoders[road], road, frame.bytes, captured, frame.len, packets[road]);
                assert_int_equal(n[road], n[SHORT]);
                for (int i = 0; i < n[road]; i++)
                    assert_same(&packets[road][i], &packets[SHORT][i]);
            }
            if (n[SHORT] > 0)
                packets_seen[packets[SHORT]->flags & LEAT_FLOW_IP6]++;
        }
        for (enum road road = SHORT; road < ROADS; road++)
            leat_flow_decoder_destroy(decoders[road]);
    }
    assert_true(packets_seen[0] > ROUNDS / 10 && packets_seen[1] > ROUNDS / 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_roads_lead_to_the_same_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
