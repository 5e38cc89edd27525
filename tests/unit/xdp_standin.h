/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four rings of an AF_XDP queue in ordinary memory, with a test in the kernel's place. No
 * system call is made: the rings never ask for a wake-up.
 */
#ifndef XDP_STANDIN_H
#define XDP_STANDIN_H

#include "lib/drivers/xdp_socket.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STANDIN_RING    64
#define STANDIN_BUFFERS 1024
#define STANDIN_FILLED  (STANDIN_RING + XDP_FILL_SPARE) /* buffers in a fill ring at rest */

enum { STANDIN_FILL, STANDIN_RX, STANDIN_TX, STANDIN_COMPLETION };

struct xdp_standin {
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port port;
    struct xdp_queue queue;
    struct xdp_ring kernel[4]; /* the rings, seen from the other side */
    uint32_t wakeup_flags, free_before;
};

extern struct xdp_standin standin;

/* Set-up and tear-down of each test: a queue that takes frames of up to 8 buffers. Tear-down checks
 * that all buffers came home, whatever happened. */
int standin_set_up(void **state);
int standin_tear_down(void **state);

/* Begins again with other options. */
void standin_reopen(struct xdp_socket_opts opts);

/* As if no index had ever been nonsense. */
void standin_forgive(void);

uint64_t standin_dropped(enum leat_drop reason);

/* What the kernel does: takes a buffer from the fill ring; writes a descriptor; both, with a frame
 * that is filled with the buffer's number; takes a descriptor from the tx ring; completes it. */
uint64_t standin_take_fill(void);
void standin_put_rx(uint64_t address, uint32_t length, uint32_t options);
uint64_t standin_deliver(uint32_t length, uint32_t options);
struct xdp_desc standin_take_tx(void);
void standin_complete(uint64_t address);

/* An address as the kernel says it in unaligned mode: base, and offset in the upper 16 bits. */
uint64_t standin_at_start(uint64_t address);

/* A packet of the program's. */
struct leat_pkt standin_make(uint16_t length);

#endif
