/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The depot of a pool: a ring of magazines that any number of threads push to and pop from without
 * locks. What does not fill a magazine, or finds the ring held up by a thread that sleeps in
 * mid-step, takes the pool's stack instead.
 */
#include "error.h"
#include "pool_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct magazine {
    _Atomic uint32_t turn; /* whose turn this cell is: see claim() */
    uint32_t numbers[LEAT_MAGAZINE];
};

struct depot {
    _Alignas(64) _Atomic uint32_t head; /* next to pop */
    _Alignas(64) _Atomic uint32_t tail; /* next to push */
    _Alignas(64) uint32_t mask;
    struct magazine cells[];
};

/*
 * The ring is a bounded queue with a turn counter in each cell (after D. Vyukov's): cell i may be
 * filled in turn t when its counter says t, and emptied when it says t + 1; emptying passes it on
 * to the next round. A thread that dies or sleeps between claiming and filling a cell makes others
 * see "empty" or "full", never a wrong buffer, and nobody spins.
 *
 * Claims the next cell at `end` (head or tail) once its counter is `ahead` of the turn; NULL when
 * it is not and nobody else moved the end on.
 */
static struct magazine *claim(struct depot *depot, _Atomic uint32_t *end, uint32_t ahead,
                              uint32_t *turn) {
    *turn = atomic_load_explicit(end, memory_order_relaxed);
    for (;;) {
        struct magazine *cell = &depot->cells[*turn & depot->mask];
        if (atomic_load_explicit(&cell->turn, memory_order_acquire) == *turn + ahead) {
            if (atomic_compare_exchange_weak_explicit(end, turn, *turn + 1, memory_order_relaxed,
                                                      memory_order_relaxed))
                return cell;
        } else {
            uint32_t seen = *turn;
            if ((*turn = atomic_load_explicit(end, memory_order_relaxed)) == seen)
                return NULL;
        }
    }
}

static bool push(struct depot *depot, const uint32_t numbers[LEAT_MAGAZINE]) {
    uint32_t turn;
    struct magazine *cell = claim(depot, &depot->tail, 0, &turn);
    if (!cell)
        return false;
    memcpy(cell->numbers, numbers, sizeof(cell->numbers));
    atomic_store_explicit(&cell->turn, turn + 1, memory_order_release);
    return true;
}

static bool pop(struct depot *depot, uint32_t numbers[LEAT_MAGAZINE]) {
    uint32_t turn;
    struct magazine *cell = claim(depot, &depot->head, 1, &turn);
    if (!cell)
        return false;
    memcpy(numbers, cell->numbers, sizeof(cell->numbers));
    atomic_store_explicit(&cell->turn, turn + depot->mask + 1, memory_order_release);
    return true;
}

static uint32_t count(const struct depot *depot) {
    return (depot->tail - depot->head) * LEAT_MAGAZINE;
}

static const struct depot_ops ops = { push, pop, count };

int leat_depot_open(struct leat_pool *public) {
    struct pool *pool = private_of(public);
    uint32_t cells = 2;
    while (cells < pool->usable / LEAT_MAGAZINE + 1)
        cells *= 2;
    size_t bytes = sizeof(struct depot) + cells * sizeof(struct magazine);
    struct depot *depot = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (!depot)
        return leat_fail(ENOMEM, "pool: no memory for %u magazines", cells);
    atomic_init(&depot->head, 0);
    atomic_init(&depot->tail, 0);
    depot->mask = cells - 1;
    for (uint32_t i = 0; i < cells; i++)
        atomic_init(&depot->cells[i].turn, i);
    for (; pool->rest_count >= LEAT_MAGAZINE; pool->rest_count -= LEAT_MAGAZINE)
        push(depot, &pool->rest[pool->rest_count - LEAT_MAGAZINE]);
    pool->depot = depot;
    pool->depot_ops = &ops;
    return 0;
}
