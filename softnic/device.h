/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One NIC as a vfio-user client sees it: regions, interrupts, DMA mappings, reset.
 */
#ifndef SOFTNIC_DEVICE_H
#define SOFTNIC_DEVICE_H

#include "dma.h"
#include "irq.h"
#include "nic.h"
#include "pci.h"
#include "protocol.h"
#include "version.h"
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_REGIONS    9 /* VFIO_PCI_NUM_REGIONS */
#define DEVICE_BAR4_BYTES 0x4000
#define DEVICE_PBA_OFFSET 0x2000

struct device {
    struct nic *nic;
    struct dma dma;
    struct pci pci;
    struct irqs irqs;
    struct version_terms terms;
    bool agreed;  /* VERSION is done */
    bool no_mmap; /* every register access is a message */
    uint8_t msix_table[NIC_VECTORS * 16];
    char violation[256]; /* strict mode: the sentence that stopped it; empty: none */
};

/* The device stays where it is: its NIC knows its address. */
int device_open(struct device *device, const struct nic_config *config, bool no_mmap);
void device_close(struct device *device);

/* Does what channel->request asks and answers it. 0, or a negative errno: disconnect. */
int device_handle(struct device *device, struct channel *channel);

void device_reset(struct device *device);

/* The client has gone: back to what a first client finds. */
void device_release(struct device *device);

/* region.c */
uint64_t region_bytes(uint32_t region);
bool region_is_mappable(const struct device *device, uint32_t region);
int region_read(struct device *device, uint32_t region, uint64_t offset, uint32_t count,
                uint8_t *to);
int region_write(struct device *device, uint32_t region, uint64_t offset, uint32_t count,
                 const uint8_t *from);

#endif
