/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ixgbe driver against a device that writes whatever it likes into its rings: a bus of this
 * test's own, whose registers only remember, and a hand on the descriptors. LEAT_SEED repeats a
 * run.
 */
#include "lib/core/driver.h"
#include "lib/drivers/ixgbe.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define RING 64

/* Frames that the driver takes, and such as it refuses; and writes of the vandal that must have
 * given it so many, however seldom a busy machine lets the two have their turns. */
#define ENOUGH        200
#define VANDALISM_MAX 500000000

extern const struct leat_pci_driver leat_ixgbe;

struct fake {
    struct leat_device device;
    uint32_t registers[0x20000 / 4];
    uint32_t stuck;  /* register that the driver cannot change; UINT32_MAX: none */
    uint32_t deadly; /* register whose write is the device's end; 0: none */
    bool unmap_fails;
    bool te_enables;                /* queue 0 along with DMATXCTL.TE, as X540 and X550 have it */
    uint32_t maps, moved_under_way; /* writes to the place of a ring in use */
};

struct bed {
    struct fake fake;
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port port;
    struct leat_queue *queue;
    struct ixgbe_queue *q;
};

static int read_fake(struct leat_device *dev, uint32_t region, uint64_t offset, void *to,
                     size_t bytes) {
    struct fake *fake = (struct fake *)dev;
    uint32_t value = region == LEAT_REGION_BAR0 ? fake->registers[offset / 4] : 0;
    if (dev->gone)
        value = UINT32_MAX;
    memcpy(to, &value, bytes);
    return 0;
}

static int write_fake(struct leat_device *dev, uint32_t region, uint64_t offset, const void *from,
                      size_t bytes) {
    struct fake *fake = (struct fake *)dev;
    uint32_t value = 0;
    memcpy(&value, from, bytes);
    if (region != LEAT_REGION_BAR0 || offset == fake->stuck)
        return 0;
    if (fake->deadly && offset == fake->deadly)
        dev->gone = true;
    if (offset == REG_CTRL)
        value &= ~(CTRL_RST | CTRL_LRST);
    fake->moved_under_way += offset >= REG_TDBAL(0) && offset <= REG_TDBAL(0) + RING_LENGTH &&
                             fake->registers[REG_TXDCTL(0) / 4] & QUEUE_ENABLE;
    if (offset == REG_DMATXCTL && value & DMATXCTL_TE && fake->te_enables)
        fake->registers[REG_TXDCTL(0) / 4] |= QUEUE_ENABLE;
    fake->registers[offset / 4] = value;
    return 0;
}

static volatile uint32_t *doorbell(struct leat_device *dev, uint64_t offset) {
    return &((struct fake *)dev)->registers[offset / 4];
}

static int map(struct leat_device *dev, struct leat_dma *dma) {
    dma->iova = (uintptr_t)dma->memory;
    ((struct fake *)dev)->maps++;
    return 0;
}

static int unmap(struct leat_device *dev, struct leat_dma *dma) {
    struct fake *fake = (struct fake *)dev;
    (void)dma;
    if (fake->unmap_fails)
        return leat_fail(ETIMEDOUT, "it keeps the memory");
    fake->maps--;
    return 0;
}

static int interrupt(struct leat_device *dev, uint32_t vector, int fd) {
    (void)dev, (void)vector, (void)fd;
    return 0;
}

static int check(struct leat_device *dev) {
    return dev->gone ? leat_fail(ENODEV, "gone") : 0;
}

static void close_fake(struct leat_device *dev) {
    (void)dev;
}

static const struct leat_bus_ops fake_ops = { read_fake, write_fake, doorbell,  map,
                                              unmap,     check,      close_fake };

/* As leat_port_open() does, with our device in place of one that a name finds. */
static int open_bed(struct bed *bed) {
    struct leat_pool_opts opts = {
        .size = sizeof(opts), .buffers = 1024, .pages = LEAT_PAGES_4K, .numa_node = -1
    };
    memset(bed, 0, sizeof(*bed));
    assert_int_equal(leat_pool_create(&bed->pool, &opts), 0);
    assert_int_equal(leat_cache_open(&bed->cache, bed->pool), 0);
    bed->fake.device = (struct leat_device){ .ops = &fake_ops,
                                             .name = "fake",
                                             .bus = "fake",
                                             .vendor = 0x8086,
                                             .id = 0x10fb,
                                             .hangup_fd = -1,
                                             .vectors = 64,
                                             .interrupt = interrupt };
    bed->fake.stuck = UINT32_MAX;
    bed->fake.registers[REG_EEC / 4] = EEC_AUTO_RD;
    bed->fake.registers[REG_RDRXCTL / 4] = RDRXCTL_DMAIDONE;
    bed->fake.registers[REG_SECRXSTAT / 4] = SECRXSTAT_RDY;
    bed->fake.registers[REG_RAH(0) / 4] = RAH_AV;
    bed->port.name = (char *)"fake:";
    bed->port.pool = bed->pool;
    bed->port.opts = (struct leat_port_opts){ .queues = 1, .rx_ring = RING, .tx_ring = RING };
    return 0;
}

static void start_bed(struct bed *bed, bool base) {
    open_bed(bed);
    int err = base ? ixgbe_open_base(&bed->port, &bed->fake.device)
                   : leat_ixgbe.open(&bed->port, &bed->fake.device, "fake");
    assert_int_equal(err, 0);
    assert_int_equal(bed->port.ops->queue_start(&bed->port, 0, bed->cache, &bed->queue), 0);
    bed->q = (struct ixgbe_queue *)bed->queue;
}

static void stop_bed(struct bed *bed, uint32_t buffers_lost) {
    if (bed->port.ops)
        bed->port.ops->close(&bed->port);
    leat_cache_close(bed->cache);
    assert_int_equal(leat_pool_free_count(bed->pool), 1024 - buffers_lost);
    assert_int_equal(leat_pool_destroy(bed->pool), 0); /* those lost are known to be */
}

/* The device's side: what it would report of the descriptor at `index`. */
static void report(struct bed *bed, uint32_t index, uint64_t status, uint32_t length) {
    bed->q->rx_ring[index % RING].status = status | (uint64_t)length << 32;
}

static uint64_t bad(const struct bed *bed) {
    return bed->q->head.stats.drops[LEAT_DROP_RX_BAD_DESCRIPTOR];
}

static void test_nonsense_is_counted(void **state) {
    (void)state;
    struct bed bed;
    struct leat_pkt pkts[64];
    start_bed(&bed, false);
    report(&bed, 0, RX_DD | RX_EOP, 0);                 /* no bytes */
    report(&bed, 1, RX_DD | RX_EOP, 2049);              /* more than the buffer has */
    report(&bed, 2, RX_DD | RX_EOP, 0xffff);            /* far more */
    report(&bed, 3, RX_DD | RX_EOP | RX_ERROR_RXE, 60); /* what it should have kept */
    report(&bed, 4, RX_DD | RX_EOP, 60);                /* a good one */
    report(&bed, 5, RX_EOP, 60);                        /* not done: not looked at */
    assert_int_equal(leat_rx(bed.queue, pkts, 64), 1);
    assert_int_equal(pkts[0].len, 60);
    assert_int_equal(bad(&bed), 4);
    assert_int_equal(leat_rx(bed.queue, pkts + 1, 63), 0);
    assert_int_equal(*bed.q->rx_doorbell, 4); /* all five are the device's again */
    leat_free(bed.cache, pkts, 1);
    stop_bed(&bed, 0);
}

/* A frame that never ends is one loss, and so is what belongs to it; the next frame is good. */
static void test_frame_without_end(void **state) {
    (void)state;
    struct bed bed;
    struct leat_pkt pkts[64];
    start_bed(&bed, false);
    for (uint32_t i = 0; i < 40; i++)
        report(&bed, i, RX_DD, 100);
    assert_int_equal(leat_rx(bed.queue, pkts, 64), 0);
    assert_int_equal(bad(&bed), 1);
    report(&bed, 40, RX_DD, 100);
    assert_int_equal(leat_rx(bed.queue, pkts, 64), 0);
    report(&bed, 41, RX_DD | RX_EOP, 100);
    report(&bed, 42, RX_DD, 100);
    report(&bed, 43, RX_DD | RX_EOP, 50);
    assert_int_equal(leat_rx(bed.queue, pkts, 64), 2);
    assert_int_equal(pkts[0].flags & LEAT_PKT_MORE, LEAT_PKT_MORE);
    assert_int_equal(pkts[1].flags & LEAT_PKT_MORE, 0);
    assert_int_equal(pkts[0].len, 100);
    assert_int_equal(pkts[1].len, 50);
    assert_int_equal(bad(&bed), 1);
    leat_free(bed.cache, pkts, 2);
    stop_bed(&bed, 0);
}

/* The base knows frames of one buffer only: others are lost whole, and counted once. */
static void test_base_without_long_frames(void **state) {
    (void)state;
    struct bed bed;
    struct leat_pkt pkts[64];
    start_bed(&bed, true);
    report(&bed, 0, RX_DD, 100);
    report(&bed, 1, RX_DD | RX_EOP, 50);
    report(&bed, 2, RX_DD | RX_EOP, 60);
    report(&bed, 3, RX_DD, 100); /* its end comes later */
    assert_int_equal(leat_rx(bed.queue, pkts, 64), 1);
    assert_int_equal(pkts[0].len, 60);
    assert_int_equal(bad(&bed), 2);
    report(&bed, 4, RX_DD | RX_EOP, 70);
    report(&bed, 5, RX_DD | RX_EOP, 80);
    assert_int_equal(leat_rx(bed.queue, pkts + 1, 63), 1);
    assert_int_equal(pkts[1].len, 80);
    assert_int_equal(bad(&bed), 2);
    assert_int_equal(leat_alloc(bed.cache, pkts + 2, 3), 3);
    for (uint32_t i = 2; i < 5; i++)
        pkts[i].len = 60;
    pkts[1].flags |= LEAT_PKT_MORE; /* with the next one */
    pkts[3].flags |= LEAT_PKT_L4_CSUM;
    assert_int_equal(leat_tx(bed.queue, pkts, 5), 5);
    const uint64_t *drops = bed.q->head.stats.drops;
    assert_int_equal(drops[LEAT_DROP_TX_LENGTH], 1);
    assert_int_equal(drops[LEAT_DROP_TX_OFFLOAD], 1);
    assert_int_equal(*bed.q->tx_doorbell, 2);
    stop_bed(&bed, 0);
    assert_int_equal(bed.port.lost.drops[LEAT_DROP_TX_ABORTED], 2);
}

struct vandal {
    struct bed *bed;
    uint64_t random;
    _Atomic uint64_t written;
    atomic_bool quit;
};

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *write_nonsense(void *arg) {
    struct vandal *vandal = arg;
    struct bed *bed = vandal->bed;
    uint64_t written = 0;
    while (!atomic_load_explicit(&vandal->quit, memory_order_relaxed)) {
        uint64_t dice = next_random(&vandal->random), what = next_random(&vandal->random);
        uint32_t slot = (uint32_t)(dice >> 8) % RING;
        uint64_t *rx = dice & 1 ? &bed->q->rx_ring[slot].status : &bed->q->rx_ring[slot].address;
        uint64_t *tx = dice & 1 ? &bed->q->tx_ring[slot].command : &bed->q->tx_ring[slot].address;
        if (dice >> 40 & 7) /* likely enough to be taken for a frame, and so are its neighbours:
                               each time that a thread has its turn, many are there */
            what = RX_DD | (dice >> 20 & RX_EOP) | (dice >> 24 & 0xfff) << 32;
        __atomic_store_n(dice & 4 ? tx : rx, what, __ATOMIC_RELAXED);
        atomic_store_explicit(&vandal->written, ++written, memory_order_relaxed);
    }
    return NULL;
}

/* Random descriptors under a forwarding driver: it counts and goes on, every packet lies inside
 * its buffer, and in the end no buffer is lost or doubled. */
static void test_vandal(void **state) {
    (void)state;
    struct bed bed;
    struct vandal vandal = { .bed = &bed };
    pthread_t thread;
    const char *seed = getenv("LEAT_SEED");
    vandal.random = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761u | 1;
    print_message("LEAT_SEED=%lu\n", vandal.random);
    start_bed(&bed, false);
    assert_int_equal(pthread_create(&thread, NULL, write_nonsense, &vandal), 0);
    struct leat_pkt pkts[64];
    uint64_t received = 0;
    for (uint32_t round = 0;
         (received < ENOUGH || bad(&bed) < ENOUGH) && atomic_load(&vandal.written) < VANDALISM_MAX;
         round++) {
        int n = leat_rx(bed.queue, pkts, 1 + round % 64);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
            assert_in_range(pkts[i].len, 1, 2048);
            assert_true(leat_buffer_number(bed.pool, pkts[i].data) < 1024);
            pkts[i].data[0] ^= 1;
            pkts[i].data[pkts[i].len - 1] ^= 1;
        }
        if (n > 0)
            assert_int_equal(pkts[n - 1].flags & LEAT_PKT_MORE, 0);
        received += (uint64_t)n;
        int sent = leat_tx(bed.queue, pkts, (uint32_t)n);
        assert_in_range(sent, 0, n);
        leat_free(bed.cache, pkts + sent, (uint32_t)(n - sent));
    }
    atomic_store(&vandal.quit, true);
    pthread_join(thread, NULL);
    assert_true(received >= ENOUGH);
    assert_true(bad(&bed) >= ENOUGH);
    stop_bed(&bed, 0);
}

/* A register that does not do what the datasheet says ends in a sentence that names it, in time;
 * one that keeps a queue from stopping costs its buffers, not memory that may still be written. */
static void test_stuck_registers(void **state) {
    (void)state;
    static const struct {
        uint32_t reg, value;
        const char *name;
    } stuck[] = {
        { REG_EEC, 0, "EEC.AUTO_RD" },
        { REG_RDRXCTL, 0, "RDRXCTL.DMAIDONE" },
        { REG_SECRXSTAT, 0, "SECRXSTAT.SECRX_RDY" },
        { REG_CTRL, CTRL_RST, "CTRL.RST" },
        { REG_RAH(0), 0, "RAH(0)" },
    };
    for (size_t i = 0; i < sizeof(stuck) / sizeof(stuck[0]); i++) {
        struct bed bed;
        open_bed(&bed);
        bed.fake.stuck = stuck[i].reg;
        bed.fake.registers[stuck[i].reg / 4] = stuck[i].value;
        int err = leat_ixgbe.open(&bed.port, &bed.fake.device, "fake");
        assert_int_equal(err, stuck[i].reg == REG_RAH(0) ? -ENODEV : -ETIMEDOUT);
        assert_non_null(strstr(leat_error(), stuck[i].name));
        stop_bed(&bed, 0);
        assert_int_equal(bed.fake.maps, 0);
    }
}

static void test_device_that_does_not_let_go(void **state) {
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct bed bed;
        start_bed(&bed, false);
        bed.fake.stuck = way ? REG_RXDCTL(0) : UINT32_MAX;
        bed.fake.unmap_fails = !way;
        struct leat_dma rings = bed.q->rings;
        stop_bed(&bed, RING);
        if (!way) { /* left to the device by the library */
            munmap(rings.memory, rings.bytes);
            close(rings.fd);
        }
    }
}

static void test_queue_that_does_not_start(void **state) {
    (void)state;
    static const uint32_t stuck[] = { REG_TXDCTL(0), REG_RXDCTL(0) };
    for (int i = 0; i < 2; i++) {
        struct bed bed;
        open_bed(&bed);
        assert_int_equal(leat_ixgbe.open(&bed.port, &bed.fake.device, "fake"), 0);
        bed.fake.stuck = stuck[i];
        assert_int_equal(bed.port.ops->queue_start(&bed.port, 0, bed.cache, &bed.queue),
                         -ETIMEDOUT);
        bed.fake.stuck = UINT32_MAX;
        assert_int_equal(bed.port.ops->queue_start(&bed.port, 0, bed.cache, &bed.queue), 0);
        stop_bed(&bed, 0);
        assert_int_equal(bed.fake.maps, 0);
    }
}

/* The device is gone in the middle of it: its buffers come back when the port is closed. */
static void test_gone_while_a_queue_starts(void **state) {
    (void)state;
    static const uint32_t deadly[] = { REG_TDBAL(0), REG_RDBAL(0), REG_RDT(0) };
    for (int i = 0; i < 3; i++) {
        struct bed bed;
        open_bed(&bed);
        assert_int_equal(leat_ixgbe.open(&bed.port, &bed.fake.device, "fake"), 0);
        bed.fake.deadly = deadly[i];
        assert_int_equal(bed.port.ops->queue_start(&bed.port, 0, bed.cache, &bed.queue), -ENODEV);
        assert_int_equal(bed.port.ops->queue_start(&bed.port, 0, bed.cache, &bed.queue), -EBUSY);
        stop_bed(&bed, 0);
        assert_int_equal(bed.fake.maps, 0);
    }
}

/* The packet buffer is as large as the device says; its high water mark is set: 4.6.3.2. */
static void test_packet_buffer(void **state) {
    (void)state;
    static const uint32_t sizes_kib[] = { 512, 384 };
    for (int i = 0; i < 2; i++) {
        struct bed bed;
        open_bed(&bed);
        bed.fake.registers[REG_RXPBSIZE(0) / 4] = sizes_kib[i] << 10;
        bed.fake.registers[REG_RXPBSIZE(7) / 4] = sizes_kib[i] << 10;
        assert_int_equal(leat_ixgbe.open(&bed.port, &bed.fake.device, "fake"), 0);
        assert_int_equal(bed.fake.registers[REG_RXPBSIZE(0) / 4], sizes_kib[i] << 10);
        assert_int_equal(bed.fake.registers[REG_RXPBSIZE(7) / 4], 0);
        assert_int_equal(bed.fake.registers[REG_FCRTH(0) / 4], (sizes_kib[i] << 10) - 0x6000);
        stop_bed(&bed, 0);
    }
}

/* X550 datasheet, 4.6.8.1: with the transmit path comes queue 0, before it has a ring. */
static void test_queue_that_is_enabled_already(void **state) {
    (void)state;
    struct bed bed;
    open_bed(&bed);
    bed.fake.te_enables = true;
    assert_int_equal(leat_ixgbe.open(&bed.port, &bed.fake.device, "fake"), 0);
    assert_true(bed.fake.registers[REG_TXDCTL(0) / 4] & QUEUE_ENABLE);
    assert_int_equal(bed.port.ops->queue_start(&bed.port, 0, bed.cache, &bed.queue), 0);
    assert_int_equal(bed.fake.moved_under_way, 0);
    assert_true(bed.fake.registers[REG_TXDCTL(0) / 4] & QUEUE_ENABLE);
    stop_bed(&bed, 0);
}

/* All ones from STATUS: the device fell off the bus without a word. */
static void test_gone(void **state) {
    (void)state;
    struct bed bed;
    struct leat_link link;
    struct leat_stats stats = { 0 };
    open_bed(&bed);
    bed.fake.registers[REG_STATUS / 4] = UINT32_MAX;
    assert_int_equal(leat_ixgbe.open(&bed.port, &bed.fake.device, "fake"), -ENODEV);
    stop_bed(&bed, 0);

    open_bed(&bed);
    bed.fake.deadly = REG_DMATXCTL;
    assert_int_equal(leat_ixgbe.open(&bed.port, &bed.fake.device, "fake"), -ENODEV);
    assert_non_null(strstr(leat_error(), "gone"));
    stop_bed(&bed, 0);

    start_bed(&bed, false);
    memset(bed.fake.registers, 0xff, sizeof(bed.fake.registers));
    assert_int_equal(bed.port.ops->link(&bed.port, &link), -ENODEV);
    assert_int_equal(bed.port.ops->stats(&bed.port, &stats), -ENODEV);
    struct leat_pkt pkts[4];
    assert_int_equal(leat_rx(bed.queue, pkts, 4), -ENODEV);
    assert_int_equal(leat_tx(bed.queue, pkts, 0), -ENODEV);
    stop_bed(&bed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nonsense_is_counted),
        cmocka_unit_test(test_frame_without_end),
        cmocka_unit_test(test_base_without_long_frames),
        cmocka_unit_test(test_vandal),
        cmocka_unit_test(test_stuck_registers),
        cmocka_unit_test(test_device_that_does_not_let_go),
        cmocka_unit_test(test_queue_that_does_not_start),
        cmocka_unit_test(test_gone_while_a_queue_starts),
        cmocka_unit_test(test_packet_buffer),
        cmocka_unit_test(test_queue_that_is_enabled_already),
        cmocka_unit_test(test_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
