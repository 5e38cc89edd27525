/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of interfaces do again and again; included after cmocka.h. */
#ifndef TESTS_INTERFACES_H
#define TESTS_INTERFACES_H

#include "lib/bus/netdev.h"
#include <leat/error.h>
#include <stdlib.h>

static inline void run(const char *command) {
    if (system(command) != 0)
        fail_msg("%s", command);
}

static inline struct leat_netdev look(const char *name) {
    struct leat_netdev dev;
    if (leat_netdev_open(&dev, name) < 0)
        fail_msg("%s", leat_error());
    return dev;
}

#endif
