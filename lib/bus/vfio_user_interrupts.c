/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI-X of a device behind vfio-user: its server signals an eventfd that it was given. */
#include "../core/error.h"
#include "vfio_user.h"
#include <errno.h>

static int interrupt(struct leat_device *dev, uint32_t vector, int eventfd) {
    uint32_t flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
    struct vfio_irq_set body = { sizeof(body), flags, VFIO_PCI_MSIX_IRQ_INDEX, vector, 1 };
    return leat_vfio_user_call(dev, VFIO_USER_DEVICE_SET_IRQS, "set up an interrupt", &body,
                               sizeof(body), eventfd, 0, NULL, 0);
}

int leat_vfio_user_interrupts(struct leat_device *dev) {
    struct vfio_irq_info msix = { .argsz = sizeof(msix), .index = VFIO_PCI_MSIX_IRQ_INDEX };
    int err =
        leat_vfio_user_call(dev, VFIO_USER_DEVICE_GET_IRQ_INFO, "learn of the device's interrupts",
                            &msix, sizeof(msix), -1, 0, &msix, sizeof(msix));
    if (err)
        return err;
    if (msix.index != VFIO_PCI_MSIX_IRQ_INDEX || msix.count > PCI_MSIX_MAX)
        return leat_fail(EPROTO,
                         "%s: cannot learn of the device's interrupts: its server names "
                         "index %u and %u vectors",
                         dev->name, msix.index, msix.count);
    dev->vectors = msix.count;
    dev->interrupt = interrupt;
    return 0;
}
