/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared memory for pools: a memfd on huge or ordinary pages, of a chosen NUMA node, all present.
 */
#ifndef LEAT_CORE_MEMORY_H
#define LEAT_CORE_MEMORY_H

#include <leat/pool.h>

struct leat_memory {
    void *start;
    uint64_t bytes; /* rounded up to whole pages */
    uint64_t page_bytes;
    int fd;
};

/* AUTO falls back to smaller pages, with a notice when it ends at ordinary ones. */
int leat_memory_map(struct leat_memory *memory, uint64_t bytes, enum leat_pages pages,
                    int numa_node);
void leat_memory_unmap(struct leat_memory *memory);

#endif
