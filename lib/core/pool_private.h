/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside a pool: a stack of free buffers under a lock, from which caches are filled and into which
 * they spill (pool.c, cache.c). Where several workers use it, a depot stands before the stack: full
 * magazines of 64 travel through it without the lock (depot.c).
 */
#ifndef LEAT_CORE_POOL_PRIVATE_H
#define LEAT_CORE_POOL_PRIVATE_H

#include "cache.h"
#include "memory.h"
#include <pthread.h>
#include <stdatomic.h>

struct pool {
    struct leat_pool public; /* first: a struct leat_pool * is a struct pool * */
    struct leat_memory memory;
    uint32_t usable; /* buffers that are handed out at all */

    _Alignas(64) pthread_mutex_t lock; /* of rest */
    uint32_t *rest;                    /* the stack: room for all usable ones */
    _Atomic uint32_t rest_count, quarantined;
    _Atomic int ports, caches; /* that are open on it */

    const struct depot_ops *depot_ops; /* NULL: there is no depot */
    struct depot *depot;

    struct leat_owner_record *owners; /* one a buffer in debug builds, else NULL */
};

/* Push and pop say whether it had room, or a magazine. */
struct depot_ops {
    bool (*push)(struct depot *depot, const uint32_t numbers[LEAT_MAGAZINE]);
    bool (*pop)(struct depot *depot, uint32_t numbers[LEAT_MAGAZINE]);
    uint32_t (*count)(const struct depot *depot); /* buffers in it */
};

static inline struct pool *private_of(const struct leat_pool *pool) {
    return (struct pool *)pool;
}

/* A pool of `buffers` in `memory`, which it takes over, also when it fails; without a depot. */
int leat_pool_build(struct leat_pool **pool, struct leat_memory *memory, uint32_t stride,
                    uint32_t buffers);
void leat_pool_free(struct leat_pool *pool);

/* depot.c: puts a depot before the stack of a new pool. */
int leat_depot_open(struct leat_pool *pool);

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
