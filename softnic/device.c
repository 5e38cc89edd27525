/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of a client, one function each; sizes and descriptors are checked before, in one
 * place, against the table at the end.
 */
#include "device.h"
#include "error.h"
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct reply {
    void *payload;
    uint32_t bytes;
    int fd; /* -1: none */
};

static int map(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_dma_map *map = request->payload;
    (void)reply;
    bool readable = map->flags & VFIO_DMA_MAP_FLAG_READ;
    bool writable = map->flags & VFIO_DMA_MAP_FLAG_WRITE;
    if (map->argsz < sizeof(*map) || (!readable && !writable) ||
        (map->flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)))
        return -EINVAL;
    /* Without a file it is memory like a guest's ROM, which no driver gives to a NIC. */
    if (request->fd_count == 0)
        return map->bytes == 0 || map->iova + (map->bytes - 1) < map->iova ? -EINVAL : 0;
    return dma_map_file(&device->dma, map->iova, map->bytes, request->fds[0], map->offset, readable,
                        writable);
}

/* A guest's IOMMU unmaps whole ranges in which nothing, or much, may be mapped. */
static int unmap(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_dma_unmap *unmap = request->payload;
    if (unmap->argsz < sizeof(*unmap))
        return -EINVAL;
    if (unmap->flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
        return -ENOTSUP;
    if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
        dma_unmap_all(&device->dma);
    } else {
        int error = dma_unmap_inside(&device->dma, unmap->iova, unmap->bytes);
        if (error < 0)
            return error;
    }
    memcpy(reply->payload, unmap, sizeof(*unmap));
    reply->bytes = sizeof(*unmap);
    return 0;
}

static int get_info(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_info *asked = request->payload;
    struct protocol_info *info = reply->payload;
    (void)device;
    if (asked->argsz < sizeof(*info))
        return -EINVAL;
    *info = (struct protocol_info){ .argsz = sizeof(*info),
                                    .flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
                                    .regions = DEVICE_REGIONS,
                                    .irqs = IRQ_TYPES };
    reply->bytes = sizeof(*info);
    return 0;
}

/* <linux/vfio.h>: the capability that names the parts of a region that may be mapped. */
struct sparse_capability {
    uint16_t id, version;
    uint32_t next, areas, reserved;
    struct {
        uint64_t offset, bytes;
    } area[2];
};

static const struct sparse_capability doorbells = {
    .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP,
    .version = 1,
    .areas = 2,
    .area = { { NIC_DOORBELL_RX, 4096 }, { NIC_DOORBELL_TX, 4096 } },
};

static int get_region_info(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_region_info *asked = request->payload;
    struct protocol_region_info *info = reply->payload;
    if (asked->argsz < sizeof(*info) || asked->index >= DEVICE_REGIONS)
        return -EINVAL;
    *info = (struct protocol_region_info){ .argsz = sizeof(*info),
                                           .index = asked->index,
                                           .bytes = region_bytes(asked->index) };
    reply->bytes = sizeof(*info);
    if (info->bytes > 0)
        info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
    if (!region_is_mappable(device, asked->index))
        return 0;
    /* The mapping and its descriptor come only with the capability, without which a client would
     * map pages that are not there. One that asked with too little room asks again. */
    info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
    info->argsz += sizeof(doorbells);
    if (asked->argsz < info->argsz)
        return 0;
    info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
    info->cap_offset = sizeof(*info);
    memcpy(info + 1, &doorbells, sizeof(doorbells));
    reply->bytes += sizeof(doorbells);
    reply->fd = nic_doorbell_fd(device->nic);
    return 0;
}

static int get_irq_info(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_irq_info *asked = request->payload;
    struct protocol_irq_info *info = reply->payload;
    (void)device;
    if (asked->argsz < sizeof(*info) || asked->index >= IRQ_TYPES)
        return -EINVAL;
    *info = (struct protocol_irq_info){ .argsz = sizeof(*info),
                                        .flags = irqs_flags(asked->index),
                                        .index = asked->index,
                                        .count = irqs_count(asked->index) };
    reply->bytes = sizeof(*info);
    return 0;
}

static int set_irqs(struct device *device, struct message *request, struct reply *reply) {
    (void)reply;
    return irqs_set(&device->irqs, request);
}

static int read_region(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_region_access *access = request->payload;
    if (access->count > device->terms.transfer_max)
        return -EINVAL;
    memcpy(reply->payload, access, sizeof(*access));
    reply->bytes = sizeof(*access) + access->count;
    return region_read(device, access->region, access->offset, access->count,
                       (uint8_t *)reply->payload + sizeof(*access));
}

static int write_region(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_region_access *access = request->payload;
    if (request->payload_bytes - sizeof(*access) != access->count)
        return -EINVAL;
    memcpy(reply->payload, access, sizeof(*access));
    reply->bytes = sizeof(*access);
    return region_write(device, access->region, access->offset, access->count,
                        (const uint8_t *)(access + 1));
}

/* Stops at the first write that cannot be done; the reply tells how many were. */
static int write_multi(struct device *device, struct message *request, struct reply *reply) {
    const struct protocol_write_multi *multi = request->payload;
    const struct protocol_small_write *write = (const struct protocol_small_write *)(multi + 1);
    struct protocol_write_multi *done = reply->payload;
    uint32_t bytes = request->payload_bytes - (uint32_t)sizeof(*multi);
    if (bytes % sizeof(*write) != 0 || multi->count != bytes / sizeof(*write))
        return -EINVAL;
    for (done->count = 0; done->count < multi->count; done->count++, write++)
        if (write->count > sizeof(write->data) ||
            region_write(device, write->region, write->offset, write->count, write->data) != 0)
            break;
    reply->bytes = sizeof(*done);
    return 0;
}

static int reset(struct device *device, struct message *request, struct reply *reply) {
    (void)request;
    (void)reply;
    device_reset(device);
    return 0;
}

/* Optional parts of the protocol that this device does without. */
static int decline(struct device *device, struct message *request, struct reply *reply) {
    (void)device;
    (void)request;
    (void)reply;
    return -ENOTSUP;
}

#define ANY UINT32_MAX

static const struct command {
    int (*handle)(struct device *device, struct message *request, struct reply *reply);
    uint32_t payload_min, payload_max, fds_max;
} commands[] = {
    [PROTOCOL_DMA_MAP] = { map, sizeof(struct protocol_dma_map), sizeof(struct protocol_dma_map),
                           1 },
    [PROTOCOL_DMA_UNMAP] = { unmap, sizeof(struct protocol_dma_unmap),
                             sizeof(struct protocol_dma_unmap), 0 },
    [PROTOCOL_GET_INFO] = { get_info, sizeof(struct protocol_info), ANY, 0 },
    [PROTOCOL_GET_REGION_INFO] = { get_region_info, sizeof(struct protocol_region_info), ANY, 0 },
    [PROTOCOL_GET_REGION_IO_FDS] = { decline, 0, ANY, 0 },
    [PROTOCOL_GET_IRQ_INFO] = { get_irq_info, sizeof(struct protocol_irq_info), ANY, 0 },
    [PROTOCOL_SET_IRQS] = { set_irqs, sizeof(struct protocol_irq_set), ANY, PROTOCOL_FDS_MAX },
    [PROTOCOL_REGION_READ] = { read_region, sizeof(struct protocol_region_access),
                               sizeof(struct protocol_region_access), 0 },
    [PROTOCOL_REGION_WRITE] = { write_region, sizeof(struct protocol_region_access), ANY, 0 },
    [PROTOCOL_DEVICE_RESET] = { reset, 0, 0, 0 },
    [PROTOCOL_REGION_WRITE_MULTI] = { write_multi, sizeof(struct protocol_write_multi), ANY, 0 },
    [PROTOCOL_DEVICE_FEATURE] = { decline, 0, ANY, 0 },
    [PROTOCOL_MIG_DATA_READ] = { decline, 0, ANY, 0 },
    [PROTOCOL_MIG_DATA_WRITE] = { decline, 0, ANY, 0 },
};

static int perform(struct device *device, struct message *request, struct reply *reply) {
    const uint32_t known = PROTOCOL_TYPE | PROTOCOL_NO_REPLY;
    if (request->header.command >= sizeof(commands) / sizeof(commands[0]) ||
        (request->header.flags & ~known))
        return -EINVAL;
    const struct command *command = &commands[request->header.command];
    if (!command->handle || request->fds_lost || request->fd_count > command->fds_max ||
        request->payload_bytes < command->payload_min ||
        request->payload_bytes > command->payload_max)
        return -EINVAL;
    return command->handle(device, request, reply);
}

/* Whoever does not begin with an acceptable VERSION is told so and disconnected. */
static int negotiate(struct device *device, struct channel *channel) {
    const struct message *request = &channel->request;
    int error = -EINVAL;
    if (request->header.command == PROTOCOL_VERSION && request->fd_count == 0 && !request->fds_lost)
        error = version_read(request, &device->terms);
    if (error) {
        channel_refuse(channel, -error);
        return error;
    }
    device->agreed = true;
    return channel_reply(channel, version_write(&device->terms, channel_reply_payload(channel)),
                         -1);
}

int device_handle(struct device *device, struct channel *channel) {
    if (!device->agreed)
        return negotiate(device, channel);
    struct reply reply = { .payload = channel_reply_payload(channel), .fd = -1 };
    int error = perform(device, &channel->request, &reply);
    return error < 0 ? channel_refuse(channel, -error)
                     : channel_reply(channel, reply.bytes, reply.fd);
}

static void interrupt(void *ctx, uint32_t vector) {
    struct device *device = ctx;
    if (vector < NIC_VECTORS)
        irqs_raise_msix(&device->irqs, vector);
}

static void legacy_interrupt(void *ctx) {
    struct device *device = ctx;
    irqs_raise_intx(&device->irqs);
}

static void violation(void *ctx, const char *sentence) {
    struct device *device = ctx;
    if (!device->violation[0])
        snprintf(device->violation, sizeof(device->violation), "%s", sentence);
}

static uint64_t now_ns(void *ctx) {
    struct timespec now;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int device_open(struct device *device, const struct nic_config *config, bool no_mmap) {
    const struct nic_host host = { .ctx = device,
                                   .interrupt = interrupt,
                                   .legacy_interrupt = legacy_interrupt,
                                   .violation = violation,
                                   .now_ns = now_ns };
    *device = (struct device){ .no_mmap = no_mmap };
    dma_init(&device->dma);
    irqs_init(&device->irqs);
    pci_init(&device->pci, config->device_id ? config->device_id : 0x10fb);
    return nic_create(&device->nic, config, &host, &device->dma);
}

void device_close(struct device *device) {
    if (!device->nic)
        return;
    nic_destroy(device->nic);
    irqs_close(&device->irqs);
    dma_destroy(&device->dma);
    device->nic = NULL;
}

void device_reset(struct device *device) {
    nic_set_bus_master(device->nic, false);
    nic_reset(device->nic);
    pci_reset(&device->pci);
    irqs_reset(&device->irqs);
    memset(device->msix_table, 0, sizeof(device->msix_table));
}

void device_release(struct device *device) {
    device_reset(device);
    irqs_close(&device->irqs);
    dma_unmap_all(&device->dma);
    device->agreed = false;
}
