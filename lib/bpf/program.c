/* SPDX-License-Identifier: BSD-2-Clause */
#include "program.h"
#include "assembler.h"
#include "lib/core/error.h"
#include "match.h"
#include "permission.h"
#include "stage.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define INSNS_MAX 32768 /* of a stage: what a jump can cross */
#define LOG_BYTES 4096  /* of the verifier's words, of which the last lines tell why */

#ifndef BPF_F_XDP_DEV_BOUND_ONLY
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6) /* Linux 6.3 */
#endif

static int map_failed(const char *name, int err) {
    return err == EPERM ? leat_permission_missing(name, "make a BPF map")
                        : leat_fail(err, "%s: cannot make a BPF map: %s", name, strerror(err));
}

int leat_stages_map(const char *name) {
    int fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, LEAT_STAGES_NAME, sizeof(uint32_t),
                            sizeof(uint32_t), LEAT_STAGES_MAX, NULL);
    return fd < 0 ? map_failed(name, errno) : fd;
}

int leat_sockets_map(const char *name, uint32_t queues) {
    int fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, LEAT_SOCKETS_NAME, sizeof(uint32_t),
                            sizeof(uint32_t), queues ? queues : 1, NULL);
    return fd < 0 ? map_failed(name, errno) : fd;
}

/* The last line but one of the verifier's log is its reason; the last is a statistic. */
static const char *verifier_reason(char *log) {
    char *end = strstr(log, "\nprocessed ");
    if (!end)
        return log;
    *end = '\0';
    char *line = strrchr(log, '\n');
    return line ? line + 1 : log;
}

struct code leat_code_new(const char *name) {
    struct code code = { .insns = calloc(INSNS_MAX, sizeof(*code.insns)), .room = INSNS_MAX };
    if (!code.insns)
        leat_fail(ENOMEM, "%s: no memory for its BPF program", name);
    return code;
}

static int load_program(const char *name, const char *program, const struct code *code,
                        enum bpf_prog_type type, struct bpf_prog_load_opts *opts) {
    if (code->count > code->room)
        return leat_fail(E2BIG,
                         "%s: its program would have more than %u instructions; a simpler filter "
                         "makes it shorter",
                         name, code->room);
    opts->sz = sizeof(*opts);
    int fd = bpf_prog_load(type, program, LEAT_PROGRAM_TERMS, code->insns, code->count, opts);
    if (fd >= 0)
        return fd;
    int err = errno;
    if (err == EPERM)
        return leat_permission_missing(name, "load a BPF program");
    if (opts->prog_ifindex && (err == EOPNOTSUPP || err == EINVAL))
        return leat_fail(ENOTSUP,
                         "%s: rx-metadata: the interface's driver has none of it, or the "
                         "kernel is older than 6.3",
                         name);
    char log[LOG_BYTES] = "";
    opts->log_buf = log;
    opts->log_size = sizeof(log);
    opts->log_level = 1;
    fd = bpf_prog_load(type, program, LEAT_PROGRAM_TERMS, code->insns, code->count, opts);
    opts->log_buf = NULL; /* which is gone on return */
    if (fd >= 0)
        return fd;
    if (err == E2BIG)
        return leat_fail(E2BIG,
                         "%s: its program is too much for the kernel's verifier; a simpler "
                         "filter makes it shorter",
                         name);
    return leat_fail(err, "%s: the kernel refuses program %s: %s: %s", name, program, strerror(err),
                     verifier_reason(log));
}

/* Frames of several buffers are let through (kernel 5.18): stages and root must agree in that, and
 * in the expected attach type, which has to be none in a dispatcher. */
int leat_program_load(const char *name, const char *program, const struct code *code,
                      uint32_t device) {
    struct bpf_prog_load_opts opts = {
        .prog_flags = BPF_F_XDP_HAS_FRAGS | (device ? BPF_F_XDP_DEV_BOUND_ONLY : 0),
        .prog_ifindex = device,
        .expected_attach_type = BPF_XDP,
    };
    return load_program(name, program, code, BPF_PROG_TYPE_XDP, &opts);
}

int leat_program_load_skb(const char *name, const char *program, const struct code *code) {
    struct bpf_prog_load_opts opts = { 0 };
    return load_program(name, program, code, BPF_PROG_TYPE_SCHED_CLS, &opts);
}

void leat_emit_tail_call(struct code *code, int programs, uint32_t index) {
    emit(code, mov_reg(R1, R6));
    emit_map(code, R2, programs);
    emit(code, mov(R3, index));
    emit(code, call(BPF_FUNC_tail_call));
}

void leat_emit_stages(struct code *code, int stages, uint32_t slot) {
    for (; slot < LEAT_STAGES_MAX; slot++)
        leat_emit_tail_call(code, stages, slot);
    emit(code, mov(R0, XDP_PASS));
    emit(code, leave());
}

int leat_root_load(const char *name, int stages) {
    struct bpf_insn insns[8 * LEAT_STAGES_MAX];
    struct code code = { .insns = insns, .room = sizeof(insns) / sizeof(*insns) };
    emit(&code, mov_reg(R6, R1));
    leat_emit_stages(&code, stages, 0);
    return leat_program_load(name, LEAT_ROOT_NAME, &code, 0);
}

void leat_emit_redirect(struct code *code, int sockets) {
    emit_map(code, R1, sockets);
    emit(code, load(BPF_W, R2, R6, offsetof(struct xdp_md, rx_queue_index)));
    emit(code, mov(R3, XDP_PASS));
    emit(code, call(BPF_FUNC_redirect_map));
    uint32_t no_socket = emit(code, jump_if(BPF_JNE, R0, XDP_REDIRECT));
    emit(code, leave());
    land(code, no_socket);
}

/* The packet's start and end are in R7 and R8. */
int leat_emit_match(struct code *code, enum leat_match_context context, const char *match) {
    bool skb = context == LEAT_MATCH_SKB;
    int16_t data = skb ? offsetof(struct __sk_buff, data) : offsetof(struct xdp_md, data);
    int16_t data_end =
        skb ? offsetof(struct __sk_buff, data_end) : offsetof(struct xdp_md, data_end);
    emit(code, load(BPF_W, R7, R6, data));
    emit(code, load(BPF_W, R8, R6, data_end));
    int count =
        leat_match_compile(code->insns + code->count, code->room - code->count, context, match);
    if (count < 0)
        return count;
    code->count += (uint32_t)count;
    return (int)emit(code, jump_if(BPF_JEQ, R0, 0));
}

int leat_component_emit(struct code *code, int sockets, const char *match) {
    emit(code, mov_reg(R6, R1));
    int unwanted = match ? leat_emit_match(code, LEAT_MATCH_XDP, match) : 0;
    if (unwanted < 0)
        return unwanted;
    leat_emit_redirect(code, sockets);
    if (match)
        land(code, (uint32_t)unwanted);
    emit(code, mov(R0, XDP_PASS));
    emit(code, leave());
    return 0;
}

static int emit_stage(struct code *code, int stages, uint32_t slot, int sockets,
                      const char *match) {
    emit(code, mov_reg(R6, R1));
    int unwanted = match ? leat_emit_match(code, LEAT_MATCH_XDP, match) : 0;
    if (unwanted < 0)
        return unwanted;
    leat_emit_redirect(code, sockets);
    if (match)
        land(code, (uint32_t)unwanted);
    leat_emit_stages(code, stages, slot + 1);
    return 0;
}

int leat_stage_load(const char *name, int stages, uint32_t slot, int sockets, const char *match) {
    struct code code = leat_code_new(name);
    if (!code.insns)
        return -ENOMEM;
    int err = emit_stage(&code, stages, slot, sockets, match);
    err = err < 0 ? leat_fail_in(err, name) : leat_program_load(name, LEAT_STAGE_NAME, &code, 0);
    free(code.insns);
    return err;
}
