/* SPDX-License-Identifier: BSD-2-Clause */
#include "bound.h"
#include "lane.h"
#include "lib/core/cycles.h"
#include "turns.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct descriptor {
    uint64_t address, status;
};

/* One receive ring, one transmit ring, their buffers, and a stack of free buffer numbers. */
struct course {
    uint32_t ring, stride;
    struct descriptor *rx, *tx;
    uint32_t *rx_numbers, *tx_numbers, *stack;
    uint32_t stack_top;
    uint8_t *buffers;
    struct turns turns;
};

static void device_turn(void *ctx) {
    struct course *c = ctx;
    uint64_t frame[8] = { 0 }, read = 0;
    for (uint32_t i = 0; i < c->ring; i++) { /* transmit: descriptor and frame are read */
        if (c->tx[i].address) {
            uint64_t gathered[8];
            memcpy(gathered, c->buffers + c->tx[i].address, sizeof(gathered));
            read += gathered[0];
        }
        c->tx[i].status = 1;
    }
    for (uint32_t i = 0; i < c->ring; i++) { /* receive: frame and descriptor are written */
        frame[0] = read + i;
        memcpy(c->buffers + c->rx[i].address, frame, sizeof(frame));
        c->rx[i].status = 1 | 60ull << 32;
    }
}

/* One batch, starting at descriptor `at`: exactly the memory that a forwarding driver touches. */
static void forward_batch(struct course *c, uint32_t at, uint32_t batch) {
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    uint32_t numbers[LEAT_BATCH_MAX];
    for (uint32_t i = 0; i < batch; i++) {
        struct descriptor *d = &c->rx[at + i];
        uint32_t fresh = c->stack[--c->stack_top];
        numbers[i] = c->rx_numbers[at + i];
        pkts[i].data = c->buffers + (uint64_t)numbers[i] * c->stride;
        pkts[i].len = (uint16_t)(d->status >> 32);
        c->rx_numbers[at + i] = fresh;
        *d = (struct descriptor){ (uint64_t)fresh * c->stride, 0 };
    }
    for (uint32_t i = 0; i < batch; i++)
        lane_touch(&pkts[i]);
    for (uint32_t i = 0; i < batch; i++)
        c->stack[c->stack_top++] = c->tx_numbers[at + i];
    for (uint32_t i = 0; i < batch; i++) {
        uint64_t address = (uint64_t)(pkts[i].data - c->buffers);
        c->tx[at + i] = (struct descriptor){ address, pkts[i].len };
        c->tx_numbers[at + i] = numbers[i];
    }
}

static int make_course(struct course *c, uint32_t ring, uint32_t stride, int core) {
    uint32_t buffers = 4 * ring + 2048; /* as the rig's pool */
    *c = (struct course){ .ring = ring, .stride = stride };
    c->turns = (struct turns){ .core = core, .settle = device_turn, .ctx = c };
    c->rx = aligned_alloc(4096, ring * sizeof(*c->rx) + 4096);
    c->tx = aligned_alloc(4096, ring * sizeof(*c->tx) + 4096);
    c->rx_numbers = calloc(ring, sizeof(uint32_t));
    c->tx_numbers = calloc(ring, sizeof(uint32_t));
    c->stack = calloc(buffers, sizeof(uint32_t));
    c->buffers = mmap(NULL, (size_t)buffers * stride, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (!c->rx || !c->tx || !c->rx_numbers || !c->tx_numbers || !c->stack ||
        c->buffers == MAP_FAILED)
        return -1;
    memset(c->tx, 0, ring * sizeof(*c->tx));
    for (uint32_t i = 0; i < ring; i++) {
        c->rx_numbers[i] = i;
        c->tx_numbers[i] = ring + i;
        c->rx[i] = (struct descriptor){ (uint64_t)i * stride, 0 };
    }
    for (uint32_t i = 2 * ring; i < buffers; i++)
        c->stack[c->stack_top++] = i;
    return 0;
}

static void free_course(struct course *c) {
    free(c->rx);
    free(c->tx);
    free(c->rx_numbers);
    free(c->tx_numbers);
    free(c->stack);
    munmap(c->buffers, (size_t)(4 * c->ring + 2048) * c->stride);
}

double bound_cycles(uint32_t ring, uint32_t batch, uint32_t stride, uint32_t rings,
                    int device_core) {
    struct course c;
    uint64_t cycles = 0;
    if (make_course(&c, ring, stride, device_core) < 0 || turns_start(&c.turns, TURN_DRIVER) < 0) {
        free_course(&c);
        return -1;
    }
    for (uint32_t round = 0; round < rings + rings / 10; round++) {
        turns_device(&c.turns);
        uint64_t start = leat_cycles();
        for (uint32_t at = 0; at + batch <= ring; at += batch)
            forward_batch(&c, at, batch);
        if (round >= rings / 10) /* the first tenth warms up */
            cycles += leat_cycles() - start;
    }
    turns_stop(&c.turns);
    free_course(&c);
    uint32_t packets = ring / batch * batch; /* in each round */
    return (double)cycles / ((double)rings * packets);
}
