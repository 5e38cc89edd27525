/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases: opening, counting, waiting, closing, and doing it wrong. */
#include "cases.h"
#include "rig.h"
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

void tells_the_truth_about_itself(void **state) {
    struct rig *rig = *state;
    const struct port_kind *kind = rig->kind;
    struct leat_caps few;
    struct leat_link link;
    rig_open_with(rig, 0, NULL);
    assert_int_equal(rig->caps.rx, kind->rx);
    assert_int_equal(rig->caps.tx, kind->tx);
    assert_int_equal(rig->caps.queues, kind->queues);
    assert_true(rig->caps.queues_max >= kind->queues);
    assert_true(rig->caps.frame_max >= 1514 && rig->caps.segments_max >= 1);
    assert_true(rig->caps.driver && *rig->caps.driver && *rig->caps.device && *rig->caps.mode);
    assert_non_null(memchr(rig->caps.device, '\0', sizeof(rig->caps.device)));
    assert_non_null(memchr(rig->caps.mode, '\0', sizeof(rig->caps.mode)));
    memset(&few, 0xee, sizeof(few));
    leat_port_caps(rig->port, &few, sizeof(few.driver)); /* of a program built long ago */
    assert_int_equal((uint8_t)few.device[0], 0xee);
    assert_int_equal(leat_port_link(rig->port, &link), 0);
    assert_true(link.up);
    assert_ptr_equal(leat_port_pool(rig->port), rig->pool);
    assert_string_equal(leat_port_name(rig->port), rig->name);
    rig_close(rig, NULL);
}

static uint64_t all_bytes(uint32_t n) {
    uint64_t bytes = 0;
    for (uint32_t id = 0; id < n; id++)
        bytes += rig_sizes(id);
    return bytes;
}

void counts_to_the_packet(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats, sum = { 0 }, final;
    uint32_t rx = rig->kind->rx ? 150 : 0, tx = rig->kind->tx ? 100 : 0;
    rig_open_with(rig, rx, rig_sizes);
    assert_int_equal(rig_receive(rig, rx, NULL), rx);
    for (uint32_t id = 0; id < tx; id++) {
        struct leat_pkt pkt;
        uint32_t queue = id % rig->kind->queues;
        rig_fill(rig, queue, &pkt, id, rig_sizes(id));
        rig_send(rig, queue, &pkt, 1);
    }
    rig_expect_sent(rig, tx);
    rig_stats(rig, tx, &stats);
    for (uint32_t i = 0; i < rig->kind->queues; i++) {
        struct leat_stats queue;
        leat_queue_stats(rig->queues[i], &queue);
        leat_stats_add(&sum, &queue);
    }
    assert_int_equal(stats.rx_packets, rx + rig->noise);
    assert_int_equal(stats.rx_bytes, all_bytes(rx) + rig->noise_bytes);
    assert_int_equal(stats.tx_packets, tx);
    assert_int_equal(stats.tx_bytes, all_bytes(tx));
    assert_int_equal(rig_drops(&stats), 0);
    assert_int_equal(sum.rx_packets, stats.rx_packets);
    assert_int_equal(sum.rx_bytes, stats.rx_bytes);
    assert_int_equal(sum.tx_packets, stats.tx_packets);
    assert_int_equal(sum.tx_bytes, stats.tx_bytes);
    rig_close(rig, &final);
    assert_int_equal(final.rx_packets, stats.rx_packets);
    assert_int_equal(final.rx_bytes, stats.rx_bytes);
    assert_int_equal(final.tx_packets, stats.tx_packets);
    assert_int_equal(final.tx_bytes, stats.tx_bytes);
    assert_int_equal(rig_drops(&final), rig_drops(&stats));
}

static uint32_t open_descriptors(void) {
    uint32_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

void opens_again_after_closing(void **state) {
    struct rig *rig = *state;
    uint32_t before = open_descriptors();
    for (uint32_t round = 0; round < 3; round++) {
        struct rig_patience patience = { 0 };
        uint32_t rx = rig->kind->rx ? 50 : 0, tx = rig->kind->tx ? 1 : 0;
        if (!rig->kind->live && round > 0)
            rig_open(rig, ""); /* the same frames again */
        else
            rig_open_with(rig, rx, rig_sizes);
        assert_int_equal(rig_receive(rig, rx, NULL), rx);
        for (uint32_t i = 0; i < tx; i++) {
            struct leat_pkt pkt;
            rig_fill(rig, 0, &pkt, round, 60);
            rig_send(rig, 0, &pkt, 1);
        }
        rig_expect_sent(rig, tx);
        rig_close(rig, NULL);
        while (open_descriptors() > before && rig_wait(&patience))
            ;
        assert_int_equal(open_descriptors(), before);
    }
}

/* Whatever is under way, closing gives every buffer back and counts every frame. */
void closes_with_packets_in_flight(void **state) {
    struct rig *rig = *state;
    struct leat_stats final;
    struct leat_pkt pkts[64];
    uint32_t accepted = 0;
    rig_open_with(rig, rig->kind->rx ? 100 : 0, rig_sizes);
    int rc = leat_rx(rig->queues[0], pkts, 64);
    assert_in_range(rc + 1, 0, 65);
    leat_free(rig->caches[0], pkts, rc > 0 ? (uint32_t)rc : 0);
    for (uint32_t id = 0; rig->kind->tx && id < 64; id++) {
        rig_fill(rig, 0, pkts, id, 60);
        rc = leat_tx(rig->queues[0], pkts, 1);
        assert_in_range(rc, 0, 1);
        accepted += (uint32_t)rc;
        leat_free(rig->caches[0], pkts, 1 - (uint32_t)rc);
    }
    rig_close(rig, &final);
    assert_int_equal(final.tx_packets + final.drops[LEAT_DROP_TX_ABORTED], accepted);
}

/* Receives until there is nothing, for the sake of frames that others bring. */
static uint32_t drain(struct rig *rig, uint32_t queue) {
    uint32_t ours = 0;
    for (;;) {
        struct leat_pkt pkts[32];
        int rc = leat_rx(rig->queues[queue], pkts, 32);
        if (rc <= 0)
            return ours;
        for (int i = 0; i < rc; i++)
            ours += rig_check_frame(rig, pkts[i].data, pkts[i].len) >= 0;
        leat_free(rig->caches[queue], pkts, (uint32_t)rc);
    }
}

void wakes_a_sleeper(void **state) {
    struct rig *rig = *state;
    struct pollfd fds[RIG_QUEUES_MAX];
    uint32_t queues = rig->kind->queues, ours = 0;
    rig_open_with(rig, 0, NULL);
    if (!rig->caps.wait) {
        assert_int_equal(leat_queue_fd(rig->queues[0]), -ENOTSUP);
        assert_non_null(strstr(leat_error(), rig->name));
        return rig_not_here(rig, "it can only be polled, and says so");
    }
    for (uint32_t i = 0; i < queues; i++) {
        fds[i] = (struct pollfd){ .fd = leat_queue_fd(rig->queues[i]), .events = POLLIN };
        assert_true(fds[i].fd >= 0);
    }
    if (!rig->kind->rx) {
        assert_int_equal(leat_queue_arm(rig->queues[0]), 0);
        assert_int_equal(poll(fds, queues, 0), 0);
        return rig_not_here(rig, "it receives nothing, and never wakes");
    }
    if (!rig->kind->live)
        return rig_not_here(rig, "nothing arrives while it is open");
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < queues; i++) {
            do
                ours += drain(rig, i);
            while (leat_queue_arm(rig->queues[i]) == 1);
        }
        assert_int_equal(ours, round);
        uint8_t frame[60];
        rig_make_frame(rig, frame, round, 60);
        rig->kind->bring(rig, frame, 60);
        if (rig->kind->brought)
            rig->kind->brought(rig);
        while (ours == round) {
            assert_true(poll(fds, queues, 10000) > 0);
            for (uint32_t i = 0; i < queues; i++) {
                leat_queue_disarm(rig->queues[i]);
                do
                    ours += drain(rig, i);
                while (leat_queue_arm(rig->queues[i]) == 1);
            }
        }
        for (uint32_t i = 0; i < queues; i++)
            leat_queue_disarm(rig->queues[i]);
    }
    rig_close(rig, NULL);
}

/* The sentence names the port. */
static void expect_refused(struct rig *rig, const char *name, int err, const char *words) {
    struct leat_port *port = NULL;
    struct leat_port_opts opts = { .size = sizeof(opts) };
    assert_int_equal(leat_port_open(&port, name, rig->pool, &opts), -err);
    assert_null(port);
    if (!strstr(leat_error(), name) || !strstr(leat_error(), words))
        fail_msg("'%s' does not say '%s'", leat_error(), words);
}

void refuses_wrong_options(void **state) {
    static const struct {
        const char *option, *words;
    } wrong[] = {
        { ",no-such-option", "no-such-option" },
        { ",no-such-option=1", "no-such-option" },
        { ",queues=0", "queues" },
        { ",queues=65", "queues" },
        { ",queues=four", "four" },
        { ",queues=-1", "-1" },
        { ",queues=", "queues" },
        { ",promisc=yes", "promisc" },
    };
    struct rig *rig = *state;
    char name[256];
    if (!rig->kind->live)
        rig_bring(rig, 1, rig_sizes);
    uint32_t before = open_descriptors();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(name, sizeof(name), "%s%s", rig->name, wrong[i].option);
        expect_refused(rig, name, EINVAL, wrong[i].words);
    }
    struct rig_patience patience = { 0 };
    while (open_descriptors() > before && rig_wait(&patience))
        ;
    assert_int_equal(open_descriptors(), before);
    rig_open(rig, ""); /* nothing is left behind */
    rig_close(rig, NULL);
}

void refuses_wrong_queues(void **state) {
    struct rig *rig = *state;
    struct leat_queue *queue = NULL;
    struct leat_pool *other_pool;
    struct leat_cache *other_cache;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 512, .pages = LEAT_PAGES_4K };
    assert_int_equal(leat_pool_create(&other_pool, &opts), 0);
    assert_int_equal(leat_cache_open(&other_cache, other_pool), 0);
    rig_open_with(rig, 0, NULL);
    assert_int_equal(leat_port_queue(rig->port, 0, rig->caches[0], &queue), -EBUSY);
    assert_non_null(strstr(leat_error(), rig->name));
    assert_int_equal(leat_port_queue(rig->port, rig->kind->queues, rig->caches[0], &queue),
                     -EINVAL);
    assert_int_equal(leat_port_queue(rig->port, UINT32_MAX, rig->caches[0], &queue), -EINVAL);
    rig_close(rig, NULL);

    struct leat_port_opts again = { .size = sizeof(again), .queues = rig->kind->queues };
    assert_int_equal(leat_port_open(&rig->port, rig->name, rig->pool, &again), 0);
    assert_int_equal(leat_port_queue(rig->port, 0, other_cache, &queue), -EINVAL);
    assert_non_null(strstr(leat_error(), "pool"));
    assert_null(queue);
    rig_close(rig, NULL); /* no queue was ever started */
    leat_cache_close(other_cache);
    assert_int_equal(leat_pool_destroy(other_pool), 0);
}

void refuses_what_is_not_there(void **state) {
    struct rig *rig = *state;
    struct leat_port *port = NULL;
    if (!rig->kind->wrong_name)
        return rig_not_here(rig, "the kind with one queue shows it");
    uint32_t before = open_descriptors();
    assert_true(leat_port_open(&port, rig->kind->wrong_name, rig->pool, NULL) < 0);
    assert_non_null(strstr(leat_error(), rig->kind->wrong_name));
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(leat_pool_free_count(rig->pool), rig->buffers);
}
