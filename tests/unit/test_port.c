/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports' names, options and life, on a driver that this test makes up. */
#include "lib/core/driver.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The driver: counts its opens and closes, takes "size=" and "fail"; its device keeps `kept`
 * buffers for itself. */
static int opens, closes;
static uint32_t kept;
static uint32_t size_option;
static struct leat_queue_head heads[LEAT_QUEUES_MAX];

static int fake_rx(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    (void)pkts;
    LEAT_COUNT(((struct leat_queue_head *)queue)->stats.rx_packets, n);
    return (int)n;
}

static int fake_queue_start(struct leat_port *port, uint32_t index, struct leat_cache *cache,
                            struct leat_queue **queue) {
    heads[index] = (struct leat_queue_head){
        .public = { .rx = fake_rx, .port = port, .cache = cache, .index = index }
    };
    *queue = &heads[index].public;
    return 0;
}

static void fake_close(struct leat_port *port) {
    for (uint32_t i = 0; i < port->opts.queues; i++)
        if (port->queues[i])
            leat_stats_add(&port->lost, &heads[i].stats);
    if (kept)
        leat_pool_quarantine(port->pool, leat_cache_take(heads[0].public.cache, kept), kept);
    leat_fail(EIO, "a sentence of closing, which must not hide that of opening");
    closes++;
}

static void fake_caps(struct leat_port *port, struct leat_caps *caps) {
    caps->queues = port->opts.queues;
}

static int fake_stats(struct leat_port *port, struct leat_stats *stats) {
    (void)port;
    stats->drops[LEAT_DROP_RX_MISSED] += 7;
    return 0;
}

static const struct leat_port_ops fake_ops = {
    .queue_start = fake_queue_start, .close = fake_close, .caps = fake_caps, .stats = fake_stats
};

static int fake_open(struct leat_port *port) {
    port->ops = &fake_ops;
    opens++;
    int err = leat_option_u32(port, "size", &size_option, 60, 9000);
    if (err < 0)
        return err;
    if (leat_option_flag(port, "fail"))
        return leat_fail(ENODEV, "%s: no device at '%s'", port->name, port->address);
    return 0;
}

static const struct leat_driver fake = { "fake", "of this test", fake_open };
const struct leat_driver *const leat_drivers[] = { &fake, NULL };

static struct leat_pool *pool;
static struct leat_cache *cache;

static int set_up(void **state) {
    (void)state;
    return leat_pool_create(&pool, &(struct leat_pool_opts){ .size = sizeof(struct leat_pool_opts),
                                                             .buffers = 64,
                                                             .pages = LEAT_PAGES_4K }) ||
           leat_cache_open(&cache, pool);
}

static int tear_down(void **state) {
    (void)state;
    leat_cache_close(cache);
    return leat_pool_destroy(pool);
}

static void a_wrong_name_is_refused_with_its_reason(void **state) {
    (void)state;
    static const struct {
        const char *name, *words;
        int err;
    } wrong[] = {
        { "eth0", "no such kind of port: 'xdp'", -EINVAL },
        { "eth0,fake:x", "no such kind of port: 'xdp'", -EINVAL },
        { "dir/file", "no such kind of port: 'pcap'", -EINVAL },
        { "", "not a port's name", -EINVAL },
        { ",size=60", "not a port's name", -EINVAL },
        { ":x", "not a port's name", -EINVAL },
        { "fake:x,a='b", "option 'a' has no closing quote", -EINVAL },
        { "fake:x,a='", "option 'a' has no closing quote", -EINVAL },
        { "fake:x,a=\"b'", "option 'a' has no closing quote", -EINVAL },
        { "fake:x,a='b''", "option 'a' has no closing quote", -EINVAL },
        { "fake:x,a='b'c", "option 'a' goes on after its closing quote", -EINVAL },
        { "ether:x", "no such kind of port: 'ether'", -EINVAL },
        { "fake:x,colour=red", "no such option here: 'colour'", -EINVAL },
        { "fake:x,queues=0", "'queues' must be a number from 1 to 64", -EINVAL },
        { "fake:x,queues=65", "'queues' must be a number", -EINVAL },
        { "fake:x,queues=-1", "'queues' must be a number", -EINVAL },
        { "fake:x,queues=", "'queues' must be a number", -EINVAL },
        { "fake:x,queues=2x", "'queues' must be a number", -EINVAL },
        { "fake:x,queues=0x2", "'queues' must be a number", -EINVAL },
        { "fake:x,size=59", "'size' must be a number from 60 to 9000", -EINVAL },
        { "fake:x,promisc=yes", "'promisc' takes no value", -EINVAL },
        { "fake:x,rss=odd", "one of default|symmetric|prefer-symmetric, not 'odd'", -EINVAL },
        { "fake:x,queues=2,rss=symmetric", "fake: ports cannot bring both directions", -ENOTSUP },
        { "fake:x/y,fail", "no device at 'x/y'", -ENODEV },
    };
    opens = closes = 0;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct leat_port *port = NULL;
        assert_int_equal(leat_port_open(&port, wrong[i].name, pool, NULL), wrong[i].err);
        assert_null(port);
        if (!strstr(leat_error(), wrong[i].words) || !strstr(leat_error(), wrong[i].name))
            fail_msg("%s: %s", wrong[i].name, leat_error());
        assert_int_equal(opens, closes);
    }
}

static void options_come_from_the_struct_and_the_name_wins(void **state) {
    (void)state;
    struct leat_port *port;
    struct leat_port_opts opts = { .size = sizeof(opts), .queues = 2, .rx_ring = 128 };
    assert_int_equal(leat_port_open(&port, "fake:,queues=3,promisc,size=100", pool, &opts), 0);
    assert_int_equal(port->opts.queues, 3);
    assert_int_equal(port->opts.rx_ring, 128);
    assert_int_equal(port->opts.tx_ring, 512);
    assert_true(port->opts.promisc);
    assert_int_equal(size_option, 100);
    assert_string_equal(leat_port_name(port), "fake:,queues=3,promisc,size=100");
    leat_port_close(port, NULL);
}

/* The driver of this test knows no RSS. */
static void a_single_queue_is_symmetric_by_itself(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum leat_rss given, in_force;
        bool symmetric;
    } right[] = {
        { "fake:", LEAT_RSS_DEFAULT, LEAT_RSS_DEFAULT, true },
        { "fake:", LEAT_RSS_SYMMETRIC, LEAT_RSS_SYMMETRIC, true },
        { "fake:,queues=2", LEAT_RSS_PREFER_SYMMETRIC, LEAT_RSS_PREFER_SYMMETRIC, false },
        { "fake:,queues=2,rss=default", LEAT_RSS_SYMMETRIC, LEAT_RSS_DEFAULT, false },
        { "fake:,queues=2,rss=prefer-symmetric", LEAT_RSS_DEFAULT, LEAT_RSS_PREFER_SYMMETRIC,
          false },
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct leat_port *port;
        struct leat_caps caps;
        const struct leat_port_opts opts = { .size = sizeof(opts), .rss = right[i].given };
        assert_int_equal(leat_port_open(&port, right[i].name, pool, &opts), 0);
        assert_int_equal(port->opts.rss, right[i].in_force);
        leat_port_caps(port, &caps, sizeof(caps));
        assert_int_equal(caps.rss_symmetric, right[i].symmetric);
        leat_port_close(port, NULL);
    }
}

/* A filter of tcpdump's may hold anything that a shell lets through. */
static void values_may_be_quoted(void **state) {
    (void)state;
    static const struct {
        const char *name, *address, *key, *value;
    } right[] = {
        { "fake:x,m=udp port 53", "x", "m", "udp port 53" },
        { "fake:x,m=ether host 02:00:00:00:00:01,n", "x", "m", "ether host 02:00:00:00:00:01" },
        { "fake:x,m='a,b=c',n=1", "x", "m", "a,b=c" },
        { "fake:x,m=\"it's\"", "x", "m", "it's" },
        { "fake:x,m='it''s',n", "x", "m", "it's" },
        { "fake:x,m='''',n", "x", "m", "'" },
        { "fake:x,m='',n", "x", "m", "" },
        { "fake:x,m=a'b,n=c'd", "x", "m", "a'b" },
        { "fake:,m==", "", "m", "=" },
        { "eth0@3,m='x:y,z'", "eth0@3", "m", "x:y,z" },
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct leat_port port = { 0 };
        char *scheme;
        if (leat_parse_name(&port, right[i].name, &scheme) != 0)
            fail_msg("%s", leat_error());
        assert_string_equal(scheme, strchr(right[i].address, '@') ? "xdp" : "fake");
        assert_string_equal(port.address, right[i].address);
        assert_string_equal(port.options[0].key, right[i].key);
        assert_string_equal(port.options[0].value, right[i].value);
        assert_int_equal(port.option_count, 1 + (strstr(right[i].name, ",n") != NULL));
        free(port.name);
        free(port.parts);
    }
}

static void a_name_without_a_kind_is_an_interface_or_a_capture(void **state) {
    (void)state;
    static const struct {
        const char *name, *scheme, *address;
    } right[] = {
        { "eth0.100", "xdp", "eth0.100" },
        { "pcap", "xdp", "pcap" },
        { ".pcap", "xdp", ".pcap" },
        { "eth0,match='net 10.0.0.0/8 or a.pcap'", "xdp", "eth0" },
        { "xdp:eth0.pcap", "xdp", "eth0.pcap" },
        { "pcapng:x", "pcapng", "x" },
        { "in.pcap", "pcap", "in.pcap" },
        { "in.pcapng,loop=2", "pcap", "in.pcapng" },
        { "in.cap>out.pcapng", "pcap", "in.cap>out.pcapng" },
        { "./in", "pcap", "./in" },
        { "day/12:30.pcap", "pcap", "day/12:30.pcap" },
        { "pcap:eth0", "pcap", "eth0" },
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        struct leat_port port = { 0 };
        char *scheme;
        if (leat_parse_name(&port, right[i].name, &scheme) != 0)
            fail_msg("%s", leat_error());
        assert_string_equal(scheme, right[i].scheme);
        assert_string_equal(port.address, right[i].address);
        assert_int_equal(leat_port_is_capture(right[i].name), !strcmp(right[i].scheme, "pcap"));
        free(port.name);
        free(port.parts);
    }
}

static void an_older_program_has_a_shorter_struct(void **state) {
    (void)state;
    struct leat_port *port;
    struct leat_port_opts opts = { .size = offsetof(struct leat_port_opts, rx_ring),
                                   .queues = 2,
                                   .rx_ring = 4096 };
    assert_int_equal(leat_port_open(&port, "fake:", pool, &opts), 0);
    assert_int_equal(port->opts.queues, 2);
    assert_int_equal(port->opts.rx_ring, 512);
    struct leat_caps caps = { .rx_ring = 99 };
    leat_port_caps(port, &caps, offsetof(struct leat_caps, rx_ring));
    assert_int_equal(caps.queues, 2);
    assert_int_equal(caps.rx_ring, 99);
    leat_port_close(port, NULL);
}

static void a_queue_starts_once_and_on_its_own_pool(void **state) {
    (void)state;
    struct leat_port *port;
    struct leat_queue *queue;
    assert_int_equal(leat_port_open(&port, "fake:,queues=2", pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 2, cache, &queue), -EINVAL);
    assert_non_null(strstr(leat_error(), "no queue 2"));
    assert_int_equal(leat_port_queue(port, 1, cache, &queue), 0);
    assert_int_equal(queue->index, 1);
    assert_int_equal(leat_port_queue(port, 1, cache, &queue), -EBUSY);

    struct leat_pool *other;
    struct leat_cache *foreign;
    assert_int_equal(
        leat_pool_create(&other, &(struct leat_pool_opts){ .size = sizeof(struct leat_pool_opts),
                                                           .buffers = 4,
                                                           .pages = LEAT_PAGES_4K }),
        0);
    assert_int_equal(leat_cache_open(&foreign, other), 0);
    assert_int_equal(leat_port_queue(port, 0, foreign, &queue), -EINVAL);
    assert_non_null(strstr(leat_error(), "another pool"));
    leat_cache_close(foreign);
    assert_int_equal(leat_pool_destroy(other), 0);
    leat_port_close(port, NULL);
}

static void statistics_add_up_and_survive_the_close(void **state) {
    (void)state;
    struct leat_port *port;
    struct leat_queue *queues[2];
    struct leat_pkt pkts[5];
    struct leat_stats stats;
    assert_int_equal(leat_port_open(&port, "fake:,queues=2", pool, NULL), 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(leat_port_queue(port, i, cache, &queues[i]), 0);
        assert_int_equal(leat_rx(queues[i], pkts, 2 + i), 2 + i);
    }
    leat_queue_stats(queues[1], &stats);
    assert_int_equal(stats.rx_packets, 3);
    assert_int_equal(leat_port_stats(port, &stats), 0);
    assert_int_equal(stats.rx_packets, 5);
    assert_int_equal(stats.drops[LEAT_DROP_RX_MISSED], 7);
    leat_port_close(port, &stats);
    assert_int_equal(stats.rx_packets, 5);
}

static void what_a_port_lacks_is_not_supported(void **state) {
    (void)state;
    struct leat_port *port;
    struct leat_queue *queue;
    assert_int_equal(leat_port_open(&port, "fake:", pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    assert_int_equal(leat_port_set_promisc(port, true), -ENOTSUP);
    assert_int_equal(leat_port_set_mac(port, (const uint8_t[6]){ 2 }), -ENOTSUP);
    assert_int_equal(leat_queue_fd(queue), -ENOTSUP);
    assert_int_equal(leat_queue_arm(queue), -ENOTSUP);
    assert_int_equal(leat_port_counters(port, NULL, 0), 0);
    assert_int_equal(leat_port_wait_link(port, 0), 0);
    leat_port_close(port, NULL);
}

static void a_pool_outlives_its_ports(void **state) {
    (void)state;
    struct leat_port *port;
    assert_int_equal(leat_port_open(&port, "fake:", pool, NULL), 0);
    assert_int_equal(leat_pool_destroy(pool), -EBUSY);
    assert_non_null(strstr(leat_error(), "1 ports"));
    leat_port_close(port, NULL);
}

static char notice[256];

static void keep_notice(void *ctx, enum leat_log_level level, const char *sentence) {
    (void)ctx;
    assert_int_equal(level, LEAT_LOG_NOTICE);
    snprintf(notice, sizeof(notice), "%s", sentence);
}

static void buffers_that_the_device_keeps_are_told(void **state) {
    (void)state;
    struct leat_port *port;
    struct leat_queue *queue;
    leat_set_log(keep_notice, NULL);
    assert_int_equal(leat_port_open(&port, "fake:", pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    leat_port_close(port, NULL);
    assert_string_equal(notice, "");
    assert_int_equal(leat_port_open(&port, "fake:", pool, NULL), 0);
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    kept = 3;
    leat_port_close(port, NULL);
    kept = 0;
    leat_set_log(NULL, NULL);
    assert_non_null(strstr(notice, "fake:: 3 buffers are set aside for ever"));
}

static void kinds_and_reasons_have_names(void **state) {
    (void)state;
    assert_string_equal(leat_port_kind(0), "fake");
    assert_string_equal(leat_port_kind_summary(0), "of this test");
    assert_null(leat_port_kind(1));
    assert_null(leat_port_kind(100));
    for (int i = 0; i < LEAT_DROP_COUNT; i++) {
        assert_non_null(leat_drop_name((enum leat_drop)i));
        assert_non_null(leat_drop_meaning((enum leat_drop)i));
    }
    assert_null(leat_drop_name(LEAT_DROP_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_name_is_refused_with_its_reason),
        cmocka_unit_test(options_come_from_the_struct_and_the_name_wins),
        cmocka_unit_test(a_single_queue_is_symmetric_by_itself),
        cmocka_unit_test(values_may_be_quoted),
        cmocka_unit_test(a_name_without_a_kind_is_an_interface_or_a_capture),
        cmocka_unit_test(an_older_program_has_a_shorter_struct),
        cmocka_unit_test(a_queue_starts_once_and_on_its_own_pool),
        cmocka_unit_test(statistics_add_up_and_survive_the_close),
        cmocka_unit_test(what_a_port_lacks_is_not_supported),
        cmocka_unit_test(a_pool_outlives_its_ports),
        cmocka_unit_test(buffers_that_the_device_keeps_are_told),
        cmocka_unit_test(kinds_and_reasons_have_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
