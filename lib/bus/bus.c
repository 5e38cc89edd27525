/* SPDX-License-Identifier: BSD-2-Clause */
/* What every bus has in common: memory for the device, the PCI command register. */
#include "bus.h"
#include "../core/error.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PCI_COMMAND            4
#define PCI_COMMAND_BUS_MASTER (1 << 2)
#define PAGE_BYTES             4096

static void give_back(struct leat_dma *dma) {
    if (dma->memory)
        munmap(dma->memory, dma->bytes);
    if (dma->fd >= 0)
        close(dma->fd);
    *dma = (struct leat_dma){ .fd = -1 };
}

int leat_dma_alloc(struct leat_device *dev, struct leat_dma *dma, size_t bytes) {
    bytes = (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    *dma = (struct leat_dma){ .bytes = bytes, .fd = memfd_create("leat-dma", MFD_CLOEXEC) };
    void *memory = MAP_FAILED;
    if (dma->fd >= 0 && ftruncate(dma->fd, (off_t)bytes) == 0)
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, dma->fd, 0);
    dma->memory = memory == MAP_FAILED ? NULL : memory;
    int err = dma->memory ? dev->ops->map(dev, dma)
                          : leat_fail(errno, "%s: no %zu bytes of memory for the device: %s",
                                      dev->name, bytes, strerror(errno));
    if (err)
        give_back(dma);
    return err;
}

int leat_dma_free(struct leat_device *dev, struct leat_dma *dma) {
    if (!dma->memory)
        return 0;
    int err = dev->ops->unmap(dev, dma);
    if (!err)
        give_back(dma);
    return err;
}

int leat_dma_map_pool(struct leat_device *dev, struct leat_pool *pool, struct leat_dma_pool *map) {
    struct leat_dma whole = { pool->base, 0, pool->bytes, leat_pool_fd(pool) };
    int err = dev->ops->map(dev, &whole);
    *map = (struct leat_dma_pool){ err ? NULL : &map->first, 1, 63, whole.iova };
    return err;
}

int leat_dma_unmap_pool(struct leat_device *dev, struct leat_pool *pool,
                        struct leat_dma_pool *map) {
    struct leat_dma whole = { pool->base, map->first, pool->bytes, -1 };
    int err = map->segments ? dev->ops->unmap(dev, &whole) : 0;
    *map = (struct leat_dma_pool){ 0 };
    return err;
}

int leat_device_interrupt(struct leat_device *dev, uint32_t vector, int eventfd) {
    if (vector >= dev->vectors)
        return leat_fail(ENOTSUP, "%s: cannot use interrupt vector %u: the device has %u",
                         dev->name, vector, dev->vectors);
    return dev->ops->interrupt(dev, vector, eventfd);
}

int leat_device_bus_master(struct leat_device *dev, bool on) {
    uint16_t command;
    int err = dev->ops->read(dev, LEAT_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
    if (err)
        return err;
    command = on ? command | PCI_COMMAND_BUS_MASTER : command & ~PCI_COMMAND_BUS_MASTER;
    return dev->ops->write(dev, LEAT_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
}
