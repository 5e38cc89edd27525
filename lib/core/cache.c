/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker's cache of free buffers, and the pool behind it. */
#include "cache.h"
#include "error.h"
#include "pool_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void leat_cache_fill(struct leat_cache *cache, uint32_t n) {
    struct pool *pool = private_of(cache->pool);
    while (pool->depot && cache->top < n &&
           pool->depot_ops->pop(pool->depot, &cache->numbers[cache->top]))
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
    while (cache->top - gone + n > LEAT_CACHE_SLOTS - LEAT_BATCH_MAX)
        gone += LEAT_MAGAZINE;
    leat_pool_return(cache->pool, cache->numbers, gone);
    cache->top -= gone;
    memmove(cache->numbers, &cache->numbers[gone], cache->top * sizeof(cache->numbers[0]));
}

static bool to_depot(struct pool *pool, const uint32_t *numbers) {
    return pool->depot && pool->depot_ops->push(pool->depot, numbers);
}

void leat_pool_return(struct leat_pool *public, const uint32_t *numbers, uint32_t n) {
    struct pool *pool = private_of(public);
    for (; n >= LEAT_MAGAZINE && to_depot(pool, numbers); n -= LEAT_MAGAZINE)
        numbers += LEAT_MAGAZINE;
    if (n == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    uint32_t count = pool->rest_count + n;
    memcpy(&pool->rest[count - n], numbers, n * sizeof(*numbers));
    while (count >= LEAT_MAGAZINE && to_depot(pool, &pool->rest[count - LEAT_MAGAZINE]))
        count -= LEAT_MAGAZINE;
    pool->rest_count = count;
    pthread_mutex_unlock(&pool->lock);
}

int leat_cache_open(struct leat_cache **cache, struct leat_pool *pool) {
    *cache = aligned_alloc(64, (sizeof(**cache) + 63) & ~(size_t)63);
    if (!*cache)
        return leat_fail(ENOMEM, "pool: no memory for a cache");
    **cache = (struct leat_cache){ .pool = pool };
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
