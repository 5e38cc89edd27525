/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool: one region of equal buffers.
 *
 *   base                base + stride        base + 2 * stride
 *   | buffer 0          | buffer 1           | buffer 2 ...
 *
 * A buffer has exactly one owner: the pool (free), the program, or a port; whoever needs its bytes
 * twice copies. Each worker takes and gives buffers through a cache of its own, a private stack;
 * what overflows or lacks there goes to and comes from the pool by magazines of 64.
 *
 * The default stride of 2,368 bytes (37 cache lines, an odd number) spreads the starts of the
 * frames over all sets of the first-level cache; multiples of 2 KiB would fall into two of them.
 */
#ifndef LEAT_POOL_H
#define LEAT_POOL_H

#include <leat/packet.h>
#include <stddef.h>
#include <stdint.h>

#define LEAT_BUFFER_STRIDE 2368 /* default, bytes from one buffer to the next */
#define LEAT_BUFFER_START  256  /* where a received frame starts in its buffer */
#define LEAT_BATCH_MAX     256  /* packets or buffers, the most in one call of any function */

/* The public head of a pool, for the functions below; to be read only. */
struct leat_pool {
    uint8_t *base;
    uint64_t bytes;      /* of the region */
    uint64_t reciprocal; /* number = offset * reciprocal / 2^64 */
    uint32_t stride;
    uint32_t buffers;
};

/* One thread's stack of free buffers. Opaque. */
struct leat_cache;

enum leat_pages {
    LEAT_PAGES_AUTO, /* 1 GiB pages for pools of at least that size, else 2 MiB, else ordinary */
    LEAT_PAGES_4K,
    LEAT_PAGES_2M,
    LEAT_PAGES_1G,
};

struct leat_pool_opts {
    size_t size;      /* sizeof(struct leat_pool_opts) */
    uint32_t buffers; /* 0: 16,384 */
    uint32_t stride;  /* 0: LEAT_BUFFER_STRIDE; else a multiple of 64, from 512 to 65,536 */
    enum leat_pages pages;
    int numa_node; /* prefer memory of this node; -1: of the node that first touches it */
};

/* Creates a pool; `opts` may be NULL. AUTO falls back to ordinary pages with a notice (error.h);
 * a page size asked for by name is had or refused. All memory is touched here, none later.
 * -ENOMEM: no memory or no huge pages of that size; -EINVAL: an option out of range. */
int leat_pool_create(struct leat_pool **pool, const struct leat_pool_opts *opts);

/* Gives the memory back. Close ports and caches first: -EBUSY, and nothing done, while a port or a
 * cache is open on it or the program holds buffers; the sentence counts them, and in debug builds
 * names the place that took one. */
int leat_pool_destroy(struct leat_pool *pool);

/* The region as a file (memfd) that another process or a device server may map. Borrowed: the pool
 * closes it. Whoever can map it can read and write every buffer: a pool is a trust domain. */
int leat_pool_fd(const struct leat_pool *pool);

/* Bytes of the pages behind the region: 4 KiB, 2 MiB or 1 GiB. */
uint64_t leat_pool_page_bytes(const struct leat_pool *pool);

/* Buffers that are free in the pool, in nobody's cache. For reports and tests: stale at once. */
uint32_t leat_pool_free_count(const struct leat_pool *pool);

/* Opens a cache for the calling worker; a cache is used by one thread at a time. -ENOMEM. */
int leat_cache_open(struct leat_cache **cache, struct leat_pool *pool);

/* Gives its free buffers back to the pool. Ports whose queues use the cache are closed before. */
void leat_cache_close(struct leat_cache *cache);

struct leat_pool *leat_cache_pool(const struct leat_cache *cache);

/* Takes up to `n` buffers (at most LEAT_BATCH_MAX): each packet's `data` at LEAT_BUFFER_START,
 * `len` and `flags` 0; they are the caller's until sent or freed. Returns how many; fewer than that
 * when the pool is exhausted. */
uint32_t leat_alloc(struct leat_cache *cache, struct leat_pkt *pkts, uint32_t n);

/* Gives `n` packets' buffers back to the pool, at most LEAT_BATCH_MAX. Debug builds refuse, and
 * log, a buffer that is not the program's (freed twice, sent already, or of another pool). */
void leat_free(struct leat_cache *cache, const struct leat_pkt *pkts, uint32_t n);

/* The number of the buffer that `data` points into. One multiplication, no division. */
static inline uint32_t leat_buffer_number(const struct leat_pool *pool, const void *data) {
    uint64_t offset = (uint64_t)((const uint8_t *)data - pool->base);
    return (uint32_t)(((unsigned __int128)offset * pool->reciprocal) >> 64);
}

static inline uint8_t *leat_buffer(const struct leat_pool *pool, uint32_t number) {
    return pool->base + (uint64_t)number * pool->stride;
}

/* The metadata of a packet's buffer: valid to read with LEAT_PKT_META, else to be filled. */
static inline struct leat_meta *leat_pkt_meta(const struct leat_pool *pool,
                                              const struct leat_pkt *pkt) {
    return (struct leat_meta *)leat_buffer(pool, leat_buffer_number(pool, pkt->data));
}

/* Bytes from `data` to the end of its buffer. */
static inline uint32_t leat_pkt_room(const struct leat_pool *pool, const struct leat_pkt *pkt) {
    uint8_t *start = leat_buffer(pool, leat_buffer_number(pool, pkt->data));
    return (uint32_t)(start + pool->stride - pkt->data);
}

#endif
