/* SPDX-License-Identifier: BSD-2-Clause */
/* Every frame of a capture of real programs is parsed as tshark does, and its checksums are right.
 */
#include "lib/drivers/capture.h"
#include <errno.h>
#include <leat/checksum.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A line of protocols.txt. */
struct truth {
    unsigned number, bytes, l3, l4, protocol;
    char vlans[32];
    char kind[8];
};

/* How often the capture shows what it was made for. */
struct seen {
    unsigned frames, arp, one_tag, two_tags, first_fragments, later_fragments, ip4_options;
    unsigned extensions, routed, ip4_checksums, l4_checksums[256];
};

static void print_vlans(char *text, size_t size, const struct leat_headers *h) {
    size_t used = 0;
    snprintf(text, size, "-");
    for (uint32_t i = 0; i < h->vlan_count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", i ? "," : "",
                                 h->vlan_tci[i] & 0xfff);
}

static void print_kind(char *text, size_t size, const struct leat_headers *h) {
    uint32_t flags = h->flags;
    snprintf(text, size, "%s%s%s%s",
             flags & LEAT_HEADERS_IP4   ? "4"
             : flags & LEAT_HEADERS_IP6 ? "6"
                                        : "A",
             flags & LEAT_HEADERS_FRAGMENT ? "F" : "", flags & LEAT_HEADERS_LATER ? "R" : "",
             flags & LEAT_HEADERS_LAST ? "E" : "");
}

static void check_headers(const struct leat_headers *h, const struct truth *truth) {
    struct truth found = { .number = truth->number,
                           .l3 = h->l3,
                           .l4 = h->flags & LEAT_HEADERS_L4 ? h->l4 : 0,
                           .protocol = h->protocol };
    if (h->protocol == 2) /* IGMP has no header of transport, neither here nor for tshark */
        assert_false(h->flags & LEAT_HEADERS_L4);
    print_vlans(found.vlans, sizeof(found.vlans), h);
    print_kind(found.kind, sizeof(found.kind), h);
    if (h->problem || found.l3 != truth->l3 || found.l4 != truth->l4 ||
        found.protocol != truth->protocol || strcmp(found.vlans, truth->vlans) != 0 ||
        strcmp(found.kind, truth->kind) != 0)
        fail_msg("frame %u: problem %s, l3 %u, l4 %u, protocol %u, VLANs %s, kind %s", found.number,
                 leat_problem_name((enum leat_problem)h->problem), found.l3, found.l4,
                 found.protocol, found.vlans, found.kind);
}

static void check_checksums(const uint8_t *data, uint32_t bytes, const struct leat_headers *h,
                            struct seen *seen) {
    struct leat_pkt pkt = { .data = (uint8_t *)data, .len = (uint16_t)bytes };
    if (h->flags & LEAT_HEADERS_IP4) {
        assert_true(leat_ip4_checksum_ok(data + h->l3, (data[h->l3] & 15) * 4u));
        seen->ip4_checksums++;
    }
    enum leat_verdict verdict = leat_l4_verify(&pkt, 1, h);
    if (h->flags & LEAT_HEADERS_L4 && !(h->flags & LEAT_HEADERS_FRAGMENT)) {
        assert_int_equal(verdict, LEAT_CHECKSUM_OK);
        seen->l4_checksums[h->protocol]++;
    } else {
        assert_int_equal(verdict, LEAT_CHECKSUM_UNKNOWN);
    }
}

static void count(struct seen *seen, const struct leat_headers *h) {
    uint32_t later = h->flags & LEAT_HEADERS_LATER, ip6 = h->flags & LEAT_HEADERS_IP6;
    seen->frames++;
    seen->arp += h->ether_type == LEAT_ETHER_ARP;
    seen->one_tag += h->vlan_count == 1;
    seen->two_tags += h->vlan_count == 2;
    seen->first_fragments += h->flags & LEAT_HEADERS_FRAGMENT && !later;
    seen->later_fragments += !!later;
    seen->ip4_options += h->flags & LEAT_HEADERS_OPTIONS && !ip6;
    seen->extensions += h->flags & LEAT_HEADERS_OPTIONS && ip6;
    seen->routed += ip6 && h->destination != h->l3 + 24;
}

static void parsing_agrees_with_tshark(void **state) {
    (void)state;
    struct capture_reader reader;
    struct seen seen = { 0 };
    struct truth truth;
    FILE *table = fopen(CAPTURES "protocols.txt", "r");
    assert_non_null(table);
    assert_int_equal(capture_reader_open(&reader, CAPTURES "protocols.pcap"), 0);

    const struct capture_frame *frame;
    for (; capture_peek(&reader, &frame) == 1; capture_next(&reader)) {
        struct leat_headers h;
        assert_int_equal(fscanf(table, "%u %u %u %u %u %31s %7s", &truth.number, &truth.bytes,
                                &truth.l3, &truth.l4, &truth.protocol, truth.vlans, truth.kind),
                         7);
        assert_int_equal(frame->captured, truth.bytes);
        leat_parse(frame->data, frame->data + frame->captured, &h);
        check_headers(&h, &truth);
        check_checksums(frame->data, frame->captured, &h, &seen);
        count(&seen, &h);
    }
    assert_int_equal(capture_peek(&reader, &frame), -ENODATA);
    assert_int_equal(fscanf(table, "%u", &truth.number), EOF);
    assert_int_equal(seen.frames, truth.number);
    capture_reader_close(&reader);
    fclose(table);

    assert_true(seen.arp && seen.one_tag && seen.two_tags);
    assert_true(seen.first_fragments && seen.later_fragments > seen.first_fragments);
    assert_true(seen.ip4_options && seen.extensions && seen.routed && seen.ip4_checksums);
    static const uint8_t protocols[] = { LEAT_PROTO_TCP, LEAT_PROTO_UDP, LEAT_PROTO_SCTP,
                                         LEAT_PROTO_ICMP, LEAT_PROTO_ICMP6 };
    for (size_t i = 0; i < sizeof(protocols); i++)
        assert_int_not_equal(seen.l4_checksums[protocols[i]], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing_agrees_with_tshark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
