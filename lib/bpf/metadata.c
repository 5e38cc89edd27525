/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of a stage that tells what the driver knows of each frame, by functions of the kernel
 * (Documentation/networking/xdp-rx-metadata.rst). They take a program that is bound to its device,
 * and such a one can neither be in a map of stages nor use one: it stands alone.
 */
#include "lib/core/error.h"
#include "program.h"
#include "stage.h"
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* struct leat_xdp_received is made on the stack, with the kind of the hash below it. */
#define RECEIVED_BYTES ((int)sizeof(struct leat_xdp_received))
#define FIELD(name)    ((int)offsetof(struct leat_xdp_received, name) - RECEIVED_BYTES)
#define HASH_KIND      (-RECEIVED_BYTES - 8)

_Static_assert(sizeof(struct leat_xdp_received) % 8 == 0, "it is copied by eight bytes");

static const struct kind {
    uint32_t bit;
    const char *function, *word;
    int first, second; /* the stack's places for what it tells; 0: one only */
} kinds[] = {
    { LEAT_XDP_META_TIME, "bpf_xdp_metadata_rx_timestamp", "time", FIELD(time_ns), 0 },
    { LEAT_XDP_META_HASH, "bpf_xdp_metadata_rx_hash", "hash", FIELD(hash), HASH_KIND },
    { LEAT_XDP_META_VLAN, "bpf_xdp_metadata_rx_vlan_tag", "vlan", FIELD(vlan_proto),
      FIELD(vlan_tci) },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* A function of the kernel's is called by its number in the kernel's type information. */
static int find_functions(const char *name, uint32_t metadata, int32_t ids[KINDS]) {
    libbpf_print_fn_t print = libbpf_set_print(NULL);
    struct btf *btf = btf__load_vmlinux_btf();
    int err = btf ? 0 : -errno;
    libbpf_set_print(print);
    if (err < 0)
        return leat_fail(ENOTSUP, "%s: rx-metadata: this kernel tells no types (BTF): %s", name,
                         strerror(-err));
    for (size_t i = 0; i < KINDS && err == 0; i++) {
        ids[i] = btf__find_by_name_kind(btf, kinds[i].function, BTF_KIND_FUNC);
        if (metadata & kinds[i].bit && ids[i] < 0)
            err = leat_fail(ENOTSUP, "%s: rx-metadata=%s: this kernel has no %s()", name,
                            kinds[i].word, kinds[i].function);
    }
    btf__free(btf);
    return err;
}

static void emit_stack_address(struct code *code, uint8_t dst, int offset) {
    emit(code, mov_reg(dst, R10));
    emit(code, alu(BPF_ADD, dst, offset));
}

/* if (function(ctx, &received.first, &received.second) == 0) valid |= bit; */
static void emit_ask(struct code *code, const struct kind *kind, int32_t id) {
    emit(code, mov_reg(R1, R6));
    emit_stack_address(code, R2, kind->first);
    if (kind->second)
        emit_stack_address(code, R3, kind->second);
    emit(code, call_kernel(id));
    uint32_t unknown = emit(code, jump_if(BPF_JNE, R0, 0));
    emit(code, alu(BPF_OR, R9, (int32_t)kind->bit));
    land(code, unknown);
}

/* if (bpf_xdp_adjust_meta(ctx, -sizeof(received)) || ctx->data_meta + sizeof(received) > ctx->data)
 *     goto pass;
 * *(struct leat_xdp_received *)ctx->data_meta = received;
 * The two jumps are to land at `pass`. */
static void emit_put(struct code *code, uint32_t jumps[2]) {
    emit(code, mov_reg(R1, R6));
    emit(code, alu(BPF_MOV, R2, -RECEIVED_BYTES));
    emit(code, call(BPF_FUNC_xdp_adjust_meta));
    jumps[0] = emit(code, jump_if(BPF_JNE, R0, 0));
    emit(code, load(BPF_W, R1, R6, offsetof(struct xdp_md, data_meta)));
    emit(code, load(BPF_W, R2, R6, offsetof(struct xdp_md, data)));
    emit(code, mov_reg(R3, R1));
    emit(code, alu(BPF_ADD, R3, RECEIVED_BYTES));
    jumps[1] = emit(code, jump_if_reg(BPF_JGT, R3, R2));
    for (int at = 0; at < RECEIVED_BYTES; at += 8) {
        emit(code, load(BPF_DW, R4, R10, (int16_t)(at - RECEIVED_BYTES)));
        emit(code, store(BPF_DW, R1, (int16_t)at, R4));
    }
}

/* if (!match(ctx)) goto pass;
 * struct leat_xdp_received received = { 0 };
 * ask and put, as above;
 * redirect to the queue's socket;
 * pass: return XDP_PASS; */
static int emit_alone(struct code *code, const int32_t ids[KINDS], uint32_t metadata, int sockets,
                      const char *match) {
    uint32_t to_pass[2];
    emit(code, mov_reg(R6, R1));
    int unwanted = match ? leat_emit_match(code, LEAT_MATCH_XDP, match) : 0;
    if (unwanted < 0)
        return unwanted;
    for (int16_t at = HASH_KIND; at < 0; at += 8)
        emit(code, store_imm(BPF_DW, R10, at, 0));
    emit(code, mov(R9, 0));
    for (size_t i = 0; i < KINDS; i++)
        if (metadata & kinds[i].bit)
            emit_ask(code, &kinds[i], ids[i]);
    emit(code, store(BPF_W, R10, FIELD(valid), R9));
    emit_put(code, to_pass);
    leat_emit_redirect(code, sockets);
    if (match)
        land(code, (uint32_t)unwanted);
    land(code, to_pass[0]);
    land(code, to_pass[1]);
    emit(code, mov(R0, XDP_PASS));
    emit(code, leave());
    return 0;
}

int leat_alone_load(const char *name, uint32_t ifindex, uint32_t metadata, int sockets,
                    const char *match) {
    int32_t ids[KINDS];
    int err = find_functions(name, metadata, ids);
    if (err < 0)
        return err;
    struct code code = leat_code_new(name);
    if (!code.insns)
        return -ENOMEM;
    err = emit_alone(&code, ids, metadata, sockets, match);
    err = err < 0 ? leat_fail_in(err, name)
                  : leat_program_load(name, LEAT_ALONE_NAME, &code, ifindex);
    free(code.insns);
    return err;
}
