/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio-user with the ixgbe driver, on an emulated 82599 in this process, in strict mode: the far
 * end is a second NIC at the other end of the cable, with the same driver and a pool of its own.
 */
#include "rig.h"
#include "softnic/softnic.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    struct softnic *softnic;
    pthread_t thread;
    atomic_bool quit, hold;
    atomic_bool holding; /* the thread has seen `hold` */
    char directory[64];
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port *port;
    struct leat_queue *queue;
    struct leat_pkt received[64]; /* [next, count) are not collected yet */
    uint32_t next, count;
} far;

static const uint8_t port_mac[6] = { 0x02, 0x1e, 0xa7, 0, 0, 0x10 };
static const uint8_t far_mac[6] = { 0x02, 0x1e, 0xa7, 0, 0, 0x20 };

static void *turn(void *unused) {
    (void)unused;
    while (!atomic_load(&far.quit)) {
        bool hold = atomic_load(&far.hold);
        atomic_store(&far.holding, hold);
        if (hold || softnic_poll(far.softnic) == 0)
            sched_yield();
    }
    return NULL;
}

static void start_nics(char sockets[2][96], bool no_mmap) {
    struct softnic_opts opts = { .port_count = 2 };
    strcpy(far.directory, "/tmp/lt-port-XXXXXX");
    assert_non_null(mkdtemp(far.directory));
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(sockets[i], 96, "%s/nic%u", far.directory, i);
        opts.ports[i] = (struct softnic_port){
            .socket = sockets[i],
            .wire = "pair",
            .nic = { .port = i, .strict = true },
            .no_mmap = no_mmap,
        };
        memcpy(opts.ports[i].nic.mac, i == 0 ? port_mac : far_mac, 6);
    }
    if (softnic_create(&far.softnic, &opts) != 0)
        fail_msg("%s", softnic_error());
    assert_int_equal(pthread_create(&far.thread, NULL, turn, NULL), 0);
}

static void set_up_nics(struct rig *rig, const char *options, bool no_mmap) {
    char sockets[2][96], name[160];
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 4096, .pages = LEAT_PAGES_4K };
    memset(&far, 0, sizeof(far));
    start_nics(sockets, no_mmap);
    snprintf(rig->name, sizeof(rig->name), "vfio-user:%s%s", sockets[0], options);
    memcpy(rig->mac, port_mac, 6);
    snprintf(name, sizeof(name), "vfio-user:%s,promisc,frame-max=9014", sockets[1]);
    assert_int_equal(leat_pool_create(&far.pool, &opts), 0);
    assert_int_equal(leat_cache_open(&far.cache, far.pool), 0);
    if (leat_port_open(&far.port, name, far.pool, NULL) != 0)
        fail_msg("%s", leat_error());
    assert_int_equal(leat_port_queue(far.port, 0, far.cache, &far.queue), 0);
}

static void set_up(struct rig *rig) {
    set_up_nics(rig, "", false);
}

static void set_up_messages(struct rig *rig) {
    set_up_nics(rig, "", true);
}

static void set_up_jumbo(struct rig *rig) {
    set_up_nics(rig, ",frame-max=9014", false);
}

static void tear_down(struct rig *rig) {
    (void)rig;
    atomic_store(&far.hold, false);
    leat_free(far.cache, far.received + far.next, far.count - far.next);
    leat_port_close(far.port, NULL);
    leat_cache_close(far.cache);
    int leaked = leat_pool_destroy(far.pool);
    atomic_store(&far.quit, true);
    pthread_join(far.thread, NULL);
    const char *violation = softnic_violation(far.softnic);
    if (violation)
        print_error("the driver did what the datasheet forbids: %s\n", violation);
    bool forbidden = violation != NULL;
    softnic_destroy(far.softnic);
    rmdir(far.directory);
    assert_false(forbidden);
    assert_int_equal(leaked, 0);
}

static void bring(struct rig *rig, const uint8_t *frame, uint32_t bytes) {
    struct rig_patience patience = { 0 };
    struct leat_pkt pkts[8];
    uint32_t n = 0;
    (void)rig;
    for (uint32_t at = 0; at < bytes; at += pkts[n++].len) {
        assert_int_equal(leat_alloc(far.cache, &pkts[n], 1), 1);
        uint32_t room = leat_pkt_room(far.pool, &pkts[n]);
        pkts[n].len = (uint16_t)(bytes - at < room ? bytes - at : room);
        pkts[n].flags = at + pkts[n].len < bytes ? LEAT_PKT_MORE : 0;
        memcpy(pkts[n].data, frame + at, pkts[n].len);
    }
    while (leat_tx(far.queue, pkts, n) == 0)
        assert_true(rig_wait(&patience));
}

static uint32_t collect(struct rig *rig, uint8_t *frame) {
    uint32_t bytes = 0;
    (void)rig;
    if (far.next == far.count) {
        int rc = leat_rx(far.queue, far.received, 64);
        assert_in_range(rc, 0, 64);
        far.next = 0;
        far.count = (uint32_t)rc;
        if (rc == 0)
            return 0;
    }
    uint32_t segments = leat_frame_segments(far.received + far.next, far.count - far.next);
    for (uint32_t i = 0; i < segments; i++) {
        const struct leat_pkt *pkt = &far.received[far.next + i];
        memcpy(frame + bytes, pkt->data, pkt->len);
        bytes += pkt->len;
    }
    leat_free(far.cache, far.received + far.next, segments);
    far.next += segments;
    return bytes;
}

/* The emulated NIC stands still: neither rings nor registers are served. */
static void hold(struct rig *rig, bool on) {
    struct rig_patience patience = { 0 };
    (void)rig;
    atomic_store(&far.hold, on);
    while (atomic_load(&far.holding) != on)
        assert_true(rig_wait(&patience));
}

#define IXGBE                                                                                      \
    .rx = true, .tx = true, .live = true, .alone = true, .collects = true, .tear_down = tear_down, \
    .bring = bring, .collect = collect

struct port_kind kind_ixgbe = {
    IXGBE,
    .name = "ixgbe",
    .queues = 1,
    .pauses = true,
    .pause = hold,
    .wrong_name = "vfio-user:/nowhere/lt.sock",
    .set_up = set_up,
};

struct port_kind kind_ixgbe_4q = {
    IXGBE, .name = "ixgbe-4q", .queues = 4, .wrong_name = "vfio-user:", .set_up = set_up,
};

struct port_kind kind_ixgbe_jumbo = {
    IXGBE, .name = "ixgbe-jumbo", .queues = 1, .jumbo = true, .set_up = set_up_jumbo,
};

struct port_kind kind_ixgbe_messages = {
    IXGBE,
    .name = "ixgbe-messages",
    .queues = 1,
    .set_up = set_up_messages,
};
