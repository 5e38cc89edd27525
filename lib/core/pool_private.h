/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside a pool: free buffers travel between it and the caches in magazines of 64, through a ring
 * that any number of threads push to and pop from without locks. What does not fill a magazine, or
 * finds the ring held up by a thread that sleeps in mid-step, waits in `rest`.
 */
#ifndef LEAT_CORE_POOL_PRIVATE_H
#define LEAT_CORE_POOL_PRIVATE_H

#include "cache.h"
#include "memory.h"
#include <pthread.h>
#include <stdatomic.h>

struct magazine {
    _Atomic uint32_t turn; /* whose turn this cell is: see claim() in cache.c */
    uint32_t numbers[LEAT_MAGAZINE];
};

struct pool {
    struct leat_pool public; /* first: a struct leat_pool * is a struct pool * */
    struct leat_memory memory;
    uint32_t usable; /* buffers that are handed out at all */

    struct magazine *depot;
    uint32_t depot_mask;
    _Alignas(64) _Atomic uint32_t head; /* next to pop */
    _Alignas(64) _Atomic uint32_t tail; /* next to push */

    _Alignas(64) pthread_mutex_t lock; /* of rest; slow path only */
    uint32_t *rest;                    /* room for all usable ones */
    _Atomic uint32_t rest_count, quarantined;
    _Atomic int ports, caches; /* that are open on it */

    struct leat_owner_record *owners; /* one a buffer in debug builds, else NULL */
};

static inline struct pool *private_of(const struct leat_pool *pool) {
    return (struct pool *)pool;
}

#ifdef LEAT_OWNERSHIP
struct leat_owner_record {
    _Atomic(const char *) place; /* of the last change of hands */
    _Atomic uint8_t owner;       /* enum leat_owner */
};
int leat_owners_create(struct pool *pool);
const char *leat_owners_first(const struct pool *pool); /* the place that took one not given back */
#else
static inline int leat_owners_create(struct pool *pool) {
    return pool->owners = NULL, 0;
}
static inline const char *leat_owners_first(const struct pool *pool) {
    return (void)pool, "a place that debug builds tell";
}
#endif

#endif
