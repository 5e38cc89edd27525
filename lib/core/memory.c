/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"
#include "error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Afterwards `start` is NULL, so that whoever undoes what there is does not do it twice. */
void leat_memory_unmap(struct leat_memory *memory) {
    if (memory->start)
        munmap(memory->start, memory->bytes);
    if (memory->fd >= 0)
        close(memory->fd);
    *memory = (struct leat_memory){ .fd = -1 };
}

int leat_memory_map(struct leat_memory *memory, const char *name, uint64_t bytes,
                    uint64_t page_bytes, unsigned flags) {
    int fd = memfd_create("leat", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    void *start = MAP_FAILED;
    bytes = (bytes + page_bytes - 1) & ~(page_bytes - 1);
    /* Sealed, so that nobody who is given the file can shrink it under us. */
    if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    *memory = (struct leat_memory){ start == MAP_FAILED ? NULL : start, bytes, page_bytes, fd };
    if (memory->start && madvise(start, bytes, MADV_POPULATE_WRITE) == 0)
        return 0;
    int err = errno == EPERM || errno == ENOSPC ? ENOMEM : errno;
    leat_fail(err, "%s: cannot map %lu KiB of shared memory: %s", name, bytes >> 10,
              strerror(errno));
    leat_memory_unmap(memory);
    return -err;
}
