/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An AF_XDP queue whose rings hold what no honest kernel writes: it is believed only as far as it
 * can be. LEAT_SEED repeats a run of the vandal.
 */
#include "xdp_standin.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct leat_queue *const q = &standin.queue.head.public;

/* Descriptors that no honest kernel writes, one at a time: each is a drop, and the next frame is
 * handed out as if nothing had been. */
static void believes_no_nonsense(void **state) {
    (void)state;
    struct leat_pkt mine = standin_make(60), had, pkts[8];
    uint64_t mine_at = (uint64_t)(mine.data - standin.pool->base);
    uint64_t twice = standin_deliver(60, 0);
    assert_int_equal(xdp_rx(q, &had, 1), 1);
    uint64_t held = standin_take_fill();
    const struct xdp_desc nonsense[] = {
        { standin.pool->bytes, 60, 0 },
        { UINT64_MAX, 60, 0 },
        { (uint64_t)standin.pool->buffers * standin.pool->stride, 60, 0 },
        { mine_at, 60, 0 },                 /* the program's */
        { standin_at_start(twice), 60, 0 }, /* handed out before */
        { standin_at_start(held), 0, 0 },
    };
    const uint32_t count = sizeof(nonsense) / sizeof(*nonsense);
    for (uint32_t i = 0; i < count; i++) {
        standin_put_rx(nonsense[i].addr, nonsense[i].len, nonsense[i].options);
        standin_deliver(61, 0);
        assert_int_equal(xdp_rx(q, pkts, 8), 1);
        assert_int_equal(pkts[0].len, 61);
        leat_free(standin.cache, pkts, 1);
        assert_int_equal(standin_dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), i + 1);
    }
    held = standin_take_fill();
    standin_put_rx(standin_at_start(held), standin.pool->stride - LEAT_BUFFER_START + 1, 0);
    held = standin_take_fill();
    standin_put_rx(standin_at_start(held), UINT32_MAX, 0);
    held = standin_take_fill();
    standin_put_rx(standin_at_start(held), standin.pool->stride - LEAT_BUFFER_START, 0);
    assert_int_equal(xdp_rx(q, pkts, 8), 1);
    assert_int_equal(pkts[0].len, standin.pool->stride - LEAT_BUFFER_START);
    assert_int_equal(standin_dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), count + 2);
    leat_free(standin.cache, pkts, 1);
    leat_free(standin.cache, &mine, 1);
    leat_free(standin.cache, &had, 1);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX), STANDIN_FILLED);
}

/* One bad buffer takes its frame with it, and the good ones come back. */
static void drops_frames_with_a_bad_buffer(void **state) {
    (void)state;
    struct leat_pkt pkts[8];
    uint64_t address = standin_deliver(100, XDP_PKT_CONTD);
    standin_put_rx(standin_at_start(address), 100, XDP_PKT_CONTD); /* the same one again */
    standin_deliver(100, 0);
    standin_deliver(62, 0);
    assert_int_equal(xdp_rx(q, pkts, 8), 1);
    assert_int_equal(pkts[0].len, 62);
    leat_free(standin.cache, pkts, 1);
    assert_int_equal(standin_dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), 1);
    assert_int_equal(xdp_ring_ready(&standin.kernel[STANDIN_FILL], UINT32_MAX), STANDIN_FILLED);
}

static void says_when_an_index_makes_no_sense(void **state) {
    (void)state;
    struct leat_pkt pkt = standin_make(60), pkts[8];
    *standin.kernel[STANDIN_RX].producer = STANDIN_RING + 1;
    assert_int_equal(xdp_rx(q, pkts, 8), -EIO);
    assert_non_null(strstr(leat_error(), "xdp:test: queue 0: the index of the rx ring"));
    standin_forgive();
    *standin.kernel[STANDIN_RX].producer = UINT32_MAX;
    assert_int_equal(xdp_rx(q, pkts, 8), -EIO);
    *standin.kernel[STANDIN_RX].producer = 0;
    assert_int_equal(xdp_rx(q, pkts, 8), -EIO); /* it is not trusted again */
    *standin.kernel[STANDIN_COMPLETION].producer = STANDIN_RING + 1;
    assert_int_equal(xdp_tx(q, &pkt, 1), -EIO);
    standin_forgive();
    *standin.kernel[STANDIN_COMPLETION].producer = 0;
    *standin.kernel[STANDIN_TX].consumer = 1;
    standin.queue.tx.other = standin.queue.tx.own - STANDIN_RING; /* as if it were full */
    assert_int_equal(xdp_tx(q, &pkt, 1), -EIO);
    leat_free(standin.cache, &pkt, 1);
}

static void believes_no_completion_twice(void **state) {
    (void)state;
    struct leat_pkt pkt = standin_make(60), received;
    assert_int_equal(xdp_tx(q, &pkt, 1), 1);
    uint64_t address = standin_take_tx().addr, held = standin_take_fill();
    const uint64_t nonsense[] = { address, held, standin.pool->bytes, UINT64_MAX };
    standin_complete(address);
    for (uint32_t i = 0; i < 4; i++)
        standin_complete(nonsense[i]);
    assert_int_equal(xdp_tx(q, NULL, 0), 0);
    assert_int_equal(standin.queue.head.stats.tx_packets, 1);
    assert_int_equal(standin_dropped(LEAT_DROP_RX_BAD_DESCRIPTOR), 4);
    standin_put_rx(standin_at_start(held), 60, 0);
    assert_int_equal(xdp_rx(q, &received, 1), 1);
    leat_free(standin.cache, &received, 1);
}

/* --- The vandal --- */

static uint64_t seed;

static uint32_t random_below(uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((seed >> 32) * n) >> 32);
}

static uint64_t random_address(void) {
    uint64_t buffer = (uint64_t)random_below(standin.pool->buffers) * standin.pool->stride;
    switch (random_below(5)) {
    case 0:
        return buffer;
    case 1:
        return standin_at_start(buffer);
    case 2:
        return standin.pool->bytes - random_below(64);
    case 3:
        return (uint64_t)random_below(UINT32_MAX) << 32 | random_below(UINT32_MAX);
    default:
        return buffer + random_below(standin.pool->stride);
    }
}

static uint32_t random_length(void) {
    return random_below(2) ? random_below(2400) : random_below(UINT32_MAX);
}

/* Writes over entries that were handed over or are about to be, and moves indices. */
static void vandalize(void) {
    for (uint32_t i = random_below(8); i > 0; i--)
        *xdp_ring_descriptor(&standin.kernel[STANDIN_RX],
                             standin.kernel[STANDIN_RX].own + random_below(STANDIN_RING)) =
            (struct xdp_desc){ random_address(), random_length(),
                               random_below(4) ? random_below(4) : UINT32_MAX };
    for (uint32_t i = random_below(4); i > 0; i--)
        *xdp_ring_address(&standin.kernel[STANDIN_COMPLETION],
                          standin.kernel[STANDIN_COMPLETION].own + random_below(STANDIN_RING)) =
            random_address();
    standin.kernel[STANDIN_RX].own += random_below(16);
    standin.kernel[STANDIN_COMPLETION].own += random_below(4);
    *standin.kernel[STANDIN_RX].producer =
        random_below(50) ? standin.kernel[STANDIN_RX].own : random_below(UINT32_MAX);
    *standin.kernel[STANDIN_COMPLETION].producer =
        random_below(50) ? standin.kernel[STANDIN_COMPLETION].own : random_below(UINT32_MAX);
    *standin.kernel[STANDIN_TX].consumer = random_below(50)
                                               ? standin.queue.tx.own - random_below(STANDIN_RING)
                                               : random_below(UINT32_MAX);
}

/* The program's own buffers stay its own, whatever the kernel says. */
static void check_packets(struct leat_pkt *pkts, uint32_t n, uint8_t *owned) {
    for (uint32_t i = 0; i < n; i++) {
        assert_in_range((uintptr_t)pkts[i].data, (uintptr_t)standin.pool->base,
                        (uintptr_t)standin.pool->base +
                            (uint64_t)standin.pool->buffers * standin.pool->stride - 1);
        assert_in_range(pkts[i].len, 1, leat_pkt_room(standin.pool, &pkts[i]));
        assert_int_equal(owned[leat_buffer_number(standin.pool, pkts[i].data)]++, 0);
        memset(pkts[i].data, 0xee, pkts[i].len);
    }
}

static void survives_a_vandal(void **state) {
    (void)state;
    const char *given = getenv("LEAT_SEED");
    static uint8_t owned[2 * STANDIN_BUFFERS];
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("LEAT_SEED=%lu\n", (unsigned long)seed);
    for (uint32_t turn = 0; turn < 20000; turn++) {
        struct leat_pkt pkts[32];
        vandalize();
        int got = xdp_rx(q, pkts, 1 + random_below(32));
        assert_true(got >= 0 || got == -EIO);
        uint32_t n = got > 0 ? (uint32_t)got : 0;
        if (n == 0)
            n = leat_alloc(standin.cache, pkts, random_below(8));
        memset(owned, 0, sizeof(owned));
        for (uint32_t i = 0; i < n; i++)
            pkts[i].len = pkts[i].len ? pkts[i].len : (uint16_t)(60 + random_below(1000));
        check_packets(pkts, n, owned);
        int sent = random_below(3) ? xdp_tx(q, pkts, n) : 0;
        assert_true(sent >= 0 || sent == -EIO);
        uint32_t taken = sent > 0 ? (uint32_t)sent : 0;
        leat_free(standin.cache, pkts + taken, n - taken);
        if (got < 0 || sent < 0)
            standin_forgive();
    }
    assert_true(standin_dropped(LEAT_DROP_RX_BAD_DESCRIPTOR) > 1000);
    assert_true(standin.queue.head.stats.tx_packets > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, standin_set_up, standin_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(believes_no_nonsense),
        TEST(drops_frames_with_a_bad_buffer),
        TEST(says_when_an_index_makes_no_sense),
        TEST(believes_no_completion_twice),
        TEST(survives_a_vandal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
