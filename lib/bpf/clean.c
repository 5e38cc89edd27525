/* SPDX-License-Identifier: BSD-2-Clause */
/* What others left on an interface, and whether there is somebody whose it is. */
#include "dispatcher.h"
#include "lib/core/error.h"
#include "permission.h"
#include "slots.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct owner {
    int pid;
    char command[16];
};

/* Whether a descriptor's description has the line, as "link_id:\t12\n". */
static bool describes(const char *path, const char *line) {
    char text[1024] = "";
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t bytes = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[bytes] = '\0';
    return strstr(text, line) != NULL;
}

static bool process_has(const char *pid, const char *line) {
    char path[300];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
    DIR *descriptors = opendir(path);
    if (!descriptors)
        return false;
    for (struct dirent *fd; !found && (fd = readdir(descriptors));) {
        snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, fd->d_name);
        found = isdigit(fd->d_name[0]) && describes(path, line);
    }
    closedir(descriptors);
    return found;
}

/* Another process that holds the object of which /proc says that line. */
static bool find_owner(struct owner *owner, const char *line) {
    char path[64];
    bool found = false;
    DIR *processes = opendir("/proc");
    if (!processes)
        return false;
    for (struct dirent *process; !found && (process = readdir(processes));) {
        owner->pid = atoi(process->d_name);
        found = owner->pid > 0 && owner->pid != getpid() && process_has(process->d_name, line);
    }
    closedir(processes);
    if (!found)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/comm", owner->pid);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(owner->command, sizeof(owner->command), file))
        strcpy(owner->command, "?");
    owner->command[strcspn(owner->command, "\n")] = '\0';
    if (file)
        fclose(file);
    return true;
}

static uint32_t link_id(int link) {
    struct bpf_link_info info = { 0 };
    uint32_t bytes = sizeof(info);
    return bpf_obj_get_info_by_fd(link, &info, &bytes) == 0 ? info.id : 0;
}

/* A program is somebody's if a process holds its link, or, where it has none, the program. */
static int refuse_if_owned(const char *interface, const struct leat_attached *there, int link) {
    struct owner owner;
    char line[32];
    if (link >= 0)
        snprintf(line, sizeof(line), "link_id:\t%u\n", link_id(link));
    else
        snprintf(line, sizeof(line), "prog_id:\t%u\n", there->program);
    if (!find_owner(&owner, line))
        return 0;
    return leat_fail(EBUSY, "%s: XDP program %u (%s) is in use by process %d (%s); end that first",
                     interface, there->program, there->name, owner.pid, owner.command);
}

static int detach(uint32_t ifindex, enum leat_xdp_mode mode, int link) {
    if (link >= 0)
        return bpf_link_detach(link) < 0 ? -errno : 0;
    int dispatcher = leat_dispatcher_detach(ifindex); /* with its pins */
    if (dispatcher != -ENOENT)
        return dispatcher;
    uint32_t flags = mode == LEAT_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    libbpf_print_fn_t print = libbpf_set_print(NULL);
    int err = bpf_xdp_detach((int)ifindex, flags, NULL);
    libbpf_set_print(print);
    return err;
}

/* Returns whether there was one. */
static int remove_program(const char *interface, uint32_t ifindex,
                          void (*told)(void *ctx, const char *what), void *ctx) {
    struct leat_attached there;
    char what[96];
    int err = leat_attached_query(&there, interface, ifindex);
    if (err < 0 || there.program == 0)
        return err;
    int link = leat_attached_link(ifindex, there.program);
    if (link == -EPERM)
        return leat_permission_missing_admin(interface, "see whose its XDP program is");
    err = refuse_if_owned(interface, &there, link);
    if (err == 0 && (err = detach(ifindex, there.mode, link)) < 0)
        err = err == -EPERM ? leat_permission_missing(interface, "detach its XDP program")
                            : leat_fail(-err, "%s: cannot detach XDP program %u: %s", interface,
                                        there.program, strerror(-err));
    if (link >= 0)
        close(link);
    if (err < 0)
        return err;
    snprintf(what, sizeof(what), "XDP program %u (%s) on %s, in %s mode", there.program, there.name,
             interface, there.mode == LEAT_XDP_NATIVE ? "native" : "generic");
    if (told)
        told(ctx, what);
    return 1;
}

int leat_stage_clean(const char *interface, bool force, void (*told)(void *ctx, const char *what),
                     void *ctx) {
    uint32_t ifindex = if_nametoindex(interface);
    if (ifindex == 0)
        return leat_fail(ENODEV, "%s: no such interface", interface);
    int lock = leat_root_lock(interface);
    if (lock < 0)
        return lock;
    int removed = leat_slots_replay(told, ctx), more = 1;
    leat_dispatcher_replay();
    /* In one mode, then in the other. */
    for (int i = 0; i < 2 && removed >= 0 && force && more == 1; i++) {
        more = remove_program(interface, ifindex, told, ctx);
        removed = more < 0 ? more : removed + more;
    }
    close(lock);
    return removed;
}
