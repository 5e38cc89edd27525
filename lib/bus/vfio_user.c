/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of vfio-user: a PCI device served by another process through a unix socket. Every call
 * is one message and its reply; only tail registers are stored to directly, in the pages that the
 * server offers for mapping. Those pages hold other registers as well, whose side effects (queue
 * disable, clear-on-read) need the server's attention at once: they go by message.
 *
 * The server is not trusted: a reply of another shape than the one expected ends the connection.
 */
#include "vfio_user.h"
#include "../core/error.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct vfio_user {
    struct leat_device device; /* first */
    pthread_mutex_t lock;      /* of what follows: one exchange at a time */
    int socket;
    uint32_t timeout_ms;
    bool given_up; /* no message is sent any more */
    bool hung_up;  /* the server closed its end, and with it its mappings */
    struct vfio_user_message sent, received;
    const char *what;                           /* the exchange is for, in error sentences */
    bool fd_may_come;                           /* with the next reply: the file behind BAR 0 */
    int fd;                                     /* that file; -1: none came */
    struct leat_dma areas[VFIO_USER_AREAS_MAX]; /* doorbells; iova: offset in the region */
    uint32_t area_count;
};

/* The connection is of no use any more: nobody knows where in the stream the next reply starts. */
static int give_up(struct vfio_user *self, int err, const char *why) {
    __atomic_store_n(&self->device.gone, true, __ATOMIC_RELAXED);
    self->given_up = true;
    shutdown(self->socket, SHUT_RDWR);
    return leat_fail(err, "%s: cannot %s: %s", self->device.name, self->what, why);
}

static int hang_up(struct vfio_user *self) {
    self->hung_up = true;
    return give_up(self, ENODEV, "the device or its server is gone");
}

static int nonsense(struct vfio_user *self) {
    return give_up(self, EPROTO, "the device's server sent nonsense");
}

static int send_message(struct vfio_user *self, int fd) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(fd))] = { 0 };
    struct cmsghdr *rights = (struct cmsghdr *)control;
    *rights = (struct cmsghdr){ CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
    struct iovec part = { &self->sent, self->sent.header.size };
    struct msghdr message = { NULL, 0, &part, 1, control, fd >= 0 ? sizeof(control) : 0, 0 };
    ssize_t sent;
    do { /* so short a message is taken whole or, when the socket's time is over, not at all */
        sent = sendmsg(self->socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN)
        return give_up(self, ETIMEDOUT, "the device's server takes no messages");
    return sent == (ssize_t)part.iov_len ? 0 : hang_up(self);
}

/* There is room for the one descriptor that may come: others never get here, the kernel closes
 * them and tells by MSG_CTRUNC. */
static int receive(struct vfio_user *self, void *to, size_t bytes) {
    for (time_t deadline = time(NULL) + self->timeout_ms / 1000 + 1; bytes > 0;) {
        _Alignas(struct cmsghdr) uint8_t control[CMSG_LEN(sizeof(int))];
        struct iovec part = { to, bytes };
        size_t control_bytes = self->fd_may_come ? sizeof(control) : 0;
        struct msghdr message = { NULL, 0, &part, 1, control, control_bytes, 0 };
        ssize_t got = recvmsg(self->socket, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            return hang_up(self);
        if (got > 0 && CMSG_FIRSTHDR(&message)) {
            memcpy(&self->fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(self->fd));
            self->fd_may_come = false;
        }
        if (got > 0 && message.msg_flags & MSG_CTRUNC)
            return nonsense(self);
        if ((got < 0 && errno == EAGAIN) || time(NULL) > deadline)
            return give_up(self, ETIMEDOUT, "the device's server does not answer");
        to = (uint8_t *)to + (got > 0 ? got : 0);
        bytes -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int receive_reply(struct vfio_user *self, size_t min, size_t max) {
    struct vfio_user_header *header = &self->received.header;
    int err = receive(self, header, sizeof(*header));
    if (err)
        return err;
    size_t bytes = header->size - sizeof(*header); /* wraps, then is too large, when it is short */
    bool refused = header->flags & VFIO_USER_ERROR;
    if (header->id != self->sent.header.id || header->command != self->sent.header.command ||
        (header->flags & VFIO_USER_TYPE_MASK) != VFIO_USER_REPLY ||
        (refused ? bytes > 0 : bytes < min || bytes > max))
        return nonsense(self);
    if (!refused)
        return receive(self, &self->received.body, bytes);
    int code = header->error > 0 && header->error < 4096 ? (int)header->error : EIO;
    return leat_fail(code, "%s: cannot %s: the device's server refused: %s", self->device.name,
                     self->what, strerror(code));
}

/* Sends a command and awaits its reply of so many bytes, under the lock or before anybody else has
 * the device. */
static int exchange(struct vfio_user *self, enum vfio_user_command command, const char *what,
                    const void *body, size_t bytes, int fd, size_t reply_min, size_t reply_max) {
    struct vfio_user_header *header = &self->sent.header;
    self->what = what;
    /* A device that its driver found gone may have a server that still gives memory back. */
    if (self->given_up || (self->device.gone && command != VFIO_USER_DMA_UNMAP))
        return leat_fail(ENODEV, "%s: cannot %s: the device is gone", self->device.name, what);
    memset(&self->received, 0, sizeof(self->received));
    memcpy(&self->sent.body, body, bytes);
    *header = (struct vfio_user_header){ (uint16_t)(header->id + 1), (uint16_t)command,
                                         (uint32_t)(sizeof(*header) + bytes), 0, 0 };
    int err = send_message(self, fd);
    return err ? err : receive_reply(self, reply_min, reply_max);
}

int leat_vfio_user_call(struct leat_device *dev, enum vfio_user_command command, const char *what,
                        const void *body, size_t bytes, int fd, size_t echo, void *reply,
                        size_t reply_bytes) {
    struct vfio_user *self = (struct vfio_user *)dev;
    size_t reply_size = echo + reply_bytes;
    pthread_mutex_lock(&self->lock);
    int err = exchange(self, command, what, body, bytes, fd, reply_size, reply_size);
    if (!err && memcmp(&self->received.body, body, echo) != 0)
        err = nonsense(self);
    if (!err && reply_bytes)
        memcpy(reply, self->received.body.bytes + echo, reply_bytes);
    pthread_mutex_unlock(&self->lock);
    return err;
}

static int region_read(struct leat_device *dev, uint32_t region, uint64_t offset, void *to,
                       size_t bytes) {
    struct vfio_user_access access = { offset, region, (uint32_t)bytes, { 0 } };
    return leat_vfio_user_call(dev, VFIO_USER_REGION_READ, "read a register", &access,
                               VFIO_USER_ACCESS_BYTES, -1, VFIO_USER_ACCESS_BYTES, to, bytes);
}

static int region_write(struct leat_device *dev, uint32_t region, uint64_t offset, const void *from,
                        size_t bytes) {
    struct vfio_user_access access = { offset, region, (uint32_t)bytes, { 0 } };
    memcpy(access.data, from, bytes);
    return leat_vfio_user_call(dev, VFIO_USER_REGION_WRITE, "write a register", &access,
                               VFIO_USER_ACCESS_BYTES + bytes, -1, VFIO_USER_ACCESS_BYTES, NULL, 0);
}

static volatile uint32_t *doorbell(struct leat_device *dev, uint64_t offset) {
    struct vfio_user *self = (struct vfio_user *)dev;
    for (struct leat_dma *area = self->areas; area < self->areas + self->area_count; area++)
        if (offset >= area->iova && offset - area->iova <= area->bytes - sizeof(uint32_t))
            return (volatile uint32_t *)((uint8_t *)area->memory + (offset - area->iova));
    return NULL;
}

/* The device's address of our memory is our own address of it: unique, and easy to debug. */
static int dma_map(struct leat_device *dev, struct leat_dma *dma) {
    uint32_t flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
    dma->iova = (uintptr_t)dma->memory;
    struct vfio_user_dma_map body = { sizeof(body), flags, 0, dma->iova, dma->bytes };
    return leat_vfio_user_call(dev, VFIO_USER_DMA_MAP, "share memory with the device", &body,
                               sizeof(body), dma->fd, 0, NULL, 0);
}

static int dma_unmap(struct leat_device *dev, struct leat_dma *dma) {
    struct vfio_user_dma_unmap body = { sizeof(body), 0, dma->iova, dma->bytes };
    int err = leat_vfio_user_call(dev, VFIO_USER_DMA_UNMAP, "take memory back from the device",
                                  &body, sizeof(body), -1, sizeof(body), NULL, 0);
    return ((struct vfio_user *)dev)->hung_up ? 0 : err;
}

/* Nothing may arrive between exchanges: data is as bad as the end of the stream. */
static int check(struct leat_device *dev) {
    struct vfio_user *self = (struct vfio_user *)dev;
    char byte;
    int err = 0;
    pthread_mutex_lock(&self->lock);
    self->what = "use the device";
    ssize_t n = recv(self->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (dev->gone)
        err = leat_fail(ENODEV, "%s: the device is gone", dev->name);
    else if (n >= 0 || errno != EAGAIN)
        err = n > 0 ? nonsense(self) : hang_up(self);
    pthread_mutex_unlock(&self->lock);
    return err;
}

static void close_device(struct leat_device *dev) {
    struct vfio_user *self = (struct vfio_user *)dev;
    for (uint32_t i = 0; i < self->area_count; i++)
        munmap(self->areas[i].memory, self->areas[i].bytes);
    if (self->fd >= 0)
        close(self->fd);
    close(self->socket);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct leat_bus_ops vfio_user_ops = {
    .read = region_read,
    .write = region_write,
    .doorbell = doorbell,
    .map = dma_map,
    .unmap = dma_unmap,
    .check = check,
    .close = close_device,
};

static int negotiate_version(struct vfio_user *self) {
    static const struct vfio_user_version ours = { 0, 0, VFIO_USER_CAPABILITIES };
    int err = exchange(self, VFIO_USER_VERSION, "agree on a protocol version", &ours,
                       VFIO_USER_VERSION_BYTES, -1, VFIO_USER_VERSION_MIN, VFIO_USER_BODY_BYTES);
    if (!err && self->received.body.version.major != 0)
        err = give_up(self, EPROTO, "its server speaks another major version than 0");
    return err;
}

/* A mapping that reaches beyond its region or its file would be a trap: a store there kills. So
 * would a file that can shrink, which is not mapped: its doorbells go by message. */
static int map_area(struct vfio_user *self, const struct vfio_region_info *bar, uint64_t offset,
                    uint64_t bytes) {
    uint64_t start = bar->offset + offset;
    struct stat file;
    int seals = fcntl(self->fd, F_GET_SEALS); /* before its size, which then can only grow */
    if (bytes == 0 || (start | offset | bytes) % 4096 || offset > bar->size ||
        bytes > bar->size - offset || fstat(self->fd, &file) != 0 ||
        start > (uint64_t)file.st_size || bytes > (uint64_t)file.st_size - start)
        return nonsense(self);
    if (seals < 0 || !(seals & F_SEAL_SHRINK))
        return 0;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, (off_t)start);
    if (memory == MAP_FAILED)
        return give_up(self, errno, strerror(errno));
    self->areas[self->area_count++] = (struct leat_dma){ memory, offset, bytes, -1 };
    return 0;
}

/* Asks for BAR 0. We name a size that holds the list of mappable areas, the only capability that a
 * region of registers has, right behind the structure. */
static int map_doorbells(struct vfio_user *self) {
    struct vfio_user_region *region = &self->received.body.region;
    struct vfio_region_info ask = { .argsz = sizeof(*region), .index = LEAT_REGION_BAR0 };
    self->fd_may_come = true;
    int err = exchange(self, VFIO_USER_DEVICE_GET_REGION_INFO, "map the device's doorbells", &ask,
                       sizeof(ask), -1, sizeof(ask), sizeof(*region));
    self->fd_may_come = false;
    if (err)
        return err;
    uint8_t *end = (uint8_t *)&self->received + self->received.header.size;
    bool listed = region->info.flags & VFIO_REGION_INFO_FLAG_CAPS;
    if (region->info.index != LEAT_REGION_BAR0 || region->info.size < 4096 ||
        (listed && (region->info.cap_offset != sizeof(region->info) ||
                    region->capability.id != VFIO_REGION_INFO_CAP_SPARSE_MMAP ||
                    region->area_count > VFIO_USER_AREAS_MAX ||
                    (uint8_t *)&region->areas[region->area_count] > end)))
        return nonsense(self);
    if (self->fd >= 0 && !listed)
        return map_area(self, &region->info, 0, region->info.size);
    for (uint32_t i = 0; !err && self->fd >= 0 && i < region->area_count; i++)
        err = map_area(self, &region->info, region->areas[i].offset, region->areas[i].size);
    return err;
}

static int identify(struct vfio_user *self) {
    struct vfio_user_device_info device = { .argsz = sizeof(device) };
    uint16_t ids[2];
    int err =
        leat_vfio_user_call(&self->device, VFIO_USER_DEVICE_GET_INFO, "learn what the device is",
                            &device, sizeof(device), -1, 0, &device, sizeof(device));
    if (err || (err = region_read(&self->device, LEAT_REGION_CONFIG, 0, ids, sizeof(ids))))
        return err;
    if (!(device.flags & VFIO_DEVICE_FLAGS_PCI) || device.regions <= LEAT_REGION_CONFIG)
        return give_up(self, ENODEV, "it is not a PCI device");
    if (device.argsz != sizeof(device))
        return nonsense(self);
    self->device.vendor = ids[0];
    self->device.id = ids[1];
    return 0;
}

int leat_vfio_user_attach(struct leat_device **dev, int socket, const char *name,
                          uint32_t timeout_ms) {
    struct timeval timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
    struct vfio_user *self = calloc(1, sizeof(*self));
    if (!self) {
        close(socket);
        return leat_fail(ENOMEM, "%s: cannot open: out of memory", name);
    }
    self->device = (struct leat_device){ .ops = &vfio_user_ops, .bus = "vfio-user" };
    snprintf(self->device.name, sizeof(self->device.name), "%s", name);
    pthread_mutex_init(&self->lock, NULL);
    self->device.hangup_fd = self->socket = socket;
    self->timeout_ms = timeout_ms;
    self->fd = -1;
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    int err;
    if ((err = negotiate_version(self)) || (err = identify(self)) || (err = map_doorbells(self)))
        close_device(&self->device);
    else
        *dev = &self->device;
    return err;
}

int leat_vfio_user_open(struct leat_device **dev, const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[sizeof((*dev)->name)];
    snprintf(name, sizeof(name), "vfio-user:%s", path);
    if (!*path || strlen(path) >= sizeof(address.sun_path))
        return leat_fail(EINVAL, "%s: cannot open: a socket's path has 1 to %zu bytes", name,
                         sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return leat_vfio_user_attach(dev, fd, name, VFIO_USER_TIMEOUT_MS);
    int err = leat_fail(errno, "%s: cannot connect: %s; is 'leat softnic' running there?", name,
                        strerror(errno));
    if (fd >= 0)
        close(fd);
    return err;
}
