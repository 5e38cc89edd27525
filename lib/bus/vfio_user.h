/* SPDX-License-Identifier: BSD-2-Clause */
/* The vfio-user protocol as this client speaks it (QEMU docs/interop/vfio-user.rst). Regions, their
 * capabilities and interrupts are described by the structures of <linux/vfio.h>. */
#ifndef LEAT_BUS_VFIO_USER_H
#define LEAT_BUS_VFIO_USER_H

#include "bus.h"
#include <linux/vfio.h>
#include <sys/socket.h>

#define VFIO_USER_TIMEOUT_MS 10000 /* for a reply */
#define VFIO_USER_AREAS_MAX  16    /* mappable areas of BAR 0 */
#define VFIO_USER_BODY_BYTES 4096  /* of the longest reply, VERSION */
#define PCI_MSIX_MAX         2048  /* vectors: PCI 3.0, 6.8.2 */

enum vfio_user_command {
    VFIO_USER_VERSION = 1,
    VFIO_USER_DMA_MAP = 2,
    VFIO_USER_DMA_UNMAP = 3,
    VFIO_USER_DEVICE_GET_INFO = 4,
    VFIO_USER_DEVICE_GET_REGION_INFO = 5,
    VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
    VFIO_USER_DEVICE_SET_IRQS = 8,
    VFIO_USER_REGION_READ = 9,
    VFIO_USER_REGION_WRITE = 10,
};

struct vfio_user_header {
    uint16_t id;
    uint16_t command;
    uint32_t size; /* of the message, this header included */
    uint32_t flags;
    uint32_t error; /* errno, with VFIO_USER_ERROR */
};

#define VFIO_USER_TYPE_MASK 0xf /* 0: command, 1: reply */
#define VFIO_USER_REPLY     1
#define VFIO_USER_ERROR     (1 << 5)

#define VFIO_USER_CAPABILITIES "{\"capabilities\":{\"max_msg_fds\":1,\"max_data_xfer_size\":4096}}"

struct vfio_user_version {
    uint16_t major, minor;
    char json[sizeof(VFIO_USER_CAPABILITIES)]; /* NUL-terminated; the server's may be longer */
};

#define VFIO_USER_VERSION_MIN   offsetof(struct vfio_user_version, json)
#define VFIO_USER_VERSION_BYTES (VFIO_USER_VERSION_MIN + sizeof(VFIO_USER_CAPABILITIES))

struct vfio_user_dma_map {
    uint32_t argsz, flags;
    uint64_t offset, iova, bytes;
};

struct vfio_user_dma_unmap {
    uint32_t argsz, flags;
    uint64_t iova, bytes;
};

struct vfio_user_device_info {
    uint32_t argsz, flags, regions, irqs;
};

struct vfio_user_access {
    uint64_t offset;
    uint32_t region, bytes;
    uint8_t data[8]; /* of a write, or of a read's reply: so many of them as `bytes` says */
};

#define VFIO_USER_ACCESS_BYTES offsetof(struct vfio_user_access, data)

struct vfio_user_region {
    struct vfio_region_info info;
    struct vfio_info_cap_header capability;
    uint32_t area_count, reserved;
    struct vfio_region_sparse_mmap_area areas[VFIO_USER_AREAS_MAX];
};

struct vfio_user_message {
    struct vfio_user_header header;
    union {
        uint8_t bytes[VFIO_USER_BODY_BYTES];
        struct vfio_user_version version;
        struct vfio_user_region region;
    } body;
};

/* Opens the device behind a connected socket, which it takes over, also when it fails. */
int leat_vfio_user_attach(struct leat_device **dev, int socket, const char *name,
                          uint32_t timeout_ms);

/* Sends a command and a descriptor (-1: none). Its reply has a fixed size: first the command's own
 * first `echo` bytes, then `reply_bytes` for `reply`. `what` it is for, in error sentences. */
int leat_vfio_user_call(struct leat_device *dev, enum vfio_user_command command, const char *what,
                        const void *body, size_t bytes, int fd, size_t echo, void *reply,
                        size_t reply_bytes);

#endif
