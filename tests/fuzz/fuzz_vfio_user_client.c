/* SPDX-License-Identifier: BSD-2-Clause */
/* What a vfio-user server says, all at once: every reply to a client that opens the device,
 * asks for its interrupts, reads and writes a register, shares memory and closes again. */
#include "lib/bus/vfio_user.h"
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct leat_device *dev;
    struct leat_dma dma;
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return 0;
    (void)!write(sockets[0], data, bytes < 65536 ? bytes : 65536);
    shutdown(sockets[0], SHUT_WR);
    if (leat_vfio_user_attach(&dev, sockets[1], "fuzz:device", 1000) == 0) {
        leat_vfio_user_interrupts(dev);
        leat_write32(dev, 0, leat_read32(dev, 8));
        if (leat_dma_alloc(dev, &dma, 4096) == 0 && leat_dma_free(dev, &dma) != 0) {
            munmap(dma.memory, dma.bytes); /* what the library has to leave to the device */
            close(dma.fd);
        }
        leat_device_close(dev);
    }
    close(sockets[0]);
    return 0;
}
