/* SPDX-License-Identifier: BSD-2-Clause */
/* In a build without libxdp. */
#include "dispatcher.h"
#include "lib/core/error.h"
#include <errno.h>

int leat_dispatcher_open(struct leat_root *root, const char *name, uint32_t ifindex,
                         enum leat_xdp_mode mode, const struct code *code) {
    (void)root, (void)ifindex, (void)mode, (void)code;
    return leat_fail(ENOTSUP, "%s: attach=dispatcher: this Leat was built without libxdp", name);
}

void leat_dispatcher_leave(struct leat_root *root) {
    (void)root;
}

void leat_dispatcher_replay(void) {}

int leat_dispatcher_detach(uint32_t ifindex) {
    (void)ifindex;
    return -ENOENT;
}
