/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for tables that need not share it: on huge pages where there are any, as nearly every
 * look-up would else miss the TLB as well. */
#include <leat/table.h>

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#define HUGE_BYTES (2ull << 20)

static void *map(uint64_t bytes, int flags) {
    void *at =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* The kernel gives transparent huge pages only where a whole one fits, so the region starts at a
 * multiple of their size. */
static void *map_aligned(uint64_t bytes) {
    uint8_t *at = map(bytes + HUGE_BYTES, 0);
    if (!at)
        return NULL;
    uint64_t before = -(uintptr_t)at % HUGE_BYTES;
    uint8_t *start = at + before;
    if (before)
        munmap(at, before);
    munmap(start + bytes, HUGE_BYTES - before);
    madvise(start, bytes, MADV_HUGEPAGE); /* a wish */
    return start;
}

int leat_table_create(struct leat_table **table, const struct leat_table_opts *opts) {
    uint64_t bytes = leat_table_bytes(opts);
    if (bytes == 0)
        return -EINVAL;
    void *region;
    if (bytes < HUGE_BYTES) {
        bytes = (bytes + 4095) & ~4095ull;
        region = map(bytes, 0);
    } else {
        bytes = (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
        region = map(bytes, MAP_HUGETLB | MAP_HUGE_2MB);
        if (!region)
            region = map_aligned(bytes);
    }
    if (!region)
        return -ENOMEM;
    int err = leat_table_init(table, region, bytes, opts);
    if (err < 0)
        munmap(region, bytes);
    else
        (*table)->mapped = bytes;
    return err;
}

void leat_table_destroy(struct leat_table *table) {
    if (table)
        munmap(table, table->mapped);
}
