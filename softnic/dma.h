/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's memory as the device sees it: ranges that the client mapped, by I/O virtual address.
 * Whatever a descriptor says is looked up here; an address outside is NULL, never a fault.
 */
#ifndef SOFTNIC_DMA_H
#define SOFTNIC_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dma_range {
    uint64_t iova, bytes;
    uint8_t *memory;
    bool readable, writable; /* by the device */
    bool ours;               /* munmap() it at the end */
    void *mapping;           /* what mmap() gave: from a page boundary on, hence maybe more */
    uint64_t mapping_bytes;
};

struct dma {
    struct dma_range *ranges; /* sorted by iova, none overlapping */
    uint32_t count, room;
    struct dma_range last; /* of the last hit: almost always the right one; bytes 0: none */
    uint64_t faults;       /* look-ups outside, for the report */
    uint32_t generation;   /* each map and unmap bumps it: who keeps our addresses looks again */
    /* A client that truncates its file takes the memory away under us. The access then reads zeros
     * instead of killing the process, and this says that the client is not to be served any more.
     */
    volatile bool vanished;
    bool guarded;
    struct dma *next; /* of all that hold file mappings in this process */
};

void dma_init(struct dma *dma);
void dma_destroy(struct dma *dma);

/* Maps [iova, iova + bytes) to the file at `offset`; the fd is dup'ed by mapping, the caller keeps
 * it. -EEXIST: overlaps another; -EINVAL: wraps, empty, or lies outside the file. */
int dma_map_file(struct dma *dma, uint64_t iova, uint64_t bytes, int fd, uint64_t offset,
                 bool readable, bool writable);

/* Memory of this process, for tests and lockstep benchmarks. */
int dma_map_memory(struct dma *dma, uint64_t iova, uint64_t bytes, void *memory);

/* Exact range, or -ENOENT. dma_unmap_all() forgets everything. */
int dma_unmap(struct dma *dma, uint64_t iova, uint64_t bytes);

/* Every range inside [iova, iova + bytes), as VFIO does it: their number, 0 too, or -EINVAL when
 * one would be cut in two. */
int dma_unmap_inside(struct dma *dma, uint64_t iova, uint64_t bytes);
void dma_unmap_all(struct dma *dma);

void *dma_lookup(struct dma *dma, uint64_t iova, uint64_t bytes, bool write);

/* Our address of [iova, iova + bytes), or NULL when it is not inside one range with that access. */
static inline void *dma_at(struct dma *dma, uint64_t iova, uint64_t bytes, bool write) {
    const struct dma_range *r = &dma->last;
    uint64_t offset = iova - r->iova;
    if (__builtin_expect(offset < r->bytes && bytes <= r->bytes - offset, 1) &&
        (write ? r->writable : r->readable))
        return r->memory + offset;
    return dma_lookup(dma, iova, bytes, write);
}

#endif
