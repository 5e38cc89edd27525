/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases: receiving. */
#include "cases.h"
#include "rig.h"
#include <string.h>
#include <time.h>

void receives(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats;
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    rig_open_with(rig, 200, rig_sizes);
    assert_int_equal(rig_receive(rig, 200, NULL), 200);
    rig_stats(rig, 0, &stats);
    assert_int_equal(stats.rx_packets, 200 + rig->noise);
    assert_int_equal(rig_drops(&stats), 0);
    rig_close(rig, NULL);
}

void receives_by_single_packets(void **state) {
    struct rig *rig = *state;
    struct rig_patience patience = { 0 };
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    rig_open_with(rig, 20, rig_sizes);
    for (uint32_t got = 0; got < 20;) {
        assert_true(rig_wait(&patience));
        for (uint32_t i = 0; i < rig->kind->queues; i++) {
            struct leat_pkt pkt[2] = { { .len = 4711 }, { .len = 4711 } };
            int rc = leat_rx(rig->queues[i], pkt, 1);
            assert_in_range(rc, 0, 1);
            assert_int_equal(pkt[1].len, 4711);
            if (rc == 0)
                continue;
            got += rig_check_frame(rig, pkt->data, pkt->len) >= 0;
            leat_free(rig->caches[i], pkt, 1);
        }
    }
    rig_close(rig, NULL);
}

static struct {
    uint32_t count;
    uint32_t queue[256];
    struct leat_pkt pkt[256];
} kept;

static void keep_and_scribble(struct rig *rig, uint32_t queue, struct leat_pkt *pkts,
                              uint32_t segments) {
    (void)rig;
    assert_int_equal(segments, 1);
    assert_true(kept.count < 256);
    memset(pkts->data, (int)(kept.count & 0xff), pkts->len);
    kept.queue[kept.count] = queue;
    kept.pkt[kept.count++] = *pkts;
}

/* Nobody else writes into them, and no two packets share one. */
void received_buffers_are_the_programs(void **state) {
    struct rig *rig = *state;
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    kept.count = 0;
    rig_open_with(rig, 200, rig_sizes);
    assert_int_equal(rig_receive(rig, 200, keep_and_scribble), 200);
    for (uint32_t i = 0; i < kept.count; i++)
        for (uint32_t byte = 0; byte < kept.pkt[i].len; byte++)
            assert_int_equal(kept.pkt[i].data[byte], i & 0xff);
    for (uint32_t i = 0; i < kept.count; i++)
        leat_free(rig->caches[kept.queue[i]], &kept.pkt[i], 1);
    rig_close(rig, NULL);
}

static uint32_t take_all_buffers(struct rig *rig, struct leat_pkt *pkts, uint32_t max) {
    uint32_t held = 0, got = 1;
    for (; got > 0 && held + 64 <= max; held += got)
        got = leat_alloc(rig->caches[0], pkts + held, 64);
    return held;
}

/* What could not be received meanwhile is counted, or comes afterwards. */
void receives_after_running_out_of_buffers(void **state) {
    static struct leat_pkt all[8192];
    struct rig *rig = *state;
    struct leat_stats stats;
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    if (rig->kind->queues > 1)
        return rig_not_here(rig, "the kind with one queue shows it");
    if (!rig->kind->live)
        rig_bring(rig, 1000, rig_size_60);
    rig_open(rig, "");
    uint32_t held = take_all_buffers(rig, all, 8192);
    if (rig->kind->live)
        rig_bring(rig, 100, rig_size_60);
    uint32_t brought = rig->kind->live ? 100 : 1000, got = 0;
    for (uint32_t i = 0; i < 100; i++) {
        struct leat_pkt pkts[32];
        int rc = leat_rx(rig->queues[0], pkts, 32);
        assert_in_range(rc, 0, 32);
        got += (uint32_t)rc;
        leat_free(rig->caches[0], pkts, (uint32_t)rc);
        if (rc > 0) /* and takes those, too */
            held += leat_alloc(rig->caches[0], all + held, (uint32_t)rc);
    }
    for (uint32_t at = 0; at < held; at += 64)
        leat_free(rig->caches[0], all + at, held - at < 64 ? held - at : 64);
    struct rig_patience patience = { 0 };
    do {
        struct leat_pkt pkts[32];
        int rc = leat_rx(rig->queues[0], pkts, 32);
        if (rc > 0) {
            got += (uint32_t)rc;
            leat_free(rig->caches[0], pkts, (uint32_t)rc);
        }
        assert_int_equal(leat_port_stats(rig->port, &stats), 0);
    } while (got + rig_drops(&stats) < brought && rig_wait(&patience));
    assert_int_equal(stats.rx_packets, got);
    assert_true(stats.rx_packets + rig_drops(&stats) >= brought);
    if (rig->caps.rx_lossless)
        assert_int_equal(rig_drops(&stats), 0);
    rig_close(rig, NULL);
}

static uint32_t several_buffers(uint32_t id) {
    return 2200 + id * 300;
}

static uint32_t segments_seen;

static void count_segments(struct rig *rig, uint32_t queue, struct leat_pkt *pkts,
                           uint32_t segments) {
    segments_seen += segments;
    leat_free(rig->caches[queue], pkts, segments);
}

void receives_frames_of_several_buffers(void **state) {
    struct rig *rig = *state;
    struct leat_pkt none;
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    if (!rig->kind->jumbo)
        return rig_not_here(rig, "its frames are of one buffer");
    segments_seen = 0;
    rig_open_with(rig, 20, several_buffers);
    assert_true(rig->caps.segments_max >= 4);
    if (rig->kind->alone) /* what comes first does not fit into one place */
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(leat_rx(rig->queues[0], &none, 1), 0);
    assert_int_equal(rig_receive(rig, 20, count_segments), 20);
    assert_true(segments_seen >= 2 * 20);
    rig_close(rig, NULL);
}

static void check_meta(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t segments) {
    assert_true(pkts->flags & LEAT_PKT_META && pkts->flags & LEAT_PKT_TIME);
    const struct leat_meta *meta = leat_pkt_meta(rig->pool, pkts);
    assert_int_equal(meta->in_port, leat_port_index(rig->port));
    assert_int_equal(meta->in_queue, queue);
    assert_true(meta->time_ns > 0);
    leat_free(rig->caches[queue], pkts, segments);
}

void says_where_and_when(void **state) {
    struct rig *rig = *state;
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    rig_open_with(rig, 10, rig_sizes);
    if (!(rig->caps.rx_flags & LEAT_PKT_TIME))
        return rig_not_here(rig, "its frames come without a time");
    assert_int_equal(rig_receive(rig, 10, check_meta), 10);
    rig_close(rig, NULL);
}
