/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated NIC in this process, always strict, for tests of its driver: one thread turns it,
 * the test opens ports on its sockets. What the driver does against the datasheet fails the test.
 */
#ifndef DRIVER_RIG_H
#define DRIVER_RIG_H

#include "softnic/softnic.h"
#include <leat/error.h>
#include <leat/pool.h>
#include <leat/port.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RIG_PORTS 2

struct rig {
    struct softnic *softnic;
    pthread_mutex_t lock; /* of softnic: one thread at a time */
    pthread_t thread;
    atomic_bool quit;
    char directory[64], sockets[RIG_PORTS][96];
    uint32_t ports;
    struct leat_pool *pool;
    struct leat_cache *cache;
    uint32_t pool_buffers; /* free ones at the start */
};

/* Starts a NIC a wire ("pair" twice, "loop", ...), a pool and a cache on it. */
void rig_start(struct rig *rig, const char *wire0, const char *wire1, uint32_t buffers);

/* Checks that all buffers came back and that nothing was violated, and ends it all. */
void rig_stop(struct rig *rig);

/* Opens port `i` with these options (",promisc" or ""), with all its queues started. */
struct leat_port *rig_open(struct rig *rig, uint32_t i, const char *options,
                           struct leat_queue **queues, uint32_t queue_count);

/* softnic_command() and what the model counted, between two turns of its thread. */
void rig_command(struct rig *rig, const char *line);
struct nic_stats rig_nic_stats(struct rig *rig, uint32_t i);

/* Fills the packet with a frame of UDP over IPv4 to this address, with a flow and payload that
 * `number` decides. */
void rig_frame(struct leat_pkt *pkt, const uint8_t to[6], uint32_t number, uint16_t bytes);
uint32_t rig_frame_number(const struct leat_pkt *pkt);

/* Sends all, waiting for room, but not for ever. */
void rig_send(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);

/* Receives exactly n packets, or fails after some seconds. */
void rig_receive(struct leat_queue *queue, struct leat_pkt *pkts, uint32_t n);

#endif
