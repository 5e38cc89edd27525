/* SPDX-License-Identifier: BSD-2-Clause */
/* What every bus has in common: memory for the device, the PCI command register. */
#include "bus.h"
#include "../core/memory.h"

#define PCI_COMMAND            4
#define PCI_COMMAND_BUS_MASTER (1 << 2)

static void give_back(struct leat_dma *dma) {
    struct leat_memory memory = { .start = dma->memory, .bytes = dma->bytes, .fd = dma->fd };
    leat_memory_unmap(&memory);
    *dma = (struct leat_dma){ .fd = -1 };
}

int leat_dma_alloc(struct leat_device *dev, struct leat_dma *dma, size_t bytes) {
    struct leat_memory memory;
    int err = leat_memory_map(&memory, dev->name, bytes, LEAT_PAGE_BYTES, 0);
    *dma = (struct leat_dma){ memory.start, 0, memory.bytes, memory.fd };
    if (!err && (err = dev->ops->map(dev, dma)))
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

int leat_device_bus_master(struct leat_device *dev, bool on) {
    uint16_t command;
    int err = dev->ops->read(dev, LEAT_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
    if (err)
        return err;
    command = on ? command | PCI_COMMAND_BUS_MASTER : command & ~PCI_COMMAND_BUS_MASTER;
    return dev->ops->write(dev, LEAT_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
}
