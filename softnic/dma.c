/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the driver's memory: a sorted array with binary search, since a guest behind a
 * vIOMMU maps thousands of single pages. It also survives a client that truncates a file that we
 * mapped.
 */
#include "dma.h"
#include "error.h"
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RANGES_MAX 65535 /* max_dma_maps, as the protocol's default promises */

/*
 * The registry that the SIGBUS handler walks. It may be spun on inside the handler, because the
 * thread that faulted was moving a frame and so holds it never.
 */
static atomic_flag registry_busy = ATOMIC_FLAG_INIT;
static struct dma *registry;
static struct sigaction previous_action;

static void registry_lock(void) {
    while (atomic_flag_test_and_set_explicit(&registry_busy, memory_order_acquire))
        ;
}

static void registry_unlock(void) {
    atomic_flag_clear_explicit(&registry_busy, memory_order_release);
}

static bool put_zeros_under(const uint8_t *address) {
    bool replaced = false;
    registry_lock();
    for (struct dma *dma = registry; dma && !replaced; dma = dma->next) {
        for (uint32_t i = 0; i < dma->count && !replaced; i++) {
            const struct dma_range *r = &dma->ranges[i];
            if (!r->ours || (uintptr_t)address - (uintptr_t)r->mapping >= r->mapping_bytes)
                continue;
            replaced =
                mmap(r->mapping, r->mapping_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
            dma->vanished |= replaced;
        }
    }
    registry_unlock();
    return replaced;
}

static void on_sigbus(int number, siginfo_t *info, void *context) {
    int saved = errno;
    if (info->si_code == BUS_ADRERR && put_zeros_under(info->si_addr)) {
        errno = saved;
    } else if (previous_action.sa_flags & SA_SIGINFO) {
        previous_action.sa_sigaction(number, info, context);
    } else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
        previous_action.sa_handler(number);
    } else {
        sigaction(SIGBUS, &previous_action, NULL); /* the access faults again, and for good */
    }
}

/* Anew for each client: somebody may have put another handler in place of ours meanwhile. */
static void install_handler(void) {
    struct sigaction current, ours = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
    sigemptyset(&ours.sa_mask);
    if (sigaction(SIGBUS, NULL, &current) == 0 && current.sa_sigaction != on_sigbus) {
        previous_action = current;
        sigaction(SIGBUS, &ours, NULL);
    }
}

static void guard(struct dma *dma) {
    if (dma->guarded)
        return;
    registry_lock();
    install_handler();
    dma->next = registry;
    registry = dma;
    registry_unlock();
    dma->guarded = true;
}

static void unguard(struct dma *dma) {
    if (!dma->guarded)
        return;
    registry_lock();
    struct dma **link = &registry;
    while (*link != dma)
        link = &(*link)->next;
    *link = dma->next;
    registry_unlock();
    dma->guarded = false;
}

void dma_init(struct dma *dma) {
    memset(dma, 0, sizeof(*dma));
}

void dma_destroy(struct dma *dma) {
    dma_unmap_all(dma);
    free(dma->ranges);
    dma_init(dma);
}

/* Index of the first range that begins above iova. */
static uint32_t first_above(const struct dma *dma, uint64_t iova) {
    uint32_t low = 0, high = dma->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (dma->ranges[middle].iova > iova)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int make_room(struct dma *dma) {
    if (dma->count < dma->room)
        return 0;
    if (dma->count == RANGES_MAX)
        return softnic_fail(ENOSPC, "DMA: cannot map more than %d ranges; unmap some", RANGES_MAX);
    uint32_t room = dma->room ? 2 * dma->room : 64;
    struct dma_range *ranges = malloc(room * sizeof(*ranges));
    if (!ranges)
        return softnic_fail(ENOMEM, "DMA: no memory for a table of %u ranges", room);
    registry_lock();
    struct dma_range *old = dma->ranges;
    if (old)
        memcpy(ranges, old, dma->count * sizeof(*ranges));
    dma->ranges = ranges;
    dma->room = room;
    registry_unlock();
    free(old);
    return 0;
}

/* Where a range may be inserted, or a negative errno. */
static int place_for(struct dma *dma, uint64_t iova, uint64_t bytes) {
    if (bytes == 0 || iova + (bytes - 1) < iova)
        return softnic_fail(EINVAL, "DMA: cannot map 0x%llx bytes at 0x%llx: empty, or it wraps",
                            (unsigned long long)bytes, (unsigned long long)iova);
    uint32_t place = first_above(dma, iova);
    const struct dma_range *below = place ? &dma->ranges[place - 1] : NULL;
    const struct dma_range *above = place < dma->count ? &dma->ranges[place] : NULL;
    if ((below && iova - below->iova < below->bytes) || (above && above->iova - iova < bytes))
        return softnic_fail(EEXIST, "DMA: cannot map 0x%llx bytes at 0x%llx: it overlaps a mapping",
                            (unsigned long long)bytes, (unsigned long long)iova);
    int error = make_room(dma);
    return error ? error : (int)place;
}

static void insert(struct dma *dma, uint32_t place, const struct dma_range *range) {
    registry_lock();
    memmove(&dma->ranges[place + 1], &dma->ranges[place],
            (dma->count - place) * sizeof(*dma->ranges));
    dma->ranges[place] = *range;
    dma->count++;
    dma->generation++;
    registry_unlock();
}

/* Huge pages are mapped and unmapped as wholes only. */
static uint64_t page_bytes_of(int fd) {
    struct statfs fs;
    if (fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
        return (uint64_t)fs.f_bsize;
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int map_pages(struct dma_range *range, int fd, uint64_t offset) {
    struct stat file;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || offset > (uint64_t)file.st_size ||
        range->bytes > (uint64_t)file.st_size - offset)
        return softnic_fail(EINVAL,
                            "DMA: cannot map 0x%llx bytes at offset 0x%llx of a file: they "
                            "lie outside it",
                            (unsigned long long)range->bytes, (unsigned long long)offset);
    uint64_t page = page_bytes_of(fd), inside = offset & (page - 1);
    range->mapping_bytes = (inside + range->bytes + page - 1) & ~(page - 1);
    int protection = PROT_READ | (range->writable ? PROT_WRITE : 0);
    range->mapping =
        mmap(NULL, range->mapping_bytes, protection, MAP_SHARED, fd, (off_t)(offset - inside));
    if (range->mapping == MAP_FAILED)
        return softnic_fail(errno, "DMA: cannot map 0x%llx bytes of a file: %s",
                            (unsigned long long)range->bytes, strerror(errno));
    range->memory = (uint8_t *)range->mapping + inside;
    range->ours = true;
    return 0;
}

int dma_map_file(struct dma *dma, uint64_t iova, uint64_t bytes, int fd, uint64_t offset,
                 bool readable, bool writable) {
    struct dma_range range = {
        .iova = iova, .bytes = bytes, .readable = readable, .writable = writable
    };
    int place = place_for(dma, iova, bytes);
    if (place < 0)
        return place;
    int error = map_pages(&range, fd, offset);
    if (error)
        return error;
    guard(dma);
    insert(dma, (uint32_t)place, &range);
    return 0;
}

int dma_map_memory(struct dma *dma, uint64_t iova, uint64_t bytes, void *memory) {
    struct dma_range range = {
        .iova = iova, .bytes = bytes, .memory = memory, .readable = true, .writable = true
    };
    int place = place_for(dma, iova, bytes);
    if (place < 0)
        return place;
    insert(dma, (uint32_t)place, &range);
    return 0;
}

/* Forgets the ranges [from, to). The handler must not find one whose addresses are in other use. */
static void drop(struct dma *dma, uint32_t from, uint32_t to) {
    if (from == to)
        return;
    registry_lock();
    for (uint32_t i = from; i < to; i++)
        dma->ranges[i].ours = false;
    registry_unlock();
    for (uint32_t i = from; i < to; i++)
        if (dma->ranges[i].mapping)
            munmap(dma->ranges[i].mapping, dma->ranges[i].mapping_bytes);
    registry_lock();
    memmove(&dma->ranges[from], &dma->ranges[to], (dma->count - to) * sizeof(*dma->ranges));
    dma->count -= to - from;
    registry_unlock();
    dma->last.bytes = 0;
    dma->generation++;
}

int dma_unmap(struct dma *dma, uint64_t iova, uint64_t bytes) {
    uint32_t above = first_above(dma, iova);
    if (above == 0 || dma->ranges[above - 1].iova != iova || dma->ranges[above - 1].bytes != bytes)
        return softnic_fail(ENOENT, "DMA: cannot unmap 0x%llx bytes at 0x%llx: never mapped so",
                            (unsigned long long)bytes, (unsigned long long)iova);
    drop(dma, above - 1, above);
    return 0;
}

int dma_unmap_inside(struct dma *dma, uint64_t iova, uint64_t bytes) {
    if (bytes == 0)
        return 0;
    uint64_t last = bytes - 1 > UINT64_MAX - iova ? UINT64_MAX : iova + (bytes - 1);
    uint32_t to = first_above(dma, last);
    uint32_t from = iova ? first_above(dma, iova - 1) : 0;
    const struct dma_range *ranges = dma->ranges;
    if ((from > 0 && iova - ranges[from - 1].iova < ranges[from - 1].bytes) ||
        (to > from && last - ranges[to - 1].iova < ranges[to - 1].bytes - 1))
        return softnic_fail(EINVAL, "DMA: cannot unmap 0x%llx bytes at 0x%llx: it cuts a mapping",
                            (unsigned long long)bytes, (unsigned long long)iova);
    drop(dma, from, to);
    return (int)(to - from);
}

void dma_unmap_all(struct dma *dma) {
    drop(dma, 0, dma->count);
    unguard(dma);
    dma->vanished = false;
}

void *dma_lookup(struct dma *dma, uint64_t iova, uint64_t bytes, bool write) {
    uint32_t above = first_above(dma, iova);
    const struct dma_range *r = above ? &dma->ranges[above - 1] : NULL;
    if (!r || iova - r->iova >= r->bytes || bytes > r->bytes - (iova - r->iova) ||
        !(write ? r->writable : r->readable)) {
        dma->faults++;
        return NULL;
    }
    dma->last = *r;
    return r->memory + (iova - r->iova);
}
