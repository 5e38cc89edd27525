/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space of the 82599 (datasheet 9.3): header, power management at 0x40, MSI-X at
 * 0x70, PCI Express at 0xA0. The offsets are fixed, because drivers read some without looking.
 */
#ifndef SOFTNIC_PCI_H
#define SOFTNIC_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_BYTES 4096
#define PCI_HEADER_BYTES 256 /* beyond are extended capabilities: none, all zero */

struct pci {
    uint16_t device_id;
    uint8_t value[PCI_CONFIG_BYTES];
    uint8_t writable[PCI_HEADER_BYTES];  /* bits that keep what is written */
    uint8_t clearable[PCI_HEADER_BYTES]; /* bits that a written 1 clears */
};

void pci_init(struct pci *pci, uint16_t device_id);
void pci_reset(struct pci *pci);

/* [offset, offset + bytes) lies inside; the caller checked. */
void pci_read(const struct pci *pci, uint32_t offset, uint32_t bytes, uint8_t *to);

/* True: the driver asked for a function level reset. */
bool pci_write(struct pci *pci, uint32_t offset, uint32_t bytes, const uint8_t *from);

bool pci_bus_master(const struct pci *pci);
bool pci_intx_disabled(const struct pci *pci);
void pci_set_interrupt_status(struct pci *pci, bool asserted);

#endif
