/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device behind a bus: how a driver reaches registers, memory and interrupts, whichever way the
 * device is attached (vfio-user; later vfio and sysfs). A driver does not know which it has.
 */
#ifndef LEAT_BUS_BUS_H
#define LEAT_BUS_BUS_H

#include <leat/pool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leat_bus_ops;

struct leat_device {
    const struct leat_bus_ops *ops;
    char name[128];  /* for error sentences: "vfio-user:/run/nic.sock" */
    const char *bus; /* "vfio-user"; static */
    uint16_t vendor, id;
    bool gone;     /* it was removed or its bus died; reads give all ones from then on */
    int hangup_fd; /* EPOLLRDHUP on it tells those who sleep that it is gone; -1: none */

    uint32_t vectors; /* MSI-X vectors that it has and its bus was set up to signal; 0: none */
    int (*interrupt)(struct leat_device *dev, uint32_t vector, int eventfd);
};

/* Memory that the device may read and write. Rings live in such; pools are mapped as such. */
struct leat_dma {
    void *memory;  /* our address */
    uint64_t iova; /* the device's address of the same */
    size_t bytes;
    int fd; /* of memory that leat_dma_alloc() made, else -1 */
};

/* A pool as the device sees it: address = segment[offset >> shift] + (offset & mask). One segment
 * where the bus can map the region as a whole. */
struct leat_dma_pool {
    uint64_t *segments; /* NULL: not mapped */
    uint32_t segment_count;
    uint32_t shift; /* 63 where there is one segment, `first` */
    uint64_t first;
};

struct leat_bus_ops {
    int (*read)(struct leat_device *dev, uint32_t region, uint64_t offset, void *to, size_t bytes);
    int (*write)(struct leat_device *dev, uint32_t region, uint64_t offset, const void *from,
                 size_t bytes);
    volatile uint32_t *(*doorbell)(struct leat_device *dev, uint64_t offset);
    int (*map)(struct leat_device *dev, struct leat_dma *dma);
    int (*unmap)(struct leat_device *dev, struct leat_dma *dma);
    int (*check)(struct leat_device *dev);
    void (*close)(struct leat_device *dev);
};

#define LEAT_REGION_BAR0   0
#define LEAT_REGION_CONFIG 7 /* as VFIO numbers them */

/* Registers of BAR 0. A read of a device that is gone gives 0xffffffff, as on PCI Express, and sets
 * dev->gone; a write to it is lost. */
static inline uint32_t leat_read32(struct leat_device *dev, uint32_t offset) {
    uint32_t value;
    int err = dev->ops->read(dev, LEAT_REGION_BAR0, offset, &value, sizeof(value));
    return err ? UINT32_MAX : value;
}

static inline void leat_write32(struct leat_device *dev, uint32_t offset, uint32_t value) {
    dev->ops->write(dev, LEAT_REGION_BAR0, offset, &value, sizeof(value));
}

/* A register of BAR 0 that may be stored to directly, or NULL when only leat_write32() reaches it.
 * For tail registers. */
static inline volatile uint32_t *leat_doorbell(struct leat_device *dev, uint32_t offset) {
    return dev->ops->doorbell(dev, offset);
}

/* Allocates zeroed memory, page-aligned, and maps it for the device. */
int leat_dma_alloc(struct leat_device *dev, struct leat_dma *dma, size_t bytes);

/* Returns 0 once the device can no longer reach it; else it is left mapped and allocated. */
int leat_dma_free(struct leat_device *dev, struct leat_dma *dma);

/* Maps a whole pool for the device; undone by leat_dma_unmap_pool(), with the same promise. */
int leat_dma_map_pool(struct leat_device *dev, struct leat_pool *pool, struct leat_dma_pool *map);
int leat_dma_unmap_pool(struct leat_device *dev, struct leat_pool *pool, struct leat_dma_pool *map);

/* Signals `eventfd` on MSI-X vector `vector`; -1 takes it back. */
int leat_device_interrupt(struct leat_device *dev, uint32_t vector, int eventfd);

/* -ENODEV with a sentence when the device is gone: a cheap look, no register is read where the bus
 * can tell by itself. */
static inline int leat_device_check(struct leat_device *dev) {
    return dev->ops->check(dev);
}

/* Enables bus mastering (PCI command register bit 2) or takes it back. */
int leat_device_bus_master(struct leat_device *dev, bool on);

static inline void leat_device_close(struct leat_device *dev) {
    dev->ops->close(dev);
}

/* The bus's device address of byte `offset` of a pool. */
static inline uint64_t leat_dma_pool_iova(const struct leat_dma_pool *map, uint64_t offset) {
    return map->segments[offset >> map->shift] + (offset & (((uint64_t)1 << map->shift) - 1));
}

/* The buses: a device, and the means to set up its interrupts. */
int leat_vfio_user_open(struct leat_device **dev, const char *path);
int leat_vfio_user_interrupts(struct leat_device *dev);

#endif
