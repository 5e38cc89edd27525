/* SPDX-License-Identifier: BSD-2-Clause */
#include "root.h"
#include "dispatcher.h"
#include "lib/core/error.h"
#include "permission.h"
#include "program.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 1000 /* of 5 ms: longer than any attaching takes */
#define OPEN_TRIES 200  /* of 5 ms: a root may be vanishing when it is found */

static const struct timespec pause_5ms = { .tv_nsec = 5000000 };

/* The file of the network namespace itself is the lock: everyone who can reach its interfaces has
 * the same one, whatever he sees of the file system, and nothing is left of it. */
int leat_root_lock(const char *name) {
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return leat_fail(errno, "%s: cannot open /proc/thread-self/ns/net: %s", name,
                         strerror(errno));
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        nanosleep(&pause_5ms, NULL);
    }
    close(fd);
    return leat_fail(EBUSY, "%s: another process keeps /proc/self/ns/net locked (flock)", name);
}

static const char *mode_name(enum leat_xdp_mode mode) {
    return mode == LEAT_XDP_NATIVE ? "native" : "generic";
}

int leat_root_refuse(const char *name, uint32_t ifindex, const struct leat_attached *there) {
    char interface[IF_NAMESIZE] = "IFACE";
    if_indextoname(ifindex, interface);
    if (strcmp(there->name, LEAT_ALONE_NAME) == 0)
        return leat_fail(EBUSY,
                         "%s: another Leat program is on the interface with rx-metadata=, which "
                         "none can join",
                         name);
    return leat_fail(
        EBUSY,
        "%s: XDP program %u (%s), which is not Leat's, is on the interface in %s mode; "
        "'bpftool net' shows it, 'leat xdp clean --force %s' removes one that nobody holds, "
        "and attach=dispatcher lives beside it",
        name, there->program, there->name, mode_name(there->mode), interface);
}

/* The map of a root's stages, or -ENOENT if the program is no root of ours. */
static int stages_of(const char *name, const struct leat_attached *there) {
    uint32_t id = 0, bytes;
    int program = bpf_prog_get_fd_by_id(there->program);
    if (program < 0)
        return errno == EPERM ? leat_permission_missing_admin(name, "look at the XDP program that "
                                                                    "is on the interface")
                              : -EAGAIN; /* it vanished */
    struct bpf_prog_info info = { .nr_map_ids = 1, .map_ids = (uintptr_t)&id };
    bytes = sizeof(info);
    int err = bpf_obj_get_info_by_fd(program, &info, &bytes);
    close(program);
    if (err < 0 || strcmp(info.name, LEAT_ROOT_NAME) != 0 || info.nr_map_ids != 1)
        return -ENOENT;

    struct bpf_map_info map = { 0 };
    bytes = sizeof(map);
    int stages = bpf_map_get_fd_by_id(id);
    if (stages < 0)
        return -EAGAIN;
    if (bpf_obj_get_info_by_fd(stages, &map, &bytes) == 0 && map.type == BPF_MAP_TYPE_PROG_ARRAY &&
        map.max_entries == LEAT_STAGES_MAX && strcmp(map.name, LEAT_STAGES_NAME) == 0)
        return stages;
    close(stages);
    return -ENOENT;
}

/* The link first: whoever holds it keeps the root where it is. A root of ours without one is being
 * taken off: the kernel forgets a link before it detaches the program (bpf_link_free()). */
static int join(struct leat_root *root, const char *name, enum leat_xdp_mode mode,
                const struct leat_attached *there) {
    root->link = leat_attached_link(root->ifindex, there->program);
    root->stages = stages_of(name, there);
    if (root->stages < 0 && root->stages != -ENOENT)
        return root->stages;
    if (root->stages < 0)
        return leat_root_refuse(name, root->ifindex, there);
    if (root->link == -ENOENT)
        return -EAGAIN;
    if (root->link < 0)
        return leat_fail(-root->link, "%s: cannot hold the link of XDP program %u: %s", name,
                         there->program, strerror(-root->link));
    if (mode != LEAT_XDP_AUTO && mode != there->mode)
        return leat_fail(ENOTSUP,
                         "%s: another Leat program runs on the interface in %s mode; "
                         "leave mode= out to join it",
                         name, mode_name(there->mode));
    root->mode = there->mode;
    return 0;
}

/* A program of its own instead of a root and its stages. */
int leat_root_open_alone(struct leat_root *root, const char *name, uint32_t ifindex, int program) {
    struct leat_attached there;
    *root = (struct leat_root){ .ifindex = ifindex, .link = -1, .stages = -1 };
    int err = leat_attached_query(&there, name, ifindex);
    if (err < 0)
        return err;
    if (strcmp(there.name, LEAT_ROOT_NAME) == 0)
        return leat_fail(EBUSY,
                         "%s: with rx-metadata= its program stands alone, and another Leat "
                         "program is on the interface",
                         name);
    if (there.program)
        return leat_root_refuse(name, ifindex, &there);
    root->mode = LEAT_XDP_NATIVE;
    root->link = leat_attach(name, ifindex, program, &root->mode, &root->native_error);
    return root->link < 0 ? root->link : 0;
}

static int make(struct leat_root *root, const char *name, enum leat_xdp_mode mode) {
    root->stages = leat_stages_map(name);
    if (root->stages < 0)
        return root->stages;
    int program = leat_root_load(name, root->stages);
    if (program < 0)
        return program;
    root->mode = mode;
    root->link = leat_attach(name, root->ifindex, program, &root->mode, &root->native_error);
    close(program);
    return root->link < 0 ? root->link : 0;
}

int leat_root_open(struct leat_root *root, const char *name, uint32_t ifindex,
                   enum leat_xdp_mode mode) {
    int err = -EAGAIN;
    for (int i = 0; i < OPEN_TRIES && err == -EAGAIN; i++) {
        struct leat_attached there;
        *root = (struct leat_root){ .ifindex = ifindex, .link = -1, .stages = -1 };
        err = leat_attached_query(&there, name, ifindex);
        if (err == 0)
            err = there.program ? join(root, name, mode, &there) : make(root, name, mode);
        if (err < 0)
            leat_root_close(root);
        if (err == -EAGAIN)
            nanosleep(&pause_5ms, NULL);
    }
    return err != -EAGAIN
               ? err
               : leat_fail(EAGAIN, "%s: XDP programs come and go on the interface", name);
}

void leat_root_close(struct leat_root *root) {
    if (root->component)
        leat_dispatcher_leave(root);
    root->component = 0;
    if (root->link >= 0)
        close(root->link);
    if (root->stages >= 0)
        close(root->stages);
    root->link = root->stages = -1;
}
