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

static int map_pages(struct leat_memory *m, uint64_t bytes, enum leat_pages pages, int node) {
    m->page_bytes = sizes[pages].bytes;
    m->bytes = (bytes + m->page_bytes - 1) & ~(m->page_bytes - 1);
    m->fd = memfd_create("leat-pool", MFD_CLOEXEC | MFD_ALLOW_SEALING | sizes[pages].flags);
    if (m->fd < 0)
        goto fail;
    if (ftruncate(m->fd, (off_t)m->bytes) < 0)
        goto fail_close;
    /* Nobody who is given the file can shrink it under us. */
    if (fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        goto fail_close;
    m->start = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (m->start == MAP_FAILED)
        goto fail_close;
    if (node >= 0 && node < 64)
        prefer_node(m->start, m->bytes, node);
    if (madvise(m->start, m->bytes, MADV_POPULATE_WRITE) < 0)
        goto fail_unmap;
    return 0;
fail_unmap:
    munmap(m->start, m->bytes);
fail_close:
    close(m->fd);
fail:
    m->start = NULL; /* for whoever undoes what there is */
    return leat_fail(errno == EPERM || errno == ENOSPC ? ENOMEM : errno,
                     "pool: cannot map %lu MiB on %s pages: %s; reserve pages with "
                     "'sysctl vm.nr_hugepages=N' or ask for smaller ones",
                     (unsigned long)(m->bytes >> 20), sizes[pages].name, strerror(errno));
}

int leat_memory_map(struct leat_memory *memory, uint64_t bytes, enum leat_pages pages, int node) {
    if (pages != LEAT_PAGES_AUTO)
        return map_pages(memory, bytes, pages, node);
    if (bytes >= sizes[LEAT_PAGES_1G].bytes && map_pages(memory, bytes, LEAT_PAGES_1G, node) == 0)
        return 0;
    if (map_pages(memory, bytes, LEAT_PAGES_2M, node) == 0)
        return 0;
    int err = map_pages(memory, bytes, LEAT_PAGES_4K, node);
    if (err == 0)
        leat_log(LEAT_LOG_NOTICE,
                 "pool: %lu MiB on ordinary pages, as no huge pages are free; "
                 "'sysctl vm.nr_hugepages=%lu' gives some",
                 (unsigned long)(bytes >> 20),
                 (unsigned long)(bytes / sizes[LEAT_PAGES_2M].bytes + 1));
    return err;
}

void leat_memory_unmap(struct leat_memory *memory) {
    munmap(memory->start, memory->bytes);
    close(memory->fd);
}
