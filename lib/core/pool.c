/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: their memory, and which buffers of it are handed out. */
#include "error.h"
#include "pool_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BUFFERS 16384
#define BUFFERS_MAX     (1u << 28)

static int read_opts(struct leat_pool_opts *to, const struct leat_pool_opts *from) {
    *to = (struct leat_pool_opts){ .numa_node = -1 };
    if (from)
        memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
    to->buffers = to->buffers ? to->buffers : DEFAULT_BUFFERS;
    to->stride = to->stride ? to->stride : LEAT_BUFFER_STRIDE;
    if (to->buffers > BUFFERS_MAX || to->stride % 64 || to->stride < 512 || to->stride > 65536 ||
        (unsigned)to->pages > LEAT_PAGES_1G)
        return leat_fail(EINVAL,
                         "pool: %u buffers of %u bytes on page size %d: at most %u buffers, a "
                         "multiple of 64 bytes from 512 to 65,536, pages of enum leat_pages",
                         to->buffers, to->stride, (int)to->pages, BUFFERS_MAX);
    return 0;
}

/* A device that is given physical addresses sees huge pages that need not be neighbours: a buffer
 * that crosses from one into the next is never handed out, so that numbers stay a plain division.
 */
static bool crosses_page(const struct pool *pool, uint32_t number) {
    uint64_t first = (uint64_t)number * pool->public.stride;
    uint64_t last = first + pool->public.stride - 1;
    return pool->memory.page_bytes > 4096 &&
           first / pool->memory.page_bytes != last / pool->memory.page_bytes;
}

static int make_depot(struct pool *pool) {
    uint32_t cells = 2;
    while (cells < pool->usable / LEAT_MAGAZINE + 1)
        cells *= 2;
    pool->depot = aligned_alloc(64, (cells * sizeof(*pool->depot) + 63) & ~(size_t)63);
    pool->rest = calloc(pool->usable, sizeof(*pool->rest));
    if (!pool->depot || !pool->rest)
        return leat_fail(ENOMEM, "pool: no memory for %u magazines", cells);
    pool->depot_mask = cells - 1;
    for (uint32_t i = 0; i < cells; i++)
        atomic_init(&pool->depot[i].turn, i);
    return 0;
}

static void free_pool(struct pool *pool) {
    pthread_mutex_destroy(&pool->lock);
    free(pool->owners);
    free(pool->rest);
    free(pool->depot);
    if (pool->memory.start)
        leat_memory_unmap(&pool->memory);
    free(pool);
}

int leat_pool_create(struct leat_pool **out, const struct leat_pool_opts *given) {
    struct leat_pool_opts opts;
    int err = read_opts(&opts, given);
    if (err < 0)
        return err;
    struct pool *pool = aligned_alloc(64, (sizeof(*pool) + 63) & ~(size_t)63);
    if (!pool)
        return leat_fail(ENOMEM, "pool: no memory");
    memset(pool, 0, sizeof(*pool));
    pthread_mutex_init(&pool->lock, NULL);
    pool->usable = opts.buffers;
    /* Room for those that will cross pages: one of a 2 MiB page at most. */
    uint64_t numbers = opts.buffers + (uint64_t)opts.buffers * opts.stride / (2 << 20) + 1;
    err = leat_memory_map(&pool->memory, numbers * opts.stride, opts.pages, opts.numa_node);
    if (err < 0)
        goto fail;
    pool->public = (struct leat_pool){
        .base = pool->memory.start,
        .bytes = pool->memory.bytes,
        .reciprocal = UINT64_MAX / opts.stride + 1,
        .stride = opts.stride,
        .buffers = (uint32_t)numbers,
    };
    if ((err = make_depot(pool)) < 0 || (err = leat_owners_create(pool)) < 0)
        goto fail;
    for (uint32_t i = 0, given_out = 0; given_out < pool->usable; i++) {
        if (crosses_page(pool, i))
            continue;
        leat_pool_return(&pool->public, &i, 1);
        given_out++;
    }
    *out = &pool->public;
    return 0;
fail:
    free_pool(pool);
    return err;
}

int leat_pool_destroy(struct leat_pool *public) {
    if (!public)
        return 0;
    struct pool *pool = private_of(public);
    if (pool->ports || pool->caches)
        return leat_fail(EBUSY, "pool: cannot be destroyed: %u ports and %u caches are open on it",
                         pool->ports, pool->caches);
    uint32_t held = pool->usable - leat_pool_free_count(public) - pool->quarantined;
    if (held)
        return leat_fail(EBUSY,
                         "pool: cannot be destroyed: %u buffers are not given back, one of "
                         "them taken in %s",
                         held, leat_owners_first(pool));
    free_pool(pool);
    return 0;
}

int leat_pool_fd(const struct leat_pool *pool) {
    return private_of(pool)->memory.fd;
}

uint32_t leat_pool_free_count(const struct leat_pool *public) {
    struct pool *pool = private_of(public);
    return (pool->tail - pool->head) * LEAT_MAGAZINE + pool->rest_count;
}

void leat_pool_quarantine(struct leat_pool *public, const uint32_t *numbers, uint32_t n) {
    (void)numbers; /* nobody is ever told their numbers again */
    atomic_fetch_add(&private_of(public)->quarantined, n);
    leat_log(LEAT_LOG_NOTICE,
             "pool: %u buffers are set aside for ever: their device did not "
             "confirm that it let go of them",
             n);
}

void leat_pool_hold(struct leat_pool *pool, int ports) {
    atomic_fetch_add(&private_of(pool)->ports, ports);
}
