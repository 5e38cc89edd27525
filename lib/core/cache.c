/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker's cache of free buffers, and the depot of magazines behind it. */
#include "cache.h"
#include "error.h"
#include "pool_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The depot is a bounded queue with a turn counter in each cell (after D. Vyukov's): cell i may be
 * filled in turn t when its counter says t, and emptied when it says t + 1; emptying passes it on
 * to the next round. A thread that dies or sleeps between claiming and filling a cell makes others
 * see "empty" or "full", never a wrong buffer, and nobody spins.
 *
 * Claims the next cell at `end` (head or tail) once its counter is `ahead` of the turn; NULL when
 * it is not and nobody else moved the end on.
 */
static struct magazine *claim(struct pool *pool, _Atomic uint32_t *end, uint32_t ahead,
                              uint32_t *turn) {
    *turn = atomic_load_explicit(end, memory_order_relaxed);
    for (;;) {
        struct magazine *cell = &pool->depot[*turn & pool->depot_mask];
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

static bool depot_push(struct pool *pool, const uint32_t numbers[LEAT_MAGAZINE]) {
    uint32_t turn;
    struct magazine *cell = claim(pool, &pool->tail, 0, &turn);
    if (!cell)
        return false;
    memcpy(cell->numbers, numbers, sizeof(cell->numbers));
    atomic_store_explicit(&cell->turn, turn + 1, memory_order_release);
    return true;
}

static bool depot_pop(struct pool *pool, uint32_t numbers[LEAT_MAGAZINE]) {
    uint32_t turn;
    struct magazine *cell = claim(pool, &pool->head, 1, &turn);
    if (!cell)
        return false;
    memcpy(numbers, cell->numbers, sizeof(cell->numbers));
    atomic_store_explicit(&cell->turn, turn + pool->depot_mask + 1, memory_order_release);
    return true;
}

void leat_cache_fill(struct leat_cache *cache, uint32_t n) {
    struct pool *pool = private_of(cache->pool);
    while (cache->top < n && depot_pop(pool, &cache->numbers[cache->top]))
        cache->top += LEAT_MAGAZINE;
    if (cache->top >= n || atomic_load(&pool->rest_count) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    while (cache->top < n && pool->rest_count > 0)
        cache->numbers[cache->top++] = pool->rest[--pool->rest_count];
    pthread_mutex_unlock(&pool->lock);
}

/* The oldest buffers go, from the bottom: those on top are still warm. */
void leat_cache_spill(struct leat_cache *cache, uint32_t n) {
    uint32_t gone = 0;
    while (cache->top - gone + n > LEAT_CACHE_SLOTS - LEAT_BATCH_MAX) {
        if (!depot_push(private_of(cache->pool), &cache->numbers[gone]))
            leat_pool_return(cache->pool, &cache->numbers[gone], LEAT_MAGAZINE);
        gone += LEAT_MAGAZINE;
    }
    cache->top -= gone;
    memmove(cache->numbers, &cache->numbers[gone], cache->top * sizeof(cache->numbers[0]));
}

void leat_pool_return(struct leat_pool *public, const uint32_t *numbers, uint32_t n) {
    struct pool *pool = private_of(public);
    pthread_mutex_lock(&pool->lock);
    uint32_t count = pool->rest_count;
    for (uint32_t i = 0; i < n; i++) {
        pool->rest[count++] = numbers[i];
        if (count >= LEAT_MAGAZINE && depot_push(pool, &pool->rest[count - LEAT_MAGAZINE]))
            count -= LEAT_MAGAZINE;
    }
    pool->rest_count = count;
    pthread_mutex_unlock(&pool->lock);
}

int leat_cache_open(struct leat_cache **cache, struct leat_pool *pool) {
    *cache = aligned_alloc(64, (sizeof(**cache) + 63) & ~(size_t)63);
    if (!*cache)
        return leat_fail(ENOMEM, "pool: no memory for a cache");
    (*cache)->top = 0;
    (*cache)->pool = pool;
    atomic_fetch_add(&private_of(pool)->caches, 1);
    return 0;
}

void leat_cache_close(struct leat_cache *cache) {
    if (!cache)
        return;
    leat_pool_return(cache->pool, cache->numbers, cache->top);
    atomic_fetch_sub(&private_of(cache->pool)->caches, 1);
    free(cache);
}

void leat_free(struct leat_cache *cache, const struct leat_pkt *pkts, uint32_t n) {
    uint32_t *numbers = leat_cache_give(cache, n), freed = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = leat_buffer_number(cache->pool, pkts[i].data);
        if (leat_own(cache->pool, number, LEAT_OWNER_PROGRAM, LEAT_OWNER_POOL, "leat_free()"))
            numbers[freed++] = number;
    }
    cache->top -= n - freed;
}
