/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that a device or another process can share: a memfd, mapped whole, all of it present. */
#ifndef LEAT_CORE_MEMORY_H
#define LEAT_CORE_MEMORY_H

#include <leat/pool.h>

#define LEAT_PAGE_BYTES 4096 /* of an ordinary page */

struct leat_memory {
    void *start;
    uint64_t bytes; /* rounded up to whole pages */
    uint64_t page_bytes;
    int fd;
};

/* Maps at least `bytes`; `flags` are those of memfd_create(2) that choose pages of `page_bytes`.
 * Error sentences begin with `name`. */
int leat_memory_map(struct leat_memory *memory, const char *name, uint64_t bytes,
                    uint64_t page_bytes, unsigned flags);
void leat_memory_unmap(struct leat_memory *memory);

/* memory_pages.c: a pool's memory on pages of a size, preferably of one NUMA node (-1: any). AUTO
 * falls back to smaller pages, with a notice when it ends at ordinary ones. */
int leat_memory_map_pages(struct leat_memory *memory, uint64_t bytes, enum leat_pages pages,
                          int numa_node);

#endif
