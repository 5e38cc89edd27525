/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases: sending. */
#include "cases.h"
#include "rig.h"
#include <string.h>

#define FRAMES 200

void sends(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats;
    uint64_t bytes = 0;
    if (!rig->kind->tx)
        return rig_not_here(rig, "it sends nothing");
    rig_open_with(rig, 0, NULL);
    for (uint32_t id = 0; id < FRAMES;) {
        struct leat_pkt pkts[32];
        uint32_t n = 0, queue = id % rig->kind->queues;
        for (; n < 32 && id < FRAMES; n++, id++) {
            assert_int_equal(rig_fill(rig, queue, &pkts[n], id, rig_sizes(id)), 1);
            bytes += rig_sizes(id);
        }
        rig_send(rig, queue, pkts, n);
    }
    rig_expect_sent(rig, FRAMES);
    rig_stats(rig, FRAMES, &stats);
    assert_int_equal(stats.tx_packets, FRAMES);
    assert_int_equal(stats.tx_bytes, bytes);
    assert_int_equal(rig_drops(&stats), 0);
    rig_close(rig, NULL);
}

/* Of a frame whose end is not among the packets offered, nothing is taken. */
void sends_whole_frames_only(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats;
    struct leat_pkt pkts[16];
    if (!rig->kind->tx)
        return rig_not_here(rig, "it sends nothing");
    rig_open_with(rig, 0, NULL);
    if (rig->caps.segments_max < 2)
        return rig_not_here(rig, "its frames are of one buffer");
    uint32_t n = rig_fill(rig, 0, pkts, 0, 60);
    for (uint32_t half = 0; half < 2; half++) { /* frame 1, cut in the middle */
        assert_int_equal(rig_fill(rig, 0, pkts + 1 + half, 1, 1000), 1);
        n++;
    }
    pkts[1].len = 400;
    pkts[1].flags |= LEAT_PKT_MORE;
    pkts[2].data += 400;
    pkts[2].len = 600;
    assert_int_equal(leat_tx(rig->queues[0], pkts + 1, 1), 0);
    struct rig_patience patience = { 0 };
    int rc;
    while ((rc = leat_tx(rig->queues[0], pkts, 2)) == 0)
        assert_true(rig_wait(&patience));
    assert_int_equal(rc, 1); /* frame 0, and not half of frame 1 */
    rig_send(rig, 0, pkts + 1, 2);
    rig_expect_sent(rig, 2);
    rig_stats(rig, 2, &stats);
    assert_int_equal(stats.tx_packets, 2);
    assert_int_equal(stats.tx_bytes, 1060);
    rig_close(rig, NULL);
}

void sends_frames_of_several_buffers(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats;
    uint64_t bytes = 0;
    if (!rig->kind->tx)
        return rig_not_here(rig, "it sends nothing");
    if (!rig->kind->jumbo)
        return rig_not_here(rig, "its frames are of one buffer");
    rig_open_with(rig, 0, NULL);
    for (uint32_t id = 0; id < 20; id++) {
        struct leat_pkt pkts[16];
        uint32_t length = 2200 + id * 300, queue = id % rig->kind->queues;
        uint32_t n = rig_fill(rig, queue, pkts, id, length);
        assert_true(n > 1);
        bytes += length;
        rig_send(rig, queue, pkts, n);
    }
    rig_expect_sent(rig, 20);
    rig_stats(rig, 20, &stats);
    assert_int_equal(stats.tx_packets, 20);
    assert_int_equal(stats.tx_bytes, bytes);
    rig_close(rig, NULL);
}

/* Offers more than the port takes at once, never the same packet twice, and frees the rest. */
void leaves_to_the_program_what_it_does_not_take(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats;
    uint32_t accepted = 0;
    if (!rig->kind->tx)
        return rig_not_here(rig, "it sends nothing");
    rig_open_with(rig, 0, NULL);
    for (uint32_t id = 0; id + 256 <= RIG_FRAMES_MAX; id += 256) {
        struct leat_pkt pkts[256];
        for (uint32_t i = 0; i < 256; i++)
            rig_fill(rig, 0, &pkts[i], id + i, 60);
        int rc = leat_tx(rig->queues[0], pkts, 256);
        assert_in_range(rc, 0, 256);
        accepted += (uint32_t)rc;
        for (uint32_t i = (uint32_t)rc; i < 256; i++)
            assert_int_equal(rig_check_frame(rig, pkts[i].data, pkts[i].len), id + i);
        leat_free(rig->caches[0], pkts + rc, 256 - (uint32_t)rc);
    }
    rig_expect_sent(rig, accepted);
    rig_stats(rig, accepted, &stats);
    assert_int_equal(stats.tx_packets, accepted);
    rig_close(rig, NULL);
}

void holds_back_when_it_is_full(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats;
    uint32_t id = 0;
    struct leat_pkt pkt;
    if (!rig->kind->pauses)
        return rig_not_here(rig, "its far end takes everything");
    rig_open(rig, ",tx-ring=64");
    rig->kind->pause(rig, true);
    for (;; id++) {
        assert_true(id < 256);
        rig_fill(rig, 0, &pkt, id, 60);
        int rc = leat_tx(rig->queues[0], &pkt, 1);
        if (rc == 0)
            break;
        assert_int_equal(rc, 1);
    }
    assert_in_range(id, 1, 64);
    assert_int_equal(leat_tx(rig->queues[0], &pkt, 1), 0);
    leat_queue_stats(rig->queues[0], &stats);
    assert_int_equal(stats.tx_packets, 0); /* accepted is not sent */
    rig->kind->pause(rig, false);
    rig_send(rig, 0, &pkt, 1);
    rig_expect_sent(rig, id + 1);
    rig_stats(rig, id + 1, &stats);
    assert_int_equal(stats.tx_packets, id + 1);
    assert_int_equal(rig_drops(&stats), 0);
    rig_close(rig, NULL);
}

/* One good frame, one of no bytes, one of too many buffers, one that wants what cannot be done. */
void counts_what_can_never_be_sent(void **state) {
    struct rig *rig = *state;
    struct leat_stats stats;
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    uint32_t n = 0, offload = 0;
    if (!rig->kind->tx)
        return rig_not_here(rig, "it sends nothing");
    rig_open_with(rig, 0, NULL);
    uint32_t segments = rig->caps.segments_max + 1;
    assert_true(segments < 200);
    n += rig_fill(rig, 0, pkts + n, 0, 60);
    assert_int_equal(leat_alloc(rig->caches[0], pkts + n, 1), 1);
    n++;
    for (uint32_t i = 0; i < segments; i++, n++) {
        rig_fill(rig, 0, pkts + n, 1, 60);
        pkts[n].flags = i + 1 < segments ? LEAT_PKT_MORE : 0;
    }
    if (!(rig->caps.tx_flags & LEAT_PKT_TSO)) {
        rig_fill(rig, 0, pkts + n, 2, 60);
        pkts[n].flags = LEAT_PKT_TSO | LEAT_PKT_L4_CSUM | LEAT_PKT_L4_TCP;
        pkts[n++].offload = leat_offload(14, 20, 1000);
        offload++;
    }
    n += rig_fill(rig, 0, pkts + n, 3, 60);
    rig_send(rig, 0, pkts, n);
    rig_stats(rig, 2, &stats);
    if (rig->kind->collects) {
        rig_expect_sent(rig, 2);
        assert_int_equal(stats.tx_packets, 2);
        assert_int_equal(stats.tx_bytes, 120);
        assert_int_equal(stats.drops[LEAT_DROP_TX_LENGTH], 2);
        assert_int_equal(stats.drops[LEAT_DROP_TX_OFFLOAD], offload);
    }
    assert_int_equal(stats.tx_packets + rig_drops(&stats), 4 + offload);
    rig_close(rig, NULL);
}
