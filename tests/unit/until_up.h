/* SPDX-License-Identifier: BSD-2-Clause */
/* An interface that has just got its carrier: the kernel opens its queues to the stack a while
 * later, up to a second on a busy machine, and silently drops what is sent until then. */
#ifndef TESTS_UNTIL_UP_H
#define TESTS_UNTIL_UP_H

/* A command for system(). */
#define UNTIL_UP(interface) \
    "until ip link show " interface " | grep -q 'state UP'; do sleep 0.01; done"

#endif
