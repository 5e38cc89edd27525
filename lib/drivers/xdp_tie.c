/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_tie.h"
#include "lib/bpf/permission.h"
#include "lib/core/error.h"
#include <errno.h>
#include <limits.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_BINDTOIFINDEX /* SO_BINDTODEVICE by number, Linux 5.0 */
#define SO_BINDTOIFINDEX 62
#endif

#define PAGE 4096

int xdp_tie(int socket, uint32_t ifindex) {
    int index = (int)ifindex;
    if (setsockopt(socket, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)) == 0)
        return 0;
    return leat_fail(errno, "cannot tie a socket to interface %u: %s", ifindex, strerror(errno));
}

/* As much of a socket as bind() asks for: a UMEM of one page, and a ring to receive. */
static int make_socket(void *page) {
    struct xdp_umem_reg memory = { .addr = (uintptr_t)page, .len = PAGE, .chunk_size = PAGE };
    static const int options[] = { XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING };
    int entries = 2;
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)) < 0)
        goto fail;
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        if (setsockopt(fd, SOL_XDP, options[i], &entries, sizeof(entries)) < 0)
            goto fail;
    return fd;
fail:;
    int err = errno;
    if (fd >= 0)
        close(fd);
    return err == EPERM
               ? leat_permission_missing("xdp serve", "open an AF_XDP socket")
               : leat_fail(err, "xdp serve: cannot open an AF_XDP socket: %s", strerror(err));
}

static int bind_loopback(int fd) {
    struct sockaddr_xdp address = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY };
    address.sxdp_ifindex = if_nametoindex("lo");
    return bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
}

/* A socket that is tied to an interface that cannot be must not bind to the loopback. That one
 * which is not tied does shows that it is the tie which prevents it. */
static int try_out(int tied, int free) {
    int err = xdp_tie(tied, INT_MAX);
    if (err < 0)
        return err;
    if (bind_loopback(tied) == 0)
        return leat_fail(
            ENOTSUP,
            "xdp serve: this kernel lets a socket that is tied to one "
            "interface be bound to another, so that whoever is given one "
            "interface could use all; Linux 6.5 and later do not, nor 6.1 as it is maintained");
    err = bind_loopback(free);
    if (err < 0 && err != -EBUSY)
        return leat_fail(ENOTSUP,
                         "xdp serve: cannot find out whether this kernel holds a socket to the "
                         "interface that it is tied to: binding to lo: %s",
                         strerror(-err));
    return 0;
}

int xdp_tie_probe(void) {
    void *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return leat_fail(errno, "xdp serve: no memory");
    int tied = make_socket(page), free = tied < 0 ? tied : make_socket((char *)page + PAGE);
    int err = free < 0 ? free : try_out(tied, free);
    if (free >= 0)
        close(free);
    if (tied >= 0)
        close(tied);
    munmap(page, 2 * PAGE);
    return err;
}
