/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_frames.h"
#include "lib/flow/flow.h"
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void flow_start(struct flow_frame *frame) {
    memset(frame, 0, sizeof(*frame));
}

static void put8(struct flow_frame *frame, uint8_t value) {
    assert_true(frame->len < FLOW_FRAME_MAX);
    frame->bytes[frame->len++] = value;
}

static void put16(struct flow_frame *frame, uint16_t value) {
    put8(frame, (uint8_t)(value >> 8));
    put8(frame, (uint8_t)value);
}

/* A length to be filled in: bytes from `from` to the end of the frame, plus `add`. */
static void put_length(struct flow_frame *frame, uint32_t from, int32_t add) {
    frame->lengths[frame->length_count].at = frame->len;
    frame->lengths[frame->length_count].from = from;
    frame->lengths[frame->length_count++].add = add;
    put16(frame, 0);
}

void flow_finish(struct flow_frame *frame) {
    for (uint32_t i = 0; i < frame->length_count; i++) {
        int32_t value = (int32_t)(frame->len - frame->lengths[i].from) + frame->lengths[i].add;
        leat_put_be16(frame->bytes + frame->lengths[i].at, (uint32_t)value);
    }
}

void flow_hex(struct flow_frame *frame, const char *hex) {
    unsigned byte;
    int used;
    while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
        put8(frame, (uint8_t)byte);
        hex += used;
    }
}

void flow_ethernet(struct flow_frame *frame, uint16_t type) {
    flow_hex(frame, "020000000002 020000000001");
    put16(frame, type);
}

void flow_tag(struct flow_frame *frame, uint16_t tci, uint16_t next_type) {
    put16(frame, tci);
    put16(frame, next_type);
}

void flow_ip4(struct flow_frame *frame, uint8_t protocol, uint16_t fragment, const char *options,
              int back) {
    uint32_t start = frame->len;
    flow_hex(frame, "45 10");
    put_length(frame, start, 0);
    put16(frame, 0x1234);
    put16(frame, fragment);
    put8(frame, 64);
    put8(frame, protocol);
    put16(frame, 0);
    flow_hex(frame, back ? "0a000002 0a000001" : "0a000001 0a000002");
    flow_hex(frame, options);
    frame->bytes[start] = (uint8_t)(0x40 | (frame->len - start) / 4);
}

void flow_ip6(struct flow_frame *frame, uint8_t next, int back) {
    uint32_t start = frame->len;
    flow_hex(frame, "61 2a bc de");
    put_length(frame, start, -40);
    put8(frame, next);
    put8(frame, 63);
    flow_hex(frame, "20010db8 00000000 00000000");
    flow_hex(frame, back ? "00000002" : "00000001");
    flow_hex(frame, "20010db8 00000000 00000000");
    flow_hex(frame, back ? "00000001" : "00000002");
}

void flow_udp(struct flow_frame *frame, uint16_t source, uint16_t destination) {
    put16(frame, source);
    put16(frame, destination);
    put_length(frame, frame->len - 4, 0);
    put16(frame, 0);
}

void flow_tcp(struct flow_frame *frame, uint16_t source, uint16_t destination, uint8_t flags,
              const char *options) {
    uint32_t start = frame->len;
    put16(frame, source);
    put16(frame, destination);
    flow_hex(frame, "00000001 00000002 51");
    put8(frame, flags);
    flow_hex(frame, "2000 0000 0000");
    flow_hex(frame, options);
    /* The lowest bit beside the length is the ninth flag (AE, RFC 9768). */
    frame->bytes[start + 12] = (uint8_t)((frame->len - start) / 4 << 4 | 1);
}

void flow_payload(struct flow_frame *frame, uint32_t bytes) {
    while (bytes--)
        put8(frame, (uint8_t)(0x40 + bytes % 32));
}

/* What tunnels carry: UDP of ten bytes, and TCP. */
static void inner4(struct flow_frame *frame) {
    flow_ip4(frame, 17, 0, "", 0);
    flow_udp(frame, 1000, 2000);
    flow_payload(frame, 10);
}

static void inner6(struct flow_frame *frame) {
    flow_ip6(frame, 6, 0);
    flow_tcp(frame, 1000, 2000, 0x18, "");
    flow_payload(frame, 7);
}

static void udp4(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    inner4(f);
}

static void tcp6(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    inner6(f);
}

static void tcp4(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 6, 0x4000, "", 0);
    flow_tcp(f, 40000, 443, 0x02, "020405b4 0402 080a 00000001 00000000 01 030307");
}

static void tcp4_options(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 6, 0, "94040000 07 07 04 0a000009 00", 0);
    flow_tcp(f, 40000, 443, 0x10, "1e04 0000");
    flow_payload(f, 5);
}

static void udp6(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 17, 0);
    flow_udp(f, 5000, 53);
    flow_payload(f, 20);
}

static void udp6_extensions(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 0, 0);
    flow_hex(f, "3c 00 0104 00000000"); /* hop-by-hop, then destination options */
    flow_hex(f, "2b 00 0104 00000000"); /* then routing */
    flow_hex(f, "33 02 0400 00000000 20010db8000000000000000000000009");  /* then authentication */
    flow_hex(f, "11 04 0000 00000001 00000001 000000000000000000000000"); /* then UDP */
    flow_udp(f, 5000, 53);
    flow_payload(f, 20);
}

static void sctp4(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 132, 0, "", 0);
    flow_hex(f, "0b59 0b5a 00000001 00000000");
    flow_payload(f, 16);
}

static void icmp4(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 1, 0, "", 0);
    flow_hex(f, "0800 0000 0001 0001");
    flow_payload(f, 32);
}

static void icmp6(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 58, 0);
    flow_hex(f, "8000 0000 0001 0001");
    flow_payload(f, 32);
}

static void igmp(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 2, 0, "94040000", 0);
    flow_hex(f, "1600 0000 e0000016");
}

static void ospf6(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 89, 0);
    flow_payload(f, 36);
}

static void one_tag(struct flow_frame *f) {
    flow_ethernet(f, 0x8100);
    flow_tag(f, 0xa064, 0x0800);
    inner4(f);
}

static void four_tags(struct flow_frame *f) {
    flow_ethernet(f, 0x88a8);
    flow_tag(f, 1, 0x9100);
    flow_tag(f, 2, 0x8100);
    flow_tag(f, 3, 0x8100);
    flow_tag(f, 4, 0x86dd);
    inner6(f);
}

static void mpls4(struct flow_frame *f) {
    flow_ethernet(f, 0x8847);
    flow_hex(f, "00010040 00020040 00030140");
    inner4(f);
}

static void mpls_deep(struct flow_frame *f) {
    flow_ethernet(f, 0x8847);
    flow_hex(f, "00010040 00020040 00030040 00040040 00050040 00060140");
    inner6(f);
}

static void pseudowire(struct flow_frame *f) {
    flow_ethernet(f, 0x8847);
    flow_hex(f, "00010140 00000007");
    flow_ethernet(f, 0x8100);
    flow_tag(f, 9, 0x0800);
    inner4(f);
}

static void pppoe4(struct flow_frame *f) {
    flow_ethernet(f, 0x8864);
    flow_hex(f, "1100 0042");
    put_length(f, f->len + 2, 0);
    flow_hex(f, "0021");
    inner4(f);
}

static void pppoe6_compressed(struct flow_frame *f) {
    flow_ethernet(f, 0x8864);
    flow_hex(f, "1100 0042");
    put_length(f, f->len + 2, 0);
    flow_hex(f, "57");
    inner6(f);
}

static void gre4(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 47, 0, "", 1);
    flow_hex(f, "0000 0800");
    inner4(f);
}

static void gre_all(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 47, 1);
    flow_hex(f, "b000 86dd 12340000 0000002a 00000001");
    inner6(f);
}

static void gre_ethernet(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 47, 0, "", 0);
    flow_hex(f, "2000 6558 00abcdef");
    flow_ethernet(f, 0x0800);
    inner4(f);
}

static void gre_mpls(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 47, 0, "", 0);
    flow_hex(f, "0000 8847 00064140");
    inner4(f);
}

static void ipip(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 4, 0, "", 1);
    inner4(f);
}

static void sixinfour(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 41, 0, "", 0);
    inner6(f);
}

static void fourinsix(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 4, 0);
    inner4(f);
}

static void sixinsix(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 41, 1);
    inner6(f);
}

static void vxlan(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 17, 0, "", 0);
    flow_udp(f, 50000, 4789);
    flow_hex(f, "08000000 00123400");
    flow_ethernet(f, 0x0800);
    inner4(f);
}

static void geneve(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 17, 0);
    flow_udp(f, 50000, 6081);
    flow_hex(f, "0300 6558 00567800 0102 0002 00000000 00000000");
    flow_ethernet(f, 0x86dd);
    inner6(f);
}

static void gtpu(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 17, 0, "", 0);
    flow_udp(f, 2152, 2152);
    flow_hex(f, "30ff");
    put_length(f, f->len + 6, 0);
    flow_hex(f, "deadbeef");
    inner4(f);
}

static void gtpu_extensions(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 17, 0, "", 0);
    flow_udp(f, 2152, 2152);
    flow_hex(f, "36ff");
    put_length(f, f->len + 6, 0);
    flow_hex(f, "00000001 0001 00 85 01 0009 c0 01 0000 00");
    inner6(f);
}

static void nested(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 47, 0, "", 0);
    flow_hex(f, "0000 0800");
    flow_ip4(f, 17, 0, "", 0);
    flow_udp(f, 50000, 4789);
    flow_hex(f, "08000000 00000100");
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 4, 0, "", 0);
    inner4(f);
}

static void fragment4(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 17, 0x2000, "", 0);
    flow_hex(f, "03e8 07d0 0bb8 0000"); /* the datagram is longer than this */
    flow_payload(f, 24);
}

static void fragment4_later(struct flow_frame *f) {
    flow_ethernet(f, 0x0800);
    flow_ip4(f, 17, 4, "", 0);
    flow_payload(f, 19);
}

static void fragment6(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 44, 0);
    flow_hex(f, "11 00 0001 0000002a");
    flow_hex(f, "03e8 07d0 0bb8 0000");
    flow_payload(f, 24);
}

static void fragment6_later(struct flow_frame *f) {
    flow_ethernet(f, 0x86dd);
    flow_ip6(f, 44, 0);
    flow_hex(f, "11 00 0020 0000002a");
    flow_payload(f, 19);
}

static const struct flow_case cases[] = {
    { "udp4", udp4, 4, 17, 1000, 2000, 38, 10 },
    { "tcp4", tcp4, 4, 6, 40000, 443, 60, 0 },
    { "tcp4_options", tcp4_options, 4, 6, 40000, 443, 61, 5 },
    { "tcp6", tcp6, 6, 6, 1000, 2000, 67, 7 },
    { "udp6", udp6, 6, 17, 5000, 53, 68, 20 },
    { "udp6_extensions", udp6_extensions, 6, 17, 5000, 53, 132, 20 },
    { "sctp4", sctp4, 4, 132, 2905, 2906, 48, 16 },
    { "icmp4", icmp4, 4, 1, 0, 0x800, 60, 32 },
    { "icmp6", icmp6, 6, 58, 0x8100, 0x8000, 80, 32 },
    { "igmp", igmp, 4, 2, 0, 0, 32, 0 },
    { "ospf6", ospf6, 6, 89, 0, 0, 76, 0 },
    { "one_tag", one_tag, 4, 17, 1000, 2000, 38, 10, .vlans = 1 },
    { "four_tags", four_tags, 6, 6, 1000, 2000, 67, 7, .vlans = 4 },
    { "mpls4", mpls4, 4, 17, 1000, 2000, 38, 10, .labels = 3 },
    { "mpls_deep", mpls_deep, 6, 6, 1000, 2000, 67, 7, .labels = 4 },
    { "pseudowire", pseudowire, 4, 17, 1000, 2000, 38, 10, .labels = 1, .vlans = 1 },
    { "pppoe4", pppoe4, 4, 17, 1000, 2000, 38, 10, .pppoe = 0x42 },
    { "pppoe6_compressed", pppoe6_compressed, 6, 6, 1000, 2000, 67, 7, .pppoe = 0x42 },
    { "gre4", gre4, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_GRE },
    { "gre_all", gre_all, 6, 6, 1000, 2000, 67, 7, LEAT_FLOW_TUNNEL_GRE, .tunnel_id = 42 },
    { "gre_ethernet", gre_ethernet, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_GRE,
      .tunnel_id = 0xabcdef },
    { "gre_mpls", gre_mpls, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_GRE, .labels = 1 },
    { "ipip", ipip, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_IPIP },
    { "sixinfour", sixinfour, 6, 6, 1000, 2000, 67, 7, LEAT_FLOW_TUNNEL_IPIP },
    { "fourinsix", fourinsix, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_IPIP },
    { "sixinsix", sixinsix, 6, 6, 1000, 2000, 67, 7, LEAT_FLOW_TUNNEL_IPIP },
    { "vxlan", vxlan, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_VXLAN, .tunnel_id = 0x1234 },
    { "geneve", geneve, 6, 6, 1000, 2000, 67, 7, LEAT_FLOW_TUNNEL_GENEVE, .tunnel_id = 0x5678 },
    { "gtpu", gtpu, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_GTPU, .tunnel_id = 0xdeadbeef },
    { "gtpu_extensions", gtpu_extensions, 6, 6, 1000, 2000, 67, 7, LEAT_FLOW_TUNNEL_GTPU,
      .tunnel_id = 1 },
    { "nested", nested, 4, 17, 1000, 2000, 38, 10, LEAT_FLOW_TUNNEL_IPIP },
    { "fragment4", fragment4, 4, 17, 1000, 2000, 52, 24 },
    { "fragment4_later", fragment4_later, 4, 17, 0, 0, 39, 19 },
    { "fragment6", fragment6, 6, 17, 1000, 2000, 80, 24 },
    { "fragment6_later", fragment6_later, 6, 17, 0, 0, 67, 19 },
};

const struct flow_case *flow_cases(uint32_t *count) {
    *count = sizeof(cases) / sizeof(cases[0]);
    return cases;
}

const struct flow_case *flow_case_named(const char *name) {
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    fail_msg("no frame %s", name);
    return NULL;
}

void flow_build(const struct flow_case *which, struct flow_frame *frame) {
    flow_start(frame);
    which->build(frame);
    flow_finish(frame);
}
