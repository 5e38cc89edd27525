/* SPDX-License-Identifier: BSD-2-Clause */
/* An interface and the XDP program on it: what stands there, and how one is put there. */
#include "lib/core/error.h"
#include "permission.h"
#include "root.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

/* libbpf writes the kernel's words about a failed request to stderr; they are not lost, since the
 * errno says the same. */
static int query_quietly(uint32_t ifindex, struct bpf_xdp_query_opts *opts) {
    libbpf_print_fn_t print = libbpf_set_print(NULL);
    int err = bpf_xdp_query((int)ifindex, 0, opts);
    libbpf_set_print(print);
    return err;
}

static void name_program(struct leat_attached *attached) {
    struct bpf_prog_info info = { 0 };
    uint32_t bytes = sizeof(info);
    int fd = bpf_prog_get_fd_by_id(attached->program);
    if (fd < 0)
        return;
    if (bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0)
        memcpy(attached->name, info.name, sizeof(attached->name) - 1);
    close(fd);
}

int leat_attached_query(struct leat_attached *attached, const char *name, uint32_t ifindex) {
    struct bpf_xdp_query_opts opts = { .sz = sizeof(opts) };
    char interface[IF_NAMESIZE];
    *attached = (struct leat_attached){ 0 };
    if (!if_indextoname(ifindex, interface))
        return leat_fail(ENODEV, "%s: the interface is gone", name);
    int err = query_quietly(ifindex, &opts);
    if (err < 0)
        return leat_fail(-err, "%s: cannot ask for the interface's XDP program: %s", name,
                         strerror(-err));
    /* Where programs stand in several modes prog_id is 0; the driver's runs first. */
    attached->program = opts.drv_prog_id ? opts.drv_prog_id : opts.skb_prog_id;
    attached->mode = opts.drv_prog_id ? LEAT_XDP_NATIVE : LEAT_XDP_GENERIC;
    if (attached->program)
        name_program(attached);
    return 0;
}

int leat_attached_link(uint32_t ifindex, uint32_t program) {
    uint32_t id = 0;
    while (bpf_link_get_next_id(id, &id) == 0) {
        struct bpf_link_info info = { 0 };
        uint32_t bytes = sizeof(info);
        int fd = bpf_link_get_fd_by_id(id);
        if (fd < 0 && errno == ENOENT)
            continue; /* it is gone meanwhile */
        if (fd < 0)
            return -errno;
        if (bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 && info.type == BPF_LINK_TYPE_XDP &&
            info.prog_id == program && info.xdp.ifindex == ifindex)
            return fd;
        close(fd);
    }
    return errno == ENOENT ? -ENOENT : -errno;
}

static int attach_in(uint32_t ifindex, int program, enum leat_xdp_mode mode) {
    struct bpf_link_create_opts opts = {
        .sz = sizeof(opts),
        .flags = mode == LEAT_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE,
    };
    int fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &opts);
    return fd < 0 ? -errno : fd;
}

/* The kernel tells its reason only to a tracepoint (xdp:bpf_xdp_link_attach_failed). */
static int attach_failed(const char *name, int err, enum leat_xdp_mode mode) {
    const char *how = mode == LEAT_XDP_NATIVE ? "native" : "generic";
    switch (err) {
    case EPERM:
        return leat_permission_missing(name, "attach an XDP program");
    case EOPNOTSUPP:
        return leat_fail(ENOTSUP, "%s: its driver has no %s XDP; mode=generic runs everywhere",
                         name, how);
    case EBUSY:
    case EEXIST:
        return leat_fail(EBUSY, "%s: cannot attach: another XDP program was attached meanwhile",
                         name);
    case ENODEV:
    case EINVAL: /* an interface that is being removed */
        return leat_fail(err, "%s: cannot attach in %s mode: %s; is the interface gone?", name, how,
                         strerror(err));
    case ERANGE:
    case ENOSPC:
    case ENOMEM:
        return leat_fail(err,
                         "%s: the driver cannot attach in %s mode: %s; fewer queues (of a "
                         "veth at least as many as its other end sends on), a smaller MTU, receive "
                         "offloads turned off (ethtool -K lro off) or "
                         "mode=generic may mend it",
                         name, how, strerror(err));
    default:
        return leat_fail(err, "%s: cannot attach in %s mode: %s", name, how, strerror(err));
    }
}

int leat_attach(const char *name, uint32_t ifindex, int program, enum leat_xdp_mode *mode,
                int *native_error) {
    enum leat_xdp_mode first = *mode == LEAT_XDP_GENERIC ? LEAT_XDP_GENERIC : LEAT_XDP_NATIVE;
    int link = attach_in(ifindex, program, first);
    bool elsewhere = link != -EPERM && link != -EBUSY && link != -EEXIST && link != -ENODEV;
    *native_error = 0;
    if (link < 0 && *mode == LEAT_XDP_AUTO && elsewhere) {
        *native_error = -link;
        if (link != -EOPNOTSUPP) {
            attach_failed(name, -link, first);
            leat_log(LEAT_LOG_NOTICE, "%s", leat_error());
        }
        first = LEAT_XDP_GENERIC;
        link = attach_in(ifindex, program, first);
    }
    if (link < 0)
        return attach_failed(name, -link, first);
    *mode = first;
    return link;
}
