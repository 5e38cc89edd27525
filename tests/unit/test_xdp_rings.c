/* SPDX-License-Identifier: BSD-2-Clause */
/* What an AF_XDP queue makes of its four rings: batches, frames of several buffers, and counts. */
#include "xdp_standin.h"
#include <string.h>

static struct leat_queue *const q = &standin.queue.head.public;

static void hands_out_whole_batches(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    for (uint32_t round = 0; round < 3 * STANDIN_RING; round++) {
        for (uint16_t i = 0; i < 5; i++)
            standin_deliver((uint16_t)(60 + i), 0);
        assert_int_equal(xdp_rx(q, pkts, 3), 3);
        assert_int_equal(xdp_rx(q, pkts + 3, 5), 2);
        for (uint16_t i = 0; i < 5; i++) {
            assert_int_equal(pkts[i].len, 60 + i);
            assert_int_equal(pkts[i].flags, 0);
            assert_int_equal((pkts[i].data - standin.pool->base) % standin.pool->stride,
                             LEAT_BUFFER_START);
            assert_int_equal(*pkts[i].data,
                             (uint8_t)leat_buffer_number(standin.pool, pkts[i].data));
        }
        leat_free(standin.cache, pkts, 5);
    }
    assert_int_equal(xdp_rx(q, pkts, 8), 0);
    assert_int_equal(standin.queue.head.stats.rx_packets, 15 * STANDIN_RING);
    assert_int_equal(standin.queue.head.stats.rx_bytes, 15 * STANDIN_RING * 62);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX), STANDIN_FILLED);
}

/* A starved fill ring gets what is missing as soon as there are buffers again. */
static void refills_later_what_the_pool_lacks(void **state) {
    (void)state;
    struct leat_pkt hoard[STANDIN_BUFFERS], pkts[STANDIN_RING];
    uint32_t hoarded = 0, got;
    while ((got = leat_alloc(standin.cache, hoard + hoarded, LEAT_BATCH_MAX)) > 0)
        hoarded += got;
    for (uint32_t i = 0; i < STANDIN_RING; i++)
        standin_deliver(60, 0);
    assert_int_equal(xdp_rx(q, pkts, STANDIN_RING), STANDIN_RING);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX),
                     STANDIN_FILLED - STANDIN_RING);
    leat_free(standin.cache, pkts, STANDIN_RING);
    for (uint32_t i = 0; i < hoarded; i += 64)
        leat_free(standin.cache, hoard + i, hoarded - i < 64 ? hoarded - i : 64);
    assert_int_equal(xdp_queue_arm(q), 0); /* before it sleeps, too */
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX), STANDIN_FILLED);
}

static void joins_the_buffers_of_a_frame(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    standin_deliver(60, 0);
    standin_deliver(2112, XDP_PKT_CONTD);
    standin_deliver(2112, XDP_PKT_CONTD);
    assert_int_equal(xdp_rx(q, pkts, 8), 1); /* its end is not there */
    leat_free(standin.cache, pkts, 1);
    assert_int_equal(xdp_rx(q, pkts, 8), 0);
    standin_deliver(700, 0);
    assert_int_equal(xdp_rx(q, pkts, 2), 0); /* there is no room for it */
    assert_int_equal(xdp_rx(q, pkts, 8), 3);
    assert_int_equal(pkts[0].flags, LEAT_PKT_MORE);
    assert_int_equal(pkts[1].flags, LEAT_PKT_MORE);
    assert_int_equal(pkts[2].flags, 0);
    assert_int_equal(pkts[2].len, 700);
    leat_free(standin.cache, pkts, 3);
    assert_int_equal(standin.queue.head.stats.rx_packets, 2);
    assert_int_equal(standin.queue.head.stats.rx_bytes, 60 + 2 * 2112 + 700);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX), STANDIN_FILLED);
}

static void drops_frames_of_too_many_buffers(void **state) {
    (void)state;
    struct leat_pkt pkts[64];
    for (uint32_t i = 0; i < 40; i++)
        standin_deliver(100, XDP_PKT_CONTD);
    assert_int_equal(xdp_rx(q, pkts, 64), 0);
    standin_deliver(100, XDP_PKT_CONTD); /* a part of it that comes later */
    assert_int_equal(xdp_rx(q, pkts, 64), 0);
    standin_deliver(100, 0);
    standin_deliver(61, 0);
    assert_int_equal(xdp_rx(q, pkts, 64), 1);
    assert_int_equal(pkts[0].len, 61);
    leat_free(standin.cache, pkts, 1);
    assert_int_equal(standin_dropped(LEAT_DROP_RX_LENGTH), 1);
    assert_int_equal(standin_dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), 0);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX), STANDIN_FILLED);
}

static void counts_as_sent_what_completes(void **state) {
    (void)state;
    struct leat_pkt pkts[STANDIN_RING];
    for (uint32_t round = 0; round < 5; round++) {
        for (uint16_t i = 0; i < STANDIN_RING; i++)
            pkts[i] = standin_make((uint16_t)(100 + i));
        assert_int_equal(xdp_tx(q, pkts, STANDIN_RING), STANDIN_RING);
        struct leat_pkt more = standin_make(60);
        assert_int_equal(xdp_tx(q, &more, 1), 0); /* the ring is full */
        leat_free(standin.cache, &more, 1);
        assert_int_equal(standin.queue.head.stats.tx_packets, round * STANDIN_RING);
        uint64_t sent[STANDIN_RING];
        for (uint32_t i = 0; i < STANDIN_RING; i++) {
            struct xdp_desc desc = standin_take_tx();
            assert_int_equal(desc.len, 100 + i);
            assert_int_equal(desc.options, 0);
            assert_ptr_equal(standin.pool->base + desc.addr, pkts[i].data);
            sent[i] = desc.addr;
        }
        for (uint32_t i = STANDIN_RING; i-- > 0;) /* in any order */
            standin_complete(sent[i]);
        assert_int_equal(xdp_tx(q, NULL, 0), 0);
        assert_int_equal(standin.queue.head.stats.tx_packets, (round + 1) * STANDIN_RING);
    }
    assert_int_equal(standin.queue.head.stats.tx_bytes,
                     5 * (STANDIN_RING * 100 + STANDIN_RING * (STANDIN_RING - 1) / 2));
}

static void sends_frames_of_several_buffers(void **state) {
    (void)state;
    struct leat_pkt pkts[9];
    for (uint16_t i = 0; i < 3; i++)
        pkts[i] = standin_make((uint16_t)(500 + i));
    pkts[0].flags = pkts[1].flags = LEAT_PKT_MORE;
    assert_int_equal(xdp_tx(q, pkts, 2), 0); /* the end is missing */
    assert_int_equal(xdp_tx(q, pkts, 3), 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct xdp_desc desc = standin_take_tx();
        assert_int_equal(desc.len, 500 + i);
        assert_int_equal(desc.options, i < 2 ? XDP_PKT_CONTD : 0);
        standin_complete(desc.addr);
        assert_int_equal(xdp_tx(q, NULL, 0), 0);
        assert_int_equal(standin.queue.head.stats.tx_packets, i == 2);
    }
    assert_int_equal(standin.queue.head.stats.tx_bytes, 1503);
    for (uint16_t i = 0; i < 9; i++) {
        pkts[i] = standin_make(100);
        pkts[i].flags = i < 8 ? LEAT_PKT_MORE : 0;
    }
    assert_int_equal(xdp_tx(q, pkts, 9), 9); /* one more than it takes */
    assert_int_equal(standin_dropped(LEAT_DROP_TX_LENGTH), 1);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_TX], UINT32_MAX), 0);
}

/* A frame stays whole where the ring has room for a part of it only. */
static void leaves_a_frame_that_has_no_room(void **state) {
    (void)state;
    struct leat_pkt pkts[STANDIN_RING + 1];
    for (uint16_t i = 0; i < STANDIN_RING + 1; i++)
        pkts[i] = standin_make(100);
    pkts[STANDIN_RING - 1].flags = LEAT_PKT_MORE;
    assert_int_equal(xdp_tx(q, pkts, STANDIN_RING + 1), STANDIN_RING - 1);
    standin_complete(standin_take_tx().addr);
    standin_complete(standin_take_tx().addr);
    assert_int_equal(xdp_tx(q, pkts + STANDIN_RING - 1, 2), 2);
}

/* Each takes three places of the ring, which has room for 21 and leaves one empty. */
static void counts_places_of_frames_of_several_buffers(void **state) {
    (void)state;
    struct leat_pkt pkts[90];
    for (uint32_t i = 0; i < 90; i++) {
        pkts[i] = standin_make(100);
        pkts[i].flags = i % 3 < 2 ? LEAT_PKT_MORE : 0;
    }
    assert_int_equal(xdp_tx(q, pkts, 90), 63);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_TX], UINT32_MAX), 63);
    leat_free(standin.cache, pkts + 63, 27);
    struct leat_pkt last[2] = { standin_make(60), standin_make(60) };
    assert_int_equal(xdp_tx(q, last, 2), 1);
    leat_free(standin.cache, last + 1, 1);
}

static void refuses_what_cannot_be_sent(void **state) {
    (void)state;
    static const uint16_t lengths[] = { 0, 13, 2369, 9000 };
    static const uint16_t asked[] = { LEAT_PKT_TSO, LEAT_PKT_META | LEAT_PKT_LAUNCH };
    struct leat_pkt pkt, twice[2];
    for (uint32_t i = 0; i < 4; i++) {
        pkt = standin_make(60);
        pkt.len = lengths[i];
        assert_int_equal(xdp_tx(q, &pkt, 1), 1);
        assert_int_equal(standin_dropped(LEAT_DROP_TX_LENGTH), i + 1);
    }
    pkt = standin_make(60);
    pkt.len = (uint16_t)(leat_pkt_room(standin.pool, &pkt) + 1); /* into the next buffer */
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(standin_dropped(LEAT_DROP_TX_LENGTH), 5);
    for (uint32_t i = 0; i < 2; i++) {
        pkt = standin_make(60);
        pkt.flags = asked[i];
        assert_int_equal(xdp_tx(q, &pkt, 1), 1);
        assert_int_equal(standin_dropped(LEAT_DROP_TX_OFFLOAD), i + 1);
    }
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_TX], UINT32_MAX), 0);
    pkt = standin_make(60);
    twice[0] = twice[1] = pkt;
    assert_int_equal(xdp_tx(q, twice, 2), 2);
    assert_int_equal(standin_dropped(LEAT_DROP_TX_REFUSED), 1);
    pkt.data = (uint8_t *)&pkt;
    pkt.flags = 0;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    assert_int_equal(standin_dropped(LEAT_DROP_TX_REFUSED), 2);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_TX], UINT32_MAX), 1);
}

/* What the stack dropped although it completed is not counted as sent. */
static void counts_what_completed_without_being_sent(void **state) {
    (void)state;
    struct leat_pkt pkts[3] = { standin_make(60), standin_make(60), standin_make(60) };
    assert_int_equal(xdp_tx(q, pkts, 3), 3);
    for (int i = 0; i < 3; i++)
        standin_complete(standin_take_tx().addr);
    standin.queue.undelivered = 2;
    assert_int_equal(xdp_tx(q, NULL, 0), 0);
    assert_int_equal(standin.queue.head.stats.tx_packets, 1);
    assert_int_equal(standin.queue.head.stats.tx_bytes, 60);
    assert_int_equal(standin_dropped(LEAT_DROP_TX_REFUSED), 2);
}

static void counts_what_it_leaves_behind(void **state) {
    (void)state;
    struct leat_pkt pkts[4] = { standin_make(60), standin_make(60), standin_make(60),
                                standin_make(60) };
    struct leat_stats lost = { 0 };
    pkts[1].flags = LEAT_PKT_MORE; /* three frames */
    assert_int_equal(xdp_tx(q, pkts, 4), 4);
    standin_complete(standin_take_tx().addr);
    standin_deliver(60, 0);
    standin_deliver(100, XDP_PKT_CONTD);
    standin_deliver(100, 0);
    xdp_socket_close(&standin.queue, &lost);
    assert_int_equal(lost.tx_packets, 1);
    assert_int_equal(lost.drops[LEAT_DROP_TX_ABORTED], 2);
    assert_int_equal(lost.drops[LEAT_DROP_RX_MISSED], 2);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, standin_set_up, standin_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(hands_out_whole_batches),         TEST(refills_later_what_the_pool_lacks),
        TEST(joins_the_buffers_of_a_frame),    TEST(drops_frames_of_too_many_buffers),
        TEST(counts_as_sent_what_completes),   TEST(sends_frames_of_several_buffers),
        TEST(leaves_a_frame_that_has_no_room), TEST(counts_places_of_frames_of_several_buffers),
        TEST(refuses_what_cannot_be_sent),     TEST(counts_what_completed_without_being_sent),
        TEST(counts_what_it_leaves_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
