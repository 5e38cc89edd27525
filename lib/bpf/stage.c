/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage.h"
#include "dispatcher.h"
#include "lib/core/error.h"
#include "program.h"
#include "slots.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct leat_stage {
    char *name;
    struct leat_root root;
    uint32_t slot; /* among the root's stages */
    int program;   /* in that slot; -1: none */
    int note;      /* in the journal */
    pid_t process; /* whose slot that is */
    int sockets;
    uint32_t metadata;
};

/* Its program knows its slot, since it goes on with those behind it. */
static int take_slot(struct leat_stage *stage, const struct leat_stage_opts *opts) {
    int stages = stage->root.stages, err = leat_slots_find(stage->name, stages, &stage->slot);
    if (err < 0)
        return err;
    int program =
        opts->load ? opts->load(opts->ctx, stages, stage->slot)
                   : leat_stage_load(stage->name, stages, stage->slot, stage->sockets, opts->match);
    if (program < 0)
        return program;
    stage->note = leat_slots_take(stage->name, &stage->root, stage->slot, program);
    if (stage->note < 0)
        close(program);
    else
        stage->program = program;
    return stage->note < 0 ? stage->note : 0;
}

static int stand_alone(struct leat_stage *stage, uint32_t ifindex,
                       const struct leat_stage_opts *opts) {
    if (opts->mode == LEAT_XDP_GENERIC)
        return leat_fail(ENOTSUP, "%s: rx-metadata= comes from the driver: not in generic mode",
                         stage->name);
    int program =
        leat_alone_load(stage->name, ifindex, opts->metadata, stage->sockets, opts->match);
    if (program < 0)
        return program;
    int err = leat_root_open_alone(&stage->root, stage->name, ifindex, program);
    close(program);
    stage->metadata = opts->metadata;
    return err;
}

static int join_root(struct leat_stage *stage, uint32_t ifindex,
                     const struct leat_stage_opts *opts) {
    int err = leat_root_open(&stage->root, stage->name, ifindex, opts->mode);
    return err < 0 ? err : take_slot(stage, opts);
}

static int be_component(struct leat_stage *stage, uint32_t ifindex,
                        const struct leat_stage_opts *opts) {
    if (opts->metadata)
        return leat_fail(ENOTSUP,
                         "%s: rx-metadata= and attach=dispatcher exclude each other: a program "
                         "with the first stands alone",
                         stage->name);
    struct code code = leat_code_new(stage->name);
    if (!code.insns)
        return -ENOMEM;
    int err = leat_component_emit(&code, stage->sockets, opts->match);
    if (err < 0)
        leat_fail_in(err, stage->name);
    else
        err = leat_dispatcher_open(&stage->root, stage->name, ifindex, opts->mode, &code);
    free(code.insns);
    return err;
}

static int put_on(struct leat_stage *stage, uint32_t ifindex, const struct leat_stage_opts *opts) {
    if (opts->load && (opts->dispatcher || opts->metadata || opts->match))
        return leat_fail(ENOTSUP, "%s: a program of its own stands among Leat's stages only",
                         stage->name);
    if (opts->dispatcher)
        return be_component(stage, ifindex, opts);
    return opts->metadata ? stand_alone(stage, ifindex, opts) : join_root(stage, ifindex, opts);
}

static int open_stage(struct leat_stage *stage, const char *name, uint32_t ifindex,
                      const struct leat_stage_opts *opts) {
    if (!(stage->name = strdup(name)))
        return leat_fail(ENOMEM, "%s: no memory", name);
    stage->sockets = leat_sockets_map(name, opts->queues);
    if (stage->sockets < 0)
        return stage->sockets;
    int lock = leat_root_lock(name);
    if (lock < 0)
        return lock;
    leat_slots_replay(NULL, NULL);
    leat_dispatcher_replay();
    int err = put_on(stage, ifindex, opts);
    close(lock);
    return err;
}

int leat_stage_open(struct leat_stage **stage, const char *name, uint32_t ifindex,
                    const struct leat_stage_opts *opts) {
    *stage = calloc(1, sizeof(**stage));
    if (!*stage)
        return leat_fail(ENOMEM, "%s: no memory", name);
    (*stage)->sockets = (*stage)->root.link = (*stage)->root.stages = (*stage)->program = -1;
    (*stage)->process = getpid();
    int err = open_stage(*stage, name, ifindex, opts);
    if (err < 0) {
        leat_stage_close(*stage);
        *stage = NULL;
    }
    return err;
}

/* The kernel empties a map of programs some time after its last user's descriptor is closed
 * (prog_array_map_clear()), and whoever joined the root meanwhile would lose his slot. */
static void keep_slot(struct leat_stage *stage) {
    if (stage->program >= 0)
        bpf_map_update_elem(stage->root.stages, &stage->slot, &stage->program, BPF_ANY);
}

int leat_stage_set_socket(struct leat_stage *stage, uint32_t queue, int socket) {
    keep_slot(stage);
    int err = socket < 0 ? bpf_map_delete_elem(stage->sockets, &queue)
                         : bpf_map_update_elem(stage->sockets, &queue, &socket, BPF_ANY);
    if (err == 0 || (socket < 0 && errno == ENOENT))
        return 0;
    return leat_fail(errno, "%s: cannot give queue %u to %s: %s", stage->name, queue,
                     socket < 0 ? "the kernel" : "its socket", strerror(errno));
}

enum leat_xdp_mode leat_stage_mode(const struct leat_stage *stage) {
    return stage->root.mode;
}

uint32_t leat_stage_metadata(const struct leat_stage *stage) {
    return stage->metadata;
}

int leat_stage_native_error(const struct leat_stage *stage) {
    return stage->root.native_error;
}

/* Nobody else touches a slot that is taken as long as its owner lives, so that no lock is needed.
 * Who inherited it by fork() only lets go of its descriptors. */
void leat_stage_close(struct leat_stage *stage) {
    if (!stage)
        return;
    bool ours = stage->process == getpid();
    if (!ours)
        stage->root.component = 0;
    if (stage->program >= 0 && ours)
        leat_slots_leave(stage->root.stages, stage->slot, stage->note);
    if (stage->program >= 0)
        close(stage->program);
    leat_root_close(&stage->root);
    if (stage->sockets >= 0)
        close(stage->sockets);
    free(stage->name);
    free(stage);
}
