/* SPDX-License-Identifier: BSD-2-Clause */
#include "slots.h"
#include "lib/core/error.h"
#include "lib/core/journal.h"
#include "permission.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whom the replay that runs in this thread tells. */
static _Thread_local struct {
    void (*told)(void *ctx, const char *what);
    void *ctx;
    int count;
} listener;

static void tell(uint32_t ifindex, uint32_t slot, uint32_t program) {
    listener.count++;
    char interface[IF_NAMESIZE] = "?", what[96];
    if_indextoname(ifindex, interface);
    snprintf(what, sizeof(what), "XDP program %u of a process that died: stage %u on %s", program,
             slot, interface);
    if (listener.told)
        listener.told(listener.ctx, what);
    leat_log(LEAT_LOG_NOTICE, "removed %s", what);
}

static int cannot_empty(uint32_t ifindex, uint32_t slot) {
    char interface[IF_NAMESIZE] = "?", what[48];
    int err = errno;
    if_indextoname(ifindex, interface);
    snprintf(what, sizeof(what), "empty stage %u of a process that died", slot);
    return err == EPERM ? leat_permission_missing_admin(interface, what)
                        : leat_fail(err, "%s: cannot %s: %s", interface, what, strerror(err));
}

/* If the slot still has the program: it may have been emptied and taken again. */
static int empty_slot(const char *text) {
    uint32_t ifindex, map, slot, noted, program;
    if (sscanf(text, "%u %u %u %u", &ifindex, &map, &slot, &noted) != 4)
        return 0; /* not ours to keep */
    int stages = bpf_map_get_fd_by_id(map);
    if (stages < 0)
        return cannot_empty(ifindex, slot);
    int err = bpf_map_lookup_elem(stages, &slot, &program) < 0 ? cannot_empty(ifindex, slot) : 0;
    if (err == 0 && program == noted) {
        err = bpf_map_delete_elem(stages, &slot) < 0 ? cannot_empty(ifindex, slot) : 0;
        if (err == 0)
            tell(ifindex, slot, program);
    }
    close(stages);
    return err;
}

/* Maps are numbered in all namespaces together. */
static bool map_is_gone(const char *text) {
    uint32_t map, next;
    if (sscanf(text, "%*u %u", &map) != 1 || map == 0)
        return true;
    if (bpf_map_get_next_id(map - 1, &next) < 0)
        return errno == ENOENT;
    return next != map;
}

static const struct leat_journal_kind slot_kind = { "stage", empty_slot, map_is_gone };

int leat_slots_find(const char *name, int stages, uint32_t *slot) {
    for (*slot = 0; *slot < LEAT_STAGES_MAX; (*slot)++) {
        uint32_t program;
        if (bpf_map_lookup_elem(stages, slot, &program) < 0 && errno == ENOENT)
            return 0;
    }
    return leat_fail(EBUSY, "%s: the interface has its %d Leat programs already", name,
                     LEAT_STAGES_MAX);
}

static uint32_t map_id(int fd) {
    struct bpf_map_info info = { 0 };
    uint32_t bytes = sizeof(info);
    return bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 ? info.id : 0;
}

static uint32_t program_id(int fd) {
    struct bpf_prog_info info = { 0 };
    uint32_t bytes = sizeof(info);
    return bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 ? info.id : 0;
}

int leat_slots_take(const char *name, const struct leat_root *root, uint32_t slot, int program) {
    char text[64];
    snprintf(text, sizeof(text), "%u %u %u %u", root->ifindex, map_id(root->stages), slot,
             program_id(program));
    int note = leat_journal_note(&slot_kind, text);
    if (note < 0)
        leat_log(LEAT_LOG_NOTICE,
                 "%s: if it is killed, its stage stays until the last Leat "
                 "program of the interface ends: %s",
                 name, leat_error());
    note = note < 0 ? 0 : note;
    if (bpf_map_update_elem(root->stages, &slot, &program, BPF_ANY) == 0)
        return note;
    int err =
        leat_fail(errno, "%s: cannot put its program behind the root: %s", name, strerror(errno));
    if (note)
        leat_journal_strike(note);
    return err;
}

void leat_slots_leave(int stages, uint32_t slot, int note) {
    bpf_map_delete_elem(stages, &slot);
    if (note)
        leat_journal_strike(note);
}

int leat_slots_replay(void (*told)(void *ctx, const char *what), void *ctx) {
    const struct leat_journal_kind *const kinds[] = { &slot_kind, NULL };
    listener.told = told;
    listener.ctx = ctx;
    listener.count = 0;
    int undone = leat_journal_replay(kinds); /* counts also what was gone already */
    return undone < 0 ? undone : listener.count;
}
