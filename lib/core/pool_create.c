/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools as programs have them: options, huge pages, a depot between workers; and nothing left in
 * use at their end. */
#include "error.h"
#include "pool_private.h"
#include <errno.h>
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

int leat_pool_create(struct leat_pool **out, const struct leat_pool_opts *given) {
    struct leat_pool_opts opts;
    struct leat_memory memory;
    struct leat_pool *pool;
    int err = read_opts(&opts, given);
    if (err)
        return err;
    /* Room for those that will cross pages: one of a 2 MiB page at most. */
    uint64_t numbers = opts.buffers + (uint64_t)opts.buffers * opts.stride / (2 << 20) + 1;
    err = leat_memory_map_pages(&memory, numbers * opts.stride, opts.pages, opts.numa_node);
    if (err || (err = leat_pool_build(&pool, &memory, opts.stride, opts.buffers)))
        return err;
    if ((err = leat_depot_open(pool)))
        leat_pool_free(pool);
    else
        *out = pool;
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
    leat_pool_free(public);
    return 0;
}

uint32_t leat_pool_free_count(const struct leat_pool *public) {
    struct pool *pool = private_of(public);
    return pool->rest_count + (pool->depot ? pool->depot_ops->count(pool->depot) : 0);
}

void leat_pool_hold(struct leat_pool *pool, int ports) {
    atomic_fetch_add(&private_of(pool)->ports, ports);
}
