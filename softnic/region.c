/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to the regions: registers in BAR 0, MSI-X table and pending bits in BAR 4, configuration
 * space. A region that the device lacks has no bytes, so every access to it lies outside.
 */
#include "device.h"
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

uint64_t region_bytes(uint32_t region) {
    switch (region) {
    case VFIO_PCI_BAR0_REGION_INDEX:
        return NIC_BAR0_BYTES;
    case VFIO_PCI_BAR4_REGION_INDEX:
        return DEVICE_BAR4_BYTES;
    case VFIO_PCI_CONFIG_REGION_INDEX:
        return PCI_CONFIG_BYTES;
    default:
        return 0;
    }
}

bool region_is_mappable(const struct device *device, uint32_t region) {
    return region == VFIO_PCI_BAR0_REGION_INDEX && !device->no_mmap && device->terms.fds_max > 0;
}

static int check(uint32_t region, uint64_t offset, uint32_t count) {
    uint64_t bytes = region_bytes(region);
    if (count == 0 || offset > bytes || count > bytes - offset)
        return -EINVAL;
    if (region == VFIO_PCI_CONFIG_REGION_INDEX)
        return 0;
    /* Memory of the device has double words; two at once are split. */
    return offset % 4 == 0 && (count == 4 || count == 8) ? 0 : -EINVAL;
}

static void read_registers(struct device *device, uint32_t offset, uint32_t count, uint8_t *to) {
    for (uint32_t i = 0; i < count; i += 4) {
        uint32_t value = nic_read(device->nic, offset + i);
        memcpy(to + i, &value, sizeof(value));
    }
}

static void write_registers(struct device *device, uint32_t offset, uint32_t count,
                            const uint8_t *from) {
    for (uint32_t i = 0; i < count; i += 4) {
        uint32_t value;
        memcpy(&value, from + i, sizeof(value));
        nic_write(device->nic, offset + i, value);
    }
}

static void read_msix(const struct device *device, uint32_t offset, uint32_t count, uint8_t *to) {
    uint64_t pending = irqs_pending(&device->irqs);
    uint8_t pending_bytes[sizeof(pending)];
    memcpy(pending_bytes, &pending, sizeof(pending));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = offset + i;
        if (at < sizeof(device->msix_table))
            to[i] = device->msix_table[at];
        else if (at - DEVICE_PBA_OFFSET < sizeof(pending_bytes))
            to[i] = pending_bytes[at - DEVICE_PBA_OFFSET];
        else
            to[i] = 0;
    }
}

/* The table is storage only: eventfds say where an interrupt goes, SET_IRQS masks it. */
static void write_msix(struct device *device, uint32_t offset, uint32_t count,
                       const uint8_t *from) {
    if (offset < sizeof(device->msix_table) && count <= sizeof(device->msix_table) - offset)
        memcpy(device->msix_table + offset, from, count);
}

static void read_config(struct device *device, uint32_t offset, uint32_t count, uint8_t *to) {
    pci_set_interrupt_status(&device->pci, irqs_intx_asserted(&device->irqs));
    pci_read(&device->pci, offset, count, to);
}

static void write_config(struct device *device, uint32_t offset, uint32_t count,
                         const uint8_t *from) {
    bool mastered = pci_bus_master(&device->pci);
    if (pci_write(&device->pci, offset, count, from)) {
        device_reset(device);
        return;
    }
    irqs_disable_intx(&device->irqs, pci_intx_disabled(&device->pci));
    if (pci_bus_master(&device->pci) != mastered)
        nic_set_bus_master(device->nic, !mastered);
}

int region_read(struct device *device, uint32_t region, uint64_t offset, uint32_t count,
                uint8_t *to) {
    int error = check(region, offset, count);
    if (error)
        return error;
    if (region == VFIO_PCI_BAR0_REGION_INDEX)
        read_registers(device, (uint32_t)offset, count, to);
    else if (region == VFIO_PCI_BAR4_REGION_INDEX)
        read_msix(device, (uint32_t)offset, count, to);
    else
        read_config(device, (uint32_t)offset, count, to);
    return 0;
}

int region_write(struct device *device, uint32_t region, uint64_t offset, uint32_t count,
                 const uint8_t *from) {
    int error = check(region, offset, count);
    if (error)
        return error;
    if (region == VFIO_PCI_BAR0_REGION_INDEX)
        write_registers(device, (uint32_t)offset, count, from);
    else if (region == VFIO_PCI_BAR4_REGION_INDEX)
        write_msix(device, (uint32_t)offset, count, from);
    else
        write_config(device, (uint32_t)offset, count, from);
    return 0;
}
