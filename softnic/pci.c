/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space: values, and for each bit whether a write keeps, clears or loses it.
 */
#include "pci.h"
#include "nic.h"
#include <linux/pci_regs.h>
#include <string.h>

#define PM_OFFSET      0x40 /* datasheet 9.3.9 */
#define MSIX_OFFSET    0x70 /* 9.3.10 */
#define EXPRESS_OFFSET 0xa0 /* 9.3.11 */

#define BAR0_FLAGS PCI_BASE_ADDRESS_MEM_TYPE_64
#define BAR4_BYTES 0x4000
#define PBA_OFFSET 0x2000

static void put(uint8_t *bytes, uint32_t offset, uint32_t width, uint32_t value) {
    for (uint32_t i = 0; i < width; i++)
        bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

static uint16_t get16(const uint8_t *bytes, uint32_t offset) {
    return (uint16_t)(bytes[offset] | bytes[offset + 1] << 8);
}

static void field(struct pci *pci, uint32_t offset, uint32_t width, uint32_t value,
                  uint32_t writable) {
    put(pci->value, offset, width, value);
    put(pci->writable, offset, width, writable);
}

static void header(struct pci *pci) {
    field(pci, PCI_VENDOR_ID, 2, 0x8086, 0);
    field(pci, PCI_DEVICE_ID, 2, pci->device_id, 0);
    field(pci, PCI_COMMAND, 2, 0,
          PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
              PCI_COMMAND_INTX_DISABLE);
    field(pci, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
    put(pci->clearable, PCI_STATUS, 2,
        PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |
            PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY);
    field(pci, PCI_CLASS_REVISION, 4, 0x02000001, 0); /* Ethernet controller, revision 1 */
    field(pci, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
    field(pci, PCI_BASE_ADDRESS_0, 4, BAR0_FLAGS, ~(NIC_BAR0_BYTES - 1u));
    field(pci, PCI_BASE_ADDRESS_1, 4, 0, ~0u);
    field(pci, PCI_BASE_ADDRESS_4, 4, BAR0_FLAGS, ~(BAR4_BYTES - 1u));
    field(pci, PCI_BASE_ADDRESS_5, 4, 0, ~0u);
    field(pci, PCI_SUBSYSTEM_VENDOR_ID, 2, 0x8086, 0);
    field(pci, PCI_SUBSYSTEM_ID, 2, 0x000c, 0); /* X520-2 */
    field(pci, PCI_CAPABILITY_LIST, 1, PM_OFFSET, 0);
    field(pci, PCI_INTERRUPT_LINE, 1, 0, 0xff);
    field(pci, PCI_INTERRUPT_PIN, 1, 1, 0); /* INTA# */
}

static void power_management(struct pci *pci) {
    field(pci, PM_OFFSET, 2, PCI_CAP_ID_PM | MSIX_OFFSET << 8, 0);
    field(pci, PM_OFFSET + PCI_PM_PMC, 2,
          3 | PCI_PM_CAP_DSI | PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot, 0);
    field(pci, PM_OFFSET + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET,
          PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
    put(pci->clearable, PM_OFFSET + PCI_PM_CTRL, 2, PCI_PM_CTRL_PME_STATUS);
}

static void msix(struct pci *pci) {
    field(pci, MSIX_OFFSET, 2, PCI_CAP_ID_MSIX | EXPRESS_OFFSET << 8, 0);
    field(pci, MSIX_OFFSET + PCI_MSIX_FLAGS, 2, NIC_VECTORS - 1,
          PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    field(pci, MSIX_OFFSET + PCI_MSIX_TABLE, 4, 4, 0); /* at the start of BAR 4 */
    field(pci, MSIX_OFFSET + PCI_MSIX_PBA, 4, PBA_OFFSET | 4, 0);
}

static void express(struct pci *pci) {
    field(pci, EXPRESS_OFFSET, 2, PCI_CAP_ID_EXP, 0);
    field(pci, EXPRESS_OFFSET + PCI_EXP_FLAGS, 2, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0);
    field(pci, EXPRESS_OFFSET + PCI_EXP_DEVCAP, 4,
          2 /* 512 bytes */ | 3 << 6 | 6 << 9 | PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR, 0);
    field(pci, EXPRESS_OFFSET + PCI_EXP_DEVCTL, 2,
          PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B,
          0x000f | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_NOSNOOP_EN |
              PCI_EXP_DEVCTL_READRQ);
    put(pci->clearable, EXPRESS_OFFSET + PCI_EXP_DEVSTA, 2, 0x000f);
    field(pci, EXPRESS_OFFSET + PCI_EXP_LNKCAP, 4,
          PCI_EXP_LNKCAP_SLS_5_0GB | 8 << 4 | PCI_EXP_LNKCAP_ASPM_L0S, 0);
    field(pci, EXPRESS_OFFSET + PCI_EXP_LNKCTL, 2, 0,
          PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
    field(pci, EXPRESS_OFFSET + PCI_EXP_LNKSTA, 2,
          PCI_EXP_LNKSTA_CLS_5_0GB | PCI_EXP_LNKSTA_NLW_X8 | PCI_EXP_LNKSTA_SLC, 0);
    field(pci, EXPRESS_OFFSET + PCI_EXP_DEVCAP2, 4, 0x1f, 0);
    field(pci, EXPRESS_OFFSET + PCI_EXP_DEVCTL2, 2, 0, 0x1f);
}

void pci_reset(struct pci *pci) {
    memset(pci->value, 0, sizeof(pci->value));
    memset(pci->writable, 0, sizeof(pci->writable));
    memset(pci->clearable, 0, sizeof(pci->clearable));
    header(pci);
    power_management(pci);
    msix(pci);
    express(pci);
}

void pci_init(struct pci *pci, uint16_t device_id) {
    pci->device_id = device_id;
    pci_reset(pci);
}

void pci_read(const struct pci *pci, uint32_t offset, uint32_t bytes, uint8_t *to) {
    memcpy(to, pci->value + offset, bytes);
}

bool pci_write(struct pci *pci, uint32_t offset, uint32_t bytes, const uint8_t *from) {
    const uint32_t control = EXPRESS_OFFSET + PCI_EXP_DEVCTL + 1; /* its high byte */
    for (uint32_t i = 0; i < bytes && offset + i < PCI_HEADER_BYTES; i++) {
        uint32_t at = offset + i;
        uint8_t kept = pci->value[at] & (uint8_t)~pci->writable[at];
        kept &= (uint8_t) ~(from[i] & pci->clearable[at]);
        pci->value[at] = kept | (from[i] & pci->writable[at]);
    }
    return offset <= control && control - offset < bytes &&
           (from[control - offset] & PCI_EXP_DEVCTL_BCR_FLR >> 8);
}

bool pci_bus_master(const struct pci *pci) {
    return get16(pci->value, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

bool pci_intx_disabled(const struct pci *pci) {
    return get16(pci->value, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
}

void pci_set_interrupt_status(struct pci *pci, bool asserted) {
    uint16_t status = get16(pci->value, PCI_STATUS);
    status = asserted ? status | PCI_STATUS_INTERRUPT : status & (uint16_t)~PCI_STATUS_INTERRUPT;
    put(pci->value, PCI_STATUS, 2, status);
}
