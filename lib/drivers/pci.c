/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI devices as ports: opens the device on its bus and finds its driver by vendor and device id.
 */
#include "pci.h"
#include <errno.h>

static int open_on(struct leat_port *port, struct leat_device *dev) {
    const struct leat_pci_driver *const *driver = leat_pci_drivers;
    const char *model = NULL;
    while (*driver && !(model = (*driver)->match(dev->vendor, dev->id)))
        driver++;
    if (model)
        return (*driver)->open(port, dev, model);
    int err = leat_fail(ENODEV, "%s: no driver for the PCI device %04x:%04x", port->name,
                        dev->vendor, dev->id);
    leat_device_close(dev);
    return err;
}

static int open_vfio_user(struct leat_port *port) {
    struct leat_device *dev;
    int err = leat_vfio_user_open(&dev, port->address);
    if (err)
        return err;
    err = leat_vfio_user_interrupts(dev);
    if (!err)
        return open_on(port, dev);
    leat_device_close(dev);
    return err;
}

const struct leat_driver leat_vfio_user_driver = {
    .scheme = "vfio-user",
    .summary = "PCI device behind a vfio-user socket, such as an emulated NIC",
    .open = open_vfio_user,
};
