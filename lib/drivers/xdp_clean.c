/* SPDX-License-Identifier: BSD-2-Clause */
/* leat_xdp_clean(): what programs that died left on an interface. */
#include "lib/bpf/permission.h"
#include "lib/bpf/stage.h"
#include "lib/bus/netdev.h"
#include <leat/xdp.h>
#include <stdio.h>

int leat_xdp_clean(const char *interface, bool force, void (*told)(void *ctx, const char *sentence),
                   void *ctx) {
    struct leat_netdev dev;
    int err = leat_permission_check(interface, "be cleaned");
    if (err < 0 || (err = leat_netdev_open(&dev, interface)) < 0)
        return err;
    leat_netdev_restore(&dev);
    int settings = leat_netdev_replay();
    if (settings > 0 && told) {
        char what[96];
        snprintf(what, sizeof(what), "%d changed setting%s of interfaces, by processes that died",
                 settings, settings == 1 ? "" : "s");
        told(ctx, what);
    }
    int removed = leat_stage_clean(interface, force, told, ctx);
    return removed < 0 ? removed : settings + removed;
}
