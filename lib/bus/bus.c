/* SPDX-License-Identifier: BSD-2-Clause */
/* What every bus has in common: registers, memory for the device, the PCI command register. */
#include "bus.h"
#include "../core/error.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PCI_COMMAND            4
#define PCI_COMMAND_BUS_MASTER (1 << 2)
#define PAGE_BYTES             4096

uint32_t leat_read32(struct leat_device *dev, uint32_t offset) {
    uint32_t value;
    if (dev->ops->read(dev, LEAT_REGION_BAR0, offset, &value, sizeof(value)))
        return UINT32_MAX;
    return value;
}

void leat_write32(struct leat_device *dev, uint32_t offset, uint32_t value) {
    dev->ops->write(dev, LEAT_REGION_BAR0, offset, &value, sizeof(value));
}

volatile uint32_t *leat_doorbell(struct leat_device *dev, uint32_t offset) {
    return dev->ops->doorbell(dev, offset);
}

int leat_dma_alloc(struct leat_device *dev, struct leat_dma *dma, size_t bytes) {
    bytes = (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    *dma = (struct leat_dma){ .bytes = bytes, .fd = memfd_create("leat-dma", MFD_CLOEXEC) };
    if (dma->fd < 0)
        return leat_fail(errno, "%s: cannot create memory for the device: %s", dev->name,
                         strerror(errno));
    int err = 0;
    dma->memory = MAP_FAILED;
    if (ftruncate(dma->fd, (off_t)bytes) == 0)
        dma->memory =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, dma->fd, 0);
    if (dma->memory == MAP_FAILED)
        err = leat_fail(errno, "%s: cannot allocate %zu bytes for the device: %s", dev->name, bytes,
                        strerror(errno));
    else
        err = dev->ops->map(dev, dma);
    if (err) {
        if (dma->memory != MAP_FAILED)
            munmap(dma->memory, bytes);
        close(dma->fd);
        *dma = (struct leat_dma){ .fd = -1 };
    }
    return err;
}

int leat_dma_free(struct leat_device *dev, struct leat_dma *dma) {
    if (!dma->memory)
        return 0;
    int err = dev->ops->unmap(dev, dma);
    if (err)
        return err;
    munmap(dma->memory, dma->bytes);
    close(dma->fd);
    *dma = (struct leat_dma){ .fd = -1 };
    return 0;
}

static struct leat_dma whole_pool(struct leat_pool *pool) {
    return (
        struct leat_dma){ .memory = pool->base, .bytes = pool->bytes, .fd = leat_pool_fd(pool) };
}

int leat_dma_map_pool(struct leat_device *dev, struct leat_pool *pool, struct leat_dma_pool *map) {
    struct leat_dma dma = whole_pool(pool);
    *map = (struct leat_dma_pool){ .segments = malloc(sizeof(*map->segments)) };
    if (!map->segments)
        return leat_fail(ENOMEM, "%s: cannot map the pool: out of memory", dev->name);
    int err = dev->ops->map(dev, &dma);
    if (err) {
        free(map->segments);
        *map = (struct leat_dma_pool){ 0 };
        return err;
    }
    map->segments[0] = dma.iova;
    map->segment_count = 1;
    map->shift = 63; /* every offset lies in segment 0 */
    return 0;
}

int leat_dma_unmap_pool(struct leat_device *dev, struct leat_pool *pool,
                        struct leat_dma_pool *map) {
    if (!map->segments)
        return 0;
    struct leat_dma dma = whole_pool(pool);
    dma.iova = map->segments[0];
    int err = dev->ops->unmap(dev, &dma);
    free(map->segments);
    *map = (struct leat_dma_pool){ 0 };
    return err;
}

int leat_device_interrupt(struct leat_device *dev, uint32_t vector, int eventfd) {
    if (vector >= dev->vectors)
        return leat_fail(ENOTSUP, "%s: cannot use interrupt vector %u: the device has %u",
                         dev->name, vector, dev->vectors);
    return dev->ops->interrupt(dev, vector, eventfd);
}

int leat_device_hangup_fd(struct leat_device *dev) {
    return dev->ops->hangup_fd ? dev->ops->hangup_fd(dev) : -1;
}

int leat_device_check(struct leat_device *dev) {
    return dev->ops->check(dev);
}

int leat_device_bus_master(struct leat_device *dev, bool on) {
    uint16_t command;
    int err = dev->ops->read(dev, LEAT_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
    if (err)
        return err;
    command = on ? command | PCI_COMMAND_BUS_MASTER : command & ~PCI_COMMAND_BUS_MASTER;
    return dev->ops->write(dev, LEAT_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
}

void leat_device_close(struct leat_device *dev) {
    dev->ops->close(dev);
}
