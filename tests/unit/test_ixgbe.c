/* SPDX-License-Identifier: BSD-2-Clause */
/* The ixgbe driver on the emulated NIC: life cycle, packets, links, removal. */
#include "driver_rig.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct leat_stats stats_of(struct leat_port *port) {
    struct leat_stats stats;
    assert_int_equal(leat_port_stats(port, &stats), 0);
    return stats;
}

static void mac_of(struct leat_port *port, uint8_t mac[6]) {
    struct leat_caps caps;
    leat_port_caps(port, &caps, sizeof(caps));
    memcpy(mac, caps.mac, 6);
}

static void test_open_and_close(void **state) {
    (void)state;
    struct rig rig;
    rig_start(&rig, "loop", NULL, 2048);
    for (int i = 0; i < 100; i++) {
        struct leat_queue *queue;
        struct leat_port *port =
            rig_open(&rig, 0, i % 2 ? ",rx-ring=64,tx-ring=4096" : "", &queue, 1);
        struct leat_stats stats;
        leat_port_close(port, &stats);
        assert_int_equal(stats.rx_packets + stats.tx_packets, 0);
    }
    rig_stop(&rig);
}

static void test_truthful_caps(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, ",rx-ring=128,promisc", &queue, 1);
    struct leat_caps caps;
    leat_port_caps(port, &caps, sizeof(caps));
    assert_string_equal(caps.driver, "ixgbe");
    assert_string_equal(caps.device, "82599ES SFP+ (8086:10fb) on vfio-user");
    assert_non_null(strstr(caps.mode, "doorbells mapped"));
    assert_int_equal(caps.rx_ring, 128);
    assert_int_equal(caps.tx_ring, 512);
    assert_true(caps.promisc);
    assert_int_equal(caps.mac[0] & 1, 0);
    struct leat_link link;
    assert_int_equal(leat_port_link(port, &link), 0);
    assert_true(link.up);
    assert_int_equal(link.speed_mbps, 10000);
    leat_port_close(port, NULL);
    rig_stop(&rig);
}

static void test_wrong_options(void **state) {
    (void)state;
    static const char *const wrong[] = { "rx-ring=63",   "rx-ring=96",     "tx-ring=8192",
                                         "frame-max=20", "no-such-option", "queues=65" };
    struct rig rig;
    rig_start(&rig, "loop", NULL, 2048);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char name[256];
        struct leat_port *port;
        snprintf(name, sizeof(name), "vfio-user:%s,%s", rig.sockets[0], wrong[i]);
        assert_int_equal(leat_port_open(&port, name, rig.pool, NULL), -EINVAL);
        assert_non_null(strstr(leat_error(), rig.sockets[0]));
    }
    rig_stop(&rig);
}

/* Every ring size wraps several times; each frame comes back once, in order and unaltered. */
static void test_rings_wrap(void **state) {
    (void)state;
    static const char *const options[] = { ",rx-ring=64,tx-ring=64", ",rx-ring=64,tx-ring=512",
                                           ",rx-ring=512,tx-ring=64", "" };
    struct rig rig;
    rig_start(&rig, "loop", NULL, 4096);
    for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++) {
        struct leat_queue *queue;
        struct leat_port *port = rig_open(&rig, 0, options[o], &queue, 1);
        uint8_t mac[6];
        mac_of(port, mac);
        uint32_t sent = 0, received = 0;
        uint64_t bytes = 0;
        for (uint32_t batch = 1; sent < 3000; batch = batch % 60 + 1) {
            struct leat_pkt pkts[64];
            assert_int_equal(leat_alloc(rig.cache, pkts, batch), batch);
            for (uint32_t i = 0; i < batch; i++) {
                uint16_t length = (uint16_t)(60 + (sent + i) % 1400);
                rig_frame(&pkts[i], mac, sent + i, length);
                bytes += length;
            }
            rig_send(queue, pkts, batch);
            sent += batch;
            rig_receive(queue, pkts, batch);
            for (uint32_t i = 0; i < batch; i++, received++) {
                struct leat_pkt expected = { .data = (uint8_t[1500]){ 0 } };
                rig_frame(&expected, mac, received, (uint16_t)(60 + received % 1400));
                assert_int_equal(pkts[i].len, expected.len);
                assert_memory_equal(pkts[i].data, expected.data, expected.len);
            }
            leat_free(rig.cache, pkts, batch);
        }
        leat_tx(queue, NULL, 0);
        struct leat_stats stats = stats_of(port), final;
        assert_int_equal(stats.rx_packets, sent);
        assert_int_equal(stats.rx_bytes, bytes);
        leat_port_close(port, &final);
        assert_int_equal(final.tx_packets, sent);
        assert_int_equal(final.tx_bytes, bytes);
        for (int i = 0; i < LEAT_DROP_COUNT; i++)
            assert_int_equal(final.drops[i], 0);
    }
    rig_stop(&rig);
}

/* Frames of one to several buffers, at both ends; a frame never comes in part. */
static void test_frames_of_several_buffers(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    rig_start(&rig, "loop", NULL, 4096);
    struct leat_port *port = rig_open(&rig, 0, ",frame-max=9000,rx-ring=64", &queue, 1);
    uint8_t mac[6], expected[9000];
    mac_of(port, mac);
    for (uint32_t number = 0; number < 200; number++) {
        uint32_t total = 64 + number * 44, left = total, segments = 0;
        struct leat_pkt whole = { .data = expected }, pkts[16];
        rig_frame(&whole, mac, number, (uint16_t)total);
        assert_int_equal(leat_alloc(rig.cache, pkts, 16), 16);
        for (; left > 0; segments++) {
            uint32_t room = 700 + number % 7 * 200;
            pkts[segments].len = (uint16_t)(left < room ? left : room);
            memcpy(pkts[segments].data, expected + total - left, pkts[segments].len);
            left -= pkts[segments].len;
            pkts[segments].flags = left > 0 ? LEAT_PKT_MORE : 0;
        }
        leat_free(rig.cache, pkts + segments, 16 - segments);
        rig_send(queue, pkts, segments);

        uint32_t buffers = (total + 2047) / 2048;
        if (buffers > 1) { /* too few places: the frame stays, however often we ask */
            for (int i = 0; i < 1000; i++)
                assert_int_equal(leat_rx(queue, pkts, buffers - 1), 0);
        }
        int got = 0;
        while (got == 0)
            got = leat_rx(queue, pkts, 16);
        assert_int_equal(got, buffers);
        uint32_t at = 0;
        for (int i = 0; i < got; i++) {
            assert_int_equal(pkts[i].flags & LEAT_PKT_MORE, i < got - 1 ? LEAT_PKT_MORE : 0);
            assert_memory_equal(pkts[i].data, expected + at, pkts[i].len);
            at += pkts[i].len;
        }
        assert_int_equal(at, total);
        leat_free(rig.cache, pkts, (uint32_t)got);
    }
    struct leat_stats final;
    leat_port_close(port, &final);
    assert_int_equal(final.rx_packets, 200);
    assert_int_equal(final.tx_packets, 200);
    rig_stop(&rig);
}

/* What can never be sent is taken, dropped and counted; what the ring has no room for is not. */
static void test_what_is_not_sent(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, ",tx-ring=64", &queue, 1);
    uint8_t mac[6];
    mac_of(port, mac);
    struct leat_pkt pkts[100];
    assert_int_equal(leat_alloc(rig.cache, pkts, 100), 100);
    for (uint32_t i = 0; i < 100; i++)
        rig_frame(&pkts[i], mac, i, 60);
    pkts[0].len = 16;
    pkts[1].len = 0;
    pkts[2].len = 1523;
    pkts[3].flags = LEAT_PKT_TSO | LEAT_PKT_L4_TCP;
    pkts[4].flags = LEAT_PKT_META | LEAT_PKT_VLAN; /* a tag that is not among the bytes */
    assert_int_equal(leat_tx(queue, pkts, 5), 5);
    for (uint32_t i = 5; i < 37; i++) {
        pkts[i].flags = LEAT_PKT_MORE; /* a frame of 33 buffers is too many */
        pkts[i].len = 20;
    }
    assert_int_equal(leat_tx(queue, pkts + 5, 10), 0); /* its end is not there */
    assert_int_equal(leat_tx(queue, pkts + 5, 33), 33);
    rig_command(&rig, "link 0 down"); /* nothing leaves: the ring of 64 takes at most 63 */
    int taken = leat_tx(queue, pkts + 38, 62);
    assert_in_range(taken, 61, 62);
    leat_free(rig.cache, pkts + 38 + taken, (uint32_t)(62 - taken));
    struct leat_stats final;
    leat_port_close(port, &final);
    assert_int_equal(final.drops[LEAT_DROP_TX_LENGTH], 4);
    assert_int_equal(final.drops[LEAT_DROP_TX_OFFLOAD], 2);
    assert_int_equal(final.tx_packets + final.drops[LEAT_DROP_TX_ABORTED], taken);
    rig_stop(&rig);
}

/* Not for us: not received, unless promiscuous. */
static void test_promiscuous(void **state) {
    (void)state;
    static const uint8_t other[6] = { 2, 0, 0, 0, 0, 99 },
                         all[6] = { 255, 255, 255, 255, 255, 255 };
    struct rig rig;
    struct leat_queue *queue;
    struct leat_pkt pkts[4];
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, "", &queue, 1);
    for (int round = 0; round < 3; round++) {
        bool promisc = round == 1;
        assert_int_equal(leat_port_set_promisc(port, promisc), 0);
        assert_int_equal(leat_alloc(rig.cache, pkts, 2), 2);
        rig_frame(&pkts[0], other, 1, 60);
        rig_frame(&pkts[1], all, 2, 60); /* broadcast follows, so that we know when to look */
        rig_send(queue, pkts, 2);
        rig_receive(queue, pkts, 1);
        assert_int_equal(rig_frame_number(&pkts[0]), promisc ? 1 : 2);
        if (promisc)
            rig_receive(queue, pkts + 1, 1);
        leat_free(rig.cache, pkts, promisc ? 2 : 1);
    }
    leat_port_close(port, NULL);
    rig_stop(&rig);
}

static void test_link_down_and_up(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    struct leat_link link;
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, "", &queue, 1);
    rig_command(&rig, "link 0 down");
    assert_int_equal(leat_port_link(port, &link), 0);
    assert_false(link.up);
    assert_int_equal(link.speed_mbps, 0);
    assert_int_equal(leat_port_wait_link(port, 0), -ETIMEDOUT);
    rig_command(&rig, "link 0 up");
    assert_int_equal(leat_port_wait_link(port, 5000), 0);
    leat_port_close(port, NULL);
    rig_stop(&rig);
}

/* A device that is pulled out is an error everywhere, and its buffers come back. */
static void test_removal(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    struct leat_pkt pkts[32];
    uint8_t mac[6];
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, "", &queue, 1);
    mac_of(port, mac);
    rig_command(&rig, "unplug 0");
    assert_int_equal(leat_alloc(rig.cache, pkts, 32), 32);
    for (uint32_t i = 0; i < 32; i++)
        rig_frame(&pkts[i], mac, i, 60);
    int sent = leat_tx(queue, pkts, 32); /* nobody has told us yet */
    int err = 0;
    for (uint32_t i = 0; i < 100000 && err == 0; i++)
        err = leat_rx(queue, pkts, 32);
    assert_int_equal(err, -ENODEV);
    assert_int_equal(leat_rx(queue, pkts, 32), -ENODEV);
    assert_int_equal(leat_tx(queue, pkts, 32), -ENODEV);
    struct leat_link link;
    struct leat_stats stats, final;
    assert_int_equal(leat_port_link(port, &link), -ENODEV);
    assert_int_equal(leat_port_stats(port, &stats), -ENODEV);
    assert_non_null(strstr(leat_error(), "gone"));
    if (sent < 32)
        leat_free(rig.cache, pkts + (sent > 0 ? sent : 0), (uint32_t)(32 - (sent > 0 ? sent : 0)));
    leat_port_close(port, &final);
    assert_int_equal(final.drops[LEAT_DROP_TX_ABORTED] + final.tx_packets, sent > 0 ? sent : 0);
    rig_stop(&rig);
}

static void test_small_pool(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    struct leat_port *port;
    char name[256];
    rig_start(&rig, "loop", NULL, 256);
    snprintf(name, sizeof(name), "vfio-user:%s", rig.sockets[0]);
    assert_int_equal(leat_port_open(&port, name, rig.pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, rig.cache, &queue), -ENOMEM);
    leat_port_close(port, NULL);
    rig_stop(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_close),
        cmocka_unit_test(test_truthful_caps),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_rings_wrap),
        cmocka_unit_test(test_frames_of_several_buffers),
        cmocka_unit_test(test_what_is_not_sent),
        cmocka_unit_test(test_promiscuous),
        cmocka_unit_test(test_link_down_and_up),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_small_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
