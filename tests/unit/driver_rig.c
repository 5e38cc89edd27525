/* SPDX-License-Identifier: BSD-2-Clause */
#include "driver_rig.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 20

static void *turn(void *arg) {
    struct rig *rig = arg;
    while (!atomic_load(&rig->quit)) {
        pthread_mutex_lock(&rig->lock);
        uint32_t work = softnic_poll(rig->softnic);
        pthread_mutex_unlock(&rig->lock);
        if (!work)
            sched_yield();
    }
    return NULL;
}

void rig_start(struct rig *rig, const char *wire0, const char *wire1, uint32_t buffers) {
    const char *wires[RIG_PORTS] = { wire0, wire1 };
    struct softnic_opts opts = { 0 };
    *rig = (struct rig){ .directory = "/tmp/lt-nic-XXXXXX" };
    assert_non_null(mkdtemp(rig->directory));
    for (uint32_t i = 0; i < RIG_PORTS && wires[i]; i++, opts.port_count++) {
        snprintf(rig->sockets[i], sizeof(rig->sockets[i]), "%s/nic%u", rig->directory, i);
        opts.ports[i] = (struct softnic_port){
            .socket = rig->sockets[i],
            .wire = wires[i],
            .nic = { .port = i, .strict = true },
        };
    }
    if (softnic_create(&rig->softnic, &opts) != 0)
        fail_msg("softnic: %s", softnic_error());
    rig->ports = opts.port_count;
    pthread_mutex_init(&rig->lock, NULL);
    assert_int_equal(pthread_create(&rig->thread, NULL, turn, rig), 0);

    struct leat_pool_opts pool = {
        .size = sizeof(pool), .buffers = buffers, .pages = LEAT_PAGES_4K, .numa_node = -1
    };
    assert_int_equal(leat_pool_create(&rig->pool, &pool), 0);
    assert_int_equal(leat_cache_open(&rig->cache, rig->pool), 0);
    rig->pool_buffers = leat_pool_free_count(rig->pool);
}

void rig_stop(struct rig *rig) {
    leat_cache_close(rig->cache);
    assert_int_equal(leat_pool_free_count(rig->pool), rig->pool_buffers);
    if (leat_pool_destroy(rig->pool) != 0)
        fail_msg("%s", leat_error());
    atomic_store(&rig->quit, true);
    pthread_join(rig->thread, NULL);
    if (softnic_violation(rig->softnic))
        fail_msg("the driver did what the datasheet forbids: %s", softnic_violation(rig->softnic));
    softnic_destroy(rig->softnic);
    pthread_mutex_destroy(&rig->lock);
    rmdir(rig->directory);
}

struct leat_port *rig_open(struct rig *rig, uint32_t i, const char *options,
                           struct leat_queue **queues, uint32_t queue_count) {
    struct leat_port *port;
    char name[256];
    snprintf(name, sizeof(name), "vfio-user:%s,queues=%u%s", rig->sockets[i], queue_count, options);
    if (leat_port_open(&port, name, rig->pool, NULL) != 0)
        fail_msg("%s; violation: %s", leat_error(), softnic_violation(rig->softnic));
    for (uint32_t q = 0; q < queue_count; q++)
        if (leat_port_queue(port, q, rig->cache, &queues[q]) != 0)
            fail_msg("%s; violation: %s", leat_error(), softnic_violation(rig->softnic));
    if (leat_port_wait_link(port, PATIENCE_S * 1000) != 0)
        fail_msg("%s", leat_error());
    return port;
}

void rig_command(struct rig *rig, const char *line) {
    char answer[4096];
    pthread_mutex_lock(&rig->lock);
    int err = softnic_command(rig->softnic, line, answer, sizeof(answer));
    pthread_mutex_unlock(&rig->lock);
    if (err)
        fail_msg("softnic: %s: %s", line, softnic_error());
}

struct nic_stats rig_nic_stats(struct rig *rig, uint32_t i) {
    struct nic_stats stats;
    pthread_mutex_lock(&rig->lock);
    softnic_port_stats(rig->softnic, i, &stats, NULL);
    pthread_mutex_unlock(&rig->lock);
    return stats;
}

/* Ethernet, IPv4 10.0.0.1 to 10.0.x.y, UDP; the number once more at the start of the payload. */
void rig_frame(struct leat_pkt *pkt, const uint8_t to[6], uint32_t number, uint16_t bytes) {
    static const uint8_t headers[42] = { 0,  0, 0,  0, 0, 0, 2, 0, 0,    0,  0, 9, 8,  0,
                                         69, 0, 0,  0, 0, 0, 0, 0, 64,   17, 0, 0, 10, 0,
                                         0,  1, 10, 0, 0, 0, 4, 0, 0x10, 0,  0, 0, 0,  0 };
    for (uint32_t i = 0; i < bytes; i++)
        pkt->data[i] = (uint8_t)(number + i);
    memcpy(pkt->data, headers, sizeof(headers));
    memcpy(pkt->data, to, 6);
    uint16_t ip_bytes = (uint16_t)(bytes - 14);
    pkt->data[16] = (uint8_t)(ip_bytes >> 8);
    pkt->data[17] = (uint8_t)ip_bytes;
    pkt->data[32] = (uint8_t)(number >> 8);
    pkt->data[33] = (uint8_t)number;
    memcpy(pkt->data + sizeof(headers), &number, sizeof(number));
    pkt->len = bytes;
    pkt->flags = 0;
}

uint32_t rig_frame_number(const struct leat_pkt *pkt) {
    uint32_t number;
    memcpy(&number, pkt->data + 42, sizeof(number));
    return number;
}

static time_t deadline(void) {
    return time(NULL) + PATIENCE_S;
}

void rig_send(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    time_t end = deadline();
    for (uint32_t sent = 0; sent < n;) {
        uint32_t batch = n - sent < LEAT_BATCH_MAX ? n - sent : LEAT_BATCH_MAX;
        int taken = leat_tx(queue, pkts + sent, batch);
        if (taken < 0 || time(NULL) > end)
            fail_msg("sent %u of %u: %s", sent, n, taken < 0 ? leat_error() : "no progress");
        sent += (uint32_t)taken;
        if (taken == 0)
            sched_yield();
    }
}

void rig_receive(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n) {
    time_t end = deadline();
    for (uint32_t got = 0; got < n;) {
        uint32_t batch = n - got < LEAT_BATCH_MAX ? n - got : LEAT_BATCH_MAX;
        int taken = leat_rx(queue, pkts + got, batch);
        if (taken < 0 || time(NULL) > end)
            fail_msg("received %u of %u: %s", got, n, taken < 0 ? leat_error() : "no progress");
        got += (uint32_t)taken;
        if (taken == 0)
            sched_yield();
    }
}
