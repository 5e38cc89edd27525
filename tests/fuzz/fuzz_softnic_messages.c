/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile driver against the whole emulated NIC: the input is a list of actions, from raw bytes
 * on the socket over well-formed messages with wrong contents to rings that the device then works
 * on. Nothing may crash, and no descriptor may stay open.
 */
#include "softnic/protocol.h"
#include "softnic/softnic.h"
#include "tests/unit/send_fds.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY_BYTES    0x10000u
#define ACTIONS_MAX     200
#define RX_RING         0x1000
#define TX_RING         0x8000
#define TURNS_TO_NOTICE 64 /* what the socket says */
#define RING_BYTES      0x1000

struct input {
    const uint8_t *at;
    size_t left;
};

struct driver {
    struct softnic *softnic;
    int fd, memory, event;
    int mixed[16];   /* descriptors that go with messages for no reason */
    bool truncated;  /* that memory, to before the transmit ring */
    uint8_t *shared; /* what the memory that it gives to the device shall hold */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void take(struct input *input, void *to, size_t bytes) {
    size_t have = bytes < input->left ? bytes : input->left;
    memset(to, 0, bytes);
    if (have > 0)
        memcpy(to, input->at, have);
    input->at += have;
    input->left -= have;
}

static uint8_t take8(struct input *input) {
    uint8_t value;
    take(input, &value, sizeof(value));
    return value;
}

static uint32_t take32(struct input *input) {
    uint32_t value;
    take(input, &value, sizeof(value));
    return value;
}

static void send_bytes(const struct driver *driver, const void *bytes, size_t count, const int *fds,
                       uint32_t fd_count) {
    (void)!send_fds(driver->fd, bytes, count, fds, fd_count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_message(const struct driver *driver, uint16_t command, uint32_t flags,
                         const void *payload, uint32_t bytes, const int *fds, uint32_t fd_count) {
    uint8_t message[sizeof(struct protocol_header) + 256];
    struct protocol_header header = { .command = command,
                                      .flags = flags,
                                      .size = (uint32_t)sizeof(header) + bytes };
    memcpy(message, &header, sizeof(header));
    memcpy(message + sizeof(header), payload, bytes);
    send_bytes(driver, message, header.size, fds, fd_count);
}

static void write_region(const struct driver *driver, uint32_t region, uint64_t offset,
                         uint32_t value, uint32_t count) {
    struct {
        struct protocol_region_access access;
        uint32_t value[2];
    } write = { { .offset = offset, .region = region, .count = count }, { value, 0 } };
    send_message(driver, PROTOCOL_REGION_WRITE, PROTOCOL_NO_REPLY, &write,
                 (uint32_t)sizeof(write.access) + count, NULL, 0);
}

static void read_region(const struct driver *driver, uint32_t region, uint64_t offset,
                        uint32_t count) {
    struct protocol_region_access read = { .offset = offset, .region = region, .count = count };
    send_message(driver, PROTOCOL_REGION_READ, 0, &read, sizeof(read), NULL, 0);
}

static void map_memory(const struct driver *driver, uint64_t iova, uint64_t bytes) {
    struct protocol_dma_map map = {
        .argsz = sizeof(map), .flags = 3, .iova = iova, .bytes = bytes
    };
    send_message(driver, PROTOCOL_DMA_MAP, 0, &map, sizeof(map), &driver->memory, 1);
}

static void agree(const struct driver *driver) {
    static const char proposal[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8}}";
    send_message(driver, PROTOCOL_VERSION, 0, proposal, sizeof(proposal), NULL, 0);
}

/* Link, and queue 0 of both directions on rings inside the shared memory (datasheet 4.6). */
static void bring_up(const struct driver *driver, uint32_t ring_bytes) {
    static const struct {
        uint32_t offset, value;
    } steps[] = {
        { 0x42a0, 3u << 13 | 1u << 12 },          /* AUTOC: 10G serial, restart */
        { 0x5080, 1u << 8 | 1u << 9 | 1u << 10 }, /* FCTRL: everything */
        { 0x1014, 2u | 4u << 8 | 1u << 25 },      /* SRRCTL: advanced */
        { 0x1010, 0 },
        { 0x1018, 0 },
        { 0x1000, RX_RING },
        { 0x1004, 0 },
        { 0x1028, 1u << 25 }, /* RXDCTL */
        { 0x3000, 1 },        /* RXCTRL */
        { 0x4900, 1u << 6 },
        { 0x8120, 0 },
        { 0x4900, 0 }, /* no transmit scheduling */
        { 0x4a80, 1 }, /* DMATXCTL */
        { 0x6000, TX_RING },
        { 0x6004, 0 },
        { 0x6028, 1u << 25 } /* TXDCTL */
    };
    map_memory(driver, 0, MEMORY_BYTES);
    write_region(driver, 7, 4, 0x06, 1);
    write_region(driver, 0, 0x1008, ring_bytes, 4);
    write_region(driver, 0, 0x6008, ring_bytes, 4);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        write_region(driver, 0, steps[i].offset, steps[i].value, 4);
}

/* Reads what there is, as a driver does that asks and goes on. */
static void drain(const struct driver *driver) {
    static uint8_t bytes[PROTOCOL_MESSAGE_MAX];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    for (;;) {
        struct iovec io = { .iov_base = bytes, .iov_len = sizeof(bytes) };
        struct msghdr message = { .msg_iov = &io,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control) };
        if (recvmsg(driver->fd, &message, MSG_DONTWAIT) <= 0)
            return;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        int fd;
        if (c) {
            memcpy(&fd, CMSG_DATA(c), sizeof(fd));
            close(fd);
        }
    }
}

static void turn(const struct driver *driver, uint32_t turns) {
    for (uint32_t i = 0; i < turns; i++)
        softnic_poll(driver->softnic);
}

/* A few descriptors at the beginning of each ring and a tail behind them. */
static void ring_the_bell(const struct driver *driver, struct input *input) {
    static const uint32_t tails[2] = { 0x1018, 0x6018 }, rings[2] = { RX_RING, TX_RING };
    uint8_t choice = take8(input);
    uint32_t direction = choice & 1, at = take8(input) * 16u, count = choice >> 1 & 7;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t descriptor[2];
        take(input, descriptor, sizeof(descriptor));
        if (choice & 0x40) /* inside the memory */
            descriptor[0] &= 0xffff;
        if (choice & 0x80) /* one that makes sense to transmit: advanced data, a whole frame */
            descriptor[1] = (descriptor[1] & 0x3fff) | 0x2b300000 | descriptor[1] << 46;
        memcpy(driver->shared + rings[direction] + at + 16 * i, descriptor, sizeof(descriptor));
    }
    write_region(driver, 0, tails[direction], at / 16 + count, 4);
}

static void act(struct driver *driver, struct input *input) {
    uint8_t bytes[255], count;
    uint16_t command;
    uint32_t flags, offset;
    switch (take8(input) % 12) {
    case 0:
        count = take8(input);
        take(input, bytes, count);
        send_bytes(driver, bytes, count, driver->mixed, take8(input) % 16);
        break;
    case 1:
        command = take8(input) % 20;
        flags = take8(input) & 0x30;
        count = take8(input);
        take(input, bytes, count);
        send_message(driver, command, flags, bytes, count, driver->mixed, take8(input) % 10);
        break;
    case 2:
        offset = take32(input) & 0x7fffc;
        write_region(driver, 0, offset, take32(input), 4);
        break;
    case 3:
        read_region(driver, 0, take32(input) & 0x7fffc, 4);
        break;
    case 4:
        offset = take8(input);
        write_region(driver, 7, offset, take32(input), 1 + offset % 4);
        break;
    case 5:
        offset = take32(input);
        map_memory(driver, offset & ~0xfffu, 1 + (take32(input) & 0xffff));
        break;
    case 6:
        offset = take32(input);
        send_message(driver, PROTOCOL_DMA_UNMAP, 0,
                     &(struct protocol_dma_unmap){ .argsz = 24, .iova = offset, .bytes = offset },
                     24, NULL, 0);
        break;
    case 7:
        bring_up(driver, 128u * (take8(input) % 34));
        break;
    case 8:
        ring_the_bell(driver, input);
        break;
    case 9:
        take(input, driver->shared + (take32(input) & 0xfff0), 16);
        break;
    case 10:
        driver->truncated = take8(input) % 2 == 0;
        (void)!ftruncate(driver->memory, driver->truncated ? TX_RING : MEMORY_BYTES);
        break;
    default:
        drain(driver);
        turn(driver, 1 + take8(input) % 8);
    }
}

static void write_rings(const struct driver *driver) {
    static const uint32_t rings[2] = { RX_RING, TX_RING };
    for (int i = 0; i < (driver->truncated ? 1 : 2); i++)
        (void)!pwrite(driver->memory, driver->shared + rings[i], RING_BYTES, rings[i]);
}

static int open_descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static bool open_driver(struct driver *driver, bool strict) {
    int pair[2];
    struct softnic_opts opts = { .port_count = 1 };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    opts.ports[0] = (struct softnic_port){ .fd = pair[0], .wire = "loop", .nic.strict = strict };
    if (softnic_create(&driver->softnic, &opts) != 0)
        abort();
    driver->fd = pair[1];
    driver->event = eventfd(0, EFD_CLOEXEC);
    driver->memory = memfd_create("fuzz", MFD_CLOEXEC);
    if (ftruncate(driver->memory, MEMORY_BYTES) != 0)
        abort();
    for (int i = 0; i < 16; i++)
        driver->mixed[i] = i % 2 ? driver->memory : driver->event;
    /* Not mapped but written to the file, which this driver truncates as well. */
    driver->shared = calloc(1, MEMORY_BYTES + 4096 + 16 * 8);
    return driver->shared != NULL;
}

static void close_driver(struct driver *driver) {
    close(driver->fd);
    turn(driver, TURNS_TO_NOTICE);
    if (softnic_connected(driver->softnic, 0))
        abort();
    softnic_destroy(driver->softnic);
    close(driver->event);
    close(driver->memory);
    free(driver->shared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct input input = { .at = data, .left = bytes };
    struct driver driver = { 0 };
    int before = open_descriptors();
    uint8_t how = take8(&input);
    if (!open_driver(&driver, how & 1))
        return 0;
    if (how & 2)
        agree(&driver);
    turn(&driver, TURNS_TO_NOTICE);
    for (int actions = 0; input.left > 0 && actions < ACTIONS_MAX; actions++) {
        act(&driver, &input);
        write_rings(&driver);
        turn(&driver, 1);
    }
    drain(&driver);
    turn(&driver, TURNS_TO_NOTICE);
    close_driver(&driver);
    if (open_descriptors() != before)
        abort();
    return 0;
}
