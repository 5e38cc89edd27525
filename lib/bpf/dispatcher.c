/* SPDX-License-Identifier: BSD-2-Clause */
#include "dispatcher.h"
#include "lib/core/error.h"
#include "lib/core/journal.h"
#include "object.h"
#include "permission.h"
#include "program.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

/* libxdp and libbpf tell stderr of what they try, and of what they fall back to. */
static void be_quiet(void) {
    libxdp_set_print(NULL);
    libbpf_set_print(NULL);
}

/* Whether the program is a component of the interface's dispatcher; -ENOENT: there is none. */
static int is_component(uint32_t ifindex, uint32_t id) {
    struct xdp_multiprog *dispatcher = xdp_multiprog__get_from_ifindex((int)ifindex);
    struct xdp_program *component = NULL;
    int found = 0;
    if (libxdp_get_error(dispatcher))
        return -ENOENT;
    if (xdp_multiprog__is_legacy(dispatcher))
        found = -ENOENT;
    while (found == 0 && (component = xdp_multiprog__next_prog(component, dispatcher)))
        found = xdp_program__id(component) == id;
    xdp_multiprog__close(dispatcher);
    return found;
}

static enum xdp_attach_mode libxdp_mode(enum leat_xdp_mode mode) {
    return mode == LEAT_XDP_NATIVE ? XDP_MODE_NATIVE : XDP_MODE_SKB;
}

static int take_out(uint32_t ifindex, uint32_t id) {
    struct leat_attached there;
    int err = leat_attached_query(&there, "dispatcher", ifindex);
    if (err < 0)
        return err;
    if (is_component(ifindex, id) <= 0)
        return -ENOENT;
    struct xdp_program *component = xdp_program__from_id(id);
    if (libxdp_get_error(component))
        return (int)libxdp_get_error(component);
    err = xdp_program__detach(component, (int)ifindex, libxdp_mode(there.mode), 0);
    xdp_program__close(component);
    return err;
}

/* A note's text: interface, component. */
static int take_out_noted(const char *text) {
    uint32_t ifindex, id;
    if (sscanf(text, "%u %u", &ifindex, &id) != 2)
        return 0; /* not ours to keep */
    be_quiet();
    int err = take_out(ifindex, id);
    if (err == 0)
        leat_log(LEAT_LOG_NOTICE,
                 "removed XDP program %u of a process that died: a component of "
                 "the dispatcher on interface %u",
                 id, ifindex);
    return err;
}

static const struct leat_journal_kind component_kind = { "dispatcher", take_out_noted };

void leat_dispatcher_replay(void) {
    const struct leat_journal_kind *const kinds[] = { &component_kind, NULL };
    leat_journal_replay(kinds);
}

/* Without a note nothing would take it out after a kill -9. */
static int note(struct leat_root *root) {
    char text[32];
    snprintf(text, sizeof(text), "%u %u", root->ifindex, root->component);
    root->note = leat_journal_note(&component_kind, text);
    return root->note < 0 ? root->note : 0;
}

/* 0; or -ENOSYS when the dispatcher cannot be had, and another errno of libxdp's. */
static int attach_object(struct leat_root *root, struct bpf_object *object) {
    struct xdp_program_opts opts = { .sz = sizeof(opts),
                                     .obj = object,
                                     .prog_name = LEAT_STAGE_NAME };
    struct xdp_program *program = xdp_program__create(&opts);
    int err = (int)libxdp_get_error(program);
    if (err)
        return err;
    enum xdp_attach_mode mode = libxdp_mode(root->mode);
    err = xdp_program__set_xdp_frags_support(program, true);
    if (err == 0)
        err = xdp_program__attach(program, (int)root->ifindex, mode, 0);
    root->component = err ? 0 : xdp_program__id(program);
    if (err == 0 && is_component(root->ifindex, root->component) <= 0) {
        xdp_program__detach(program, (int)root->ifindex, mode, 0);
        root->component = 0;
        err = -ENOSYS;
    }
    xdp_program__close(program);
    return err;
}

/* An object can be loaded only once: each try has one of its own. */
static int attach_in(struct leat_root *root, const struct code *code, enum leat_xdp_mode mode) {
    size_t bytes;
    void *elf = leat_object_make(LEAT_STAGE_NAME, LEAT_PROGRAM_TERMS, code, &bytes);
    if (!elf)
        return -ENOMEM;
    struct bpf_object_open_opts opts = { .sz = sizeof(opts), .object_name = LEAT_STAGE_NAME };
    struct bpf_object *object = bpf_object__open_mem(elf, bytes, &opts);
    root->mode = mode;
    int err = object ? attach_object(root, object) : -errno;
    bpf_object__close(object);
    free(elf);
    return err;
}

static int attach_failed(const char *name, int err) {
    char words[128];
    if (err == -ENOSYS)
        return leat_fail(ENOTSUP,
                         "%s: attach=dispatcher: this kernel does not let programs replace "
                         "functions of another one (freplace), so that libxdp would attach it "
                         "alone; leave attach= out",
                         name);
    if (err == -EPERM)
        return leat_permission_missing_admin(name, "attach by libxdp's dispatcher");
    libxdp_strerror(err, words, sizeof(words));
    return leat_fail(-err, "%s: libxdp's dispatcher does not take its program: %s", name, words);
}

static int attach(struct leat_root *root, const char *name, enum leat_xdp_mode mode,
                  const struct code *code) {
    int err = attach_in(root, code, mode == LEAT_XDP_GENERIC ? LEAT_XDP_GENERIC : LEAT_XDP_NATIVE);
    if (err == -EOPNOTSUPP && mode == LEAT_XDP_AUTO)
        err = attach_in(root, code, LEAT_XDP_GENERIC);
    if (err < 0)
        return attach_failed(name, err);
    err = note(root);
    if (err < 0) {
        take_out(root->ifindex, root->component);
        root->component = 0;
    }
    return err;
}

int leat_dispatcher_open(struct leat_root *root, const char *name, uint32_t ifindex,
                         enum leat_xdp_mode mode, const struct code *code) {
    struct leat_attached there;
    *root = (struct leat_root){ .ifindex = ifindex, .link = -1, .stages = -1 };
    be_quiet();
    int err = leat_attached_query(&there, name, ifindex);
    if (err < 0)
        return err;
    if (strncmp(there.name, "leat_", 5) == 0)
        return leat_fail(EBUSY,
                         "%s: another Leat program is on the interface without the dispatcher; "
                         "leave attach= out to join it",
                         name);
    if (there.program && is_component(ifindex, 0) < 0)
        return leat_root_refuse(name, ifindex, &there);
    if (there.program && mode == LEAT_XDP_AUTO)
        mode = there.mode;
    return attach(root, name, mode, code);
}

void leat_dispatcher_leave(struct leat_root *root) {
    int lock = leat_root_lock("dispatcher");
    take_out(root->ifindex, root->component);
    leat_journal_strike(root->note);
    if (lock >= 0)
        close(lock);
}

int leat_dispatcher_detach(uint32_t ifindex) {
    be_quiet();
    struct xdp_multiprog *dispatcher = xdp_multiprog__get_from_ifindex((int)ifindex);
    if (libxdp_get_error(dispatcher))
        return -ENOENT;
    int err = xdp_multiprog__is_legacy(dispatcher) ? -ENOENT : xdp_multiprog__detach(dispatcher);
    xdp_multiprog__close(dispatcher);
    return err;
}
