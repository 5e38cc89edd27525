/* SPDX-License-Identifier: BSD-2-Clause */
/* leat_xdp_clean(): what programs that died left on an interface. */
#include "lib/bpf/permission.h"
#include "lib/bpf/stage.h"
#include "lib/bus/netdev.h"
#include <leat/xdp.h>

int leat_xdp_clean(const char *interface, bool force, void (*told)(void *ctx, const char *sentence),
                   void *ctx) {
    struct leat_netdev dev;
    int err = leat_permission_check(interface, "be cleaned");
    if (err < 0 || (err = leat_netdev_open(&dev, interface)) < 0)
        return err;
    leat_netdev_restore(&dev);
    leat_netdev_replay();
    return leat_stage_clean(interface, force, told, ctx);
}
