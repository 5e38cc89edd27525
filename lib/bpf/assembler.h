/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eBPF instructions by name, and a piece of code that grows by them (RFC 9669). A jump forward is
 * emitted first and lands later:
 *
 *   uint32_t unwanted = emit(code, jump_if(BPF_JEQ, R0, 0));
 *   ...
 *   land(code, unwanted);
 */
#ifndef LEAT_BPF_ASSEMBLER_H
#define LEAT_BPF_ASSEMBLER_H

#include <linux/bpf.h>
#include <stdint.h>

enum {
    R0 = BPF_REG_0, /* a call's result, and the program's */
    R1 = BPF_REG_1, /* R1 to R5: a call's arguments, lost by it */
    R2 = BPF_REG_2,
    R3 = BPF_REG_3,
    R4 = BPF_REG_4,
    R5 = BPF_REG_5,
    R6 = BPF_REG_6, /* R6 to R9: kept over calls */
    R7 = BPF_REG_7,
    R8 = BPF_REG_8,
    R9 = BPF_REG_9,
    R10 = BPF_REG_10, /* the end of the stack */
};

struct code {
    struct bpf_insn *insns;
    uint32_t count; /* more than `room` when it did not fit */
    uint32_t room;
};

/* Returns the instruction's place, for land(). */
static inline uint32_t emit(struct code *code, struct bpf_insn insn) {
    if (code->count < code->room)
        code->insns[code->count] = insn;
    return code->count++;
}

/* The jump emitted at `jump` goes to what is emitted next. */
static inline void land(struct code *code, uint32_t jump) {
    if (jump < code->room)
        code->insns[jump].off = (int16_t)(code->count - jump - 1);
}

/* 64 bits wide. `operation` is BPF_ADD, BPF_AND, ... */
static inline struct bpf_insn alu(uint8_t operation, uint8_t dst, int32_t imm) {
    return (struct bpf_insn){ BPF_ALU64 | BPF_K | operation, dst, 0, 0, imm };
}

static inline struct bpf_insn alu_reg(uint8_t operation, uint8_t dst, uint8_t src) {
    return (struct bpf_insn){ BPF_ALU64 | BPF_X | operation, dst, src, 0, 0 };
}

/* 32 bits wide, the upper half of the result is zero. */
static inline struct bpf_insn alu32(uint8_t operation, uint8_t dst, uint32_t imm) {
    return (struct bpf_insn){ BPF_ALU | BPF_K | operation, dst, 0, 0, (int32_t)imm };
}

static inline struct bpf_insn alu32_reg(uint8_t operation, uint8_t dst, uint8_t src) {
    return (struct bpf_insn){ BPF_ALU | BPF_X | operation, dst, src, 0, 0 };
}

static inline struct bpf_insn mov(uint8_t dst, uint32_t imm) {
    return alu32(BPF_MOV, dst, imm);
}

static inline struct bpf_insn mov_reg(uint8_t dst, uint8_t src) {
    return alu_reg(BPF_MOV, dst, src);
}

/* `size` is BPF_B, BPF_H, BPF_W or BPF_DW. */
static inline struct bpf_insn load(uint8_t size, uint8_t dst, uint8_t base, int16_t offset) {
    return (struct bpf_insn){ BPF_LDX | BPF_MEM | size, dst, base, offset, 0 };
}

static inline struct bpf_insn store(uint8_t size, uint8_t base, int16_t offset, uint8_t src) {
    return (struct bpf_insn){ BPF_STX | BPF_MEM | size, base, src, offset, 0 };
}

static inline struct bpf_insn store_imm(uint8_t size, uint8_t base, int16_t offset, int32_t imm) {
    return (struct bpf_insn){ BPF_ST | BPF_MEM | size, base, 0, offset, imm };
}

/* From network order. */
static inline struct bpf_insn from_be(uint8_t dst, int32_t bits) {
    return (struct bpf_insn){ BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits };
}

/* `condition` is BPF_JEQ, BPF_JNE, BPF_JSET, ... */
static inline struct bpf_insn jump_if(uint8_t condition, uint8_t dst, int32_t imm) {
    return (struct bpf_insn){ BPF_JMP | BPF_K | condition, dst, 0, 0, imm };
}

static inline struct bpf_insn jump_if_reg(uint8_t condition, uint8_t dst, uint8_t src) {
    return (struct bpf_insn){ BPF_JMP | BPF_X | condition, dst, src, 0, 0 };
}

static inline struct bpf_insn jump(void) {
    return (struct bpf_insn){ BPF_JMP | BPF_JA, 0, 0, 0, 0 };
}

static inline struct bpf_insn call(int32_t helper) {
    return (struct bpf_insn){ BPF_JMP | BPF_CALL, 0, 0, 0, helper };
}

/* A function of the kernel's that is no helper, by the number of its type. */
static inline struct bpf_insn call_kernel(int32_t type) {
    return (struct bpf_insn){ BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, type };
}

static inline struct bpf_insn leave(void) {
    return (struct bpf_insn){ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 };
}

/* A map's address, from its descriptor: two instructions' room (BPF_IMM is 0). */
static inline void emit_map(struct code *code, uint8_t dst, int fd) {
    emit(code, (struct bpf_insn){ BPF_LD | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, fd });
    emit(code, (struct bpf_insn){ 0 });
}

#endif
