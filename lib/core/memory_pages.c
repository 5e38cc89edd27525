/* SPDX-License-Identifier: BSD-2-Clause */
/* Which pages a pool's memory is on: huge ones, and of a chosen NUMA node. */
#include "error.h"
#include "memory.h"
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NODE_MASK_BITS 1024 /* at least what the kernel knows: CONFIG_NODES_SHIFT is 10 at most */

static const struct {
    uint64_t bytes;
    unsigned flags; /* memfd_create(2): log2 of the page size in the top bits */
    const char *name;
} sizes[] = {
    [LEAT_PAGES_4K] = { LEAT_PAGE_BYTES, 0, "4 KiB" },
    [LEAT_PAGES_2M] = { 2 << 20, MFD_HUGETLB | MFD_HUGE_2MB, "2 MiB" },
    [LEAT_PAGES_1G] = { 1 << 30, MFD_HUGETLB | MFD_HUGE_1GB, "1 GiB" },
};

/* The kernel takes a page from the node that the thread prefers which touches it first. Prefers,
 * not binds: a full node is slower memory, not an error. */
static int map_on_node(struct leat_memory *memory, uint64_t bytes, enum leat_pages pages,
                       int node) {
    unsigned long old[NODE_MASK_BITS / 64] = { 0 }, mask = node >= 0 && node < 64 ? 1ul << node : 0;
    int policy = MPOL_DEFAULT;
    bool prefer = node >= 0 && node < 64 &&
                  syscall(SYS_get_mempolicy, &policy, old, NODE_MASK_BITS, NULL, 0) == 0 &&
                  syscall(SYS_set_mempolicy, MPOL_PREFERRED, &mask, 65) == 0; /* 64 and 1 */
    int err = leat_memory_map(memory, "pool", bytes, sizes[pages].bytes, sizes[pages].flags);
    if (prefer)
        syscall(SYS_set_mempolicy, policy, old, NODE_MASK_BITS);
    if (err < 0 && pages > LEAT_PAGES_4K)
        leat_fail(0,
                  "%s on %s pages; reserve some with 'sysctl vm.nr_hugepages=N' or ask for smaller "
                  "ones",
                  leat_error(), sizes[pages].name);
    return err;
}

int leat_memory_map_pages(struct leat_memory *memory, uint64_t bytes, enum leat_pages pages,
                          int node) {
    enum leat_pages had = pages;
    if (pages == LEAT_PAGES_AUTO)
        had = bytes >= sizes[LEAT_PAGES_1G].bytes ? LEAT_PAGES_1G : LEAT_PAGES_2M;
    int err = map_on_node(memory, bytes, had, node);
    while (err < 0 && pages == LEAT_PAGES_AUTO && had > LEAT_PAGES_4K)
        err = map_on_node(memory, bytes, --had, node);
    if (err == 0 && pages == LEAT_PAGES_AUTO && had == LEAT_PAGES_4K)
        leat_log(LEAT_LOG_NOTICE,
                 "pool: %lu MiB on ordinary pages, as no huge pages are free; "
                 "'sysctl vm.nr_hugepages=%lu' gives some",
                 (unsigned long)(bytes >> 20),
                 (unsigned long)(bytes / sizes[LEAT_PAGES_2M].bytes + 1));
    return err;
}
