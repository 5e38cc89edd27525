/* SPDX-License-Identifier: BSD-2-Clause */
/* What all cases do with a port: open, bring, receive, send, collect, close. */
#include "rig.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_NS 10000000000ull

static void count_complaint(void *ctx, enum leat_log_level level, const char *sentence) {
    struct rig *rig = ctx;
    if (level == LEAT_LOG_ERROR) {
        print_message("log: %s\n", sentence);
        rig->complaints++;
    }
}

int rig_set_up(void **state) {
    const struct port_kind *kind = *state;
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->kind = kind;
    memset(rig->mac, 0xff, sizeof(rig->mac));
    *state = rig;
    leat_set_log(count_complaint, rig);
    struct leat_pool_opts opts = {
        .size = sizeof(opts), .buffers = 4096, .stride = kind->buffer_bytes, .pages = LEAT_PAGES_4K
    };
    assert_int_equal(leat_pool_create(&rig->pool, &opts), 0);
    rig->buffers = leat_pool_free_count(rig->pool);
    for (uint32_t i = 0; i < kind->queues; i++)
        assert_int_equal(leat_cache_open(&rig->caches[i], rig->pool), 0);
    kind->set_up(rig);
    return 0;
}

/* After a case that failed amid, too. */
int rig_tear_down(void **state) {
    struct rig *rig = *state;
    leat_port_close(rig->port, NULL);
    if (rig->kind->tear_down)
        rig->kind->tear_down(rig);
    for (uint32_t i = 0; i < RIG_QUEUES_MAX; i++)
        leat_cache_close(rig->caches[i]);
    leat_set_log(NULL, NULL);
    leat_pool_destroy(rig->pool);
    free(rig);
    return 0;
}

void rig_open(struct rig *rig, const char *options) {
    char name[256];
    const struct port_kind *kind = rig->kind;
    snprintf(name, sizeof(name), "%s%s", rig->name, options);
    struct leat_port_opts opts = { .size = sizeof(opts), .queues = kind->queues };
    int err = leat_port_open(&rig->port, name, rig->pool, &opts);
    if (err < 0)
        fail_msg("%s", leat_error());
    for (uint32_t i = 0; i < kind->queues; i++)
        assert_int_equal(leat_port_queue(rig->port, i, rig->caches[i], &rig->queues[i]), 0);
    assert_int_equal(leat_port_wait_link(rig->port, 10000), 0);
    leat_port_caps(rig->port, &rig->caps, sizeof(rig->caps));
    if (kind->opened)
        kind->opened(rig);
}

void rig_close(struct rig *rig, struct leat_stats *final) {
    struct leat_stats stats;
    leat_port_close(rig->port, final ? final : &stats);
    rig->port = NULL;
    if (rig->kind->closed)
        rig->kind->closed(rig);
    uint32_t queues = rig->kind->queues;
    for (uint32_t i = 0; i < queues; i++) {
        leat_cache_close(rig->caches[i]);
        rig->caches[i] = NULL;
    }
    assert_int_equal(leat_pool_free_count(rig->pool), rig->buffers);
    assert_int_equal(rig->complaints, 0);
    for (uint32_t i = 0; i < queues; i++)
        assert_int_equal(leat_cache_open(&rig->caches[i], rig->pool), 0);
}

uint32_t rig_sizes(uint32_t id) {
    static const uint32_t sizes[] = { 60, 61, 64, 127, 128, 590, 1000, 1514 };
    return sizes[id % 8];
}

uint32_t rig_size_60(uint32_t id) {
    (void)id;
    return 60;
}

void rig_bring(struct rig *rig, uint32_t n, uint32_t (*size_of)(uint32_t id)) {
    static uint8_t frame[RIG_FRAME_MAX];
    for (uint32_t id = 0; id < n; id++) {
        rig_make_frame(rig, frame, id, size_of(id));
        rig->kind->bring(rig, frame, size_of(id));
    }
    if (rig->kind->brought)
        rig->kind->brought(rig);
}

void rig_open_with(struct rig *rig, uint32_t n, uint32_t (*size_of)(uint32_t id)) {
    if (!rig->kind->live)
        rig_bring(rig, n, size_of);
    rig_open(rig, "");
    if (rig->kind->live)
        rig_bring(rig, n, size_of);
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static const uint8_t source_mac[] = { 0x02, 0x1e, 0xa7, 0, 0, 1 };

void rig_make_frame(const struct rig *rig, uint8_t *frame, uint32_t id, uint32_t bytes) {
    static const uint8_t addresses[] = { 198, 18, 0, 1, 198, 19, 0, 1 }; /* RFC 2544 */
    memcpy(frame, rig->mac, 6);
    memcpy(frame + 6, source_mac, 6);
    put16(frame + 12, 0x0800);
    uint8_t *ip = frame + 14, *udp = ip + 20;
    memset(ip, 0, 28);
    ip[0] = 0x45;
    put16(ip + 2, bytes - 14);
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, addresses, 8);
    put16(ip + 10, leat_ip4_checksum(ip, 20));
    put16(udp, 1000 + id % 64);
    put16(udp + 2, 2000);
    put16(udp + 4, bytes - 34);
    put16(udp + 8, id);
    for (uint32_t i = 44; i < bytes; i++)
        frame[i] = (uint8_t)(id * 31 + i * 7 + i / 256);
}

int rig_check_frame(const struct rig *rig, const uint8_t *frame, uint32_t bytes) {
    static uint8_t made[RIG_FRAME_MAX];
    if (bytes < 44 || memcmp(frame + 6, source_mac, 6) != 0)
        return -1;
    uint32_t id = (uint32_t)frame[42] << 8 | frame[43];
    assert_true(id < RIG_FRAMES_MAX);
    rig_make_frame(rig, made, id, bytes);
    assert_memory_equal(frame, made, bytes);
    return (int)id;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool rig_wait(struct rig_patience *patience) {
    uint64_t now = now_ns();
    if (!patience->until_ns)
        patience->until_ns = now + PATIENCE_NS;
    sched_yield();
    return now < patience->until_ns;
}

/* One frame's packets, of which only the last has no MORE; its bytes in a row. */
static uint32_t join(const struct rig *rig, const struct leat_pkt *pkts, uint32_t segments,
                     uint8_t *frame) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < segments; i++) {
        assert_in_range(leat_buffer_number(rig->pool, pkts[i].data), 0, rig->pool->buffers - 1);
        assert_in_range(pkts[i].len, 1, leat_pkt_room(rig->pool, &pkts[i]));
        memcpy(frame + bytes, pkts[i].data, pkts[i].len);
        bytes += pkts[i].len;
    }
    return bytes;
}

static void free_frame(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t segments) {
    leat_free(rig->caches[queue], pkts, segments);
}

/* What one call brought. Returns how many of the case's frames. */
static uint32_t take_batch(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t n,
                           bool *seen, int *last_id, rig_take *take) {
    static uint8_t frame[RIG_FRAME_MAX];
    uint32_t ours = 0;
    for (uint32_t at = 0, segments; at < n; at += segments) {
        segments = leat_frame_segments(pkts + at, n - at);
        assert_true(segments > 0); /* never part of a frame */
        uint32_t bytes = join(rig, pkts + at, segments, frame);
        int id = rig_check_frame(rig, frame, bytes);
        if (id < 0) {
            rig->noise++;
            rig->noise_bytes += bytes;
            leat_free(rig->caches[queue], pkts + at, segments);
            continue;
        }
        assert_false(seen[id]);
        seen[id] = true;
        assert_true(id > last_id[queue]);
        last_id[queue] = id;
        take(rig, queue, pkts + at, segments);
        ours++;
    }
    return ours;
}

uint32_t rig_receive(struct rig *rig, uint32_t n, rig_take *take) {
    bool seen[RIG_FRAMES_MAX] = { false };
    int last_id[RIG_QUEUES_MAX] = { -1, -1, -1, -1 };
    struct rig_patience patience = { 0 };
    uint32_t got = 0, ended = 0;
    while (got < n && ended < rig->kind->queues && rig_wait(&patience)) {
        ended = 0;
        for (uint32_t i = 0; i < rig->kind->queues; i++) {
            struct leat_pkt pkts[64];
            int rc = leat_rx(rig->queues[i], pkts, 64);
            ended += rc == -ENODATA;
            if (rc < 0 && rc != -ENODATA)
                fail_msg("%s", leat_error());
            if (rc > 0)
                got +=
                    take_batch(rig, i, pkts, (uint32_t)rc, seen, last_id, take ? take : free_frame);
        }
    }
    return got;
}

uint32_t rig_fill(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t id,
                  uint32_t bytes) {
    static uint8_t frame[RIG_FRAME_MAX];
    uint32_t n = 0;
    rig_make_frame(rig, frame, id, bytes);
    for (uint32_t at = 0; at < bytes; n++) {
        assert_int_equal(leat_alloc(rig->caches[queue], &pkts[n], 1), 1);
        uint32_t room = leat_pkt_room(rig->pool, &pkts[n]);
        pkts[n].len = (uint16_t)(bytes - at < room ? bytes - at : room);
        memcpy(pkts[n].data, frame + at, pkts[n].len);
        at += pkts[n].len;
        pkts[n].flags = at < bytes ? LEAT_PKT_MORE : 0;
    }
    return n;
}

void rig_send(struct rig *rig, uint32_t queue, struct leat_pkt *pkts, uint32_t n) {
    struct rig_patience patience = { 0 };
    for (uint32_t sent = 0; sent < n;) {
        int rc = leat_tx(rig->queues[queue], pkts + sent, n - sent);
        if (rc < 0)
            fail_msg("%s", leat_error());
        assert_in_range(rc, 0, n - sent);
        sent += (uint32_t)rc;
        assert_true(rig_wait(&patience));
    }
}

void rig_expect_sent(struct rig *rig, uint32_t n) {
    static uint8_t frame[RIG_FRAME_MAX];
    bool seen[RIG_FRAMES_MAX] = { false };
    struct rig_patience patience = { 0 };
    if (!rig->kind->collects)
        return;
    for (uint32_t got = 0; got < n;) {
        uint32_t bytes = rig->kind->collect(rig, frame);
        if (bytes == 0) {
            if (!rig_wait(&patience))
                fail_msg("%u of %u frames came out", got, n);
            for (uint32_t i = 0; i < rig->kind->queues; i++)
                leat_tx(rig->queues[i], NULL, 0);
            continue;
        }
        int id = rig_check_frame(rig, frame, bytes);
        if (id < 0)
            continue;
        assert_false(seen[id]);
        seen[id] = true;
        got++;
    }
}

void rig_stats(struct rig *rig, uint64_t tx_packets, struct leat_stats *stats) {
    struct rig_patience patience = { 0 };
    do {
        for (uint32_t i = 0; i < rig->kind->queues; i++)
            leat_tx(rig->queues[i], NULL, 0);
        assert_int_equal(leat_port_stats(rig->port, stats), 0);
    } while (stats->tx_packets < tx_packets && rig_wait(&patience));
}

uint64_t rig_drops(const struct leat_stats *stats) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < LEAT_DROP_COUNT; i++)
        sum += stats->drops[i];
    return sum;
}

void rig_not_here(const struct rig *rig, const char *why) {
    print_message("%s: not here: %s\n", rig->kind->name, why);
}
