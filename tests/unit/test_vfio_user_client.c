/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user client against a scripted server: a device that answers well, and one that spoils
 * the reply to one command in every way that a stream of messages allows.
 */
#include "lib/bus/vfio_user.h"
#include "lib/core/error.h"
#include "send_fds.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BAR_BYTES  0x8000
#define BAR_OFFSET 0x10000 /* of BAR 0 in the file that is offered for mapping */
#define TIMEOUT_MS 200

/* What the server does instead of the right reply to command `on`. */
enum fault {
    NONE,
    HANG_UP,    /* closes instead of replying */
    CUT_HEADER, /* half a header, then closes */
    CUT_BODY,   /* half a body, then closes */
    SILENCE,    /* never replies */
    WRONG_ID,
    WRONG_COMMAND,
    NOT_A_REPLY,
    SIZE_ZERO,    /* the size field is smaller than a header */
    SIZE_SHORT,   /* a byte less than the reply has to have */
    SIZE_LONG,    /* a reply longer than any */
    SIZE_HUGE,    /* a size field of 4 GiB less one */
    REFUSE,       /* an error reply */
    REFUSE_ODDLY, /* an error reply with errno 0 */
    REFUSE_LONG,  /* an error reply that has a body */
    ONE_FD,       /* a file descriptor more than belongs there */
    MANY_FDS,
    NONSENSE, /* a body of all ones */
    ZEROS,    /* a body of zeros */
    FAULTS
};

static const char *const fault_names[FAULTS] = {
    "none",        "hang up",   "cut header", "cut body",  "silence",   "wrong id", "wrong command",
    "not a reply", "size zero", "size short", "size long", "size huge", "refuse",   "refuse oddly",
    "refuse long", "one fd",    "many fds",   "nonsense",  "zeros",
};

struct server {
    int socket;
    pthread_t thread;
    enum vfio_user_command on;
    enum fault fault;
    int bar_fd;
    bool can_shrink;      /* the file behind the mappable areas */
    uint64_t area_offset; /* of the second mappable area: a lie when beyond the region */
    uint32_t registers[BAR_BYTES / 4];
    uint64_t mapped_iova, mapped_bytes;
    uint32_t unassigned; /* SET_IRQS without a descriptor */
    int eventfd;
};

static const uint8_t config_space[8] = { 0x86, 0x80, 0xfb, 0x10 };

static void send_all(int fd, const void *bytes, size_t n, const int *fds, uint32_t fd_count) {
    (void)!send_fds(fd, bytes, n, fds, fd_count, MSG_NOSIGNAL);
}

static bool receive_all(int fd, void *bytes, size_t n, int *received_fd) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    for (size_t got = 0; got < n;) {
        struct iovec part = { (char *)bytes + got, n - got };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control) };
        ssize_t now = recvmsg(fd, &message, 0);
        if (now <= 0)
            return false;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        if (rights)
            memcpy(received_fd, CMSG_DATA(rights), sizeof(int));
        got += (size_t)now;
    }
    return true;
}

/* The right reply to a request, in place: returns its size. */
static size_t answer(struct server *server, uint16_t command, uint8_t *body, size_t bytes, int fd) {
    struct vfio_user_access access = { 0 };
    struct vfio_user_dma_map map;
    switch (command) {
    case VFIO_USER_VERSION:
        return (size_t)sprintf((char *)body + 4, "{\"capabilities\":{\"max_msg_fds\": 8,"
                                                 "\"max_data_xfer_size\" :1048576}}") +
               5;
    case VFIO_USER_DEVICE_GET_INFO:
        memcpy(body, &(struct vfio_user_device_info){ 16, 3, 9, 5 }, 16);
        return 16;
    case VFIO_USER_DEVICE_GET_REGION_INFO: {
        struct vfio_user_region region = {
            .info = { sizeof(region), 0xf, 0, sizeof(region.info), BAR_BYTES, BAR_OFFSET },
            .capability = { VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 },
            .area_count = 2,
            .areas = { { 0x1000, 0x1000 }, { server->area_offset, 0x1000 } },
        };
        memcpy(body, &region, offsetof(struct vfio_user_region, areas[2]));
        return offsetof(struct vfio_user_region, areas[2]);
    }
    case VFIO_USER_DEVICE_GET_IRQ_INFO:
        memcpy(body, &(struct vfio_irq_info){ 16, 9, 2, 64 }, 16);
        return 16;
    case VFIO_USER_DEVICE_SET_IRQS:
        server->unassigned += fd < 0;
        server->eventfd = fd >= 0 ? dup(fd) : server->eventfd;
        return 0;
    case VFIO_USER_DMA_MAP:
        memcpy(&map, body, sizeof(map));
        server->mapped_iova = map.iova;
        server->mapped_bytes = map.bytes;
        return 0;
    case VFIO_USER_DMA_UNMAP:
        server->mapped_bytes = 0;
        return bytes;
    case VFIO_USER_REGION_READ:
        memcpy(&access, body, VFIO_USER_ACCESS_BYTES);
        memcpy(body + VFIO_USER_ACCESS_BYTES,
               access.region == LEAT_REGION_CONFIG ? config_space + access.offset
                                                   : (uint8_t *)server->registers + access.offset,
               access.bytes);
        return VFIO_USER_ACCESS_BYTES + access.bytes;
    case VFIO_USER_REGION_WRITE:
        memcpy(&access, body, bytes);
        if (access.region == LEAT_REGION_BAR0)
            memcpy((uint8_t *)server->registers + access.offset, access.data, access.bytes);
        return VFIO_USER_ACCESS_BYTES;
    default:
        return 0;
    }
}

/* Sends the spoilt reply; returns whether the server goes on. */
static bool spoil(struct server *server, struct vfio_user_header header, uint8_t *body) {
    size_t bytes = header.size - sizeof(header), sent = sizeof(header) + bytes;
    uint8_t message[8192] = { 0 };
    bool region = header.command == VFIO_USER_DEVICE_GET_REGION_INFO;
    int fds[16] = { server->bar_fd };
    uint32_t fd_count = region; /* one belongs there */
    switch (server->fault) {
    case HANG_UP:
        return false;
    case SILENCE:
        return true;
    case CUT_HEADER:
        sent = sizeof(header) / 2;
        break;
    case CUT_BODY:
        sent = sizeof(header) + bytes / 2;
        break;
    case WRONG_ID:
        header.id++;
        break;
    case WRONG_COMMAND:
        header.command++;
        break;
    case NOT_A_REPLY:
        header.flags = 0;
        break;
    case SIZE_ZERO:
        header.size = sizeof(header) - 1;
        break;
    case SIZE_SHORT:
        sent = header.size = bytes ? header.size - 1 : (uint32_t)sizeof(header) - 1;
        break;
    case SIZE_LONG:
        sent = header.size = sizeof(header) + VFIO_USER_BODY_BYTES + 1;
        break;
    case SIZE_HUGE:
        header.size = UINT32_MAX;
        break;
    case REFUSE:
    case REFUSE_ODDLY:
        header.flags |= VFIO_USER_ERROR;
        header.error = server->fault == REFUSE ? EPERM : 0;
        sent = header.size = sizeof(header);
        break;
    case REFUSE_LONG:
        header.flags |= VFIO_USER_ERROR;
        header.error = EPERM;
        sent = header.size = sizeof(header) + 8;
        break;
    case ONE_FD:
    case MANY_FDS:
        fd_count += server->fault == ONE_FD ? 1 : 12;
        for (uint32_t i = 0; i < fd_count; i++)
            fds[i] = server->bar_fd;
        break;
    case NONSENSE:
    case ZEROS:
        memset(body, server->fault == ZEROS ? 0 : 0xff, bytes);
        break;
    default:
        break;
    }
    memcpy(message, &header, sizeof(header));
    memcpy(message + sizeof(header), body, bytes);
    send_all(server->socket, message, sent, fds, fd_count);
    return server->fault != CUT_HEADER && server->fault != CUT_BODY;
}

static void *serve(void *arg) {
    struct server *server = arg;
    struct vfio_user_header header;
    uint8_t body[VFIO_USER_BODY_BYTES];
    int fd = -1;
    while (receive_all(server->socket, &header, sizeof(header), &fd) &&
           receive_all(server->socket, body, header.size - sizeof(header), &fd)) {
        size_t bytes = answer(server, header.command, body, header.size - sizeof(header), fd);
        bool region = header.command == VFIO_USER_DEVICE_GET_REGION_INFO;
        header.flags = VFIO_USER_REPLY;
        header.size = (uint32_t)(sizeof(header) + bytes);
        if (server->fault != NONE && header.command == server->on) {
            if (!spoil(server, header, body))
                break;
        } else {
            uint8_t message[sizeof(header) + sizeof(body)];
            memcpy(message, &header, sizeof(header));
            memcpy(message + sizeof(header), body, bytes);
            send_all(server->socket, message, header.size, &server->bar_fd, region);
        }
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    if (fd >= 0)
        close(fd);
    shutdown(server->socket, SHUT_RDWR);
    return NULL;
}

static void start(struct server *server, int *client) {
    int sockets[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    server->socket = sockets[0];
    *client = sockets[1];
    server->eventfd = -1;
    server->bar_fd = memfd_create("bar", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(server->bar_fd, BAR_OFFSET + BAR_BYTES), 0);
    if (!server->can_shrink)
        assert_int_equal(fcntl(server->bar_fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    if (server->area_offset == 0)
        server->area_offset = 0x6000;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void finish(struct server *server) {
    shutdown(server->socket, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->socket);
    close(server->bar_fd);
    if (server->eventfd >= 0)
        close(server->eventfd);
}

static uint32_t open_files(void) {
    uint32_t n = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        n++;
    closedir(directory);
    return n;
}

/* A whole life with a device; the first error ends it. */
static int live(int socket) {
    struct leat_device *dev;
    struct leat_dma dma = { 0 };
    int err = leat_vfio_user_attach(&dev, socket, "test:device", TIMEOUT_MS);
    if (err)
        return err;
    err = leat_vfio_user_interrupts(dev);
    if (!err)
        err = leat_device_bus_master(dev, true);
    leat_write32(dev, 8, 0x1234);
    if (!err && leat_read32(dev, 8) == UINT32_MAX)
        err = -EIO;
    if (!err)
        err = leat_dma_alloc(dev, &dma, 5000);
    if (!err)
        err = leat_device_interrupt(dev, 3, -1);
    int freed = leat_dma_free(dev, &dma);
    if (freed) { /* the library leaves the memory to the device; the test does not */
        munmap(dma.memory, dma.bytes);
        close(dma.fd);
    }
    err = err ? err : freed;
    leat_device_close(dev);
    return err;
}

static void test_good_device(void **state) {
    (void)state;
    uint32_t files = open_files();
    struct server server = { .fault = NONE };
    int client;
    start(&server, &client);
    struct leat_device *dev;
    assert_int_equal(leat_vfio_user_attach(&dev, client, "test:device", 5000), 0);
    assert_int_equal(dev->vendor, 0x8086);
    assert_int_equal(dev->id, 0x10fb);
    assert_int_equal(dev->vectors, 0);
    assert_int_equal(leat_device_interrupt(dev, 0, -1), -ENOTSUP);
    assert_int_equal(leat_vfio_user_interrupts(dev), 0);
    assert_int_equal(dev->vectors, 64);
    assert_string_equal(dev->bus, "vfio-user");

    leat_write32(dev, 0x20, 0xcafe);
    assert_int_equal(leat_read32(dev, 0x20), 0xcafe);

    /* Only the areas offered are doorbells, up to their last register, and they are the file. */
    assert_null(leat_doorbell(dev, 0xffc));
    assert_null(leat_doorbell(dev, 0x2000));
    assert_null(leat_doorbell(dev, 0x5ffc));
    assert_non_null(leat_doorbell(dev, 0x1ffc));
    *leat_doorbell(dev, 0x6018) = 77;
    uint32_t stored = 0;
    assert_int_equal(pread(server.bar_fd, &stored, 4, BAR_OFFSET + 0x6018), 4);
    assert_int_equal(stored, 77);

    struct leat_dma dma;
    assert_int_equal(leat_dma_alloc(dev, &dma, 5000), 0);
    assert_int_equal(dma.bytes, 8192);
    assert_int_equal(server.mapped_iova, dma.iova);
    assert_int_equal(server.mapped_bytes, 8192);
    assert_int_equal(leat_dma_free(dev, &dma), 0);
    assert_int_equal(server.mapped_bytes, 0);

    int event = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(leat_device_interrupt(dev, 63, event), 0);
    uint64_t count = 1;
    assert_int_equal(write(server.eventfd, &count, 8), 8);
    assert_int_equal(read(event, &count, 8), 8);
    assert_int_equal(leat_device_interrupt(dev, 63, -1), 0);
    assert_int_equal(server.unassigned, 1);
    assert_int_equal(leat_device_interrupt(dev, 64, event), -ENOTSUP);
    close(event);

    assert_int_equal(leat_device_check(dev), 0);
    finish(&server);
    assert_int_equal(leat_device_check(dev), -ENODEV);
    assert_true(dev->gone);
    assert_int_equal(leat_read32(dev, 0x20), UINT32_MAX);
    leat_device_close(dev);
    assert_int_equal(open_files(), files);
}

/* Memory that a hung server may still write into is not taken back; after its end it is. */
static void test_let_go(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct server server = { .fault = i ? SILENCE : HANG_UP, .on = VFIO_USER_DMA_UNMAP };
        int client;
        start(&server, &client);
        struct leat_device *dev;
        struct leat_dma dma;
        assert_int_equal(leat_vfio_user_attach(&dev, client, "test:device", TIMEOUT_MS), 0);
        assert_int_equal(leat_dma_alloc(dev, &dma, 4096), 0);
        assert_int_equal(leat_dma_free(dev, &dma), i ? -ETIMEDOUT : 0);
        assert_true(dev->gone);
        if (i) {
            assert_int_equal(leat_device_check(dev), -ENODEV);
            assert_int_equal(leat_dma_free(dev, &dma), -ENODEV);
            munmap(dma.memory, dma.bytes);
            close(dma.fd);
        }
        leat_device_close(dev);
        finish(&server);
    }
}

/* A driver that reads all ones declares its device gone: the server lets go of memory all the same,
 * or has ended; either way it is free again. */
static void test_let_go_of_a_gone_device(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct server server = { .fault = i ? HANG_UP : NONE, .on = VFIO_USER_DMA_UNMAP };
        int client;
        start(&server, &client);
        struct leat_device *dev;
        struct leat_dma dma;
        assert_int_equal(leat_vfio_user_attach(&dev, client, "test:device", TIMEOUT_MS), 0);
        assert_int_equal(leat_dma_alloc(dev, &dma, 4096), 0);
        dev->gone = true;
        assert_int_equal(leat_read32(dev, 8), UINT32_MAX);
        assert_int_equal(leat_dma_free(dev, &dma), 0);
        assert_int_equal(server.mapped_bytes, 0);
        leat_device_close(dev);
        finish(&server);
    }
}

/* What a fault may harmlessly pass for: an answer that happens to be right. */
static bool is_harmless(enum vfio_user_command on, enum fault fault) {
    bool no_body = on == VFIO_USER_DMA_MAP || on == VFIO_USER_DEVICE_SET_IRQS;
    if (no_body && (fault == CUT_BODY || fault == NONSENSE || fault == ZEROS))
        return fault != CUT_BODY || on == VFIO_USER_DEVICE_SET_IRQS; /* the next call fails */
    if (on == VFIO_USER_DMA_UNMAP && (fault == HANG_UP || fault == CUT_HEADER || fault == CUT_BODY))
        return true; /* who is gone has let go */
    if (on == VFIO_USER_VERSION)
        return fault == ZEROS || fault == SIZE_SHORT;
    return false;
}

static void test_every_fault(void **state) {
    (void)state;
    static const enum vfio_user_command commands[] = {
        VFIO_USER_VERSION,
        VFIO_USER_DMA_MAP,
        VFIO_USER_DMA_UNMAP,
        VFIO_USER_DEVICE_GET_INFO,
        VFIO_USER_DEVICE_GET_REGION_INFO,
        VFIO_USER_DEVICE_GET_IRQ_INFO,
        VFIO_USER_DEVICE_SET_IRQS,
        VFIO_USER_REGION_READ,
        VFIO_USER_REGION_WRITE,
    };
    for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++) {
        for (enum fault fault = HANG_UP; fault < FAULTS; fault++) {
            uint32_t files = open_files();
            struct server server = { .on = commands[c], .fault = fault };
            int client;
            start(&server, &client);
            leat_fail(0, "none");
            int err = live(client);
            if (!is_harmless(commands[c], fault) && (err >= 0 || !strcmp(leat_error(), "none")))
                fail_msg("command %d, %s: %d, %s", commands[c], fault_names[fault], err,
                         leat_error());
            if (fault == SILENCE)
                assert_int_equal(err, -ETIMEDOUT);
            if (fault == REFUSE)
                assert_int_equal(err, -EPERM);
            finish(&server);
            if (open_files() != files)
                fail_msg("command %d, %s: %u files open, %u before", commands[c],
                         fault_names[fault], open_files(), files);
        }
    }
}

/* Mappable areas outside the region, or outside the file behind it. */
static void test_areas_that_lie(void **state) {
    (void)state;
    static const uint64_t offsets[] = { BAR_BYTES, 0x6001, 0xfffffffffffff000, 0x7800 };
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        struct server server = { .area_offset = offsets[i] };
        struct leat_device *dev;
        int client;
        start(&server, &client);
        assert_int_equal(leat_vfio_user_attach(&dev, client, "test:device", TIMEOUT_MS), -EPROTO);
        finish(&server);
    }
}

/* A store into a mapping whose file was cut short would be a signal: messages are used instead. */
static void test_file_that_can_shrink(void **state) {
    (void)state;
    struct server server = { .can_shrink = true };
    struct leat_device *dev;
    int client;
    start(&server, &client);
    assert_int_equal(leat_vfio_user_attach(&dev, client, "test:device", 5000), 0);
    assert_null(leat_doorbell(dev, 0x1018));
    leat_device_close(dev);
    finish(&server);
}

static void test_no_server(void **state) {
    (void)state;
    struct leat_device *dev;
    char path[200];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(leat_vfio_user_open(&dev, path), -EINVAL);
    assert_int_equal(leat_vfio_user_open(&dev, ""), -EINVAL);
    assert_int_equal(leat_vfio_user_open(&dev, "/nonexistent/lt-socket"), -ENOENT);
    assert_non_null(strstr(leat_error(), "vfio-user:/nonexistent/lt-socket"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_device),
        cmocka_unit_test(test_let_go),
        cmocka_unit_test(test_let_go_of_a_gone_device),
        cmocka_unit_test(test_every_fault),
        cmocka_unit_test(test_areas_that_lie),
        cmocka_unit_test(test_file_that_can_shrink),
        cmocka_unit_test(test_no_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
