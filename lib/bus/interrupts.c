/* SPDX-License-Identifier: BSD-2-Clause */
/* What every bus has in common that signals interrupts. */
#include "../core/error.h"
#include "bus.h"
#include <errno.h>

int leat_device_interrupt(struct leat_device *dev, uint32_t vector, int eventfd) {
    if (vector >= dev->vectors)
        return leat_fail(ENOTSUP, "%s: cannot use interrupt vector %u: the device has %u",
                         dev->name, vector, dev->vectors);
    return dev->interrupt(dev, vector, eventfd);
}
