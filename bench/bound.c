/* SPDX-License-Identifier: BSD-2-Clause */
#include "bound.h"
#include "rig.h"
#include <sched.h>
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
    int core;
    _Alignas(64) _Atomic int turn;
};

static void device_turn(struct course *c) {
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

static void *run_device(void *arg) {
    struct course *c = arg;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(c->core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    for (int turn; (turn = atomic_load_explicit(&c->turn, memory_order_acquire)) != RIG_QUIT;) {
        if (turn != RIG_DEVICE) {
            __builtin_ia32_pause();
            continue;
        }
        device_turn(c);
        atomic_store_explicit(&c->turn, RIG_DRIVER, memory_order_release);
    }
    return NULL;
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
        rig_touch(&pkts[i]);
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
    *c = (struct course){ .ring = ring, .stride = stride, .core = core, .turn = RIG_DRIVER };
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
    pthread_t device;
    uint64_t cycles = 0;
    if (make_course(&c, ring, stride, device_core) < 0 ||
        pthread_create(&device, NULL, run_device, &c) != 0) {
        free_course(&c);
        return -1;
    }
    for (uint32_t round = 0; round < rings + rings / 10; round++) {
        atomic_store_explicit(&c.turn, RIG_DEVICE, memory_order_release);
        while (atomic_load_explicit(&c.turn, memory_order_acquire) != RIG_DRIVER)
            __builtin_ia32_pause();
        uint64_t start = leat_cycles();
        for (uint32_t at = 0; at + batch <= ring; at += batch)
            forward_batch(&c, at, batch);
        if (round >= rings / 10) /* the first tenth warms up */
            cycles += leat_cycles() - start;
    }
    atomic_store(&c.turn, RIG_QUIT);
    pthread_join(device, NULL);
    free_course(&c);
    uint32_t packets = ring / batch * batch; /* in each round */
    return (double)cycles / ((double)rings * packets);
}
