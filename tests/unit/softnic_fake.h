/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC that only remembers, and a wire that carries nothing: they stand behind the vfio-user
 * server in its tests. The last NIC made is `fake_nic`.
 */
#ifndef TESTS_SOFTNIC_FAKE_H
#define TESTS_SOFTNIC_FAKE_H

#include "softnic/nic.h"
#include <stdbool.h>
#include <stdint.h>

#define FAKE_VIOLATION 0x66666666u /* a write of this is forbidden */

struct nic {
    struct nic_host host;
    struct dma *dma;
    uint32_t registers[NIC_BAR0_BYTES / 4];
    uint32_t reads, writes, resets;
    bool bus_master, link;
    int doorbell_fd;
    uint32_t work; /* what nic_poll() says it did */
};

extern struct nic *fake_nic;
extern uint32_t fake_nics; /* alive */

#endif
