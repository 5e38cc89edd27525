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
#define MOD_IMM(to, value)           INSN(BPF_ALU64 | BPF_MOD | BPF_K, to, 0, 0, value)
#define SHIFT_RIGHT(to, value)       INSN(BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, value)
#define ADD(to, from)                INSN(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define AND_IMM(to, value)           INSN(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value)
#define OR_IMM(to, value)            INSN(BPF_ALU64 | BPF_OR | BPF_K, to, 0, 0, value)
#define SWAP32(to)                   INSN(BPF_ALU | BPF_END | BPF_TO_BE, to, 0, 0, 32)
#define LOAD(size, to, from, at)     INSN(BPF_LDX | BPF_MEM | (size), to, from, at, 0)
#define STORE(size, to, at, from)    INSN(BPF_STX | BPF_MEM | (size), to, from, at, 0)
#define JUMP_ABOVE(left, right, far) INSN(BPF_JMP | BPF_JGT | BPF_X, left, right, far, 0)
#define CALL(helper)                 INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT()                       INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8 };

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

#define SOURCE_ADDRESS 26         /* behind Ethernet */
#define NETWORK        0x0a000000 /* 10.0.0.0/8 */

int xdp_program_flows(uint32_t ifindex, uint32_t flows, uint32_t fresh_shift) {
    const struct bpf_insn now = CALL(BPF_FUNC_ktime_get_ns), always = MOV_IMM(R0, 0);
    const struct bpf_insn insns[] = {
        MOV(R6, R1),
        fresh_shift ? now : always,
        MOV(R8, R0),
        SHIFT_RIGHT(R8, (int32_t)fresh_shift),
        CALL(BPF_FUNC_get_prandom_u32),
        MOD_IMM(R0, (int32_t)flows),
        ADD(R8, R0),
        AND_IMM(R8, 0xffffff),
        OR_IMM(R8, NETWORK),
        SWAP32(R8),
        LOAD(BPF_W, R2, R6, 0), /* data */
        LOAD(BPF_W, R3, R6, 4), /* data_end */
        MOV_IMM(R0, XDP_DROP),
        MOV(R4, R2),
        ADD_IMM(R4, SOURCE_ADDRESS + 4),
        JUMP_ABOVE(R4, R3, 4),
        STORE(BPF_W, R2, SOURCE_ADDRESS, R8),
        MOV_IMM(R1, (int32_t)ifindex),
        MOV_IMM(R2, 0),
        CALL(BPF_FUNC_redirect),
        EXIT(),
    };
    return LOAD_PROGRAM("bench_flows", insns);
}
