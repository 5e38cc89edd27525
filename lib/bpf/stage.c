/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage.h"
#include "lib/core/error.h"
#include "program.h"
#include "root.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct leat_stage {
    char *name;
    struct leat_root root;
    uint32_t slot; /* among the root's stages */
    int program;   /* -1: not in the slot */
    int sockets;
};

static int find_slot(const struct leat_stage *stage, uint32_t *slot) {
    for (*slot = 0; *slot < LEAT_STAGES_MAX; (*slot)++) {
        uint32_t program;
        if (bpf_map_lookup_elem(stage->root.stages, slot, &program) < 0 && errno == ENOENT)
            return 0;
    }
    return leat_fail(EBUSY, "%s: the interface has its %d Leat programs already", stage->name,
                     LEAT_STAGES_MAX);
}

/* Its program knows its slot, since it goes on with those behind it. */
static int take_slot(struct leat_stage *stage, const char *match) {
    int err = find_slot(stage, &stage->slot);
    if (err < 0)
        return err;
    int program =
        leat_stage_load(stage->name, stage->root.stages, stage->slot, stage->sockets, match);
    if (program < 0)
        return program;
    if (bpf_map_update_elem(stage->root.stages, &stage->slot, &program, BPF_ANY) < 0) {
        err = leat_fail(errno, "%s: cannot put its program behind the root: %s", stage->name,
                        strerror(errno));
        close(program);
        return err;
    }
    stage->program = program;
    return 0;
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
    int err = leat_root_open(&stage->root, name, ifindex, opts->mode);
    if (err == 0)
        err = take_slot(stage, opts->match);
    close(lock);
    return err;
}

int leat_stage_open(struct leat_stage **stage, const char *name, uint32_t ifindex,
                    const struct leat_stage_opts *opts) {
    *stage = calloc(1, sizeof(**stage));
    if (!*stage)
        return leat_fail(ENOMEM, "%s: no memory", name);
    (*stage)->sockets = (*stage)->program = (*stage)->root.link = (*stage)->root.stages = -1;
    int err = open_stage(*stage, name, ifindex, opts);
    if (err < 0) {
        leat_stage_close(*stage);
        *stage = NULL;
    }
    return err;
}

int leat_stage_set_socket(struct leat_stage *stage, uint32_t queue, int socket) {
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
    (void)stage;
    return 0;
}

/* Nobody else touches a slot that is taken as long as its owner lives, so that no lock is needed.
 */
void leat_stage_close(struct leat_stage *stage) {
    if (!stage)
        return;
    if (stage->program >= 0) {
        bpf_map_delete_elem(stage->root.stages, &stage->slot);
        close(stage->program);
    }
    leat_root_close(&stage->root);
    if (stage->sockets >= 0)
        close(stage->sockets);
    free(stage->name);
    free(stage);
}
