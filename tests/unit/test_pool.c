/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools and caches: every buffer is had once, by one owner, and comes back. */
#include "lib/core/cache.h"
#include "lib/core/pool_private.h"
#include <errno.h>
#include <leat/error.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BUFFERS 5000

static struct leat_pool *make_pool(uint32_t buffers, uint32_t stride) {
    struct leat_pool *pool;
    struct leat_pool_opts opts = { .size = sizeof(opts),
                                   .buffers = buffers,
                                   .stride = stride,
                                   .pages = LEAT_PAGES_4K,
                                   .numa_node = -1 };
    assert_int_equal(leat_pool_create(&pool, &opts), 0);
    return pool;
}

/* As small programs have it, without a depot. */
static struct leat_pool *make_bare_pool(uint32_t buffers) {
    struct leat_pool *pool;
    struct leat_memory memory;
    uint64_t bytes = (uint64_t)buffers * LEAT_BUFFER_STRIDE;
    assert_int_equal(leat_memory_map(&memory, "pool", bytes, LEAT_PAGE_BYTES, 0), 0);
    assert_int_equal(leat_pool_build(&pool, &memory, LEAT_BUFFER_STRIDE, buffers), 0);
    return pool;
}

static struct leat_cache *make_cache(struct leat_pool *pool) {
    struct leat_cache *cache;
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    return cache;
}

static void numbers_and_pointers_agree(void **state) {
    (void)state;
    static const uint32_t strides[] = { 512, 2048, 2368, 4096, 9600, 65536 };
    for (size_t s = 0; s < sizeof(strides) / sizeof(strides[0]); s++) {
        struct leat_pool *pool = make_pool(100, strides[s]);
        for (uint32_t i = 0; i < pool->buffers; i++) {
            uint8_t *first = leat_buffer(pool, i);
            assert_int_equal(leat_buffer_number(pool, first), i);
            assert_int_equal(leat_buffer_number(pool, first + strides[s] - 1), i);
            struct leat_pkt pkt = { .data = first + 300 };
            assert_ptr_equal(leat_pkt_meta(pool, &pkt), first);
            assert_int_equal(leat_pkt_room(pool, &pkt), strides[s] - 300);
        }
        assert_int_equal(leat_pool_destroy(pool), 0);
    }
}

/* The reciprocal is exact for as large a region as there can be. */
static void numbers_are_exact_far_out(void **state) {
    (void)state;
    for (uint32_t stride = 512; stride <= 65536; stride += 64) {
        struct leat_pool far = { .reciprocal = UINT64_MAX / stride + 1, .stride = stride };
        for (uint64_t number = (1u << 28) - 3; number <= 1u << 28; number++) {
            const uint8_t *first = far.base + number * stride;
            assert_int_equal(leat_buffer_number(&far, first), number);
            assert_int_equal(leat_buffer_number(&far, first + stride - 1), number);
        }
    }
}

static void check_that_every_buffer_is_had_once(struct leat_pool *pool) {
    struct leat_cache *cache = make_cache(pool);
    struct leat_pkt pkts[BUFFERS];
    bool *had = calloc(pool->buffers, sizeof(*had));
    uint32_t n = 0, got;
    while ((got = leat_alloc(cache, &pkts[n], BUFFERS - n < 100 ? BUFFERS - n : 100)) > 0)
        n += got;
    assert_int_equal(n, BUFFERS);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = leat_buffer_number(pool, pkts[i].data);
        assert_false(had[number]);
        had[number] = true;
        assert_int_equal(pkts[i].len, 0);
        assert_int_equal(pkts[i].flags, 0);
        assert_ptr_equal(pkts[i].data, leat_buffer(pool, number) + LEAT_BUFFER_START);
    }
    assert_int_equal(leat_pool_free_count(pool), 0);
    struct leat_pkt none;
    assert_int_equal(leat_alloc(cache, &none, 1), 0);
    for (uint32_t i = 0; i < n; i += 250)
        leat_free(cache, &pkts[i], 250);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_free_count(pool), BUFFERS);
    free(had);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

static void every_buffer_is_had_once(void **state) {
    (void)state;
    check_that_every_buffer_is_had_once(make_pool(BUFFERS, 0));
    check_that_every_buffer_is_had_once(make_bare_pool(BUFFERS));
}

static void one_cache_reaches_what_another_gave_back(void **state) {
    (void)state;
    struct leat_pool *pool = make_pool(200, 0);
    struct leat_cache *a = make_cache(pool), *b = make_cache(pool);
    struct leat_pkt pkts[200];
    assert_int_equal(leat_alloc(a, pkts, 200), 200);
    assert_int_equal(leat_alloc(b, pkts, 1), 0);
    leat_free(a, pkts, 200);
    leat_cache_close(a);
    assert_int_equal(leat_alloc(b, pkts, 200), 200);
    leat_free(b, pkts, 200);
    leat_cache_close(b);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

static void destroy_refuses_while_something_is_out(void **state) {
    (void)state;
    struct leat_pool *pool = make_pool(100, 0);
    struct leat_cache *cache = make_cache(pool);
    struct leat_pkt pkts[3];
    assert_int_equal(leat_alloc(cache, pkts, 3), 3);
    assert_int_equal(leat_pool_destroy(pool), -EBUSY);
    assert_non_null(strstr(leat_error(), "1 caches"));
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), -EBUSY);
    assert_non_null(strstr(leat_error(), "3 buffers are not given back"));
    cache = make_cache(pool);
    leat_free(cache, pkts, 3);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

static void bad_options_are_refused(void **state) {
    (void)state;
    static const struct {
        struct leat_pool_opts opts;
        const char *word;
    } bad[] = {
        { { .buffers = 10, .stride = 100 }, "of 100 bytes" },
        { { .buffers = 10, .stride = 2369 }, "of 2369 bytes" },
        { { .buffers = 10, .stride = 1 << 20 }, "of 1048576 bytes" },
        { { .buffers = 1u << 30 }, "1073741824 buffers" },
        { { .buffers = 10, .pages = 9 }, "page size 9" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct leat_pool_opts opts = bad[i].opts;
        opts.size = sizeof(opts);
        struct leat_pool *pool = NULL;
        assert_int_equal(leat_pool_create(&pool, &opts), -EINVAL);
        assert_non_null(strstr(leat_error(), bad[i].word));
        assert_null(pool);
    }
}

static void the_region_is_a_file_that_nobody_can_shrink(void **state) {
    (void)state;
    struct leat_pool *pool = make_pool(100, 0);
    struct stat file;
    assert_int_equal(fstat(leat_pool_fd(pool), &file), 0);
    assert_int_equal(file.st_size, pool->bytes);
    assert_int_not_equal(ftruncate(leat_pool_fd(pool), 0), 0);
    uint8_t *other = mmap(NULL, pool->bytes, PROT_READ, MAP_SHARED, leat_pool_fd(pool), 0);
    assert_ptr_not_equal(other, MAP_FAILED);
    pool->base[12345] = 0x5a;
    assert_int_equal(other[12345], 0x5a);
    munmap(other, pool->bytes);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

static void starts_spread_over_the_cache(void **state) {
    (void)state;
    struct leat_pool *pool = make_pool(64, 0);
    bool set[64] = { false };
    for (uint32_t i = 0; i < 64; i++)
        set[(uintptr_t)(leat_buffer(pool, i) + LEAT_BUFFER_START) / 64 % 64] = true;
    for (int i = 0; i < 64; i++)
        assert_true(set[i]);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

/* On huge pages, where some are reserved (the story huge_pages sees to that), no buffer crosses
 * from one into the next; else the refusal names the mend. */
static void huge_pages_are_had_or_refused(void **state) {
    (void)state;
    static const enum leat_pages sizes[] = { LEAT_PAGES_2M, LEAT_PAGES_1G };
    for (int s = 0; s < 2; s++) {
        struct leat_pool *pool;
        struct leat_pool_opts opts = {
            .size = sizeof(opts), .buffers = BUFFERS, .pages = sizes[s], .numa_node = 0
        };
        uint64_t page_bytes = s == 0 ? 2 << 20 : 1 << 30;
        int err = leat_pool_create(&pool, &opts);
        if (err < 0) {
            assert_int_equal(err, -ENOMEM);
            assert_non_null(strstr(leat_error(), "vm.nr_hugepages"));
            assert_null(getenv(s == 0 ? "LEAT_HUGE_2M" : "LEAT_HUGE_1G"));
            continue;
        }
        assert_int_equal(leat_pool_page_bytes(pool), page_bytes);
        struct leat_cache *cache = make_cache(pool);
        struct leat_pkt pkts[BUFFERS];
        uint32_t n = 0, got;
        while ((got = leat_alloc(cache, &pkts[n], BUFFERS - n < 100 ? BUFFERS - n : 100)) > 0)
            n += got;
        assert_int_equal(n, BUFFERS);
        for (uint32_t i = 0; i < n; i++) {
            uint64_t first = (uint64_t)(pkts[i].data - LEAT_BUFFER_START - pool->base);
            assert_int_equal(first / page_bytes, (first + pool->stride - 1) / page_bytes);
        }
        for (uint32_t i = 0; i < n; i += 250)
            leat_free(cache, &pkts[i], 250);
        leat_cache_close(cache);
        assert_int_equal(leat_pool_destroy(pool), 0);
    }
}

/* Threads take random counts, mark each buffer as theirs, look at the mark again, and give back. */
struct churn {
    struct leat_pool *pool;
    unsigned seed;
    uint64_t clashes, taken;
};

static void *churn(void *arg) {
    struct churn *c = arg;
    struct leat_cache *cache;
    struct leat_pkt pkts[LEAT_BATCH_MAX];
    if (leat_cache_open(&cache, c->pool) < 0)
        return NULL;
    for (int round = 0; round < 20000; round++) {
        uint32_t n = leat_alloc(cache, pkts, (uint32_t)rand_r(&c->seed) % LEAT_BATCH_MAX + 1);
        for (uint32_t i = 0; i < n; i++)
            memcpy(pkts[i].data, &c, sizeof(c));
        for (uint32_t i = 0; i < n; i++)
            c->clashes += memcmp(pkts[i].data, &c, sizeof(c)) != 0;
        c->taken += n;
        leat_free(cache, pkts, n);
        if (round % 1000 == 999) {
            leat_cache_close(cache);
            if (leat_cache_open(&cache, c->pool) < 0)
                return NULL;
        }
    }
    leat_cache_close(cache);
    return NULL;
}

static void check_threads(struct leat_pool *pool) {
    struct churn churns[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        churns[i] = (struct churn){ pool, 1000 + i, 0, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &churns[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(churns[i].clashes, 0);
        assert_true(churns[i].taken > 0);
    }
    assert_int_equal(leat_pool_free_count(pool), 1000);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

static void threads_never_share_a_buffer(void **state) {
    (void)state;
    check_threads(make_pool(1000, 0));
    check_threads(make_bare_pool(1000));
}

#ifdef LEAT_OWNERSHIP
static char last_log[512];

static void keep_log(void *ctx, enum leat_log_level level, const char *sentence) {
    (void)ctx, (void)level;
    snprintf(last_log, sizeof(last_log), "%s", sentence);
}

static void wrong_owners_are_told(void **state) {
    (void)state;
    leat_set_log(keep_log, NULL);
    struct leat_pool *pool = make_pool(100, 0);
    struct leat_cache *cache = make_cache(pool);
    struct leat_pkt pkts[2];
    assert_int_equal(leat_alloc(cache, pkts, 2), 2);
    leat_free(cache, pkts, 1);
    leat_free(cache, pkts, 1);
    assert_non_null(strstr(last_log, "belongs to the pool since leat_free()"));
    leat_free(cache, &(struct leat_pkt){ .data = (uint8_t *)last_log }, 1);
    assert_non_null(strstr(last_log, "another pool"));
    assert_int_equal(leat_pool_destroy(pool), -EBUSY);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), -EBUSY);
    assert_non_null(strstr(leat_error(), "leat_alloc()"));
    cache = make_cache(pool);
    leat_free(cache, &pkts[1], 1);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), 0);
    leat_set_log(NULL, NULL);
}
#endif

/* More than a batch is not had at a time, lest the cache overflow. */
static void a_call_gives_a_batch_at_most(void **state) {
    (void)state;
    static struct leat_pkt pkts[LEAT_CACHE_SLOTS + 100];
    struct leat_pool *pool = make_pool(BUFFERS, 512);
    struct leat_cache *cache = make_cache(pool);
    assert_int_equal(leat_alloc(cache, pkts, LEAT_CACHE_SLOTS + 100), LEAT_BATCH_MAX);
    leat_free(cache, pkts, LEAT_BATCH_MAX);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

/* A pool that cannot be had closes what it opened once: by then the number may be another's. */
int __real_close(int fd);
int __wrap_close(int fd);
static bool closed_twice;

int __wrap_close(int fd) {
    int rc = __real_close(fd);
    closed_twice |= rc < 0;
    return rc;
}

static void a_refused_pool_closes_its_file_once(void **state) {
    (void)state;
    struct leat_pool *pool;
    const struct leat_pool_opts opts = {
        .size = sizeof(opts), .buffers = 1u << 28, .stride = 65536, .pages = LEAT_PAGES_2M
    };
    closed_twice = false;
    assert_true(leat_pool_create(&pool, &opts) < 0);
    assert_false(closed_twice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_pool_closes_its_file_once),
        cmocka_unit_test(a_call_gives_a_batch_at_most),
        cmocka_unit_test(numbers_and_pointers_agree),
        cmocka_unit_test(numbers_are_exact_far_out),
        cmocka_unit_test(every_buffer_is_had_once),
        cmocka_unit_test(one_cache_reaches_what_another_gave_back),
        cmocka_unit_test(destroy_refuses_while_something_is_out),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(the_region_is_a_file_that_nobody_can_shrink),
        cmocka_unit_test(starts_spread_over_the_cache),
        cmocka_unit_test(huge_pages_are_had_or_refused),
        cmocka_unit_test(threads_never_share_a_buffer),
#ifdef LEAT_OWNERSHIP
        cmocka_unit_test(wrong_owners_are_told),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
