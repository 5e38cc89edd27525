/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ixgbe driver can do beyond one queue: RSS, address filters, counters, wake-ups. */
#include "driver_rig.h"
#include "lib/core/driver.h"
#include "lib/drivers/ixgbe.h"
#include <errno.h>
#include <leat/checksum.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void mac_of(struct leat_port *port, uint8_t mac[6]) {
    struct leat_caps caps;
    leat_port_caps(port, &caps, sizeof(caps));
    memcpy(mac, caps.mac, 6);
}

static struct leat_stats close_port(struct leat_port *port) {
    struct leat_stats final;
    leat_port_close(port, &final);
    return final;
}

static uint64_t counter_of(struct leat_port *port, const char *name) {
    struct leat_counter list[256];
    int n = leat_port_counters(port, list, 256);
    assert_in_range(n, 100, 256);
    for (int i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i].value;
    fail_msg("no counter %s", name);
    return 0;
}

/* The Toeplitz hash as the definition of RSS gives it: bit i of the input selects 32 bits of the
 * key from bit i on. */
static uint32_t toeplitz(const uint8_t *input, uint32_t bytes) {
    static const uint8_t key[] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                   0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb };
    uint32_t hash = 0;
    for (uint32_t i = 0; i < bytes * 8; i++) {
        uint64_t window = 0;
        for (uint32_t b = 0; b < 5; b++)
            window = window << 8 | key[i / 8 + b];
        if (input[i / 8] & 0x80 >> i % 8)
            hash ^= (uint32_t)(window >> (8 - i % 8));
    }
    return hash;
}

/* Every frame arrives once, on the queue that its hash names, with that hash. */
static void spread(uint32_t queue_count) {
    struct rig rig;
    struct leat_queue *queues[64];
    uint8_t mac[6];
    uint32_t used = queue_count < 16 ? queue_count : 16, received = 0, hit = 0;
    rig_start(&rig, "loop", NULL, 16384);
    struct leat_port *port = rig_open(&rig, 0, ",rx-ring=64,tx-ring=64", queues, queue_count);
    mac_of(port, mac);
    for (uint32_t number = 0; number < 320; number += 32) {
        struct leat_pkt pkts[64];
        assert_int_equal(leat_alloc(rig.cache, pkts, 32), 32);
        for (uint32_t i = 0; i < 32; i++)
            rig_frame(&pkts[i], mac, number + i, 80);
        rig_send(queues[number / 32 % queue_count], pkts, 32);
        for (uint32_t round = 0, got_all = 0; got_all < 32; round++) {
            assert_true(round < 20000000);
            uint32_t q = round % queue_count;
            int got = leat_rx(queues[q], pkts, 64);
            assert_true(got >= 0);
            for (int i = 0; i < got; i++) {
                uint8_t input[12];
                memcpy(input, pkts[i].data + 26, 12); /* addresses and ports lie in a row */
                assert_true(pkts[i].flags & LEAT_PKT_HASH);
                assert_int_equal(pkts[i].hash, toeplitz(input, 12));
                assert_int_equal(pkts[i].hash % 128 % used, q);
            }
            if (got == 0)
                sched_yield(); /* to the emulated NIC */
            hit += got > 0;
            got_all += (uint32_t)got;
            leat_free(rig.cache, pkts, (uint32_t)got);
        }
        received += 32;
    }
    assert_true(hit >= used);
    assert_int_equal(counter_of(port, "GPRC"), received);
    uint64_t by_set = 0;
    for (uint32_t set = 0; set < 16; set++) {
        char name[16];
        snprintf(name, sizeof(name), "QPRC%u", set);
        uint64_t count = counter_of(port, name);
        struct leat_stats stats;
        uint64_t ours = 0;
        for (uint32_t q = set; q < queue_count; q += 16) {
            leat_queue_stats(queues[q], &stats);
            ours += stats.rx_packets;
        }
        assert_int_equal(count, ours);
        by_set += count;
    }
    assert_int_equal(by_set, received);
    struct leat_stats final = close_port(port);
    assert_int_equal(final.rx_packets, received);
    assert_int_equal(final.tx_packets, received);
    rig_stop(&rig);
}

static void test_rss(void **state) {
    (void)state;
    spread(1);
    spread(4);
    spread(64);
}

static void exchange(uint8_t *a, uint8_t *b, uint32_t bytes) {
    uint8_t kept[16];
    memcpy(kept, a, bytes);
    memcpy(a, b, bytes);
    memcpy(b, kept, bytes);
}

/* Two frames out and in again: on which queue the second one arrives, after the first. */
static uint32_t queue_of_both(struct rig *rig, struct leat_queue **queues, uint32_t count,
                              struct leat_pkt *pkts) {
    uint32_t hash[2] = { 0 }, queue[2] = { 0 }, got = 0;
    rig_send(queues[0], pkts, 2);
    for (uint32_t round = 0; got < 2; round++) {
        struct leat_pkt pkt;
        assert_true(round < 20000000);
        if (leat_rx(queues[round % count], &pkt, 1) != 1) {
            sched_yield(); /* to the emulated NIC */
            continue;
        }
        hash[got] = pkt.hash;
        queue[got++] = round % count;
        leat_free(rig->cache, &pkt, 1);
    }
    assert_int_equal(hash[0], hash[1]);
    assert_int_equal(queue[0], queue[1]);
    return queue[0];
}

/* With rss=symmetric a frame and its answer meet on one queue, and frames do spread. */
static void test_symmetric_rss(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queues[4];
    struct leat_caps caps;
    uint8_t mac[6];
    uint32_t hit = 0;
    rig_start(&rig, "loop", NULL, 4096);
    struct leat_port *port = rig_open(&rig, 0, ",rss=symmetric", queues, 4);
    leat_port_caps(port, &caps, sizeof(caps));
    assert_true(caps.rss_symmetric);
    assert_non_null(strstr(caps.mode, "symmetric RSS over 4 queues"));
    mac_of(port, mac);
    for (uint32_t number = 1; number <= 64; number++) {
        struct leat_pkt pkts[2];
        assert_int_equal(leat_alloc(rig.cache, pkts, 2), 2);
        for (uint32_t i = 0; i < 2; i++)
            rig_frame(&pkts[i], mac, number * 259, 80);
        exchange(pkts[1].data + 26, pkts[1].data + 30, 4); /* addresses */
        exchange(pkts[1].data + 34, pkts[1].data + 36, 2); /* ports */
        hit |= 1u << queue_of_both(&rig, queues, 4, pkts);
    }
    assert_int_equal(hit, 0xf);
    close_port(port);

    port = rig_open(&rig, 0, ",rss=default", queues, 4);
    leat_port_caps(port, &caps, sizeof(caps));
    assert_false(caps.rss_symmetric);
    assert_null(strstr(caps.mode, "symmetric"));
    close_port(port);
    rig_stop(&rig);
}

/* What a queue that nobody started would get is counted as missed, the rest arrives. */
static void test_queue_not_started(void **state) {
    (void)state;
    struct rig rig;
    struct leat_port *port;
    struct leat_queue *queue;
    struct leat_pkt pkts[64];
    struct leat_stats stats;
    uint8_t mac[6];
    char name[256];
    rig_start(&rig, "loop", NULL, 4096);
    snprintf(name, sizeof(name), "vfio-user:%s,queues=2", rig.sockets[0]);
    assert_int_equal(leat_port_open(&port, name, rig.pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, rig.cache, &queue), 0);
    assert_int_equal(leat_port_wait_link(port, 5000), 0);
    mac_of(port, mac);
    assert_int_equal(leat_alloc(rig.cache, pkts, 64), 64);
    for (uint32_t i = 0; i < 64; i++)
        rig_frame(&pkts[i], mac, i, 60);
    rig_send(queue, pkts, 64);
    do {
        int got = leat_rx(queue, pkts, 64);
        leat_free(rig.cache, pkts, (uint32_t)got);
        assert_int_equal(leat_port_stats(port, &stats), 0);
    } while (stats.rx_packets + stats.drops[LEAT_DROP_RX_MISSED] < 64);
    assert_in_range(stats.rx_packets, 1, 63);
    struct leat_stats final = close_port(port);
    assert_int_equal(final.rx_packets + final.drops[LEAT_DROP_RX_MISSED], 64);
    rig_stop(&rig);
}

/* Sends one frame to each address, then a broadcast; returns which of them arrived, as bits. */
static uint64_t arrives(struct rig *rig, struct leat_queue *queue, const uint8_t (*to)[6],
                        uint32_t n) {
    static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
    uint64_t arrived = 0;
    struct leat_pkt pkts[64];
    assert_int_equal(leat_alloc(rig->cache, pkts, n + 1), n + 1);
    for (uint32_t i = 0; i <= n; i++)
        rig_frame(&pkts[i], i < n ? to[i] : all, i, 60);
    rig_send(queue, pkts, n + 1);
    for (;;) {
        rig_receive(queue, pkts, 1);
        uint32_t number = rig_frame_number(&pkts[0]);
        leat_free(rig->cache, pkts, 1);
        if (number == n)
            return arrived;
        arrived |= 1ull << number;
    }
}

static void test_addresses(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    uint8_t to[4][6] = {
        { 0 }, { 2, 1, 1, 1, 1, 1 }, { 1, 0, 94, 0, 0, 1 }, { 1, 0, 94, 0, 0, 2 }
    };
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, "", &queue, 1);
    mac_of(port, to[0]);
    assert_int_equal(arrives(&rig, queue, to, 4), 0x1);
    assert_int_equal(leat_port_set_mac(port, to[1]), 0);
    assert_int_equal(arrives(&rig, queue, to, 4), 0x2);
    assert_int_equal(leat_port_set_mac(port, to[2]), -EINVAL);
    assert_int_equal(leat_port_set_multicast(port, &to[2], 2), 0);
    assert_int_equal(arrives(&rig, queue, to, 4), 0xe);
    assert_int_equal(leat_port_set_multicast(port, &to[3], 1), 0);
    assert_int_equal(arrives(&rig, queue, to, 4), 0xa);
    assert_int_equal(leat_port_set_multicast(port, &to[1], 1), -EINVAL);
    assert_int_equal(leat_port_set_multicast(port, NULL, 0), 0);
    assert_int_equal(arrives(&rig, queue, to, 4), 0x2);

    /* More groups than exact filters: all of them arrive, whichever way. */
    static uint8_t groups[300][6];
    for (uint32_t i = 0; i < 300; i++)
        memcpy(groups[i], (uint8_t[]){ 0x33, 0x33, 0, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)i },
               6);
    assert_int_equal(leat_port_set_multicast(port, groups, 300), 0);
    for (uint32_t i = 0; i < 300; i += 60)
        assert_int_equal(arrives(&rig, queue, &groups[i], 60), (1ull << 60) - 1);
    assert_int_equal(leat_port_set_multicast(port, groups, 1), 0);
    assert_int_equal(arrives(&rig, queue, &groups[200], 60), 0);
    close_port(port);
    rig_stop(&rig);
}

/* Checksums that a frame asks for are completed in software. */
static void test_checksum_requests(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    struct leat_pkt pkt;
    uint8_t mac[6];
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, "", &queue, 1);
    mac_of(port, mac);
    assert_int_equal(leat_alloc(rig.cache, &pkt, 1), 1);
    rig_frame(&pkt, mac, 7, 142);
    memcpy(pkt.data + 38, (uint8_t[]){ 0, 142 - 34 }, 2); /* UDP length */
    leat_put_be16(pkt.data + 40, leat_sum_fold(leat_sum_pseudo4(pkt.data + 14, 17, 142 - 34)));
    pkt.flags = LEAT_PKT_IP_CSUM | LEAT_PKT_L4_CSUM | LEAT_PKT_L4_UDP;
    pkt.offload = leat_offload(14, 20, 0);
    rig_send(queue, &pkt, 1);
    rig_receive(queue, &pkt, 1);
    assert_true(leat_ip4_checksum_ok(pkt.data + 14, 20));
    uint64_t sum = leat_sum_pseudo4(pkt.data + 14, 17, 142 - 34);
    sum = leat_sum_add(sum, leat_sum(pkt.data + 34, 142 - 34));
    assert_int_equal(leat_sum_fold(sum), 0xffff);
    leat_free(rig.cache, &pkt, 1);
    close_port(port);
    rig_stop(&rig);
}

/* Armed, then a frame: the descriptor becomes readable. Nothing is missed in between. */
static void wake_ups(const char *options, uint32_t queue_count) {
    struct rig rig;
    struct leat_queue *queues[64];
    struct leat_pkt pkts[8];
    uint8_t mac[6];
    rig_start(&rig, "loop", NULL, 8192);
    char all_options[64];
    snprintf(all_options, sizeof(all_options), ",rx-ring=64%s", options);
    struct leat_port *port = rig_open(&rig, 0, all_options, queues, queue_count);
    mac_of(port, mac);
    for (uint32_t number = 0; number < 100; number++) {
        uint8_t input[12] = { 10, 0, 0, 1, 10, 0, 0, 0, 4, 0, 0x10, 0 };
        assert_int_equal(leat_alloc(rig.cache, pkts, 1), 1);
        rig_frame(&pkts[0], mac, number, 60);
        memcpy(input, pkts[0].data + 26, 12);
        struct leat_queue *queue = queues[toeplitz(input, 12) % 128 % queue_count];
        struct pollfd wait = { .fd = leat_queue_fd(queue), .events = POLLIN };
        assert_true(wait.fd >= 0);
        assert_int_equal(leat_queue_arm(queue), 0);
        if (number % 3 == 0) /* what was polled before wakes nobody */
            assert_int_equal(poll(&wait, 1, 0), 0);
        rig_send(queues[0], pkts, 1);
        assert_int_equal(poll(&wait, 1, 20000), 1);
        leat_queue_disarm(queue);
        assert_int_equal(poll(&wait, 1, 0), 0);
        rig_receive(queue, pkts, 1);
        assert_int_equal(rig_frame_number(&pkts[0]), number);
        rig_send(queues[0], pkts, 1); /* to be there before the queue is armed */
        int armed = 0;
        for (uint32_t i = 0; i < 100000 && armed == 0; i++) {
            armed = leat_queue_arm(queue);
            leat_queue_disarm(queue);
        }
        assert_int_equal(armed, 1);
        rig_receive(queue, pkts, 1);
        leat_free(rig.cache, pkts, 1);
    }
    close_port(port);
    rig_stop(&rig);
}

static void test_wake_ups(void **state) {
    (void)state;
    wake_ups("", 1);
    wake_ups(",itr=50", 4);
}

/* Who sleeps is woken when the NIC vanishes, and finds out when it would sleep again. */
static void test_removal_wakes(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    struct leat_pkt pkt;
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, "", &queue, 1);
    struct pollfd wait = { .fd = leat_queue_fd(queue), .events = POLLIN };
    assert_int_equal(leat_queue_arm(queue), 0);
    rig_command(&rig, "unplug 0");
    assert_int_equal(poll(&wait, 1, 20000), 1);
    leat_queue_disarm(queue);
    assert_int_equal(leat_queue_arm(queue), -ENODEV);
    assert_int_equal(leat_rx(queue, &pkt, 1), -ENODEV);
    close_port(port);
    rig_stop(&rig);
}

/* The interval grows with the packets that a wake-up finds, and shrinks again. */
static void test_adaptive_throttle(void **state) {
    (void)state;
    struct rig rig;
    struct leat_queue *queue;
    rig_start(&rig, "loop", NULL, 2048);
    struct leat_port *port = rig_open(&rig, 0, "", &queue, 1);
    struct ixgbe_queue *q = (struct ixgbe_queue *)queue;
    assert_int_equal(leat_queue_arm(queue), 0);
    uint32_t quiet = q->throttle_us;
    for (int i = 0; i < 50; i++) {
        q->head.stats.rx_packets += 64;
        assert_int_equal(leat_queue_arm(queue), 0);
    }
    assert_true(q->throttle_us > quiet);
    for (int i = 0; i < 50; i++) {
        q->head.stats.rx_packets += 1;
        assert_int_equal(leat_queue_arm(queue), 0);
    }
    assert_int_equal(q->throttle_us, quiet);
    close_port(port);
    rig_stop(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rss),
        cmocka_unit_test(test_symmetric_rss),
        cmocka_unit_test(test_queue_not_started),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_checksum_requests),
        cmocka_unit_test(test_wake_ups),
        cmocka_unit_test(test_removal_wakes),
        cmocka_unit_test(test_adaptive_throttle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
