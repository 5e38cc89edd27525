/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void poll_device(void *ctx) {
    struct rig *rig = ctx;
    softnic_poll(rig->softnic);
}

/* The device has done all it can when some turns in a row moved nothing. */
static void settle(void *ctx) {
    struct rig *rig = ctx;
    for (int idle = 0; idle < 4;)
        idle = softnic_poll(rig->softnic) ? 0 : idle + 1;
}

static int complain(int err, const char *sentence) {
    fprintf(stderr, "bench: %s\n", sentence);
    return err;
}

static int start_softnic(struct rig *rig, const struct rig_opts *opts) {
    struct softnic_opts nic = { .port_count = 2 };
    strcpy(rig->directory, "/tmp/leat-bench-XXXXXX");
    if (!mkdtemp(rig->directory))
        return complain(-errno, strerror(errno));
    for (int i = 0; i < 2; i++) {
        snprintf(rig->sockets[i], sizeof(rig->sockets[i]), "%s/nic%d.sock", rig->directory, i);
        nic.ports[i] = (struct softnic_port){
            .socket = rig->sockets[i],
            .wire = i == 0 ? opts->wire : "sink",
            .nic = { .port = (uint32_t)i, .strict = true },
        };
    }
    int err = softnic_create(&rig->softnic, &nic);
    if (err < 0)
        return complain(err, softnic_error());
    rig->turns = (struct turns){
        .core = opts->device_core, .settle = settle, .poll = poll_device, .ctx = rig
    };
    return turns_start(&rig->turns, TURN_FREE);
}

static int open_ports(struct rig *rig, const struct rig_opts *opts) {
    struct leat_pool_opts pool = {
        .size = sizeof(pool),
        .buffers = opts->buffers ? opts->buffers : 4 * opts->ring + 2048,
        .numa_node = -1,
    };
    struct leat_port_opts port = {
        .size = sizeof(port), .rx_ring = opts->ring, .tx_ring = opts->ring, .promisc = true
    };
    int err = leat_pool_create(&rig->pool, &pool);
    if (err < 0 || (err = leat_cache_open(&rig->lane.cache, rig->pool)) < 0)
        return complain(err, leat_error());
    struct leat_queue **queues[2] = { &rig->lane.in, &rig->lane.out };
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof(name), "vfio-user:%s", rig->sockets[i]);
        if ((err = leat_port_open(&rig->ports[i], name, rig->pool, &port)) < 0 ||
            (err = leat_port_queue(rig->ports[i], 0, rig->lane.cache, queues[i])) < 0 ||
            (err = leat_port_wait_link(rig->ports[i], 5000)) < 0)
            return complain(err, leat_error());
    }
    return 0;
}

int rig_open(struct rig *rig, const struct rig_opts *opts) {
    memset(rig, 0, sizeof(*rig));
    turns_pin(opts->driver_core);
    int err = start_softnic(rig, opts);
    if (err < 0)
        return err;
    if ((err = open_ports(rig, opts)) < 0)
        rig_close(rig);
    return err;
}

void rig_close(struct rig *rig) {
    rig_run_free(rig);
    for (int i = 0; i < 2; i++)
        leat_port_close(rig->ports[i], NULL);
    leat_cache_close(rig->lane.cache);
    if (leat_pool_destroy(rig->pool) < 0)
        fprintf(stderr, "bench: %s\n", leat_error());
    turns_stop(&rig->turns);
    softnic_destroy(rig->softnic);
    rmdir(rig->directory);
}

uint64_t rig_device_turn(void *ctx) {
    struct rig *rig = ctx;
    struct nic_stats nic;
    struct wire_stats wire;
    turns_device(&rig->turns);
    softnic_port_stats(rig->softnic, 0, &nic, &wire);
    uint64_t before = rig->delivered;
    rig->delivered = nic.rx_frames;
    return nic.rx_frames - before;
}

void rig_run_free(struct rig *rig) {
    turns_run_free(&rig->turns);
}

void rig_stats(struct rig *rig, struct nic_stats nics[2], struct wire_stats wires[2]) {
    for (uint32_t i = 0; i < 2; i++)
        softnic_port_stats(rig->softnic, i, &nics[i], &wires[i]);
}
