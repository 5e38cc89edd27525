/* SPDX-License-Identifier: BSD-2-Clause */
/* Address space without memory behind it, for arrays by entry number. */
#include "map.h"
#include <sys/mman.h>

#define HUGE_PAGE_BYTES (2UL << 20)

void *leat_map_lazily(size_t bytes) {
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (bytes >= HUGE_PAGE_BYTES)
        madvise(start, bytes, MADV_HUGEPAGE);
    return start;
}

void leat_unmap(void *start, size_t bytes) {
    if (start)
        munmap(start, bytes);
}
