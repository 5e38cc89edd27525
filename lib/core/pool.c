/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: buffers in a piece of memory, and which of them are handed out. */
#include "error.h"
#include "pool_private.h"
#include <errno.h>
#include <stdlib.h>

/* A device that is given physical addresses sees huge pages that need not be neighbours: a buffer
 * that crosses from one into the next is never handed out, so that numbers stay a plain division.
 */
static bool crosses_page(const struct pool *pool, uint32_t number) {
    uint64_t page = pool->memory.page_bytes, first = (uint64_t)number * pool->public.stride;
    return page > LEAT_PAGE_BYTES && first / page != (first + pool->public.stride - 1) / page;
}

void leat_pool_free(struct leat_pool *public) {
    struct pool *pool = private_of(public);
    pthread_mutex_destroy(&pool->lock);
    leat_memory_unmap(&pool->memory);
    free(pool->owners);
    free(pool->depot);
    free(pool->rest);
    free(pool);
}

int leat_pool_build(struct leat_pool **out, struct leat_memory *memory, uint32_t stride,
                    uint32_t buffers) {
    struct pool *pool = aligned_alloc(64, sizeof(*pool));
    uint32_t *rest = calloc(buffers, sizeof(*rest));
    if (!pool || !rest) {
        free(pool);
        free(rest);
        leat_memory_unmap(memory);
        return leat_fail(ENOMEM, "pool: no memory to note %u buffers", buffers);
    }
    *pool = (struct pool){ .memory = *memory, .rest = rest };
    pool->public = (struct leat_pool){ .base = memory->start,
                                       .bytes = memory->bytes,
                                       .reciprocal = UINT64_MAX / stride + 1,
                                       .stride = stride,
                                       .buffers = (uint32_t)(memory->bytes / stride) };
    pthread_mutex_init(&pool->lock, NULL);
    int err = leat_owners_create(pool);
    if (err) {
        leat_pool_free(&pool->public);
        return err;
    }
    for (uint32_t i = 0; i < pool->public.buffers && pool->usable < buffers; i++)
        if (!crosses_page(pool, i))
            pool->rest[pool->usable++] = i;
    pool->rest_count = pool->usable;
    *out = &pool->public;
    return 0;
}

int leat_pool_fd(const struct leat_pool *pool) {
    return private_of(pool)->memory.fd;
}

void leat_pool_quarantine(struct leat_pool *pool, const uint32_t *numbers, uint32_t n) {
    (void)numbers; /* nobody is ever told their numbers again */
    atomic_fetch_add(&private_of(pool)->quarantined, n);
}
