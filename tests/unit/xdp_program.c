/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_program.h"
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define METADATA_BYTES 24

#define INSN(code_, dst, src, off_, imm_)                                                 \
    (struct bpf_insn) {                                                                   \
        .code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_) \
    }
#define MOVE(dst, src)            INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, value)           INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define ADD(dst, value)           INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value)
#define LOAD(dst, src, off)       INSN(BPF_LDX | BPF_MEM | BPF_W, dst, src, off, 0)
#define STORE(dst, off, value)    INSN(BPF_ST | BPF_MEM | BPF_W, dst, 0, off, value)
#define CALL(helper)              INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define JUMP(op, dst, src, count) INSN(BPF_JMP | (op) | BPF_X, dst, src, count, 0)
#define EXIT                      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int bpf(int command, union bpf_attr *attr) {
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Puts the metadata before the frame; where there is no room for it the frame goes without. */
static uint32_t write_metadata(struct bpf_insn *at, const uint8_t *metadata) {
    struct bpf_insn *start = at;
    int32_t word;
    *at++ = MOVE(BPF_REG_1, BPF_REG_6);
    *at++ = SET(BPF_REG_2, -METADATA_BYTES);
    *at++ = CALL(BPF_FUNC_xdp_adjust_meta);
    *at++ = LOAD(BPF_REG_2, BPF_REG_6, (int16_t)offsetof(struct xdp_md, data_meta));
    *at++ = LOAD(BPF_REG_3, BPF_REG_6, (int16_t)offsetof(struct xdp_md, data));
    *at++ = MOVE(BPF_REG_4, BPF_REG_2);
    *at++ = ADD(BPF_REG_4, METADATA_BYTES);
    *at++ = JUMP(BPF_JGT, BPF_REG_4, BPF_REG_3, METADATA_BYTES / 4);
    for (int16_t i = 0; i < METADATA_BYTES; i += 4) {
        memcpy(&word, metadata + i, 4);
        *at++ = STORE(BPF_REG_2, i, word);
    }
    return (uint32_t)(at - start);
}

static int load(const struct xdp_program *program, const struct xdp_program_opts *opts) {
    struct bpf_insn insns[64], *at = insns;
    *at++ = MOVE(BPF_REG_6, BPF_REG_1);
    if (opts->metadata)
        at += write_metadata(at, opts->metadata);
    *at++ = LOAD(BPF_REG_2, BPF_REG_6, (int16_t)offsetof(struct xdp_md, rx_queue_index));
    *at++ = INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, program->map);
    *at++ = INSN(0, 0, 0, 0, 0);
    *at++ = SET(BPF_REG_3, XDP_PASS);
    *at++ = CALL(BPF_FUNC_redirect_map);
    *at++ = EXIT;
    union bpf_attr attr = {
        .prog_type = BPF_PROG_TYPE_XDP,
        .insn_cnt = (uint32_t)(at - insns),
        .insns = (uint64_t)(uintptr_t)insns,
        .license = (uint64_t)(uintptr_t) "BSD",
        .expected_attach_type = BPF_XDP,
        .prog_flags = opts->segments ? BPF_F_XDP_HAS_FRAGS : 0,
    };
    return bpf(BPF_PROG_LOAD, &attr);
}

int xdp_program_attach(struct xdp_program *program, const struct xdp_program_opts *opts) {
    union bpf_attr map = {
        .map_type = BPF_MAP_TYPE_XSKMAP,
        .key_size = 4,
        .value_size = 4,
        .max_entries = 16,
    };
    *program = (struct xdp_program){ bpf(BPF_MAP_CREATE, &map), -1, -1 };
    program->program = program->map < 0 ? -1 : load(program, opts);
    union bpf_attr link = {
        .link_create.prog_fd = (uint32_t)program->program,
        .link_create.target_ifindex = opts->ifindex,
        .link_create.attach_type = BPF_XDP,
        .link_create.flags = opts->generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE,
    };
    program->link = program->program < 0 ? -1 : bpf(BPF_LINK_CREATE, &link);
    return program->link < 0 ? -1 : 0;
}

int xdp_program_set_socket(struct xdp_program *program, uint32_t queue, int socket) {
    union bpf_attr attr = {
        .map_fd = (uint32_t)program->map,
        .key = (uint64_t)(uintptr_t)&queue,
        .value = (uint64_t)(uintptr_t)&socket,
    };
    return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

void xdp_program_detach(struct xdp_program *program) {
    const int fds[] = { program->link, program->program, program->map };
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *program = (struct xdp_program){ -1, -1, -1 };
}
