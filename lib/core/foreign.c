/* SPDX-License-Identifier: BSD-2-Clause */
#include "foreign.h"
#include "error.h"
#include "pool_private.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Seals first: from then on the size is what it is. */
static int check_file(int fd, uint64_t bytes, uint64_t *page_bytes) {
    struct stat status;
    struct statfs system;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0)
        return leat_fail(EINVAL, "the pool is not a memfd");
    if (!(seals & F_SEAL_SHRINK))
        return leat_fail(EINVAL, "the pool is not sealed against shrinking (F_SEAL_SHRINK)");
    *page_bytes = system.f_type == HUGETLBFS_MAGIC ? (uint64_t)system.f_bsize : 4096;
    if (bytes == 0 || bytes % *page_bytes || (uint64_t)status.st_size != bytes)
        return leat_fail(EINVAL, "the pool's file has %lu bytes, not %lu",
                         (unsigned long)status.st_size, (unsigned long)bytes);
    return 0;
}

int leat_foreign_map(struct leat_pool **out, int fd, uint64_t bytes, uint32_t stride) {
    uint64_t page_bytes;
    if (stride < 512 || stride > 65536 || bytes < stride || bytes / stride > UINT32_MAX)
        return leat_fail(EINVAL, "a pool of %lu bytes has no buffers of %u", (unsigned long)bytes,
                         stride);
    int err = check_file(fd, bytes, &page_bytes);
    if (err < 0)
        return err;
    struct pool *pool = aligned_alloc(64, (sizeof(*pool) + 63) & ~(size_t)63);
    if (!pool)
        return leat_fail(ENOMEM, "no memory for a pool");
    memset(pool, 0, sizeof(*pool));
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED) {
        err = leat_fail(errno, "cannot map the pool: %s", strerror(errno));
        free(pool);
        return err;
    }
    pool->memory = (struct leat_memory){ start, bytes, page_bytes, fd };
    pool->public = (struct leat_pool){
        .base = start,
        .bytes = bytes,
        .reciprocal = UINT64_MAX / stride + 1,
        .stride = stride,
        .buffers = (uint32_t)(bytes / stride),
    };
    *out = &pool->public;
    return 0;
}

void leat_foreign_unmap(struct leat_pool *public) {
    if (!public)
        return;
    munmap(public->base, public->bytes);
    free(private_of(public));
}
