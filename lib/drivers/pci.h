/* SPDX-License-Identifier: BSD-2-Clause */
/* Drivers of PCI devices: found by vendor and device id, whichever bus the device is on. */
#ifndef LEAT_DRIVERS_PCI_H
#define LEAT_DRIVERS_PCI_H

#include "../bus/bus.h"
#include "../core/driver.h"

struct leat_pci_driver {
    const char *name;
    /* The device's model, or NULL when this driver is not for it. */
    const char *(*match)(uint16_t vendor, uint16_t device);
    /* Takes over `dev`: port->ops->close() closes it, or open itself when it fails before those
     * are set. */
    int (*open)(struct leat_port *port, struct leat_device *dev, const char *model);
};

/* Generated at build time, NULL-terminated. */
extern const struct leat_pci_driver *const leat_pci_drivers[];

#endif
