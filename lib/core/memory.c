/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"
#include "error.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; glibc of Debian 12 has it, older ones not */
#define MADV_POPULATE_WRITE 23
#endif

static const struct {
    uint64_t bytes;
    unsigned flags; /* memfd_create(2): log2 of the page size in the top bits */
    const char *name;
} sizes[] = {
    [LEAT_PAGES_4K] = { 4096, 0, "4 KiB" },
    [LEAT_PAGES_2M] = { 2 << 20, MFD_HUGETLB | MFD_HUGE_2MB, "2 MiB" },
    [LEAT_PAGES_1G] = { 1 << 30, MFD_HUGETLB | MFD_HUGE_1GB, "1 GiB" },
};

/* Prefers, not binds: a full node is slower memory, not an error. */
static void prefer_node(void *start, uint64_t bytes, int node) {
    unsigned long mask = 1ul << node;
    syscall(SYS_mbind, start, bytes, MPOL_PREFERRED, &mask, sizeof(mask) * 8, 0);
}

/* Afterwards `start` is NULL, so that whoever undoes what there is does not do it twice. */
void leat_memory_unmap(struct leat_memory *memory) {
    if (memory->start != MAP_FAILED)
        munmap(memory->start, memory->bytes);
    if (memory->fd >= 0)
        close(memory->fd);
    *memory = (struct leat_memory){ .fd = -1 };
}

static int map_pages(struct leat_memory *m, uint64_t bytes, enum leat_pages pages, int node) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | sizes[pages].flags;
    uint64_t page = sizes[pages].bytes;
    bytes = (bytes + page - 1) & ~(page - 1);
    *m = (struct leat_memory){ MAP_FAILED, bytes, page, memfd_create("leat-pool", flags) };
    /* Sealed, so that nobody who is given the file can shrink it under us. */
    if (m->fd >= 0 && ftruncate(m->fd, (off_t)bytes) == 0 &&
        fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        m->start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (m->start != MAP_FAILED && node >= 0 && node < 64)
        prefer_node(m->start, bytes, node);
    if (m->start != MAP_FAILED && madvise(m->start, bytes, MADV_POPULATE_WRITE) == 0)
        return 0;
    int err = errno;
    leat_memory_unmap(m);
    return leat_fail(err == EPERM || err == ENOSPC ? ENOMEM : err,
                     "pool: cannot map %lu MiB on %s pages: %s; reserve pages with "
                     "'sysctl vm.nr_hugepages=N' or ask for smaller ones",
                     (unsigned long)(bytes >> 20), sizes[pages].name, strerror(err));
}

int leat_memory_map(struct leat_memory *memory, uint64_t bytes, enum leat_pages pages, int node) {
    enum leat_pages had = pages;
    if (pages == LEAT_PAGES_AUTO)
        had = bytes >= sizes[LEAT_PAGES_1G].bytes ? LEAT_PAGES_1G : LEAT_PAGES_2M;
    int err = map_pages(memory, bytes, had, node);
    while (err < 0 && pages == LEAT_PAGES_AUTO && had > LEAT_PAGES_4K)
        err = map_pages(memory, bytes, --had, node);
    if (err == 0 && pages == LEAT_PAGES_AUTO && had == LEAT_PAGES_4K)
        leat_log(LEAT_LOG_NOTICE,
                 "pool: %lu MiB on ordinary pages, as no huge pages are free; "
                 "'sysctl vm.nr_hugepages=%lu' gives some",
                 (unsigned long)(bytes >> 20),
                 (unsigned long)(bytes / sizes[LEAT_PAGES_2M].bytes + 1));
    return err;
}
