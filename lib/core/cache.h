/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache seen from a driver: a private stack of free buffer numbers. Taking and giving are a
 * subtraction and an addition; only an empty or full stack touches the pool.
 */
#ifndef LEAT_CORE_CACHE_H
#define LEAT_CORE_CACHE_H

#include "ownership.h"
#include <leat/pool.h>

#define LEAT_MAGAZINE    64   /* buffers moved between a cache and the pool at a time */
#define LEAT_CACHE_SLOTS 1024 /* of the stack; at least LEAT_BATCH_MAX to take and to give */

struct leat_cache {
    uint32_t top; /* free buffers in numbers[0 .. top) */
    uint32_t numbers[LEAT_CACHE_SLOTS];
    struct leat_pool *pool;
};

/* Slow paths: make numbers[] hold at least `n`, if the pool has them; make room for `n` more. */
void leat_cache_fill(struct leat_cache *cache, uint32_t n);
void leat_cache_spill(struct leat_cache *cache, uint32_t n);

/* Takes exactly `n` buffers (at most LEAT_BATCH_MAX) for the device: returns where their numbers
 * stand, valid until the cache's next use; NULL, and nothing taken, when there are not so many. */
static inline const uint32_t *leat_cache_take(struct leat_cache *cache, uint32_t n) {
    if (__builtin_expect(cache->top < n, 0)) {
        leat_cache_fill(cache, n);
        if (cache->top < n)
            return NULL;
    }
    cache->top -= n;
    return &cache->numbers[cache->top];
}

/* How many leat_cache_take() could take, up to `n`. */
static inline uint32_t leat_cache_available(struct leat_cache *cache, uint32_t n) {
    if (__builtin_expect(cache->top < n, 0))
        leat_cache_fill(cache, n);
    return cache->top < n ? cache->top : n;
}

/* Gives `n` buffers (at most LEAT_BATCH_MAX): returns where the caller writes their numbers, at
 * once, before the cache's next use. */
static inline uint32_t *leat_cache_give(struct leat_cache *cache, uint32_t n) {
    if (__builtin_expect(cache->top + n > LEAT_CACHE_SLOTS, 0))
        leat_cache_spill(cache, n);
    uint32_t *place = &cache->numbers[cache->top];
    cache->top += n;
    return place;
}

/* Gives buffers straight back to the pool, past any cache: for closing ports. Any thread. */
void leat_pool_return(struct leat_pool *pool, const uint32_t *numbers, uint32_t n);

/* Sets buffers aside for ever: a device may still write into them. By drivers that close;
 * leat_port_close() tells. */
void leat_pool_quarantine(struct leat_pool *pool, const uint32_t *numbers, uint32_t n);

/* Counts ports that use the pool, +1 or -1, so that it is not destroyed under them. */
void leat_pool_hold(struct leat_pool *pool, int ports);

#endif
