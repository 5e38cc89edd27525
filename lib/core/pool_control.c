/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools and caches beyond what forwarding needs: new packets, and questions. */
#include "pool_private.h"

uint32_t leat_alloc(struct leat_cache *cache, struct leat_pkt *pkts, uint32_t n) {
    n = leat_cache_available(cache, n < LEAT_BATCH_MAX ? n : LEAT_BATCH_MAX);
    const uint32_t *numbers = leat_cache_take(cache, n);
    for (uint32_t i = 0; i < n; i++) {
        leat_own(cache->pool, numbers[i], LEAT_OWNER_POOL, LEAT_OWNER_PROGRAM, "leat_alloc()");
        pkts[i] = (struct leat_pkt){
            .data = leat_buffer(cache->pool, numbers[i]) + LEAT_BUFFER_START,
        };
    }
    return n;
}

uint64_t leat_pool_page_bytes(const struct leat_pool *pool) {
    return private_of(pool)->memory.page_bytes;
}

struct leat_pool *leat_cache_pool(const struct leat_cache *cache) {
    return cache->pool;
}
