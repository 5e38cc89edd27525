/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive-side scaling: the published Toeplitz vectors, packet types, redirection, fragments. */
#include "nic_rig.h"
#include <string.h>

/* The key and the vectors of Microsoft's "Verifying the RSS hash calculation". */
static const uint8_t key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

enum { TCP = 6, UDP = 17, QUEUES = 16 };
enum {
    TCP4 = 1u << 16,
    IP4 = 1u << 17,
    IP6 = 1u << 20,
    TCP6 = 1u << 21,
    UDP4 = 1u << 22,
    UDP6 = 1u << 23
};

static int open_sixteen(void **state) {
    rig_open_strict(state);
    rig_start(QUEUES, 64);
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t word;
        memcpy(&word, key + 4 * i, 4);
        rig_write((i & 1 ? 0xeb80 : 0x5c80) + 4 * i, word);
    }
    for (uint32_t i = 0; i < 32; i++) { /* entry n: queue n % 16 */
        uint32_t n = 4 * i;
        rig_write((i & 1 ? 0xeb00 : 0x5c00) + 4 * i,
                  n % 16 | (n + 1) % 16 << 8 | (n + 2) % 16 << 16 | (n + 3) % 16 << 24);
    }
    return 0;
}

static uint32_t taken[QUEUES];

struct seen {
    uint32_t queue, hash, type, packet;
};

static struct seen deliver(const uint8_t *frame, uint32_t bytes) {
    assert_int_equal(nic_deliver(rig.nic, frame, bytes), NIC_DELIVERED);
    nic_deliver_done(rig.nic);
    for (uint32_t q = 0; q < QUEUES; q++) {
        uint32_t head = rig_read(rig_rx_at(q, 0x1010));
        if (head == taken[q])
            continue;
        uint64_t low = rig_rx(q, taken[q])->low;
        taken[q] = head;
        return (struct seen){ q, (uint32_t)(low >> 32), low & 0xf, low >> 4 & 0x1fff };
    }
    fail_msg("the frame is in no queue");
    return (struct seen){ 0 };
}

static uint32_t ipv4(uint8_t *f, const uint8_t *source, const uint8_t *destination,
                     uint8_t protocol, uint16_t from, uint16_t to) {
    rig_frame(f, 74, 0);
    f[23] = protocol;
    memcpy(f + 26, source, 4);
    memcpy(f + 30, destination, 4);
    f[34] = (uint8_t)(from >> 8);
    f[35] = (uint8_t)from;
    f[36] = (uint8_t)(to >> 8);
    f[37] = (uint8_t)to;
    return 74;
}

static void ipv4_vectors(void **state) {
    (void)state;
    static const struct {
        uint8_t destination[4], source[4];
        uint16_t to, from;
        uint32_t plain, tcp;
    } v[] = {
        { { 161, 142, 100, 80 }, { 66, 9, 149, 187 }, 1766, 2794, 0x323e8fc2, 0x51ccc178 },
        { { 65, 69, 140, 83 }, { 199, 92, 111, 2 }, 4739, 14230, 0xd718262a, 0xc626b0ea },
        { { 12, 22, 207, 184 }, { 24, 19, 198, 95 }, 38024, 12898, 0xd2d0a5de, 0x5c2b394a },
        { { 209, 142, 163, 6 }, { 38, 27, 205, 30 }, 2217, 48228, 0x82989176, 0xafc7327f },
        { { 202, 188, 127, 2 }, { 153, 39, 163, 191 }, 1303, 44251, 0x5d1809c5, 0x10e828a2 },
    };
    uint8_t f[74];
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        uint32_t bytes = ipv4(f, v[i].source, v[i].destination, TCP, v[i].from, v[i].to);
        rig_write(0x5818, 1 | TCP4 | IP4);
        struct seen s = deliver(f, bytes);
        assert_int_equal(s.hash, v[i].tcp);
        assert_int_equal(s.type, 1);
        assert_int_equal(s.packet, 0x11);
        assert_int_equal(s.queue, (v[i].tcp & 127) % 16);
        rig_write(0xec80, 1 | IP4);
        s = deliver(f, bytes);
        assert_int_equal(s.hash, v[i].plain);
        assert_int_equal(s.type, 2);
        assert_int_equal(s.queue, (v[i].plain & 127) % 16);
        rig_write(0x5818, 1 | UDP4 | IP4);
        ipv4(f, v[i].source, v[i].destination, UDP, v[i].from, v[i].to);
        s = deliver(f, bytes); /* the same function over the same fields */
        assert_int_equal(s.hash, v[i].tcp);
        assert_int_equal(s.type, 7);
        assert_int_equal(s.packet, 0x21);
    }
}

static void ipv6_vectors(void **state) {
    (void)state;
    static const struct {
        uint8_t destination[16], source[16];
        uint16_t to, from;
        uint32_t plain, tcp;
    } v[] = {
        { { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 1 },
          { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7 },
          1766,
          2794,
          0x2cc18cd5,
          0x40207d3d },
        { { 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
          { 0x3f, 0xfe, 0x05, 0x01, 0x00, 0x08, 0, 0, 0x02, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef,
            0xab },
          4739,
          14230,
          0x0f0c461c,
          0xdde51bbf },
        { { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
          { 0x3f, 0xfe, 0x19, 0x00, 0x45, 0x45, 0x00, 0x03, 0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21,
            0x67, 0xcf },
          38024,
          44251,
          0x4b61e985,
          0x02d1feef },
    };
    uint8_t f[94];
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        rig_frame(f, sizeof(f), 0);
        f[12] = 0x86;
        f[13] = 0xdd;
        memset(f + 14, 0, 8);
        f[14] = 0x60;
        f[20] = TCP;
        memcpy(f + 22, v[i].source, 16);
        memcpy(f + 38, v[i].destination, 16);
        f[54] = (uint8_t)(v[i].from >> 8);
        f[55] = (uint8_t)v[i].from;
        f[56] = (uint8_t)(v[i].to >> 8);
        f[57] = (uint8_t)v[i].to;
        rig_write(0x5818, 1 | TCP6 | IP6);
        struct seen s = deliver(f, sizeof(f));
        assert_int_equal(s.hash, v[i].tcp);
        assert_int_equal(s.type, 3);
        assert_int_equal(s.packet, 0x14);
        rig_write(0x5818, 1 | IP6);
        s = deliver(f, sizeof(f));
        assert_int_equal(s.hash, v[i].plain);
        assert_int_equal(s.type, 5);
        f[20] = 44; /* a fragment: addresses only */
        rig_write(0x5818, 1 | TCP6 | UDP6 | IP6);
        s = deliver(f, sizeof(f));
        assert_int_equal(s.hash, v[i].plain);
        assert_int_equal(s.type, 5);
        assert_int_equal(s.packet, 0xc);
    }
}

static void fragments_and_others(void **state) {
    (void)state;
    uint8_t f[74], a[4] = { 66, 9, 149, 187 }, b[4] = { 161, 142, 100, 80 };
    ipv4(f, a, b, UDP, 2794, 1766);
    rig_write(0x5818, 1 | UDP4 | TCP4 | IP4);
    f[20] = 0x20; /* more fragments */
    struct seen s = deliver(f, 74);
    assert_int_equal(s.hash, 0x323e8fc2);
    assert_int_equal(s.type, 2);
    assert_int_equal(s.packet, 0x01);
    f[20] = 0;
    f[21] = 1; /* a later one */
    assert_int_equal(deliver(f, 74).hash, 0x323e8fc2);
    f[20] = 0x40; /* "do not fragment" makes none */
    f[21] = 0;
    assert_int_equal(deliver(f, 74).hash, 0x51ccc178);
    f[14] = 0x4f; /* 40 bytes of options: the ports lie behind the end */
    assert_int_equal(deliver(f, 74).type, 2);
    f[12] = 0x08;
    f[13] = 0x06; /* ARP */
    s = deliver(f, 74);
    assert_int_equal(s.type, 0);
    assert_int_equal(s.queue, 0);
    assert_int_equal(s.packet, 0);
    rig_write(0x5818, 0);
    ipv4(f, a, b, UDP, 2794, 1766);
    s = deliver(f, 74);
    assert_int_equal(s.type, 0);
    assert_int_equal(s.queue, 0);
}

static void spread(void **state) {
    (void)state;
    uint8_t f[74], a[4] = { 10, 0, 0, 1 }, b[4] = { 10, 0, 0, 2 };
    uint32_t counts[QUEUES] = { 0 };
    rig_write(0x5818, 1 | UDP4 | IP4);
    for (uint32_t i = 0; i < 512; i++) {
        ipv4(f, a, b, UDP, (uint16_t)(1000 + i), (uint16_t)(i * 7));
        struct seen s = deliver(f, 74);
        counts[s.queue]++;
        rig_write(rig_rx_at(s.queue, 0x1018), (taken[s.queue] + 63) % 64);
    }
    for (uint32_t q = 0; q < QUEUES; q++)
        assert_in_range(counts[q], 16, 64); /* 32 on average */
}

static int open_and_forget(void **state) {
    memset(taken, 0, sizeof(taken));
    return open_sixteen(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ipv4_vectors, open_and_forget, rig_close_checked),
        cmocka_unit_test_setup_teardown(ipv6_vectors, open_and_forget, rig_close_checked),
        cmocka_unit_test_setup_teardown(fragments_and_others, open_and_forget, rig_close_checked),
        cmocka_unit_test_setup_teardown(spread, open_and_forget, rig_close_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
