/* SPDX-License-Identifier: BSD-2-Clause */
/* Which classic BPF can be translated: what stays within itself and reads nothing but the frame. */
#include "lib/core/error.h"
#include "match.h"
#include <errno.h>

static bool is_instruction(uint16_t code) {
    uint8_t operation = BPF_OP(code);
    switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_B | BPF_MSH:
    case BPF_LDX | BPF_IMM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_ALU | BPF_NEG:
    case BPF_JMP | BPF_JA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
        return true;
    }
    if (code == (BPF_ALU | operation | BPF_SRC(code)))
        return operation <= BPF_XOR && operation != BPF_NEG;
    return code == (BPF_JMP | operation | BPF_SRC(code)) && operation >= BPF_JEQ &&
           operation <= BPF_JSET;
}

static bool reads_frame(const struct sock_filter *insn) {
    uint8_t class = BPF_CLASS(insn->code), mode = BPF_MODE(insn->code);
    return (class == BPF_LD || class == BPF_LDX) &&
           (mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH);
}

static bool uses_scratch(const struct sock_filter *insn) {
    uint8_t class = BPF_CLASS(insn->code);
    return class == BPF_ST || class == BPF_STX ||
           ((class == BPF_LD || class == BPF_LDX) && BPF_MODE(insn->code) == BPF_MEM);
}

static bool divides_by_zero(const struct sock_filter *insn) {
    return insn->k == 0 &&
           (insn->code == (BPF_ALU | BPF_DIV | BPF_K) || insn->code == (BPF_ALU | BPF_MOD | BPF_K));
}

/* `left` is how many instructions follow. */
static int check_jump(const struct sock_filter *insn, uint32_t left) {
    if (insn->code == (BPF_JMP | BPF_JA) && insn->k >= left)
        return leat_fail(
            (int32_t)insn->k < 0 ? ENOTSUP : EINVAL,
            "the filter jumps %s; programs of the kernel cannot follow a chain of headers of "
            "any length (protochain)",
            (int32_t)insn->k < 0 ? "back" : "out of itself");
    if (insn->code != (BPF_JMP | BPF_JA) && (insn->jt >= left || insn->jf >= left))
        return leat_fail(EINVAL, "the filter jumps out of itself");
    return 0;
}

static int check(const struct sock_filter *insn, uint32_t left) {
    if (!is_instruction(insn->code))
        return leat_fail(EINVAL, "the filter has an unknown instruction, 0x%x", insn->code);
    if (reads_frame(insn) && insn->k >= (uint32_t)SKF_LL_OFF)
        return leat_fail(ENOTSUP, "the filter asks for what only the kernel's stack knows of a "
                                  "frame, as its direction or interface");
    if (uses_scratch(insn) && insn->k >= BPF_MEMWORDS)
        return leat_fail(EINVAL, "the filter uses scratch word %u of %u", insn->k, BPF_MEMWORDS);
    if (divides_by_zero(insn))
        return leat_fail(EINVAL, "the filter divides by 0");
    return BPF_CLASS(insn->code) == BPF_JMP ? check_jump(insn, left) : 0;
}

int leat_match_check(const struct sock_filter *filter, uint32_t count, uint32_t *scratch_used) {
    *scratch_used = 0;
    if (count == 0 || BPF_CLASS(filter[count - 1].code) != BPF_RET)
        return leat_fail(EINVAL, "the filter does not end by returning something");
    for (uint32_t i = 0; i < count; i++) {
        int err = check(&filter[i], count - i - 1);
        if (err < 0)
            return err;
        if (uses_scratch(&filter[i]))
            *scratch_used |= 1U << filter[i].k;
    }
    return 0;
}
