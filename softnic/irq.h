/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts towards the client: INTx and MSI-X vectors as eventfds that it gave, with masks.
 */
#ifndef SOFTNIC_IRQ_H
#define SOFTNIC_IRQ_H

#include "nic.h"
#include "protocol.h"
#include <stdbool.h>
#include <stdint.h>

#define IRQ_TYPES 5 /* VFIO_PCI_NUM_IRQS */

struct irq {
    int eventfd;          /* -1: nobody listens, the interrupt is lost */
    bool masked, pending; /* pending: happened while masked */
};

struct irqs {
    struct irq intx;
    struct irq msix[NIC_VECTORS];
    bool intx_disabled; /* by the PCI command register */
    bool intx_asserted; /* signalled, and not unmasked since */
};

void irqs_init(struct irqs *irqs);
void irqs_close(struct irqs *irqs); /* the client has gone */
void irqs_reset(struct irqs *irqs); /* masks go, the client's eventfds stay */

/* As GET_IRQ_INFO tells them. */
uint32_t irqs_count(uint32_t type);
uint32_t irqs_flags(uint32_t type);

/* SET_IRQS: 0 or a negative errno. Takes the descriptors that it uses. */
int irqs_set(struct irqs *irqs, struct message *request);

void irqs_raise_msix(struct irqs *irqs, uint32_t vector);
void irqs_raise_intx(struct irqs *irqs);
void irqs_disable_intx(struct irqs *irqs, bool disable);
bool irqs_intx_asserted(const struct irqs *irqs);
uint64_t irqs_pending(const struct irqs *irqs); /* the pending bit array of MSI-X */

#endif
