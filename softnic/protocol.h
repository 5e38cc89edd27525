/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio-user, the message layer: formats as QEMU's docs/interop/vfio-user.rst gives them, and a
 * channel that takes whole messages with their file descriptors off a socket and puts replies on it
 * without ever blocking. What messages mean is the business of device.h.
 */
#ifndef SOFTNIC_PROTOCOL_H
#define SOFTNIC_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#define PROTOCOL_MAJOR        0
#define PROTOCOL_MINOR        0
#define PROTOCOL_FDS_MAX      8    /* our max_msg_fds */
#define PROTOCOL_TRANSFER_MAX 4096 /* our max_data_xfer_size: the whole configuration space */
#define PROTOCOL_MESSAGE_MAX  8192 /* 300 writes in one WRITE_MULTI */
#define PROTOCOL_PAGE_SIZES   4096

enum protocol_command {
    PROTOCOL_VERSION = 1,
    PROTOCOL_DMA_MAP = 2,
    PROTOCOL_DMA_UNMAP = 3,
    PROTOCOL_GET_INFO = 4,
    PROTOCOL_GET_REGION_INFO = 5,
    PROTOCOL_GET_REGION_IO_FDS = 6,
    PROTOCOL_GET_IRQ_INFO = 7,
    PROTOCOL_SET_IRQS = 8,
    PROTOCOL_REGION_READ = 9,
    PROTOCOL_REGION_WRITE = 10,
    PROTOCOL_DEVICE_RESET = 13,
    PROTOCOL_REGION_WRITE_MULTI = 15,
    PROTOCOL_DEVICE_FEATURE = 16,
    PROTOCOL_MIG_DATA_READ = 17,
    PROTOCOL_MIG_DATA_WRITE = 18,
};

#define PROTOCOL_TYPE     0x0f /* of flags */
#define PROTOCOL_REPLY    0x01
#define PROTOCOL_NO_REPLY 0x10
#define PROTOCOL_ERROR    0x20

struct protocol_header {
    uint16_t id, command;
    uint32_t size; /* with this header */
    uint32_t flags, error;
};

struct protocol_version {
    uint16_t major, minor; /* JSON follows, NUL-terminated, or nothing */
};

struct protocol_dma_map {
    uint32_t argsz, flags;
    uint64_t offset, iova, bytes;
};

struct protocol_dma_unmap {
    uint32_t argsz, flags;
    uint64_t iova, bytes;
};

struct protocol_info {
    uint32_t argsz, flags, regions, irqs;
};

struct protocol_region_info {
    uint32_t argsz, flags, index, cap_offset;
    uint64_t bytes, offset;
};

struct protocol_irq_info {
    uint32_t argsz, flags, index, count;
};

struct protocol_irq_set {
    uint32_t argsz, flags, index, start, count; /* booleans follow, or nothing */
};

struct protocol_region_access {
    uint64_t offset;
    uint32_t region, count; /* data follow: of a write its request, of a read its reply */
};

struct protocol_write_multi {
    uint64_t count; /* struct protocol_small_write follow */
};

struct protocol_small_write {
    uint64_t offset;
    uint32_t region, count;
    uint8_t data[8];
};

/* A request as it came. Descriptors that its handler does not take are closed after it. */
struct message {
    struct protocol_header header;
    const void *payload; /* aligned to 8 */
    uint32_t payload_bytes;
    uint32_t fd_count;
    int fds[PROTOCOL_FDS_MAX];
    bool fds_lost; /* more came than a message may carry; the kernel or we closed them */
};

struct channel {
    int fd; /* -1: closed */
    struct message request;
    uint32_t in_bytes, out_bytes, out_sent;
    int out_fd; /* goes with the reply, stays its owner's; -1: none */
    _Alignas(8) uint8_t in[PROTOCOL_MESSAGE_MAX];
    _Alignas(8) uint8_t out[PROTOCOL_MESSAGE_MAX];
};

void channel_init(struct channel *channel);

/* From here on the channel owns the socket. */
void channel_open(struct channel *channel, int fd);
void channel_close(struct channel *channel);

/* 1: channel->request is whole, call channel_done() when it is dealt with; 0: nothing whole yet, or
 * a reply must leave first; -ECONNRESET: the client has gone; -EPROTO: what it sends is no
 * protocol, close. */
int channel_receive(struct channel *channel);
void channel_done(struct channel *channel);

/* The handler takes this descriptor of the request. */
int message_take_fd(struct message *message, uint32_t index);

/* Where the payload of the reply is composed, PROTOCOL_REPLY_MAX bytes. */
#define PROTOCOL_REPLY_MAX (PROTOCOL_MESSAGE_MAX - sizeof(struct protocol_header))
void *channel_reply_payload(struct channel *channel);

/* Both answer channel->request: 0, also when part of it is still to be flushed, or a negative errno
 * when the client has gone. A request with PROTOCOL_NO_REPLY is answered by silence. */
int channel_reply(struct channel *channel, uint32_t payload_bytes, int fd);
int channel_refuse(struct channel *channel, int error);

/* Sends what is left of the reply. */
int channel_flush(struct channel *channel);

static inline bool channel_is_blocked(const struct channel *channel) {
    return channel->out_sent < channel->out_bytes;
}

#endif
