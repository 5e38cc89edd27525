/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments of random frames: headers, sequence, payload and checksums are what they must be. */
#include "frames.h"
#include <errno.h>
#include <leat/checksum.h>
#include <leat/parse.h>
#include <leat/segment.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BIG_MAX 20000
#define OUT_MAX 4096

enum { FIN = 0x01, PSH = 0x08, ACK = 0x10, CWR = 0x80 };

/* A frame to be cut, and what it was made of. */
struct big {
    uint8_t bytes[BIG_MAX], storage[BIG_MAX];
    uint32_t len; /* with padding behind the datagram */
    struct leat_headers h;
    uint16_t flags;
    struct leat_pkt pkts[8];
    uint32_t n;
};

static uint32_t write_ip4(uint8_t *ip, uint8_t protocol, uint32_t options, uint32_t total) {
    random_bytes(ip, 20);
    memset(ip + 20, 1, options);
    ip[0] = (uint8_t)(0x45 + options / 4);
    leat_put_be16(ip + 2, total);
    leat_put_be16(ip + 6, 0x4000);
    ip[9] = protocol;
    return 20 + options;
}

/* With destination options, and before them a segment routing header when `routed`. */
static uint32_t write_ip6(uint8_t *ip, uint8_t protocol, uint32_t extensions, int routed,
                          uint32_t payload) {
    uint8_t *next = ip + 6;
    uint32_t bytes = 40;
    random_bytes(ip, 40);
    ip[0] = 0x60;
    leat_put_be16(ip + 4, payload + extensions * 8 + (routed ? 24 : 0));
    if (routed) {
        *next = LEAT_PROTO_ROUTING;
        next = ip + bytes;
        memcpy(next, (const uint8_t[]){ 0, 2, 4, 1, 0, 0, 0, 0 }, 8);
        random_bytes(next + 8, 16);
        bytes += 24;
    }
    for (uint32_t i = 0; i < extensions; i++, bytes += 8) {
        *next = LEAT_PROTO_DESTINATION;
        next = ip + bytes;
        memcpy(next, (const uint8_t[]){ 0, 0, 1, 4, 0, 0, 0, 0 }, 8);
    }
    *next = protocol;
    return bytes;
}

static void make_big(struct big *big, uint32_t payload, uint32_t mss) {
    int ip6 = random_below(2), tcp = random_below(2), tagged = random_below(2);
    uint32_t l4_len = tcp ? 20 + 4 * random_below(11) : 8;
    uint32_t extra = random_below(4), padding = random_below(3);
    uint8_t protocol = tcp ? LEAT_PROTO_TCP : LEAT_PROTO_UDP;
    uint32_t l3 = tagged ? 18 : 14;

    random_bytes(big->bytes, l3);
    leat_put_be16(big->bytes + 12, LEAT_ETHER_VLAN);
    leat_put_be16(big->bytes + l3 - 2, ip6 ? LEAT_ETHER_IP6 : LEAT_ETHER_IP4);
    uint32_t l4 =
        l3 +
        (ip6 ? write_ip6(big->bytes + l3, protocol, extra, random_below(2), l4_len + payload)
             : write_ip4(big->bytes + l3, protocol, extra * 4, 20 + extra * 4 + l4_len + payload));
    big->len = l4 + l4_len + payload + padding;
    random_bytes(big->bytes + l4, l4_len + payload + padding);
    if (tcp) {
        big->bytes[l4 + 12] = (uint8_t)(l4_len / 4 << 4);
        big->bytes[l4 + 13] |= (uint8_t)(random_below(2) ? FIN | PSH | CWR | ACK : 0);
    } else {
        leat_put_be16(big->bytes + l4 + 4, l4_len + payload);
    }

    assert_int_equal(leat_parse(big->bytes, big->bytes + big->len, &big->h), LEAT_PROBLEM_NONE);
    assert_int_equal(big->h.l4, l4);
    big->flags = (ip6 ? LEAT_PKT_IPV6 : 0) | (tcp ? LEAT_PKT_L4_TCP : LEAT_PKT_L4_UDP);
    big->n = scatter(big->pkts, 8, big->storage, big->bytes, big->len, l4 + l4_len);
    big->pkts[0].flags |= LEAT_PKT_TSO | LEAT_PKT_L4_CSUM | LEAT_PKT_META | big->flags;
    big->pkts[0].offload = leat_offload(l3, l4 - l3, mss);
}

/* Empty packets of `room` bytes; what lies behind each must stay as it is. */
struct outputs {
    uint8_t memory[OUT_MAX * 64];
    struct leat_pkt pkts[OUT_MAX];
};

static void make_outputs(struct outputs *out, uint32_t count, uint32_t room) {
    assert_true(count <= OUT_MAX && count * (room + 1) <= sizeof(out->memory));
    memset(out->memory, 0xee, sizeof(out->memory));
    for (uint32_t i = 0; i < count; i++)
        out->pkts[i] = (struct leat_pkt){ .data = out->memory + i * (room + 1) };
}

/* The segment's bytes in one piece. */
static uint32_t gather(uint8_t *bytes, const struct leat_pkt *pkts, uint32_t n, uint32_t room) {
    uint32_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        assert_true(pkts[i].len <= room);
        assert_int_equal(pkts[i].data[room], 0xee);
        if (i + 1 < n)
            assert_int_equal(pkts[i].len, room);
        memcpy(bytes + len, pkts[i].data, pkts[i].len);
        len += pkts[i].len;
    }
    return len;
}

static void check_transport(const struct big *big, const uint8_t *bytes, uint32_t sent,
                            uint32_t payload, int last) {
    const uint8_t *from = big->bytes + big->h.l4, *to = bytes + big->h.l4;
    if (big->h.protocol == LEAT_PROTO_UDP) {
        assert_memory_equal(from, to, 4);
        assert_int_equal(leat_be16(to + 4), 8 + payload);
        return;
    }
    uint8_t gone = (uint8_t)((last ? 0 : FIN | PSH) | (sent ? CWR : 0));
    assert_memory_equal(from, to, 4);
    assert_int_equal(leat_be32(to + 4), leat_be32(from + 4) + sent);
    assert_memory_equal(from + 8, to + 8, 5);
    assert_int_equal(to[13], from[13] & ~gone);
    assert_memory_equal(from + 14, to + 14, 2);
    assert_memory_equal(from + 18, to + 18, big->h.payload - big->h.l4 - 18);
}

/* One segment with `sent` bytes before it. Returns its bytes of payload. */
static uint32_t check_segment(const struct big *big, struct leat_pkt *pkts, uint32_t n,
                              uint32_t room, uint32_t mss, uint32_t sent, uint32_t options) {
    static uint8_t bytes[BIG_MAX];
    struct leat_headers h;
    uint32_t headers = big->h.payload, index = sent / mss;
    uint32_t left = big->h.end - headers - sent, payload = left < mss ? left : mss;
    const uint8_t *ip = bytes + big->h.l3, *big_ip = big->bytes + big->h.l3;

    if (options & LEAT_SEGMENT_REQUEST_CHECKSUMS) {
        uint16_t requests = big->flags | LEAT_PKT_L4_CSUM;
        requests |= big->flags & LEAT_PKT_IPV6 ? 0 : LEAT_PKT_IP_CSUM;
        assert_int_equal(pkts[0].flags & ~LEAT_PKT_MORE, requests);
        assert_int_equal(pkts[0].offload, leat_offload(big->h.l3, big->h.l4 - big->h.l3, 0));
        assert_int_equal(leat_complete_checksum(pkts, n), 0);
    }
    assert_int_equal(pkts[0].flags & ~LEAT_PKT_MORE, big->flags);
    uint32_t len = gather(bytes, pkts, n, room);
    assert_int_equal(len, headers + payload);
    assert_int_equal(leat_parse(bytes, bytes + len, &h), LEAT_PROBLEM_NONE);
    assert_int_equal(h.l4, big->h.l4);
    assert_int_equal(h.payload, headers);
    assert_int_equal(h.end, len);

    assert_memory_equal(bytes, big->bytes, big->h.l3);
    if (h.flags & LEAT_HEADERS_IP4) {
        assert_true(leat_ip4_checksum_ok(ip, h.l4 - h.l3));
        assert_int_equal(leat_be16(ip + 4), (uint16_t)(leat_be16(big_ip + 4) + index));
        assert_memory_equal(ip + 6, big_ip + 6, 4);
        assert_memory_equal(ip + 12, big_ip + 12, h.l4 - h.l3 - 12);
    } else {
        assert_memory_equal(ip, big_ip, 4);
        assert_memory_equal(ip + 6, big_ip + 6, h.l4 - h.l3 - 6);
    }
    check_transport(big, bytes, sent, payload, payload == left);
    assert_memory_equal(bytes + headers, big->bytes + headers + sent, payload);
    struct leat_pkt whole = { .data = bytes, .len = (uint16_t)len };
    assert_int_equal(leat_l4_verify(&whole, 1, &h), LEAT_CHECKSUM_OK);
    return payload;
}

static void cut(struct big *big, uint32_t room, uint32_t mss, uint32_t options) {
    static struct outputs out;
    int count = leat_segment_count(big->pkts, big->n, room);
    assert_true(count > 0);
    make_outputs(&out, (uint32_t)count, room);
    assert_int_equal(leat_segment(big->pkts, big->n, out.pkts, (uint32_t)count - 1, room, options),
                     -ENOBUFS);
    assert_int_equal(out.memory[0], 0xee);
    assert_int_equal(leat_segment(big->pkts, big->n, out.pkts, (uint32_t)count, room, options),
                     count);
    assert_memory_equal(big->bytes, big->storage, big->len);

    uint32_t used = 0, sent = 0;
    while (used < (uint32_t)count) {
        uint32_t n = leat_frame_segments(out.pkts + used, (uint32_t)count - used);
        assert_int_not_equal(n, 0);
        sent += check_segment(big, out.pkts + used, n, room, mss, sent, options);
        used += n;
    }
    assert_int_equal(sent, big->h.end - big->h.payload);
}

static void random_frames_are_cut_right(void **state) {
    (void)state;
    static struct big big;
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t payload = random_below(6) ? random_below(12000) : random_below(3);
        uint32_t mss = 100 + random_below(random_below(2) ? 1500 : 12000);
        make_big(&big, payload, mss);
        cut(&big, big.h.payload + random_below(2000), mss,
            random_below(2) ? LEAT_SEGMENT_REQUEST_CHECKSUMS : 0);
    }
}

static void small_and_exact_sizes_are_cut_right(void **state) {
    (void)state;
    static struct big big;
    static const struct {
        uint32_t payload, mss, segments;
    } sizes[] = {
        { 0, 1, 1 },       { 1, 1, 1 },       { 7, 1, 7 },       { 1000, 1000, 1 },
        { 2000, 1000, 2 }, { 2001, 1000, 3 }, { 100, 65535, 1 },
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        make_big(&big, sizes[i].payload, sizes[i].mss);
        assert_int_equal(leat_segment_count(big.pkts, big.n, 2112), sizes[i].segments);
        cut(&big, 2112, sizes[i].mss, 0);
        cut(&big, big.h.payload, sizes[i].mss, 0); /* no payload beside the headers */
    }
}

/* The longest datagram is longer as a frame than one packet's `len` can say. */
static void a_length_of_more_than_16_bits_is_split(void **state) {
    (void)state;
    static uint8_t bytes[14 + 65535], storage[2][65536];
    struct leat_pkt frame[2] = {
        { .data = bytes, .len = 42, .flags = LEAT_PKT_MORE | LEAT_PKT_TSO | LEAT_PKT_L4_UDP },
        { .data = bytes + 42, .len = 65507 },
    };
    struct leat_pkt out[2] = { { .data = storage[0] }, { .data = storage[1] } };
    frame[0].offload = leat_offload(14, 20, 65535);
    leat_put_be16(bytes + 12, LEAT_ETHER_IP4);
    write_ip4(bytes + 14, LEAT_PROTO_UDP, 0, 65535);
    leat_put_be16(bytes + 38, 65515);
    random_bytes(bytes + 42, 65507);

    assert_int_equal(leat_segment(frame, 2, out, 2, 65535, 0), 2);
    assert_int_equal(leat_segment(frame, 2, out, 2, 65536, 0), 2);
    assert_int_equal(out[0].len, 65535);
    assert_int_equal(out[1].len, 14);
    assert_memory_equal(out[0].data + 42, bytes + 42, 65535 - 42);
    assert_memory_equal(out[1].data, bytes + 65535, 14);
    struct leat_headers h;
    leat_parse(out[0].data, out[0].data + out[0].len, &h);
    assert_int_equal(leat_l4_verify(out, 2, &h), LEAT_CHECKSUM_OK);
}

static struct big *a_big_udp4(void) {
    static struct big big;
    do {
        make_big(&big, 3000, 1000);
    } while (big.h.protocol != LEAT_PROTO_UDP || !(big.h.flags & LEAT_HEADERS_IP4));
    return &big;
}

static void refuse(const struct big *big, uint32_t n, uint32_t room, int error) {
    struct leat_pkt out[8] = { 0 };
    assert_int_equal(leat_segment_count(big->pkts, n, room), error);
    assert_int_equal(leat_segment(big->pkts, n, out, 8, room, 0), error);
}

static void nonsense_is_refused(void **state) {
    (void)state;
    struct big *big = a_big_udp4();
    uint32_t l3 = big->h.l3, l3_len = big->h.l4 - big->h.l3;
    struct leat_pkt good = big->pkts[0];

    assert_true(leat_segment_count(big->pkts, big->n, 2112) >= 3);
    refuse(big, big->n, big->h.payload - 1, -EMSGSIZE);
    refuse(big, big->n, 0, -EMSGSIZE);
    refuse(big, 0, 2112, -EMSGSIZE);
    if (big->n > 1)
        refuse(big, big->n - 1, 2112, -EMSGSIZE);

    static const uint16_t wrong_flags[] = { LEAT_PKT_TSO, LEAT_PKT_IPV6, LEAT_PKT_L4_UDP,
                                            LEAT_PKT_L4_TCP };
    for (int i = 0; i < 4; i++) { /* none, other version, none and another transport */
        big->pkts[0].flags ^= wrong_flags[i];
        refuse(big, big->n, 2112, -EINVAL);
        big->pkts[0] = good;
    }
    const uint32_t wrong_offloads[] = {
        leat_offload(l3, l3_len, 0),        leat_offload(l3 + 4, l3_len, 1000),
        leat_offload(l3, l3_len + 4, 1000), leat_offload(l3, 0, 1000),
        leat_offload(127, 511, 1000),       leat_offload(0, l3 + l3_len, 1000),
    };
    for (int i = 0; i < 6; i++) {
        big->pkts[0].offload = wrong_offloads[i];
        refuse(big, big->n, 2112, -EINVAL);
        big->pkts[0] = good;
    }
    big->pkts[0].len = (uint16_t)(big->h.payload - 1); /* headers over two buffers */
    refuse(big, big->n, 2112, -EINVAL);
    big->pkts[0] = good;
    leat_put_be16(big->storage + l3 + 2, leat_be16(big->storage + l3 + 2) + 8); /* beyond */
    refuse(big, big->n, 2112, -EINVAL);
    memcpy(big->storage, big->bytes, big->len);
    big->storage[l3 + 6] = 0x20; /* a first fragment */
    refuse(big, big->n, 2112, -EINVAL);
}

int main(void) {
    seed_random();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_frames_are_cut_right),
        cmocka_unit_test(small_and_exact_sizes_are_cut_right),
        cmocka_unit_test(a_length_of_more_than_16_bits_is_split),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
