/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases: receiving. */
#include "cases.h"
#include "rig.h"
#include <errno.h>
#include <string.h>

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

static uint32_t size_5000(uint32_t id) {
    (void)id;
    return 5000;
}

static uint32_t hold_buffers(struct rig *rig, struct leat_pkt *pkts, uint32_t max) {
    uint32_t held = 0, got = 1;
    for (; got > 0 && held + 64 <= max; held += got)
        got = leat_alloc(rig->caches[0], pkts + held, 64);
    return held;
}

static void release_buffers(struct rig *rig, const struct leat_pkt *pkts, uint32_t n) {
    for (uint32_t at = 0; at < n; at += 64)
        leat_free(rig->caches[0], pkts + at, n - at < 64 ? n - at : 64);
}

/* One call. Returns how many frames it brought. */
static uint32_t receive_once(struct rig *rig) {
    struct leat_pkt pkts[32];
    uint32_t frames = 0;
    int rc = leat_rx(rig->queues[0], pkts, 32);
    if (rc != -ENODATA)
        assert_in_range(rc, 0, 32);
    for (int i = 0; i < rc; i++)
        frames += !(pkts[i].flags & LEAT_PKT_MORE);
    leat_free(rig->caches[0], pkts, rc > 0 ? (uint32_t)rc : 0);
    return frames;
}

/* What could not be received meanwhile is counted, or comes afterwards. Two buffers are left, which
 * are not enough for a large frame. */
void receives_after_running_out_of_buffers(void **state) {
    static struct leat_pkt all[8192];
    struct rig *rig = *state;
    struct leat_stats stats;
    struct rig_patience patience = { 0 };
    const uint32_t brought = 100;
    uint32_t (*size_of)(uint32_t) = rig->kind->jumbo ? size_5000 : rig_size_60;
    uint32_t got = 0;
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    if (rig->kind->queues > 1)
        return rig_not_here(rig, "the kind with one queue shows it");
    if (!rig->kind->live)
        rig_bring(rig, brought, size_of);
    rig_open(rig, "");
    uint32_t held = hold_buffers(rig, all, 8192);
    release_buffers(rig, all + held - 2, 2);
    if (rig->kind->live)
        rig_bring(rig, brought, size_of);
    for (uint32_t i = 0; i < 100; i++)
        got += receive_once(rig);
    release_buffers(rig, all, held - 2);
    do {
        got += receive_once(rig);
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
    if (!rig->kind->rx)
        return rig_not_here(rig, "it receives nothing");
    if (!rig->kind->jumbo)
        return rig_not_here(rig, "its frames are of one buffer");
    segments_seen = 0;
    rig_open_with(rig, 20, several_buffers);
    assert_true(rig->caps.segments_max >= 4);
    for (uint32_t i = 0; i < 100; i++) { /* what comes first does not fit into one place */
        struct leat_pkt pkt[2] = { { .len = 4711 }, { .len = 4711 } };
        int rc = leat_rx(rig->queues[0], pkt, 1);
        assert_int_equal(pkt[1].len, 4711);
        assert_in_range(rc, 0, rig->kind->alone ? 0 : 1);
        assert_false(rc == 1 && pkt[0].flags & LEAT_PKT_MORE);
        leat_free(rig->caches[0], pkt, (uint32_t)rc);
    }
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
