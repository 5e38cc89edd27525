/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rig for AF_XDP sockets: one end of a veth pair, lt-a, with two queues, a pool and a queue's
 * socket; on the other end, lt-b, a packet socket. Needs root, for a network namespace of its own
 * and an XDP program.
 */
#ifndef XDP_VETH_H
#define XDP_VETH_H

#include "lib/drivers/xdp_socket.h"
#include "xdp_program.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define VETH_BUFFERS 2048
#define VETH_RING    128

struct xdp_veth {
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port port;
    struct xdp_queue queue;
    struct xdp_program program;
    uint32_t free_before; /* buffers of the pool */
    int peer;             /* packet socket on lt-b */
};

extern struct xdp_veth veth;
extern const struct xdp_socket_opts veth_defaults; /* copy mode */

/* Goes into a namespace of its own, or says why not and returns false. */
bool veth_enter(void);

/* Set-up and tear-down of each test. Tear-down checks that all buffers came home. */
int veth_set_up(void **state);
int veth_tear_down(void **state);

/* Another pool: its stride, 0 for the default. */
void veth_change_pool(uint32_t stride);

void veth_run(const char *command);

/* Creates, maps, binds and starts the queue, or stops at the first error and returns it. */
int veth_try_open(struct xdp_queue *queue, struct xdp_socket_opts opts);
void veth_open(struct xdp_socket_opts opts);

/* Puts a program on lt-a that feeds the queue. */
void veth_attach(struct xdp_program_opts opts);

/* Takes the program off, closes the queue and tells all it counted. */
struct leat_stats veth_close(void);
uint64_t veth_losses(const struct leat_stats *stats);

/* Frames whose bytes `number` decides. */
uint32_t veth_size_of(uint32_t number);
uint32_t veth_make(struct leat_pkt *pkts, uint32_t number, uint32_t bytes);
void veth_send(struct leat_pkt *pkts, uint32_t n);
void veth_peer_sends(uint32_t number, uint32_t bytes);
void veth_peer_expects(uint32_t number, uint32_t bytes);

/* Receives the next frame, and checks it. */
uint32_t veth_receive(struct leat_pkt *pkts, uint32_t n);
void veth_expect(uint32_t number, uint32_t bytes);

#endif
