/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_programs.h"
#include <bpf/bpf.h>
#include <linux/bpf.h>

/* Instructions by their names in Documentation/bpf/standardization/instruction-set.rst. */
#define INSN(op, to, from, displacement, value) \
    { .code = (op), .dst_reg = (to), .src_reg = (from), .off = (displacement), .imm = (value) }
#define MOV_IMM(to, value)           INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define MOV(to, from)                INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD_IMM(to, value)           INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define LOAD(size, to, from, at)     INSN(BPF_LDX | BPF_MEM | (size), to, from, at, 0)
#define STORE(size, to, at, from)    INSN(BPF_STX | BPF_MEM | (size), to, from, at, 0)
#define JUMP_ABOVE(left, right, far) INSN(BPF_JMP | BPF_JGT | BPF_X, left, right, far, 0)
#define CALL(helper)                 INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT()                       INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

enum { R0, R1, R2, R3, R4, R5, R6, R7 };

#define LOAD_PROGRAM(name, insns) \
    bpf_prog_load(BPF_PROG_TYPE_XDP, name, "BSD", insns, sizeof(insns) / sizeof((insns)[0]), NULL)

int xdp_program_drop(void) {
    const struct bpf_insn insns[] = { MOV_IMM(R0, XDP_DROP), EXIT() };
    return LOAD_PROGRAM("bench_drop", insns);
}

int xdp_program_return(void) {
    const struct bpf_insn insns[] = {
        LOAD(BPF_W, R2, R1, 0), /* data */
        LOAD(BPF_W, R3, R1, 4), /* data_end */
        MOV_IMM(R0, XDP_DROP),
        MOV(R4, R2),
        ADD_IMM(R4, 12),
        JUMP_ABOVE(R4, R3, 9),
        LOAD(BPF_W, R4, R2, 0), /* destination: 4 and 2 bytes */
        LOAD(BPF_H, R5, R2, 4),
        LOAD(BPF_W, R6, R2, 6), /* source */
        LOAD(BPF_H, R7, R2, 10),
        STORE(BPF_W, R2, 0, R6),
        STORE(BPF_H, R2, 4, R7),
        STORE(BPF_W, R2, 6, R4),
        STORE(BPF_H, R2, 10, R5),
        MOV_IMM(R0, XDP_TX),
        EXIT(),
    };
    return LOAD_PROGRAM("bench_return", insns);
}

int xdp_program_redirect(uint32_t ifindex) {
    const struct bpf_insn insns[] = {
        MOV_IMM(R1, (int32_t)ifindex),
        MOV_IMM(R2, 0),
        CALL(BPF_FUNC_redirect),
        EXIT(),
    };
    return LOAD_PROGRAM("bench_redirect", insns);
}
