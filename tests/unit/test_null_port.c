/* SPDX-License-Identifier: BSD-2-Clause */
/* The null: port as a source: sizes, counts, what it refuses. */
#include <errno.h>
#include <leat/error.h>
#include <leat/port.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct leat_pool *pool;
static struct leat_cache *cache;
static struct leat_port *port;
static struct leat_queue *queue;

static int set_up(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 100, .pages = LEAT_PAGES_4K };
    return leat_pool_create(&pool, &opts) < 0 ? -1 : leat_cache_open(&cache, pool);
}

static int tear_down(void **state) {
    (void)state;
    leat_cache_close(cache);
    return leat_pool_destroy(pool);
}

static void open_port(const char *name) {
    assert_int_equal(leat_port_open(&port, name, pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
}

static void makes_frames_of_that_size(void **state) {
    (void)state;
    struct leat_stats stats;
    struct leat_pkt pkts[32];
    open_port("null:,size=64");
    assert_int_equal(leat_queue_arm(queue), 1); /* never sleep */
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(leat_rx(queue, pkts, 32), 32);
        for (uint32_t j = 0; j < 32; j++) {
            assert_int_equal(pkts[j].len, 60);
            assert_int_equal(pkts[j].flags, 0);
            assert_memory_equal(pkts[j].data + 12, "\x88\xb5", 2);
        }
        assert_int_equal(leat_tx(queue, pkts, 32), 32);
    }
    leat_port_close(port, &stats);
    assert_int_equal(stats.rx_packets, 320);
    assert_int_equal(stats.rx_bytes, 320 * 60);
    assert_int_equal(stats.tx_packets, 320);
    assert_int_equal(stats.tx_bytes, 320 * 60);
}

static void makes_frames_of_several_buffers(void **state) {
    (void)state;
    struct leat_pkt pkts[32];
    open_port("null:,size=9018");
    assert_int_equal(leat_rx(queue, pkts, 4), 0);
    assert_int_equal(leat_rx(queue, pkts, 14), 10);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(pkts[i].len, i % 5 < 4 ? 2112 : 9014 - 4 * 2112);
        assert_int_equal(pkts[i].flags, i % 5 < 4 ? LEAT_PKT_MORE : 0);
    }
    leat_free(cache, pkts, 10);
    leat_port_close(port, NULL);
}

static void stops_without_buffers(void **state) {
    (void)state;
    struct leat_pkt pkts[128];
    struct leat_stats stats;
    open_port("null:,size=1518");
    assert_int_equal(leat_rx(queue, pkts, 128), 100);
    assert_int_equal(leat_rx(queue, pkts + 100, 28), 0);
    leat_free(cache, pkts, 100);
    leat_port_close(port, &stats);
    assert_int_equal(stats.rx_packets, 100);
}

static void refuses_wrong_sizes(void **state) {
    (void)state;
    static const char *const wrong[] = { "null:,size=63", "null:,size=9019",
                                         "null:,size=", "null:,size=-1" };
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(leat_port_open(&port, wrong[i], pool, NULL), -EINVAL);
        assert_non_null(strstr(leat_error(), "size"));
    }
    assert_int_equal(leat_port_open(&port, "null:,tx-ring=64", pool, NULL), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "no rings"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_frames_of_that_size),
        cmocka_unit_test(makes_frames_of_several_buffers),
        cmocka_unit_test(stops_without_buffers),
        cmocka_unit_test(refuses_wrong_sizes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
